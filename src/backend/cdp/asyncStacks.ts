import type { DebugThread } from './thread.ts'

/** Awaits, timers and callbacks that a stack reaches back over. The same as the peer's. */
const usualDepth = 32

/** So long after it was let run a program that does not stop again pays for them; see `AsyncStacks`. */
const keptMs = 10_000

/**
 * Stacks that reach back over `await`, timers and callbacks. V8 can only have them by noting the stack of each promise
 * and timer as it is made, which makes code with awaits up to a hundred times slower (notes/js-debug.md), so by default
 * that is off in a program that is only attached to. It is switched on by the first stop that is shown, and off again
 * when the program has run for 10 s without another: whoever steps has them, whoever waits pays nothing.
 */
export class AsyncStacks {
  readonly #mode: 'always' | 'never' | 'stops'
  readonly #depth: number
  readonly #threads: () => Iterable<DebugThread>
  readonly #on = new WeakSet<DebugThread>()
  #timer: NodeJS.Timeout | undefined

  /** `setting` is the option `asyncStacks`: true or a depth is from the attach on, false is never. */
  constructor(setting: unknown, threads: () => Iterable<DebugThread>) {
    this.#mode = setting === false ? 'never' : setting === undefined ? 'stops' : 'always'
    this.#depth = typeof setting === 'number' ? setting : usualDepth
    this.#threads = threads
  }

  added(thread: DebugThread): void {
    if (this.#mode === 'always') this.#set(thread, true)
  }

  stopped(): void {
    if (this.#mode !== 'stops') return
    clearTimeout(this.#timer)
    for (const thread of this.#threads()) this.#set(thread, true)
  }

  resumed(): void {
    if (this.#mode !== 'stops') return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      const threads = [...this.#threads()]
      if (threads.some(({ isShown }) => isShown)) return
      for (const thread of threads) this.#set(thread, false)
    }, keptMs)
    this.#timer.unref()
  }

  end(): void {
    clearTimeout(this.#timer)
    for (const thread of this.#threads()) this.#set(thread, false)
  }

  #set(thread: DebugThread, on: boolean): void {
    if (this.#on.has(thread) === on) return
    if (on) this.#on.add(thread)
    else this.#on.delete(thread)
    thread.cdp.send('Debugger.setAsyncCallStackDepth', { maxDepth: on ? this.#depth : 0 })
  }
}
