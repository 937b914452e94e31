import { dapError } from '../../../dap/errors.ts'
import type { Frame, Parts, Thread } from '../parts.ts'
import type { Range, Row, Step } from './reader.ts'

/** Something that can be expanded: where it begins in the program, and the way from there. */
export interface Node {
  readonly thread: Thread
  /** V8's handle; `''` for a scope, which has its frame. */
  readonly base: string
  readonly steps: readonly Step[]
  readonly row: Row
  /** How the program's language names it, where it can. */
  readonly path?: string | undefined
  /** What of it: all, a range of its children, a text's parts, what a getter gives, or a scope's variables. */
  readonly part:
    | { readonly kind: 'all' }
    | { readonly kind: 'range'; readonly of: 'indexed' | 'named'; readonly range: Range; readonly whole: Node }
    | { readonly kind: 'text'; readonly length: number }
    | { readonly kind: 'getter' }
    | { readonly kind: 'scope'; readonly frame: Frame; readonly index: number }
}

/** Values that outlive their stop: of output, and of what was evaluated while the program ran. */
const keptMax = 1_000

/** Group of V8's handles that end with the stop, and of those that are released one by one. */
export const stopGroup = 'breakwater-stop'
export const keptGroup = 'breakwater-kept'

/** Values by DAP's `variablesReference`, until their thread runs on. */
export class Nodes {
  readonly #parts: Parts
  readonly #nodes = new Map<number, Node>()
  readonly #ofThread = new Map<Thread, Set<number>>()
  /** The number of values below it that are still known, by V8's handle. */
  readonly #kept = new Map<string, { readonly thread: Thread; readonly references: number[] }>()
  readonly #stopped = new Set<Thread>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  add(node: Node): number {
    const reference = this.#parts.nextId()
    this.#nodes.set(reference, node)
    const kept = this.#kept.get(node.base)
    if (kept !== undefined) kept.references.push(reference)
    else {
      const own = this.#ofThread.get(node.thread) ?? new Set()
      this.#ofThread.set(node.thread, own)
      own.add(reference)
    }
    return reference
  }

  /** Rejects what is not known, or no longer. */
  get(reference: number): Node {
    const node = this.#nodes.get(reference)
    if (node === undefined) throw dapError('staleHandle', { kind: 'variable' })
    return node
  }

  /** This handle stays, also when its thread runs on; the oldest goes. */
  keep(base: string, thread: Thread): void {
    if (this.#kept.has(base)) return
    this.#kept.set(base, { thread, references: [] })
    if (this.#kept.size <= keptMax) return
    const [oldest, { thread: its, references }] = this.#kept.entries().next().value!
    this.#kept.delete(oldest)
    for (const reference of references) this.#nodes.delete(reference)
    its.cdp.send('Runtime.releaseObject', { objectId: oldest })
  }

  /** Handles were made for this stop, which are to be released. */
  stopHas(thread: Thread): void {
    this.#stopped.add(thread)
  }

  resumed(thread: Thread): void {
    for (const reference of this.#ofThread.get(thread) ?? []) this.#nodes.delete(reference)
    this.#ofThread.delete(thread)
    if (this.#stopped.delete(thread)) thread.cdp.send('Runtime.releaseObjectGroup', { objectGroup: stopGroup })
  }
}
