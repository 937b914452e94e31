import type { DebugProtocol } from '@vscode/debugprotocol'
import { withArguments, type AnyCall, type Body, type Call } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import { present } from '../lib/present.ts'
import type { Conditions } from './guarded.ts'
import type { Next } from './policy.ts'
import type { Check, CheckTools } from './readOnly.ts'
import type { RefusalParts } from './refusal.ts'

type Setter = 'setBreakpoints' | 'setFunctionBreakpoints' | 'setInstructionBreakpoints' | 'setDataBreakpoints'

interface Entry extends Conditions {
  readonly name?: string
  readonly line?: number
  readonly column?: number
  readonly mode?: string
}

/** A name of a function in any of the languages. A leading `*` or `-` would be an address to compute, or an option. */
const functionName = /^[\p{L}_$(~][\p{L}\p{N}_$.:/<>~*&, ()[\]@=!+-]{0,1023}$/u

/**
 * Sets what may be set, and answers for the rest in its place: `setBreakpoints` never fails, several clients never
 * recover from that (notes/clients.md, 10). The order of the client's entries is kept.
 */
async function setChecked<E extends Entry>(
  call: Call<Setter>,
  entries: readonly E[],
  refuse: (entry: E) => RefusalParts | undefined,
  next: Next,
  tools: CheckTools,
): Promise<{ breakpoints: DebugProtocol.Breakpoint[] }> {
  const taken: E[] = []
  const refused = new Map<number, DebugProtocol.Breakpoint>()
  const told: string[] = []
  entries.forEach((entry, at) => {
    const rest = refuse(entry) ?? holding(entry, tools)
    const conditions = tools.expressions.conditions(entry)
    if (rest === undefined && conditions.ok) {
      taken.push({ ...withoutConditions(entry), ...conditions.value })
      return
    }
    const parts = rest ?? (conditions as { refused: RefusalParts }).refused
    const { message } = tools.refusedPart(call.command, parts)
    const { line, column } = entry
    refused.set(at, { verified: false, message, reason: 'failed', ...present({ line, column }) })
    told.push(`${placeOf(call, entry)}${message}`)
  })
  tools.notSet.tell(`${call.command} ${sourceOf(call)}`, told)
  const args = { ...call.arguments, breakpoints: taken }
  const body = (await next(withArguments(call, args as typeof call.arguments) as AnyCall)) as Body<Setter>
  const set = body.breakpoints[Symbol.iterator]()
  const missing = { verified: false, message: 'The debugger did not answer for this breakpoint.' }
  const breakpoints = entries.map((_, at) => refused.get(at) ?? set.next().value ?? missing)
  return { ...body, breakpoints }
}

function sourceOf({ arguments: args }: Call<Setter>): string {
  return 'source' in args ? (args.source.path ?? args.source.name ?? '') : ''
}

/** `orders.py:17: ` or `work: `: the sentence is read in a console, away from the breakpoint. */
function placeOf(call: Call<Setter>, entry: Entry): string {
  if (entry.name !== undefined) return `${entry.name}: `
  const file = sourceOf(call).split(/[/\\]/).at(-1)
  return entry.line === undefined || !file ? '' : `${file}:${entry.line}: `
}

function withoutConditions<E extends Entry>(entry: E): E {
  const copy: { condition?: string; hitCondition?: string; logMessage?: string } = { ...entry }
  delete copy.condition
  delete copy.hitCondition
  delete copy.logMessage
  return copy as E
}

function holding(entry: Entry, { context }: CheckTools): RefusalParts | undefined {
  if (context.mode !== 'observe' || entry.mode !== 'pause') return undefined
  const why = "this breakpoint would hold the program, which the mode 'observe' never does"
  return { rule: 'holdsProgram', why, advice: "Give it the mode 'snapshot' or 'log'." }
}

const setBreakpoints: Check<'setBreakpoints'> = (call, next, tools) => {
  // The older form, `lines`, carries no expressions.
  if (call.arguments.breakpoints === undefined) return next(call) as Promise<Body<'setBreakpoints'>>
  return setChecked(call, call.arguments.breakpoints, () => undefined, next, tools)
}

const setFunctionBreakpoints: Check<'setFunctionBreakpoints'> = (call, next, tools) =>
  setChecked(
    call,
    call.arguments.breakpoints,
    ({ name }) => {
      if (functionName.test(name)) return undefined
      return { rule: 'expression', why: 'this is not the name of a function', advice: 'Give its name alone.' }
    },
    next,
    tools,
  )

const setInstructionBreakpoints: Check<'setInstructionBreakpoints'> = (call, next, tools) =>
  setChecked(
    call,
    call.arguments.breakpoints,
    ({ instructionReference }) => {
      if (/^(?:0[xX])?[0-9a-fA-F]{1,32}$/.test(instructionReference)) return undefined
      return { rule: 'expression', why: 'this is not an address', advice: 'Give a number.' }
    },
    next,
    tools,
  )

const setDataBreakpoints: Check<'setDataBreakpoints'> = (call, next, tools) =>
  setChecked(
    call,
    call.arguments.breakpoints,
    ({ dataId }) => {
      if (tools.known.data(dataId)) return undefined
      const why = 'this data breakpoint was not found in this session'
      return { rule: 'expression', why, advice: 'Set it again from the variables view.' }
    },
    next,
    tools,
  )

const dataBreakpointInfo: Check<'dataBreakpointInfo'> = async (call, next, tools) => {
  const { variablesReference, name, asAddress } = call.arguments
  const { redactor } = tools
  const hidden = redactor.on && (redactor.names.has(name) || redactor.withheld(variablesReference ?? 0))
  const free = !variablesReference || asAddress === true
  if (!free && !hidden) return (await next(call)) as Body<'dataBreakpointInfo'>
  // DAP's own way to say no: no id, and why.
  const { message } = tools.refusedPart(call.command, {
    rule: hidden ? 'redaction' : 'expression',
    why: hidden ? 'its value is redacted' : 'only a variable that is shown can be watched for changes',
    advice: hidden ? '' : 'Choose it in the variables view.',
  })
  return { dataId: null, description: message }
}

/** Filters are names that the debugger declared; conditions and exception names are code (notes/debugpy.md, 3). */
const setExceptionBreakpoints: Check<'setExceptionBreakpoints'> = async (call, next, tools) => {
  const { filters, filterOptions = [], exceptionOptions = [] } = call.arguments
  const observe = tools.context.mode === 'observe'
  const told: string[] = []
  const refuse = (command: Command, parts: RefusalParts): DebugProtocol.Breakpoint => {
    const { message } = tools.refusedPart(command, parts)
    told.push(message)
    return { verified: false, message, reason: 'failed' }
  }
  const holds = (): DebugProtocol.Breakpoint =>
    refuse(call.command, {
      rule: 'holdsProgram',
      why: "a stop at an exception would hold the program, which the mode 'observe' never does",
      advice: 'Set a breakpoint where it is handled: it takes a snapshot.',
    })
  const conditional = (): DebugProtocol.Breakpoint =>
    refuse(call.command, {
      rule: 'expression',
      why: 'the condition of an exception filter would run in the program',
      advice: 'Use the filter without a condition.',
    })
  const named = (): DebugProtocol.Breakpoint =>
    refuse(call.command, {
      rule: 'expression',
      why: 'names of exceptions are evaluated in the program by its debugger',
      advice: 'Use the exception filters.',
    })
  const refusedOptions = filterOptions.map(({ condition }) =>
    observe ? holds() : condition?.trim() ? conditional() : undefined,
  )
  const passing = filterOptions.filter((_, at) => refusedOptions[at] === undefined)
  const args: DebugProtocol.SetExceptionBreakpointsArguments = { filters: observe ? [] : filters }
  if (passing.length > 0) args.filterOptions = passing
  const body = (await next(withArguments(call, args) as AnyCall)) as Body<'setExceptionBreakpoints'>
  const set = (body?.breakpoints ?? [])[Symbol.iterator]()
  const answer = (): DebugProtocol.Breakpoint => set.next().value ?? { verified: true }
  const breakpoints = [
    ...filters.map(() => (observe ? holds() : answer())),
    ...refusedOptions.map((refused) => refused ?? answer()),
    ...exceptionOptions.map(named),
  ]
  tools.notSet.tell(call.command, told)
  return { ...body, breakpoints }
}

export const breakpointChecks = {
  setBreakpoints,
  setFunctionBreakpoints,
  setInstructionBreakpoints,
  setDataBreakpoints,
  dataBreakpointInfo,
  setExceptionBreakpoints,
}
