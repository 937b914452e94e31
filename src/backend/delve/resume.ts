import { deferred, type Deferred } from '../../lib/deferred.ts'
import { Answers } from './stop.ts'
import type { DebuggerCommand, DebuggerState } from './wire.ts'

/** One resume, until it is answered: at the next stop. */
export interface Resume {
  /** What the user asked for; it is kept when a breakpoint is set in the midst of it. */
  readonly command: DebuggerCommand
  /** What was written ahead for its stop. */
  readonly answers: Answers
  /** Settles when it is answered. */
  readonly done: Deferred<void>
  pausing: boolean
  settled: boolean
  /** Told of the stop first; true if it is nobody else's. */
  intercept?: (state: DebuggerState) => boolean
}

export function resumeOf(command: DebuggerCommand): Resume {
  return { command, answers: new Answers(), done: deferred(), pausing: false, settled: false }
}
