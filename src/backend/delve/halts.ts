import type { Log } from '../../lib/log.ts'
import type { DelveConnection } from './connection.ts'
import type { Links, Resume } from './program.ts'
import { haltAgainMs, haltsMax } from './quirks.ts'

/** A halt that came too late for its resume can stop the next one, within this time. */
const strayMs = 2_000

/** Halts, said again until the resume that is meant is answered. */
export class Halts {
  readonly #links: Links
  readonly #log: Log
  #lastMs = -Infinity
  #pending = 0

  constructor(links: Links, log: Log) {
    this.#links = links
    this.#log = log
  }

  /** Whether a stop by nobody's wish may be from one of ours. */
  isStray(): boolean {
    return performance.now() - this.#lastMs < strayMs + this.#links.roundTripMs
  }

  /** A halt was asked for and its resume is not answered yet. */
  isPending(): boolean {
    return this.#pending > 0
  }

  /** Somebody else has halted it for us: the DAP session of `keepStepping`. */
  saidElsewhere(): void {
    this.#lastMs = performance.now()
  }

  halt(resume: Resume): void {
    this.#pending++
    this.#say(this.#links.control)
    const { fresh, roundTripMs } = this.#links
    let said = 1
    const timer = setInterval(
      () => {
        if (++said > haltsMax) {
          clearInterval(timer)
          this.#log.warn({ said }, 'Delve does not halt the program')
        } else if (fresh === undefined) {
          this.#say(this.#links.control)
        } else {
          void this.#sayOn(fresh, resume)
        }
      },
      haltAgainMs + 2 * roundTripMs,
    )
    void resume.done.promise.then(() => {
      clearInterval(timer)
      this.#pending--
    })
  }

  async #sayOn(fresh: () => Promise<DelveConnection>, resume: Resume): Promise<void> {
    try {
      const connection = await fresh()
      if (!resume.settled) this.#say(connection)
      await resume.done.promise
      await connection.close()
    } catch (error) {
      this.#log.info({ err: error }, 'no further connection for a halt')
    }
  }

  #say(connection: DelveConnection): void {
    this.#lastMs = performance.now()
    // Its answer tells nothing that the resume's own does not.
    connection.ask('Command', { name: 'halt' }, { limitMs: Infinity }).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'a halt was not answered')
    })
  }
}
