import { budget, type AnyCall, type AnyEvent } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import { abortable } from '../lib/abort.ts'
import { PauseLimit, timedOut, type OnPause } from './pauseLimit.ts'
import type { Next, Policy, PolicyContext } from './policy.ts'
import { SessionClock, type Times } from './sessionClock.ts'
import type { PolicySettings, TimeSettings } from './settings.ts'

export type { Times } from './sessionClock.ts'

export interface Deadline extends Policy {
  readonly request: (call: AnyCall, next: Next) => Promise<unknown>
  readonly event: (event: AnyEvent) => AnyEvent
  /**
   * Session and idle time run from here; before it only single calls have a limit. Whoever looks at a record (a core
   * file) holds no program: it has no longest pause.
   */
  start(program?: { readonly isRecord: boolean }): void
  times(): Times
  /** Takes what is shorter from `time`. */
  tighten(time: TimeSettings): void
  [Symbol.asyncDispose](): Promise<void>
}

/** These may run code of the program for as long as it likes. */
const evaluating: ReadonlySet<Command> = new Set([
  'evaluate',
  'setVariable',
  'setExpression',
  'completions',
  'exceptionInfo',
])

/** One time budget for each call, the longest pause, and the ends of the session. */
export function deadline(context: PolicyContext, settings: PolicySettings, onPause: OnPause = () => {}): Deadline {
  let time = settings.time
  const pause = new PauseLimit(context, time, onPause)
  const clock = new SessionClock(context, time)
  let holds = true

  return {
    name: 'deadline',
    async request(call, next) {
      clock.asked()
      const moment = pause.holds.moment
      const body = await withinTime(call, next, time)
      pause.holds.answered(call, body, moment)
      return body
    },
    event(event) {
      if (event.event === 'stopped') {
        if (holds) pause.holds.stopped(event.body)
      } else if (event.event === 'continued') {
        const { threadId, allThreadsContinued } = event.body
        pause.holds.released('continued', allThreadsContinued === false ? threadId : undefined)
      } else if (event.event === 'exited' || event.event === 'terminated') pause.holds.released(event.event)
      return event
    },
    start(program) {
      holds = program?.isRecord !== true
      clock.start()
    },
    times() {
      const sinceMs = pause.holds.sinceMs
      if (sinceMs === undefined) return clock.times()
      return { ...clock.times(), pausedSince: Math.round(Date.now() - (performance.now() - sinceMs)) }
    },
    tighten(tighter) {
      time = tightest(time, tighter)
      clock.tighten(time)
      pause.tighten(time)
    },
    async [Symbol.asyncDispose]() {
      pause.release()
      clock.release()
    },
  }
}

/** The answer, or the time-out; an answer after that is dropped. */
async function withinTime(call: AnyCall, next: Next, time: TimeSettings): Promise<unknown> {
  const limitMs = Math.min(limitOf(call.command, time), call.remainingMs())
  const limit = budget(call.signal, limitMs, () =>
    timedOut(call.command, limitMs, stageOf(call.command), adviceFor(call.command)),
  )
  try {
    const inTime = { ...call, signal: limit.signal, remainingMs: () => limit.remainingMs() } as AnyCall
    return await abortable(next(inTime), limit.signal)
  } finally {
    limit.release()
  }
}

function limitOf(command: Command, time: TimeSettings): number {
  if (command === 'attach') return time.connectMs
  return evaluating.has(command) ? Math.min(time.evaluateMs, time.requestMs) : time.requestMs
}

function stageOf(command: Command): string {
  if (command === 'attach') return 'while reaching the program'
  return evaluating.has(command) ? 'while the debugger read or computed values' : 'while waiting for the debugger'
}

function adviceFor(command: Command): string {
  if (evaluating.has(command)) return 'Ask for less of it.'
  return 'The program goes on as it was; try again, or see whether its machine answers.'
}

function tightest(now: TimeSettings, then: TimeSettings): TimeSettings {
  return {
    connectMs: Math.min(now.connectMs, then.connectMs),
    requestMs: Math.min(now.requestMs, then.requestMs),
    evaluateMs: Math.min(now.evaluateMs, then.evaluateMs),
    pauseMaxMs: Math.min(now.pauseMaxMs, then.pauseMaxMs),
    idleMs: Math.min(now.idleMs, then.idleMs),
    sessionMs: Math.min(now.sessionMs, then.sessionMs),
    warnMs: then.warnMs,
  }
}
