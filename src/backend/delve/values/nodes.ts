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
  readonly part: Part
  /** Of the change of the program that it was read after. */
  readonly epoch: number
  /** Its children that were shown, by name; undefined where two have the same. */
  readonly shown: Map<string, Item | undefined>
}

/** Values by DAP's `variablesReference`: those of the stop that the program is at. */
export class Nodes {
  readonly #parts: Parts
  readonly #nodes = new Map<number, Node>()
  #stop: Stop | undefined
  #epoch = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  add(place: Place, part: Part): number {
    if (place.stop !== this.#stop) {
      this.#nodes.clear()
      this.#stop = place.stop
    }
    const reference = this.#parts.nextId()
    this.#nodes.set(reference, { place, part, epoch: this.#epoch, shown: new Map() })
    return reference
  }

  /** Rejects what is not known, or no longer. */
  get(reference: number): Node {
    const node = this.#nodes.get(reference)
    if (node === undefined || node.place.stop.isOver) throw dapError('staleHandle', { kind: 'variable' })
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
    for (const item of items) {
      const known = node.shown.get(item.name)
      const isOther = node.shown.has(item.name) && known?.expression !== item.expression
      node.shown.set(item.name, isOther ? undefined : item)
    }
  }
}
