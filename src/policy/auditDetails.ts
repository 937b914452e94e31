import type { AnyCall } from '../dap/call.ts'
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

/** The arguments that matter for the record, redacted and cut. `attach` carries the token: nothing of it is kept. */
export function auditDetails(call: AnyCall, redactor: Redactor): object {
  const text = (value: unknown): string | undefined => {
    if (typeof value !== 'string') return undefined
    // Redacted first: a cut in the midst of a secret would make it unrecognisable.
    const shown = redactor.text(value.slice(0, 65_536)).text
    return shown.length > textMax ? `${shown.slice(0, textMax)}…` : shown
  }
  const valueOf = (name: string, value: string): string | undefined =>
    redactor.secretIn(name) === undefined ? text(value) : mark('name')
  const conditions = (
    entries: readonly { condition?: string; hitCondition?: string; logMessage?: string }[],
  ): object => {
    const texts = entries.flatMap(({ condition, hitCondition, logMessage }) => [condition, hitCondition, logMessage])
    const given = texts.filter((part) => part !== undefined && part !== '').slice(0, listMax)
    return given.length === 0 ? {} : { conditions: given.map(text) }
  }
  const list = <T>(values: readonly T[]): readonly T[] => values.slice(0, listMax)

  switch (call.command) {
    case 'setBreakpoints': {
      const { source, breakpoints = [], lines = breakpoints.map(({ line }) => line) } = call.arguments
      return {
        ...present({ source: text(source.path ?? source.name) }),
        lines: list(lines),
        ...conditions(breakpoints),
      }
    }
    case 'setFunctionBreakpoints': {
      const { breakpoints } = call.arguments
      return { functions: list(breakpoints).map(({ name }) => text(name)), ...conditions(breakpoints) }
    }
    case 'setInstructionBreakpoints':
    case 'setDataBreakpoints':
      return { count: call.arguments.breakpoints.length, ...conditions(call.arguments.breakpoints) }
    case 'setExceptionBreakpoints':
      return { filters: list(call.arguments.filters).map(text) }
    case 'evaluate':
      return present({ expression: text(call.arguments.expression), context: text(call.arguments.context) })
    case 'setVariable': {
      const { name, value } = call.arguments
      return { name: text(name), value: valueOf(name, value) }
    }
    case 'setExpression': {
      const { expression, value } = call.arguments
      return { expression: text(expression), value: valueOf(expression, value) }
    }
    case 'completions':
      return { text: text(call.arguments.text) }
    case 'source': {
      const { source, sourceReference } = call.arguments
      return present({
        source: text(source?.path ?? source?.name),
        reference: source?.sourceReference ?? sourceReference,
      })
    }
    case 'dataBreakpointInfo':
      return { name: text(call.arguments.name) }
    case 'readMemory':
    case 'writeMemory':
      return { memory: text(call.arguments.memoryReference), ...present({ offset: call.arguments.offset }) }
    case 'disconnect':
      return present({ terminateDebuggee: call.arguments?.terminateDebuggee })
    case 'continue':
    case 'next':
    case 'stepIn':
    case 'stepOut':
    case 'pause':
    case 'stackTrace':
      return present({ thread: call.arguments.threadId })
    case 'scopes':
      return present({ frame: call.arguments.frameId })
    case 'variables':
      return present({ reference: call.arguments.variablesReference, start: call.arguments.start })
    default:
      return {}
  }
}
