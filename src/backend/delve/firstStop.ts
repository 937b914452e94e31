import type { Log } from '../../lib/log.ts'

/** What is done once, at the first stop that is one for the user: his next resume waits for it; reads do not. */
export class FirstStop {
  readonly #log: Log
  #work: (() => Promise<void>) | undefined
  #gate: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** While it is being done. */
  get gate(): Promise<void> | undefined {
    return this.#gate
  }

  plan(work: () => Promise<void>): void {
    this.#work = work
  }

  begin(): void {
    const work = this.#work
    if (work === undefined) return
    this.#work = undefined
    const gate = work()
      .catch((error: unknown) => this.#log.info({ err: error }, 'not done at the first stop'))
      .then(() => {
        if (this.#gate === gate) this.#gate = undefined
      })
    this.#gate = gate
  }
}
