import { budget } from '../dap/call.ts'
import { dapError } from '../dap/errors.ts'
import type { Command } from '../dap/protocol.ts'
import { abortable } from '../lib/abort.ts'
import { Alarm } from '../lib/alarm.ts'
import { Holds } from './holds.ts'
import type { PolicyContext } from './policy.ts'
import { say } from './refusal.ts'
import type { TimeSettings } from './settings.ts'
import { spell } from './spell.ts'

/** Told when the program runs on after a pause: how long it was held, and the command or rule that ended it. */
export type OnPause = (heldMs: number, why: string) => void

export function timedOut(command: Command, limitMs: number, stage: string, advice: string): Error {
  return dapError('requestTimeout', { command, limitMs: Math.round(limitMs), stage, advice })
}

/**
 * Lets the program run on when it was held for `pauseMax`. That is the longest single hold: each stop, also one after
 * a step, begins a new one, and what bounds somebody who steps for ever is the length of the session.
 */
export class PauseLimit {
  readonly holds: Holds
  readonly #context: PolicyContext
  readonly #alarm = new Alarm(() => void this.#end())
  #time: TimeSettings
  #ending = false

  constructor(context: PolicyContext, time: TimeSettings, onPause: OnPause) {
    this.#context = context
    this.#time = time
    this.holds = new Holds(() => this.#arm(), onPause)
  }

  tighten(time: TimeSettings): void {
    this.#time = time
    this.#arm()
  }

  release(): void {
    this.holds.released('the session ended')
    this.#alarm.release()
  }

  #arm(): void {
    const { sinceMs } = this.holds
    this.#alarm.set(sinceMs === undefined || this.#ending ? Infinity : sinceMs + this.#time.pauseMaxMs)
  }

  async #end(): Promise<void> {
    this.#ending = true
    const longest = spell(this.#time.pauseMaxMs)
    try {
      for (const thread of this.holds.longerThan(this.#time.pauseMaxMs)) await this.#resume(thread)
      this.#ending = false
      this.#arm()
    } catch (error) {
      // It stays off: the end of the session detaches the debugger, which lets the program run.
      this.#context.log.warn({ err: error }, 'the program could not be resumed at pauseMax')
      const how = error instanceof Error ? error.message : String(error)
      this.#context.end(`the program was held for ${longest}, the longest pause, and could not be resumed: ${how}`)
    }
  }

  async #resume(thread: number): Promise<void> {
    const { pauseMaxMs, requestMs } = this.#time
    // Of several threads the first answer may have let go of all.
    if (!this.holds.longerThan(pauseMaxMs).includes(thread)) return
    const { signal, target } = this.#context
    const moment = this.holds.moment
    const late = (): Error => timedOut('continue', requestMs, 'resuming after the longest pause', '')
    const limit = budget(signal, requestMs, late)
    try {
      // A stop that named no thread held them all; every debugger has a thread 1.
      const body = await abortable(this.#context.call('continue', { threadId: thread || 1 }), limit.signal)
      const all = body?.allThreadsContinued !== false
      this.holds.released('pauseMax', all ? undefined : thread, moment)
      // A new stop may have reached the client already; after it, `continued` would be a lie.
      const stoppedAgain = this.holds.moment !== moment
      if (!stoppedAgain) this.#context.emit('continued', { threadId: thread || 1, allThreadsContinued: all })
      const sentence = `The program was held for ${spell(pauseMaxMs)}, the longest pause of target '${target}', and runs on.`
      say(this.#context, sentence)
    } finally {
      limit.release()
    }
  }
}
