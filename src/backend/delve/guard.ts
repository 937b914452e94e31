import { dapError, type DapError } from '../../dap/errors.ts'
import type { CommandName, DebuggerCommand, In, Method } from './wire.ts'

/**
 * What each request does to the program. A session that only looks sends nothing that changes it: every method has a
 * verdict, so that a new one fails the build until it has too. What is no method of ours is never sent; of Delve's others
 * `DumpStart` writes a file anywhere on that machine.
 */
const verdicts = {
  SetApiVersion: 'look',
  GetVersion: 'look',
  IsMulticlient: 'look',
  AttachedToExistingProcess: 'look',
  ProcessPid: 'look',
  Recorded: 'look',
  State: 'look',
  Command: 'run',
  CancelNext: 'run',
  Detach: 'end',
  Restart: 'change',
  CreateBreakpoint: 'stop',
  AmendBreakpoint: 'stop',
  ClearBreakpoint: 'stop',
  GetBreakpoint: 'look',
  ListBreakpoints: 'look',
  CreateWatchpoint: 'stop',
  FindLocation: 'look',
  ListGoroutines: 'look',
  Stacktrace: 'look',
  ListFunctionArgs: 'look',
  ListLocalVars: 'look',
  ListPackageVars: 'look',
  ListRegisters: 'look',
  Eval: 'look',
  Set: 'change',
  ExamineMemory: 'look',
  Disassemble: 'look',
  ListSources: 'look',
  ListFunctions: 'look',
  ListTypes: 'look',
  ListPackagesBuildInfo: 'look',
} as const satisfies Record<Method, 'look' | 'run' | 'stop' | 'end' | 'change'>

/** `call` runs a function of the program's. */
const runs: ReadonlySet<CommandName> = new Set([
  'continue',
  'rewind',
  'directionCongruentContinue',
  'step',
  'reverseStep',
  'stepOut',
  'reverseStepOut',
  'stepInstruction',
  'nextInstruction',
  'reverseStepInstruction',
  'reverseNextInstruction',
  'next',
  'reverseNext',
  'switchThread',
  'switchGoroutine',
  'halt',
])

/** Why it is not sent in a session that only looks; the policy's own table has refused it before, or should have. */
export function lookRefusal<M extends Method>(method: M, argument: In<M>): DapError | undefined {
  switch (verdicts[method]) {
    case 'look':
    case 'stop':
      return undefined
    case 'run':
      if (method !== 'Command' || runs.has((argument as DebuggerCommand).name)) return undefined
      break
    case 'end':
      if ((argument as In<'Detach'>).Kill === false) return undefined
      break
    case 'change':
      break
  }
  const command = method === 'Command' ? (argument as DebuggerCommand).name : method
  return dapError('unsupported', { backend: 'delve', command, why: ' in a session that only looks' })
}
