import { callMs } from './quirks.ts'
import type { DelveConnection } from './connection.ts'
import type { Log } from '../../lib/log.ts'
import type { ProgramStop } from './stop.ts'

/** A Delve that has just started runs its program within this time (--continue). */
const startsWithinMs = [400, 1_000, 2_000, 4_000] as const

/** An answer that is owed for so long may be one that waits for the next stop. */
const owedMs = 500

export interface ForeignParts {
  /** What Delve answers while the program runs. */
  readonly control: DelveConnection
  readonly log: Log
  /** It is the stop that there is, and nothing of ours runs. */
  isStill(stop: ProgramStop): boolean
  /** Somebody else has run it on from there. */
  ran(stop: ProgramStop): void
}

/**
 * Others can run the program on from a stop of ours: the --continue of a Delve that has just started, or another client.
 * Delve tells nobody, and what is asked of the stopped program is then answered at its next stop, which may never come.
 */
export class Foreign {
  readonly #own: ForeignParts

  constructor(own: ForeignParts) {
    this.#own = own
  }

  /** The program was held when we came. */
  found(stop: ProgramStop): void {
    for (const ms of startsWithinMs) setTimeout(() => this.#look(stop), ms).unref()
  }

  /** An answer about this stop. */
  async owed<T>(stop: ProgramStop, answer: Promise<T>): Promise<T> {
    const timer = setInterval(() => this.#look(stop), owedMs)
    try {
      return await answer
    } finally {
      clearInterval(timer)
    }
  }

  #look(stop: ProgramStop): void {
    const { control, log } = this.#own
    if (!this.#own.isStill(stop)) return
    control.ask('State', { NonBlocking: true }, { limitMs: callMs }).then(
      ({ State }) => {
        if (State.Running && this.#own.isStill(stop)) this.#own.ran(stop)
      },
      (error: unknown) => log.info({ err: error }, 'whether the program still stands could not be asked'),
    )
  }
}
