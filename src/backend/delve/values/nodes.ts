import { dapError } from '../../../dap/errors.ts'
import type { Frame, Parts, Stop } from '../parts.ts'
import type { Variable } from '../wire.ts'
import type { Item } from './item.ts'

/** Where expressions are evaluated: a frame of a goroutine at a stop. */
export interface Place {
  readonly stop: Stop
  /** -1 for the selected one. */
  readonly goroutine: number
  readonly frame: number
}

/** What is behind a `variablesReference`. */
export type Part =
  | { readonly kind: 'value'; readonly item: Item }
  /** A long text, by parts; the expression gives bytes `from` up to `to`. */
  | { readonly kind: 'text'; readonly length: number; readonly expression: (from: number, to: number) => string }
  | { readonly kind: 'range'; readonly whole: Node; readonly start: number; readonly count: number }
  | { readonly kind: 'locals'; readonly frame: Frame }
  | { readonly kind: 'globals'; readonly package: string }
  | { readonly kind: 'registers'; readonly frame: Frame }
  /** What functions have returned, which is nowhere else. */
  | { readonly kind: 'results'; readonly variables: readonly Variable[] }

export interface Node {
  readonly place: Place
  part: Part
  /** Of the change of the program that it was read after. */
  epoch: number
  /** Its children that were shown, by name; undefined where two have the same. */
  readonly shown: Map<string, Shown | undefined>
}

/** What a client can name without another look at it. */
export type Shown = Omit<Item, 'variable'>

/** Children whose names are known. */
const shownMax = 25_000
/** Values that are kept as they were read, with all that is within them: of 0.4 kB each. */
const readMax = 50_000
/** References below the scopes: who pages through more than that at one stop has left the first behind. */
const nodesMax = 50_000
/** Of no change. */
const unread = -1

/** Values by DAP's `variablesReference`: those of the stop that the program is at. */
export class Nodes {
  readonly #parts: Parts
  /** The least recently used first. */
  readonly #nodes = new Map<number, Node>()
  readonly #scopes = new Map<number, Node>()
  /** What counts towards `readMax`, the oldest first. */
  readonly #read = new Map<Node, number>()
  #readCount = 0
  /** Those with children that were shown, the least recently shown first. */
  readonly #noted = new Set<Node>()
  #shownCount = 0
  #stop: Stop | undefined
  #epoch = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  add(place: Place, part: Part): number {
    if (place.stop !== this.#stop) {
      this.#clear()
      this.#stop = place.stop
      place.stop.onOver?.(() => {
        if (place.stop === this.#stop) this.#clear()
      })
    }
    const reference = this.#parts.nextId()
    const node: Node = { place, part, epoch: this.#epoch, shown: new Map() }
    if (part.kind === 'value' || part.kind === 'text' || part.kind === 'range') this.#keep(reference, node)
    else this.#scopes.set(reference, node)
    return reference
  }

  /** Rejects what is not known, or no longer. */
  get(reference: number): Node {
    const node = this.#scopes.get(reference) ?? this.#nodes.get(reference)
    if (node === undefined || node.place.stop.isOver) throw dapError('staleHandle', { kind: 'variable' })
    if (this.#nodes.delete(reference)) this.#nodes.set(reference, node)
    return node
  }

  /** The program was changed: what was read before is to be read again. */
  changed(stop: Stop): void {
    this.#epoch += 1
    stop.forget()
  }

  isFresh({ epoch }: Node): boolean {
    return epoch === this.#epoch
  }

  note(node: Node, items: Iterable<Item>): void {
    const before = node.shown.size
    for (const { name, expression, path, isFixed = false } of items) {
      const known = node.shown.get(name)
      const isOther = node.shown.has(name) && known?.expression !== expression
      node.shown.set(name, isOther ? undefined : { name, expression, path, isFixed })
    }
    this.#shownCount += node.shown.size - before
    this.#noted.delete(node)
    this.#noted.add(node)
    for (const oldest of this.#noted) {
      if (this.#shownCount <= shownMax) break
      this.#forgetShown(oldest, this.#shownCount - shownMax)
    }
  }

  #forgetShown(node: Node, count: number): void {
    let left = count
    for (const name of node.shown.keys()) {
      if (left-- <= 0) return
      node.shown.delete(name)
      this.#shownCount -= 1
    }
    this.#noted.delete(node)
  }

  #clear(): void {
    for (const kept of [this.#nodes, this.#scopes, this.#read, this.#noted]) kept.clear()
    this.#readCount = this.#shownCount = 0
  }

  #keep(reference: number, node: Node): void {
    this.#nodes.set(reference, node)
    const { part } = node
    if (part.kind === 'value' && part.item.expression !== undefined) {
      const count = countOf(part.item.variable)
      this.#read.set(node, count)
      this.#readCount += count
    }
    for (const [oldest, its] of this.#read) {
      if (this.#readCount <= readMax) break
      this.#readCount -= its
      this.#read.delete(oldest)
      this.#lighten(oldest)
    }
    for (const oldest of this.#nodes.keys()) {
      if (this.#nodes.size <= nodesMax) break
      this.#nodes.delete(oldest)
    }
  }

  /** It is read again if somebody asks for it again. */
  #lighten(node: Node): void {
    if (node.part.kind !== 'value') return
    const { item } = node.part
    node.part = { kind: 'value', item: { ...item, variable: { ...item.variable, children: null } } }
    node.epoch = unread
  }
}

function countOf({ children }: Variable): number {
  let count = 1
  for (const child of children ?? []) count += countOf(child)
  return count
}
