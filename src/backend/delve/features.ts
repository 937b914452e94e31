import type { Capabilities } from '../../dap/call.ts'
import type { Command } from '../../dap/protocol.ts'

/** Both are on in `dlv dap`. Delve stops at these, once nothing can be recovered any more. */
export const exceptionBreakpointFilters: NonNullable<Capabilities['exceptionBreakpointFilters']> = [
  {
    filter: 'unrecovered-panic',
    label: 'Unrecovered panics',
    description: 'Stops when a panic that nothing recovers is about to end the program',
    default: true,
  },
  {
    filter: 'runtime-fatal-throw',
    label: 'Fatal errors of the runtime',
    description: 'Stops at what no program recovers from: a deadlock, a map that is written to concurrently',
    default: true,
  },
]

/** What is no request of its own. */
export function featuresOf(): Capabilities {
  return {
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsEvaluateForHovers: true,
    supportsDelayedStackTraceLoading: true,
    supportsSteppingGranularity: true,
    supportsClipboardContext: true,
    exceptionBreakpointFilters,
  }
}

/** Of a program that was there before Delve. Recordings can run backwards; what Delve has started can be restarted. */
export const usualCommands: readonly Command[] = [
  'configurationDone',
  'disconnect',
  'setBreakpoints',
  'setFunctionBreakpoints',
  'setInstructionBreakpoints',
  'dataBreakpointInfo',
  'setDataBreakpoints',
  'setExceptionBreakpoints',
  'breakpointLocations',
  'threads',
  'stackTrace',
  'scopes',
  'variables',
  'source',
  'loadedSources',
  'evaluate',
  'setVariable',
  'setExpression',
  'exceptionInfo',
  'completions',
  'readMemory',
  'writeMemory',
  'disassemble',
  'continue',
  'pause',
  'next',
  'stepIn',
  'stepOut',
]
