import type { AnyCall, Arguments } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import { present } from '../lib/present.ts'
import type { Mode } from './policy.ts'
import { mark, type Redactor } from './redactor.ts'

/** In one line at most; a client may set thousands of breakpoints. */
const listMax = 50
const textMax = 200

/** Commands that change the program when they pass. */
const changing: ReadonlySet<Command> = new Set([
  'setVariable',
  'setExpression',
  'writeMemory',
  'goto',
  'restart',
  'restartFrame',
  'stepBack',
  'reverseContinue',
  'terminate',
  'terminateThreads',
])

export function changes(command: Command, mode: Mode): boolean {
  return mode === 'control' && (changing.has(command) || command === 'evaluate')
}

/** How texts of a call get into the record: redacted first, for a cut in the midst of a secret hides what it is. */
class Texts {
  readonly #redactor: Redactor

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  of(value: string): string
  of(value: string | undefined): string | undefined
  of(value: string | undefined): string | undefined {
    if (value === undefined) return undefined
    const shown = this.#redactor.text(value.slice(0, 65_536)).text
    return shown.length > textMax ? `${shown.slice(0, textMax)}…` : shown
  }

  /** What is given to something of that name. */
  given(name: string, value: string): string {
    return this.#redactor.secretIn(name) === undefined ? this.of(value) : mark('name')
  }

  conditions(entries: readonly { condition?: string; hitCondition?: string; logMessage?: string }[]): object {
    const texts = entries.flatMap(({ condition, hitCondition, logMessage }) => [condition, hitCondition, logMessage])
    const given = list(texts.filter((part) => part !== undefined && part !== ''))
    return given.length === 0 ? {} : { conditions: given.map((part) => this.of(part)) }
  }
}

const list = <T>(values: readonly T[]): readonly T[] => values.slice(0, listMax)
const thread = ({ threadId }: { threadId: number }): object => ({ thread: threadId })
const memory = ({ memoryReference, offset }: { memoryReference: string; offset?: number }, texts: Texts): object => ({
  memory: texts.of(memoryReference),
  ...present({ offset }),
})

type Details<C extends Command> = (args: NonNullable<Arguments<C>>, texts: Texts) => object

/** The arguments that matter for the record. `attach` carries the token: nothing of it is kept. */
const details: { readonly [C in Command]?: Details<C> } = {
  setBreakpoints({ source, breakpoints = [], lines = breakpoints.map(({ line }) => line) }, texts) {
    const path = present({ source: texts.of(source.path ?? source.name) })
    return { ...path, lines: list(lines), ...texts.conditions(breakpoints) }
  },
  setFunctionBreakpoints: ({ breakpoints }, texts) => ({
    functions: list(breakpoints).map(({ name }) => texts.of(name)),
    ...texts.conditions(breakpoints),
  }),
  setInstructionBreakpoints: ({ breakpoints }, texts) => ({
    count: breakpoints.length,
    ...texts.conditions(breakpoints),
  }),
  setDataBreakpoints: ({ breakpoints }, texts) => ({ count: breakpoints.length, ...texts.conditions(breakpoints) }),
  setExceptionBreakpoints: ({ filters }, texts) => ({ filters: list(filters).map((filter) => texts.of(filter)) }),
  dataBreakpointInfo: ({ name }, texts) => ({ name: texts.of(name) }),
  evaluate: ({ expression, context }, texts) => ({
    expression: texts.of(expression),
    ...present({ context: texts.of(context) }),
  }),
  setVariable: ({ name, value }, texts) => ({ name: texts.of(name), value: texts.given(name, value) }),
  setExpression: ({ expression, value }, texts) => ({
    expression: texts.of(expression),
    value: texts.given(expression, value),
  }),
  completions: ({ text }, texts) => ({ text: texts.of(text) }),
  source: ({ source, sourceReference }, texts) =>
    present({
      source: texts.of(source?.path ?? source?.name),
      reference: source?.sourceReference ?? sourceReference,
    }),
  readMemory: memory,
  writeMemory: memory,
  disconnect: ({ terminateDebuggee }) => present({ terminateDebuggee }),
  continue: thread,
  next: thread,
  stepIn: thread,
  stepOut: thread,
  pause: thread,
  stackTrace: thread,
  scopes: ({ frameId }) => ({ frame: frameId }),
  variables: ({ variablesReference, start }) => ({ reference: variablesReference, ...present({ start }) }),
}

export function auditDetails(call: AnyCall, redactor: Redactor): object {
  // A command that we do not know comes here too: it is refused further in.
  if (!Object.hasOwn(details, call.command) || call.arguments === undefined) return {}
  return (details[call.command] as Details<Command>)(call.arguments, new Texts(redactor))
}
