import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, AnyEvent, Arguments, Body } from '../dap/call.ts'
import { DapError } from '../dap/errors.ts'
import type { Command } from '../dap/protocol.ts'
import { OutputLines } from './outputLines.ts'
import type { Policy, PolicyContext } from './policy.ts'
import { mark, redactVariables, type Redactor } from './redactor.ts'
import { refusal } from './refusal.ts'
import type { PolicySettings } from './settings.ts'

export { Redactor, redactVariable } from './redactor.ts'

type Redaction<C extends Command> = (body: Body<C>, redactor: Redactor, args: Arguments<C>) => Body<C>

/** How the answer of each command is redacted. What is not here carries no text of the program's data. */
const answers: { readonly [C in Command]?: Redaction<C> } = {
  variables: (body, redactor) => ({ ...body, variables: redactVariables(body.variables, redactor) }),
  evaluate: (body, redactor, { expression }) => hiddenResult(body, 'result', expression, redactor),
  setExpression: (body, redactor, { expression }) => hiddenResult(body, 'value', expression, redactor),
  setVariable: (body, redactor, { name }) => hiddenResult(body, 'value', name, redactor),
  stackTrace: (body, redactor) => ({
    ...body,
    stackFrames: body.stackFrames.map((frame) => ({ ...frame, name: redactor.text(frame.name).text })),
  }),
  threads: (body, redactor) => ({
    ...body,
    threads: body.threads.map((thread) => ({ ...thread, name: redactor.text(thread.name).text })),
  }),
  exceptionInfo: (body, redactor) => ({ ...body, ...exceptionText(body, redactor) }),
  completions: (body, redactor) => ({
    ...body,
    // A name that is a secret itself (the keys of a dictionary by token) cannot be completed.
    targets: body.targets
      .filter(({ label, text = '' }) => redactor.spans(label).length + redactor.spans(text).length === 0)
      .map((item) => (item.detail === undefined ? item : { ...item, detail: redactor.text(item.detail).text })),
  }),
  source: (body, redactor) => ({ ...body, content: redactor.source(body.content) }),
  dataBreakpointInfo: (body, redactor) => ({ ...body, description: redactor.text(body.description).text }),
  setBreakpoints: breakpointTexts,
  setFunctionBreakpoints: breakpointTexts,
  setDataBreakpoints: breakpointTexts,
  setInstructionBreakpoints: breakpointTexts,
}

/** Hides by name, type and shape on every surface, outside everything that computes (DESIGN section 4). */
export function redact(context: PolicyContext, _settings: PolicySettings, redactor: Redactor): Policy {
  if (!redactor.on) return { name: 'redact' }
  const lines = new OutputLines(redactor)
  return {
    name: 'redact',
    async request(call, next) {
      refuseUnredactable(call, context, redactor)
      try {
        const body = await next(call)
        const answer = answers[call.command] as Redaction<Command> | undefined
        return body === undefined || answer === undefined ? body : answer(body as never, redactor, call.arguments)
      } catch (error) {
        throw redactedError(error, redactor)
      }
    },
    event: (event) => redactEvent(event, redactor, lines),
  }
}

/** Raw memory has no names and no shapes; a reference that was taken off a hidden value is not given back by guessing. */
function refuseUnredactable(call: AnyCall, context: PolicyContext, redactor: Redactor): void {
  if (call.command === 'readMemory' || call.command === 'disassemble') {
    throw refusal(context, {
      rule: 'rawMemory',
      why: `'${call.command}' shows raw memory, in which nothing can be redacted`,
      advice: 'Look at variables instead.',
      showUser: false,
    })
  }
  const reference = (call.arguments as { variablesReference?: number } | undefined)?.variablesReference
  if (reference !== undefined && redactor.withheld(reference)) {
    throw refusal(context, { rule: 'redaction', why: 'this value is redacted', advice: '', showUser: false })
  }
}

/** What a computation over a secret gives is hidden too, whatever it is: a length, a part, a comparison. */
function hiddenResult<K extends 'result' | 'value', T extends Shownable<K>>(
  body: T,
  key: K,
  expression: string,
  redactor: Redactor,
): T {
  const text = body[key]
  // By the name in the expression or by the value's own type.
  const named = redactor.secretIn(expression) !== undefined
  const rule = named ? 'name' : redactor.ruleFor('', body.type)
  if (rule === undefined) {
    const looked = redactor.text(text)
    // What the walker answered is redacted already, and says so.
    if (looked.rule === undefined || looked.text === text) return body
    return { ...body, [key]: `${looked.text} (redacted: ${looked.rule})` }
  }
  redactor.withhold(body.variablesReference ?? 0)
  const shown = { ...body, [key]: mark(rule), variablesReference: 0 }
  for (const tells of ['type', 'namedVariables', 'indexedVariables', 'memoryReference', 'valueLocationReference']) {
    delete (shown as Record<string, unknown>)[tells]
  }
  return shown
}

type Shownable<K extends string> = { readonly [P in K]: string } & {
  readonly type?: string
  readonly variablesReference?: number
}

function breakpointTexts<T extends { breakpoints: DebugProtocol.Breakpoint[] }>(body: T, redactor: Redactor): T {
  return { ...body, breakpoints: body.breakpoints.map((breakpoint) => breakpointText(breakpoint, redactor)) }
}

function breakpointText(breakpoint: DebugProtocol.Breakpoint, redactor: Redactor): DebugProtocol.Breakpoint {
  return breakpoint.message === undefined
    ? breakpoint
    : { ...breakpoint, message: redactor.text(breakpoint.message).text }
}

function exceptionText(body: Body<'exceptionInfo'>, redactor: Redactor): Partial<Body<'exceptionInfo'>> {
  const { description, details } = body
  return {
    ...(description === undefined ? {} : { description: redactor.text(description).text }),
    ...(details === undefined ? {} : { details: detailsText(details, redactor) }),
  }
}

function detailsText(details: DebugProtocol.ExceptionDetails, redactor: Redactor): DebugProtocol.ExceptionDetails {
  const shown = { ...details }
  for (const key of ['message', 'stackTrace', 'typeName', 'fullTypeName', 'evaluateName'] as const) {
    if (shown[key] !== undefined) shown[key] = redactor.text(shown[key]).text
  }
  if (details.innerException !== undefined) {
    shown.innerException = details.innerException.map((inner) => detailsText(inner, redactor))
  }
  return shown
}

function redactedError(error: unknown, redactor: Redactor): unknown {
  // What is not a DapError is logged and shown by its id alone.
  if (error instanceof DapError) error.message = redactor.text(error.message).text
  return error
}

function redactEvent(event: AnyEvent, redactor: Redactor, lines: OutputLines): AnyEvent {
  switch (event.event) {
    case 'output':
      return { event: 'output', body: lines.redact(event.body) }
    case 'stopped': {
      const body = { ...event.body }
      if (body.description !== undefined) body.description = redactor.text(body.description).text
      if (body.text !== undefined) body.text = redactor.text(body.text).text
      return { event: 'stopped', body }
    }
    case 'breakpoint':
      return {
        event: 'breakpoint',
        body: { ...event.body, breakpoint: breakpointText(event.body.breakpoint, redactor) },
      }
    case 'progressStart':
    case 'progressUpdate':
    case 'progressEnd': {
      const { message } = event.body
      if (message === undefined) return event
      return { event: event.event, body: { ...event.body, message: redactor.text(message).text } } as AnyEvent
    }
    case 'process':
      return { event: 'process', body: { ...event.body, name: redactor.text(event.body.name).text } }
    default:
      return event
  }
}
