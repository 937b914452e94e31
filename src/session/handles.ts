import { dapError } from '../dap/errors.ts'

export type HandleKind = 'frame' | 'value'

interface Entry {
  readonly kind: HandleKind
  readonly backendId: number
  /** The thread whose resume ends it; undefined for what outlives stops, such as values of `output` events. */
  readonly thread: number | undefined
}

/**
 * Ids of frames, scopes and values as the client sees them. The counter never restarts, so an id that was kept over a
 * resume is an error and never another value (debuggers do reuse theirs: debugpy answers `scopes` for dead frames).
 * LSP4J reads ids as 32-bit signed, so they stay below 2^31.
 */
export class Handles {
  readonly #entries = new Map<number, Entry>()
  readonly #ids = new Map<string, number>()
  #last = 0

  /** The client's id for the debugger's; the same one each time within a stop. */
  toClient(kind: HandleKind, backendId: number, thread: number | undefined): number {
    const key = `${kind}:${thread ?? ''}:${backendId}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    if (this.#last === 2 ** 31 - 1) throw new Error('the ids of this session are used up')
    const id = ++this.#last
    this.#entries.set(id, { kind, backendId, thread })
    this.#ids.set(key, id)
    return id
  }

  /** Throws `staleHandle` for an id that is not, or no longer, valid. */
  toBackend(kind: HandleKind, id: number): Entry {
    const entry = this.#entries.get(id)
    if (entry?.kind !== kind) throw dapError('staleHandle', { kind })
    return entry
  }

  /** The thread runs again (all threads if undefined): what was read from its stop is no longer valid. */
  resumed(thread: number | undefined): void {
    for (const [id, entry] of this.#entries) {
      if (entry.thread === undefined || (thread !== undefined && entry.thread !== thread)) continue
      this.#entries.delete(id)
      this.#ids.delete(`${entry.kind}:${entry.thread}:${entry.backendId}`)
    }
  }

  get size(): number {
    return this.#entries.size
  }
}
