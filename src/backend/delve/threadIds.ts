/** LSP4J reads 32 bits with a sign (notes/clients.md); goroutines are counted on for as long as a server runs. */
const madeUpFrom = 2 ** 30
const keptMax = 65_536

/** What the program is at while no goroutine is selected: a thread of the runtime, or a program that has just begun. */
export const noGoroutine = 2 ** 31 - 1

/** DAP's thread ids are the ids of goroutines, as far as they fit. */
export class ThreadIds {
  readonly #threads = new Map<number, number>()
  readonly #goroutines = new Map<number, number>()
  #last = madeUpFrom

  toThread(goroutine: number): number {
    if (goroutine <= 0) return noGoroutine
    if (goroutine < madeUpFrom) return goroutine
    const known = this.#threads.get(goroutine)
    if (known !== undefined) return known
    if (++this.#last === noGoroutine) this.#last = madeUpFrom
    const thread = this.#last
    this.#threads.set(goroutine, thread)
    this.#goroutines.set(thread, goroutine)
    if (this.#threads.size > keptMax) {
      const [oldest, itsThread] = this.#threads.entries().next().value!
      this.#threads.delete(oldest)
      this.#goroutines.delete(itsThread)
    }
    return thread
  }

  /** -1, Delve's word for the selected one, for what is no goroutine. */
  toGoroutine(thread: number): number {
    if (thread === noGoroutine) return -1
    return this.#goroutines.get(thread) ?? (thread >= madeUpFrom ? -1 : thread)
  }
}
