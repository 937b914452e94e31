import { capabilityOf, type Command } from '../dap/protocol.ts'
import type { Capabilities } from '../dap/call.ts'
import type { Mode } from './policy.ts'

/**
 * `allow`: passes as it is. A rule: is refused by it. `check`: passes in part, or is answered by us; `readOnly.ts` has a
 * function of that command's name.
 */
export type Verdict = 'allow' | 'check' | Rule
export type Rule = keyof typeof rules

/** Why something is refused, and what can be done instead. `{command}` and `{mode}` are filled in. */
export const rules = {
  changesProgram: {
    why: "'{command}' would change the program, and in the mode '{mode}' it is only looked at",
    advice: "For changes, attach to a target whose policy has the mode 'control'.",
  },
  endsProgram: {
    why: "'{command}' would end a program that was running before you came, or a part of it",
    advice: 'Disconnect instead: the program runs on.',
  },
  holdsProgram: {
    why: "'{command}' would hold the program, which the mode '{mode}' never does",
    advice: 'Set a breakpoint: it takes a snapshot and the program runs on.',
  },
  rawMemory: {
    why: "'{command}' shows raw memory, in which nothing can be redacted",
    advice: 'Look at variables instead.',
  },
  attachOnly: {
    why: 'Breakwater attaches to running programs and starts none',
    advice: 'Use "request": "attach" with a "target".',
  },
  unknownCommand: {
    why: "'{command}' is a request that this version of Breakwater has no verdict for",
    advice: 'A newer version may know it.',
  },
} as const satisfies Record<string, { why: string; advice: string }>

const allow = { observe: 'allow', inspect: 'allow', control: 'allow' } as const
/** A check wherever the program is not the client's own. */
const check = { observe: 'check', inspect: 'check', control: 'allow' } as const
const except = <R extends Rule>(rule: R) => ({ observe: rule, inspect: rule, control: 'allow' }) as const
const change = except('changesProgram')

/**
 * What may pass, for every request of the protocol: a command that a newer DAP adds fails the build here until somebody
 * has thought about it. In `observe` a thread is a row of snapshots (DESIGN section 5), so the commands that move
 * between them are allowed: they never reach the program.
 */
export const verdicts = {
  cancel: allow,
  initialize: allow,
  configurationDone: allow,
  attach: allow,
  launch: { observe: 'attachOnly', inspect: 'attachOnly', control: 'attachOnly' },
  restart: except('endsProgram'),
  // `terminateDebuggee` and `suspendDebuggee` become false in every mode: leaving must work whatever a client asks for
  // with it, and nvim-dap's `terminate()` asks to kill though no capability offers it (seen; June 2026).
  disconnect: { observe: 'check', inspect: 'check', control: 'check' },
  terminate: except('endsProgram'),
  terminateThreads: except('endsProgram'),

  // Conditions, hit conditions and log messages carry expressions; one that is refused is not verified, the others are.
  setBreakpoints: check,
  setFunctionBreakpoints: check,
  setInstructionBreakpoints: { observe: 'holdsProgram', inspect: 'check', control: 'allow' },
  // `exceptionOptions` names and filter conditions are evaluated by debugpy; in `observe` a filter would hold.
  setExceptionBreakpoints: check,
  // The name may be an expression, the id may be one too: only what the debugger gave out is taken.
  dataBreakpointInfo: { observe: 'holdsProgram', inspect: 'check', control: 'allow' },
  setDataBreakpoints: { observe: 'holdsProgram', inspect: 'check', control: 'allow' },
  breakpointLocations: allow,

  continue: allow,
  next: allow,
  stepIn: allow,
  stepOut: allow,
  pause: { observe: 'holdsProgram', inspect: 'allow', control: 'allow' },
  stepInTargets: { observe: 'holdsProgram', inspect: 'allow', control: 'allow' },
  // Running backwards brings older values back into memory: a change.
  stepBack: { observe: 'allow', inspect: 'changesProgram', control: 'allow' },
  reverseContinue: { observe: 'allow', inspect: 'changesProgram', control: 'allow' },
  restartFrame: change,
  goto: change,
  // Harmless by itself, but of no use without `goto`, and one capability offers both.
  gotoTargets: change,

  threads: allow,
  stackTrace: allow,
  scopes: allow,
  variables: allow,
  exceptionInfo: allow,
  modules: allow,
  loadedSources: allow,
  locations: allow,
  // A path of the client's own choice would read any file of that machine.
  source: check,
  // Answered by the walker: nothing is evaluated in the program.
  evaluate: check,
  // debugpy runs properties and `__dir__` to complete; answered from the names that are shown anyway.
  completions: check,
  setVariable: change,
  setExpression: change,
  readMemory: except('rawMemory'),
  disassemble: except('rawMemory'),
  writeMemory: change,
} as const satisfies Record<Command, Record<Mode, Verdict>>

/** The verdict on a command by name, also on one that this DAP version does not know. */
export function verdictOn(command: string, mode: Mode): Verdict {
  return Object.hasOwn(verdicts, command) ? verdicts[command as Command][mode] : 'unknownCommand'
}

/** Features that are no requests of their own and would be refused in the modes that only look. */
const changing = [
  'supportSuspendDebuggee',
  'supportsExceptionOptions',
  'supportsExceptionFilterOptions',
  'supportsDataBreakpointBytes',
] as const
/** Never offered for a program that was running before us: dape's plain quit kills with it, and loops on terminate. */
const ending = ['supportTerminateDebuggee', 'supportsTerminateRequest', 'supportsRestartRequest'] as const

/**
 * Turns off in a debugger's capabilities what would be refused, so that no client offers it. They are said to be false,
 * not left out: a client may have been told otherwise before the target was known. A capability that stands for several
 * commands goes when one of them is refused.
 */
export function capabilityMask(mode: Mode): (capabilities: Capabilities) => Capabilities {
  const masked = new Set<string>(ending)
  if (mode !== 'control') for (const name of changing) masked.add(name)
  for (const [command, capability] of Object.entries(capabilityOf)) {
    const verdict = verdictOn(command, mode)
    if (verdict !== 'allow' && verdict !== 'check') masked.add(capability)
  }
  const off = Object.fromEntries([...masked].map((name) => [name, false])) as Capabilities
  // A stop at an exception holds the program.
  return (capabilities) =>
    mode === 'observe' ? { ...capabilities, ...off, exceptionBreakpointFilters: [] } : { ...capabilities, ...off }
}
