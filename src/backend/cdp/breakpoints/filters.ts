import type { DebugProtocol } from '@vscode/debugprotocol'

/** What `setExceptionBreakpoints` takes. `initialize` declares it, so that it is known before anything is attached. */
export const exceptionBreakpointFilters: DebugProtocol.ExceptionBreakpointsFilter[] = [
  {
    filter: 'all',
    label: 'Caught Exceptions',
    description: 'Stops wherever something is thrown, also if it is caught.',
    default: false,
    supportsCondition: true,
    conditionDescription: "error.name === 'TypeError'",
  },
  {
    filter: 'uncaught',
    label: 'Uncaught Exceptions',
    description: 'Stops where something is thrown that nothing catches, as far as V8 can predict it.',
    default: false,
    supportsCondition: true,
    conditionDescription: "error.name === 'TypeError'",
  },
]
