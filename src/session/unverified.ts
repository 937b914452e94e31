import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall } from '../dap/call.ts'
import { DapError } from '../dap/errors.ts'

/**
 * Setting breakpoints never fails: dape stops for ever before `configurationDone`, dap-mode throws, VS Code shows the
 * breakpoint as if it were set (notes/clients.md, 10). Each entry comes back unverified, with the reason. A cancelled
 * request and a bug are told as they are.
 */
export function unverified(call: AnyCall, error: unknown): { breakpoints: DebugProtocol.Breakpoint[] } | undefined {
  if (!(error instanceof DapError) || error.code === 'cancelled' || error.code === 'sessionEnded') return undefined
  const all = (count: number): { breakpoints: DebugProtocol.Breakpoint[] } => ({
    breakpoints: Array.from({ length: count }, () => ({ verified: false, message: error.message })),
  })
  switch (call.command) {
    case 'setBreakpoints':
      return all(call.arguments.breakpoints?.length ?? call.arguments.lines?.length ?? 0)
    case 'setFunctionBreakpoints':
    case 'setDataBreakpoints':
    case 'setInstructionBreakpoints':
      return all(call.arguments.breakpoints.length)
    case 'setExceptionBreakpoints':
      return all(call.arguments.filters.length + (call.arguments.filterOptions?.length ?? 0))
    default:
      return undefined
  }
}
