import type { Capabilities } from '../../dap/call.ts'
import type { Command } from '../../dap/protocol.ts'
import { exceptionBreakpointFilters } from './breakpoints/breakpoints.ts'

/** What is no request of its own. */
export function featuresOf(readOnly: boolean): Capabilities {
  return {
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsEvaluateForHovers: true,
    supportsDelayedStackTraceLoading: true,
    supportsClipboardContext: true,
    supportsANSIStyling: true,
    // The condition of a filter would run in the program.
    supportsExceptionFilterOptions: !readOnly,
    exceptionBreakpointFilters,
  }
}

export const usualCommands: readonly Command[] = [
  'configurationDone',
  'disconnect',
  'setBreakpoints',
  'setFunctionBreakpoints',
  'setExceptionBreakpoints',
  'breakpointLocations',
  'threads',
  'stackTrace',
  'scopes',
  'variables',
  'source',
  'loadedSources',
  'modules',
  'evaluate',
  'setVariable',
  'setExpression',
  'exceptionInfo',
  'completions',
  'readMemory',
  'writeMemory',
  'continue',
  'pause',
  'next',
  'stepIn',
  'stepOut',
  'stepInTargets',
  'restartFrame',
]
