import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Facts, Stop } from './parts.ts'
import { loadConfig } from './quirks.ts'
import { scopeOf } from './reads.ts'
import { stoppedThreads } from './goroutines.ts'
import { endsWatch, hasReturned } from './states.ts'
import type { Breakpoint, CommandName, Variable } from './wire.ts'

export type Reason = Pick<DebugProtocol.StoppedEvent['body'], 'reason' | 'description' | 'text'>

/** Delve's own breakpoints for what ends the program. */
export const unrecoveredPanic = -1
export const fatalThrow = -2
/** The name of what `runtime.Breakpoint()` stops at. */
const hardcoded = 'hardcoded-breakpoint'

const stringKind = 24

const steps: ReadonlySet<CommandName> = new Set([
  'next',
  'step',
  'stepOut',
  'stepInstruction',
  'nextInstruction',
  'reverseNext',
  'reverseStep',
  'reverseStepOut',
  'reverseStepInstruction',
  'reverseNextInstruction',
])

export function isStep(name: CommandName): boolean {
  return steps.has(name)
}

export function isBackwards(name: CommandName): boolean {
  return name === 'rewind' || name.startsWith('reverse')
}

/** One instruction is never interrupted. */
function isInstruction(name: CommandName): boolean {
  return name.endsWith('Instruction')
}

/**
 * Whether the step that was asked for is over: because it has come to its end, or since Delve has given it up for a log
 * point that it met. Before 1.26.1 Delve does not tell these from each other.
 */
export function isStepOver({ state }: Stop, asked: CommandName | undefined): boolean {
  if (state.stopReason === 'next finished') return true
  if (asked === undefined || !isStep(asked)) return false
  return isInstruction(asked) || !state.NextInProgress
}

/** The function of a watched variable has returned. */
export const watchEnd: Reason = { reason: 'data breakpoint', description: 'Paused where a variable ends' }

/** Delve stopped for what is neither a breakpoint nor a step; undefined if that may be one. */
export function otherReason(stop: Stop, asked: CommandName | undefined): Reason | undefined {
  const { state } = stop
  if (isHardcoded(stop)) return { reason: 'breakpoint', description: 'Paused on runtime.Breakpoint()' }
  if (hasReturned(state)) return { reason: 'pause', description: 'The called function has returned' }
  if (endsWatch(state)) return watchEnd
  switch (state.stopReason) {
    case 'launched':
    case 'attached':
      return { reason: 'entry' }
    case 'manual':
      return byHalt(stop, asked)
    case 'shared library loaded':
      return { reason: 'breakpoint', description: 'Paused since a Go library was loaded' }
    case undefined:
      // An old Delve says nothing: with no breakpoint and no step it was a halt.
      if ((state.Threads ?? []).some(({ breakPoint }) => breakPoint !== undefined)) return undefined
      // A step ends in its goroutine, a halt where it will.
      if (asked !== undefined && (isStep(asked) || state.NextInProgress) && state.currentGoroutine !== undefined) {
        return undefined
      }
      return byHalt(stop, asked)
    default:
      return undefined
  }
}

function byHalt({ pausing }: Stop, asked: CommandName | undefined): Reason {
  if (pausing) return { reason: 'pause' }
  if (asked === undefined || !isStep(asked))
    return { reason: 'pause', description: 'Paused by another client of Delve' }
  // One that serves a single client gives a step up with every halt: see `keepStepping`.
  return {
    reason: 'pause',
    description: 'Delve has given up the step: it was halted for breakpoints, or by another client',
  }
}

function isHardcoded({ state }: Stop): boolean {
  if (state.stopReason !== undefined) return state.stopReason === 'hardcoded breakpoint'
  return (state.Threads ?? []).some(({ breakPoint }) => breakPoint?.name === hardcoded)
}

/** The stop that was there when we came. */
export function earlyReason({ state }: Stop, facts: Facts): Reason {
  if (facts.backend === 'core') return { reason: 'entry', description: 'A core file' }
  const atEntry = state.stopReason === 'launched' || (!facts.attached && state.currentGoroutine === undefined)
  return atEntry ? { reason: 'entry' } : { reason: 'pause', description: 'Held already when Breakwater attached' }
}

export const coreStays = 'A core file does not run: it is what was left of a program.'

const badAccess = [
  'invalid memory address or nil pointer dereference [signal SIGSEGV: segmentation violation];',
  'Delve cannot hand the signal on to the program, which would panic for it',
].join(' ')

/** Delve's answer to the resume was an error: it stands where that arose. */
export function errorReason(error: string): Reason {
  // No client bears a step that fails: it is told where it still stands.
  if (/core process/.test(error)) return { reason: 'pause', description: 'A core file', text: coreStays }
  return { reason: 'exception', description: 'runtime error', text: error === 'bad access' ? badAccess : error }
}

/** A panic that nothing recovers, or what the runtime throws; undefined for any other stop. */
export function deadlyBreakpoint(stop: Stop): Breakpoint | undefined {
  const threads = stoppedThreads(stop)
  return threads.map(({ breakPoint }) => breakPoint!).find(({ id }) => id === unrecoveredPanic || id === fatalThrow)
}

/** What a Go program prints behind `panic: ` or `fatal error: ` when it dies; undefined where that cannot be read. */
export async function deadlyText(stop: Stop, goroutine: number, { id }: Breakpoint): Promise<string | undefined> {
  // The variables of runtime.fatalpanic and runtime.throw.
  const Expr = id === unrecoveredPanic ? '(*msgs).arg.(data)' : 's'
  const { Variable } = await stop.read('Eval', { Scope: scopeOf(goroutine, 0), Expr, Cfg: loadConfig })
  return Variable === null ? undefined : plain(Variable)
}

function plain({ kind, value, type, unreadable }: Variable): string {
  if (unreadable !== '') return `(unreadable: ${unreadable})`
  return kind === stringKind || value !== '' ? value : `(${type})`
}
