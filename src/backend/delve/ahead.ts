import type { DelveConnection } from './connection.ts'
import { aheadGoroutinesMax } from './quirks.ts'
import { argumentsRead, goroutinesRead, localsRead, selectedGoroutine, stackRead, type Read } from './reads.ts'
import type { Answers } from './stop.ts'
import type { Method, Out } from './wire.ts'

/** What an editor reads first at a stop, written behind the resume that leads to it. */
export class Ahead {
  readonly #main: DelveConnection
  /** As far as is known: whether their list can be written ahead. */
  #goroutines = 0

  constructor(main: DelveConnection) {
    this.#main = main
  }

  sawGoroutines(count: number): void {
    this.#goroutines = count
  }

  /** Delve serves them one after another as soon as the program has stopped. */
  write(answers: Answers): void {
    const ahead = <M extends Method>(read: Read<M>): Promise<Out<M>> => {
      const answer = this.#main.ask(...read, { limitMs: Infinity })
      answers.keep(read, answer)
      return answer
    }
    // First, since editors ask for the threads first: the rest is read while they are told.
    if (this.#goroutines <= aheadGoroutinesMax) {
      ahead(goroutinesRead(0, aheadGoroutinesMax)).then(
        ({ Nextg, Goroutines }) => this.sawGoroutines(Nextg > 0 ? Infinity : (Goroutines?.length ?? 0)),
        () => {},
      )
    }
    ahead(stackRead(selectedGoroutine)).catch(() => {})
    ahead(argumentsRead(selectedGoroutine, 0)).catch(() => {})
    ahead(localsRead(selectedGoroutine, 0)).catch(() => {})
  }
}
