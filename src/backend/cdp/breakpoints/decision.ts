import type { Stop } from '../parts.ts'
import { thrownIn } from './thrown.ts'

/** What a pause is to the client. */
export type Decision =
  | {
      readonly kind: 'stop'
      /** `pause` where no breakpoint was hit: what else it was (a step, `debugger`, a request) the thread knows. */
      readonly reason: 'breakpoint' | 'function breakpoint' | 'exception' | 'pause'
      readonly hitBreakpointIds: number[]
      /** What was thrown, on one line. */
      readonly text?: string
      readonly description?: string
    }
  /** V8 stopped for something of ours that is no stop to the client; a step that was under way goes on. */
  | { readonly kind: 'resume' }

/** Of an exception's text. */
const textMax = 1_000

/** `hitBreakpointIds` are those of the filters that it was for. */
export function thrownDecision(stop: Stop, hitBreakpointIds: number[]): Decision {
  if (hitBreakpointIds.length === 0) return { kind: 'resume' }
  const { description, value, uncaught } = thrownIn(stop) ?? {}
  const text = (description ?? String(value)).split('\n')[0]!.slice(0, textMax)
  const how = uncaught === true ? 'Paused on an uncaught exception' : 'Paused on an exception'
  return { kind: 'stop', reason: 'exception', hitBreakpointIds, text, description: how }
}
