import { DelveError } from './connection.ts'
import type { DebuggerCommand, DebuggerState } from './wire.ts'

/** Delve has taken out a watchpoint, whose function has returned: no thread stands at a breakpoint for that. */
export function endsWatch({ WatchOutOfScope }: DebuggerState): boolean {
  return WatchOutOfScope !== undefined && WatchOutOfScope !== null && WatchOutOfScope.length > 0
}

/** A function that was called has returned: Delve stops there. */
export function hasReturned({ currentThread, stopReason }: DebuggerState): boolean {
  return currentThread?.CallReturn === true || stopReason === 'call returned'
}

/** Stopped by a halt: at no breakpoint, and not because a step is over. */
export function isHalt(state: DebuggerState, { name }: DebuggerCommand): boolean {
  if (endsWatch(state)) return false
  // A step that Delve has given up with the halt could not go on: that is a stop.
  if (name !== 'continue' && !state.NextInProgress) return false
  if (state.stopReason !== undefined) return state.stopReason === 'manual'
  if (hasReturned(state)) return false
  return state.Threads?.every(({ breakPoint }) => breakPoint === undefined) === true
}

/** `Process 4711 has exited with status 2`, as the error of whatever was asked then. */
export function exitIn(message: string): number | undefined {
  const status = /^Process \d+ has exited with status (-?\d+)/.exec(message)?.[1]
  return status === undefined ? undefined : Number(status)
}

/** What Delve says of everything once the program is dead and it has not noticed, in the midst of other words too. */
export function isNoProcess(error: unknown): boolean {
  return error instanceof DelveError && /\bno such process\b/.test(error.message)
}
