import { Alarm } from '../lib/alarm.ts'
import type { PolicyContext } from './policy.ts'
import { say } from './refusal.ts'
import type { TimeSettings } from './settings.ts'
import { spell } from './spell.ts'

/** When the session will end, in ms since 1970; absent while it has no end. */
export interface Times {
  readonly endsAt?: number
  readonly idleEndsAt?: number
  /** Since when the program is held, if it is. */
  readonly pausedSince?: number
}

/** The two ends of a session: its longest time, and its longest time without a request of the client. */
export class SessionClock {
  readonly #context: PolicyContext
  readonly #session: End
  readonly #idle: End
  #started = false

  constructor(context: PolicyContext, time: TimeSettings) {
    this.#context = context
    this.#session = new End(
      time.sessionMs,
      time.warnMs,
      (left) => this.#warn(`This session ends in ${spell(left)}: the program then runs on without you.`),
      (limit) => context.end(`the session has lasted ${spell(limit)}, the limit of target '${context.target}'`),
    )
    this.#idle = new End(
      time.idleMs,
      time.warnMs,
      // Where the session ends first anyway, its own warning says so.
      (left) => {
        if (this.#idle.atMs < this.#session.atMs) {
          this.#warn(`This session ends in ${spell(left)} unless you do something.`)
        }
      },
      (limit) => context.end(`nothing was asked for ${spell(limit)}, the limit of target '${context.target}'`),
    )
  }

  start(): void {
    this.#started = true
    this.#session.begin()
    this.#idle.begin()
  }

  /** A request came: the idle time starts anew. */
  asked(): void {
    if (this.#started) this.#idle.begin()
  }

  tighten(time: TimeSettings): void {
    this.#session.tighten(time.sessionMs)
    this.#idle.tighten(time.idleMs)
  }

  times(): Times {
    const at = (end: End): number | undefined => {
      if (!this.#started || end.atMs === Infinity) return undefined
      return Math.round(Date.now() + end.atMs - performance.now())
    }
    const [endsAt, idleEndsAt] = [at(this.#session), at(this.#idle)]
    return { ...(endsAt === undefined ? {} : { endsAt }), ...(idleEndsAt === undefined ? {} : { idleEndsAt }) }
  }

  release(): void {
    this.#session.release()
    this.#idle.release()
  }

  #warn(sentence: string): void {
    say(this.#context, sentence)
  }
}

/** One end with its warnings: a row of moments, the alarm always set to the next one. */
class End {
  readonly #warnMs: readonly number[]
  readonly #onWarning: (leftMs: number) => void
  readonly #onEnd: (limitMs: number) => void
  readonly #alarm = new Alarm(() => this.#ring())
  #limitMs: number
  #begunMs = 0
  #begun = false
  #left: number[] = []

  constructor(
    limitMs: number,
    warnMs: readonly number[],
    onWarning: (leftMs: number) => void,
    onEnd: (limitMs: number) => void,
  ) {
    this.#limitMs = limitMs
    this.#warnMs = warnMs
    this.#onWarning = onWarning
    this.#onEnd = onEnd
  }

  get atMs(): number {
    return this.#begunMs + this.#limitMs
  }

  begin(): void {
    this.#begun = true
    this.#begunMs = performance.now()
    this.#plan()
  }

  tighten(limitMs: number): void {
    if (limitMs >= this.#limitMs) return
    this.#limitMs = limitMs
    if (this.#begun) this.#plan()
  }

  release(): void {
    this.#alarm.release()
  }

  /** A warning in the first half would only tell the limit; one that is past already is left out. */
  #plan(): void {
    const leftMs = this.atMs - performance.now()
    const given = this.#warnMs.filter((ms) => ms <= this.#limitMs / 2 && ms < leftMs)
    this.#left = given.toSorted((a, b) => b - a)
    this.#arm()
  }

  #arm(): void {
    this.#alarm.set(this.atMs - (this.#left[0] ?? 0))
  }

  #ring(): void {
    const warning = this.#left.shift()
    if (warning === undefined) return this.#onEnd(this.#limitMs)
    this.#onWarning(warning)
    this.#arm()
  }
}
