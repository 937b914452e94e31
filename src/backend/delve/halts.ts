import { sleep } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import type { DelveConnection } from './connection.ts'
import type { Links } from './program.ts'
import { haltAgainMs, haltsAtOnce, haltsMax } from './quirks.ts'
import type { Resume } from './resume.ts'

/** A halt that came too late for its resume can stop the next one, within this time. */
const strayMs = 2_000

/** One that is not answered for so long has been read, and waits for the lock as it does in Delve before 1.27.2. */
const underWayMs = 1_000

/** Halts, said again until the resume that is meant is answered. */
export class Halts {
  readonly #links: Links
  readonly #log: Log
  #lastMs = -Infinity
  /** When each was asked for whose resume is not answered yet. */
  readonly #pending = new Set<{ readonly sinceMs: number }>()
  /** Halts that Delve may not have read yet. */
  #underWay = 0

  constructor(links: Links, log: Log) {
    this.#links = links
    this.#log = log
  }

  /** Whether a stop by nobody's wish may be from one of ours. */
  isStray(): boolean {
    return performance.now() - this.#lastMs < strayMs + this.#links.roundTripMs
  }

  /** A halt was asked for and its resume is not answered yet, or one that was said may still stop the next. */
  isPending(): boolean {
    return this.#pending.size > 0 || this.#underWay > 0
  }

  get unheededSinceMs(): number | undefined {
    for (const { sinceMs } of this.#pending) return sinceMs
    return undefined
  }

  /** Somebody else has halted it for us: the DAP session of `keepStepping`. */
  saidElsewhere(): void {
    this.#lastMs = performance.now()
  }

  halt(resume: Resume): void {
    const pending = { sinceMs: performance.now() }
    this.#pending.add(pending)
    void this.#say(this.#links.control)
    const { fresh, roundTripMs } = this.#links
    let said = 1
    const again = (): void => {
      if (++said > haltsMax) return this.#log.warn({ said }, 'Delve does not halt the program')
      if (fresh === undefined) void this.#say(this.#links.control)
      else void this.#sayOn(fresh, resume)
      timer = setTimeout(again, wait())
    }
    // Slower and slower: on a busy machine all that are said at once can be too early.
    const wait = (): number => haltAgainMs * Math.max(1, said - haltsAtOnce) + 2 * roundTripMs
    let timer = setTimeout(again, wait())
    void resume.done.promise.then(() => {
      clearTimeout(timer)
      this.#pending.delete(pending)
    })
  }

  async #sayOn(fresh: () => Promise<DelveConnection>, resume: Resume): Promise<void> {
    try {
      const connection = await fresh()
      if (!resume.settled) await Promise.all([this.#say(connection), resume.done.promise])
      await connection.close()
    } catch (error) {
      this.#log.info({ err: error }, 'no further connection for a halt')
    }
  }

  /** Resolves when it can stop nothing any more. Its answer tells nothing that the resume's own does not. */
  async #say(connection: DelveConnection): Promise<void> {
    this.#lastMs = performance.now()
    const answered = new AbortController()
    this.#underWay++
    connection
      .ask('Command', { name: 'halt' }, { limitMs: Infinity })
      .catch((error: unknown) => this.#log.debug({ err: error }, 'a halt was not answered'))
      .finally(() => answered.abort())
    await sleep(underWayMs, answered.signal).catch(() => {})
    this.#underWay--
  }
}
