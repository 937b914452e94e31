/** setTimeout's own limit; past it it fires at once. */
const longestMs = 2 ** 31 - 1

/** One timer that can be set again and again, to a time of `performance.now()`; infinitely far means off. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #released = false

  constructor(ring: () => void) {
    this.#ring = ring
  }

  set(atMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#released || atMs === Infinity) return
    const inMs = atMs - performance.now()
    this.#timer =
      inMs > longestMs
        ? setTimeout(() => this.set(atMs), longestMs)
        : setTimeout(() => {
            // A timer may fire a millisecond early: what is asked then would find that it is not time yet.
            if (performance.now() < atMs) this.set(atMs)
            else this.#ring()
          }, inMs)
  }

  /** For good: nothing rings after this. */
  release(): void {
    this.#released = true
    clearTimeout(this.#timer)
  }
}
