import { z } from 'zod'
import { dapError } from '../dap/errors.ts'
import { commands, type Command } from '../dap/protocol.ts'

/**
 * The types of all arguments that anything of ours reads, checked once at the door, so that no policy or backend needs
 * to doubt them. Keys that we do not read pass through: clients add their own (notes/clients.md, section 3).
 */
const count = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
const id = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1)
const text = z.string()
const list = <T extends z.ZodType>(item: T) => z.array(item).max(10_000)
const source = z.looseObject({ path: text.optional(), name: text.optional(), sourceReference: count.optional() })
const conditions = { condition: text.optional(), hitCondition: text.optional() }
const line = { line: count, column: count.optional() }
const thread = z.looseObject({ threadId: id, singleThread: z.boolean().optional(), granularity: text.optional() })
const frame = z.looseObject({ frameId: id })
const nothing = z.looseObject({})

const schemas: Record<Command, z.ZodType> = {
  cancel: z.looseObject({ requestId: count.optional(), progressId: text.optional() }),
  initialize: z.looseObject({
    clientID: text.optional(),
    clientName: text.optional(),
    adapterID: text.optional(),
    locale: text.optional(),
    linesStartAt1: z.boolean().optional(),
    columnsStartAt1: z.boolean().optional(),
    pathFormat: text.optional(),
    supportsVariablePaging: z.boolean().optional(),
    supportsProgressReporting: z.boolean().optional(),
    supportsStartDebuggingRequest: z.boolean().optional(),
  }),
  configurationDone: nothing,
  launch: nothing,
  attach: z.looseObject({ target: z.unknown().optional(), token: text.optional() }),
  restart: nothing,
  disconnect: z.looseObject({ terminateDebuggee: z.boolean().optional(), restart: z.boolean().optional() }),
  terminate: nothing,
  breakpointLocations: z.looseObject({ source, line: count, endLine: count.optional() }),
  setBreakpoints: z.looseObject({
    source,
    breakpoints: list(z.looseObject({ ...line, ...conditions, logMessage: text.optional() })).optional(),
    lines: list(count).optional(),
  }),
  setFunctionBreakpoints: z.looseObject({ breakpoints: list(z.looseObject({ name: text, ...conditions })) }),
  setExceptionBreakpoints: z.looseObject({
    filters: list(text).default([]),
    filterOptions: list(z.looseObject({ filterId: text, condition: text.optional() })).optional(),
    exceptionOptions: list(z.looseObject({ breakMode: text })).optional(),
  }),
  dataBreakpointInfo: z.looseObject({ name: text, variablesReference: count.optional(), frameId: id.optional() }),
  setDataBreakpoints: z.looseObject({ breakpoints: list(z.looseObject({ dataId: text, ...conditions })) }),
  setInstructionBreakpoints: z.looseObject({
    breakpoints: list(z.looseObject({ instructionReference: text, ...conditions })),
  }),
  continue: thread,
  next: thread,
  stepIn: thread,
  stepOut: thread,
  stepBack: thread,
  reverseContinue: thread,
  restartFrame: frame,
  goto: z.looseObject({ threadId: id, targetId: id }),
  pause: thread,
  stackTrace: z.looseObject({ threadId: id, startFrame: count.optional(), levels: count.optional() }),
  scopes: frame,
  variables: z.looseObject({
    variablesReference: count,
    start: count.optional(),
    count: count.optional(),
    filter: z.enum(['indexed', 'named']).optional(),
  }),
  setVariable: z.looseObject({ variablesReference: count, name: text, value: text }),
  source: z.looseObject({ source: source.optional(), sourceReference: count.optional() }),
  threads: nothing,
  terminateThreads: z.looseObject({ threadIds: list(id).optional() }),
  modules: z.looseObject({ startModule: count.optional(), moduleCount: count.optional() }),
  loadedSources: nothing,
  evaluate: z.looseObject({ expression: text, frameId: id.optional(), context: text.optional() }),
  setExpression: z.looseObject({ expression: text, value: text, frameId: id.optional() }),
  stepInTargets: frame,
  gotoTargets: z.looseObject({ source, ...line }),
  completions: z.looseObject({ text, column: count, line: count.optional(), frameId: id.optional() }),
  exceptionInfo: z.looseObject({ threadId: id }),
  readMemory: z.looseObject({ memoryReference: text, offset: z.int().optional(), count }),
  writeMemory: z.looseObject({ memoryReference: text, offset: z.int().optional(), data: text }),
  disassemble: z.looseObject({ memoryReference: text, offset: z.int().optional(), instructionCount: count }),
  locations: z.looseObject({ locationReference: count }),
}

const known: ReadonlySet<string> = new Set(commands)

export function isCommand(command: string): command is Command {
  return known.has(command)
}

/** The arguments, with absent ones as `{}` and null fields left out; throws `badArguments` naming the first wrong one. */
export function checkArguments(command: Command, args: unknown): object {
  const result = schemas[command].safeParse(withoutNulls(args ?? {}))
  if (result.success) return result.data as object
  const issue = result.error.issues[0]!
  const where = issue.path.length === 0 ? 'arguments' : `'${issue.path.join('.')}'`
  throw dapError('badArguments', { command, problem: `${where}: ${issue.message}` })
}

/** Some clients write null for what they have not (Emacs Lisp has one word for both); DAP has no nullable arguments. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutNulls)
  const entries = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(
    entries.map(([key, field]) => [key, key === 'breakpoints' || key === 'source' ? withoutNulls(field) : field]),
  )
}
