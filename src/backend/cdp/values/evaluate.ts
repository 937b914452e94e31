import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { present } from '../../../lib/present.ts'
import { inlineGuard } from '../guard.ts'
import type { Parts } from '../parts.ts'
import type { Node, Nodes } from './nodes.ts'
import { read, type Row, type Step } from './reader.ts'
import { budgetMs, lookMs, notAnswered, Thrown, type Result, type Runner, type Where } from './runner.ts'
import type { Variables } from './variables.ts'
import { withPatterns } from './native.ts'

/** Characters of a copy; a client that asks for one wants all of it, and the policy has its own limit. */
const copyMax = 4 * 1024 * 1024

export interface EvaluateParts {
  readonly parts: Parts
  readonly nodes: Nodes
  readonly runner: Runner
  readonly variables: Variables
}

/** Where an expression is evaluated; without a frame it is the main thread's global scope. */
export function whereOf(parts: Parts, frameId: number | undefined): Where {
  if (frameId === undefined) {
    const thread = parts.thread(1)
    if (thread === undefined) throw dapError('programEnded', {})
    return { thread, frame: undefined }
  }
  const frame = parts.frame(frameId)
  if (frame === undefined) throw dapError('staleHandle', { kind: 'frame' })
  return { thread: frame.stop.thread, frame }
}

export async function evaluate(own: EvaluateParts, call: Call<'evaluate'>): Promise<Body<'evaluate'>> {
  const { frameId, expression, context } = call.arguments
  const where = whereOf(own.parts, frameId)
  try {
    const isLook = own.parts.context.guard.readOnly || context === 'hover'
    const found = isLook ? await look(own, call, where) : await run(own, call, where)
    if (context === 'clipboard') return { result: await copy(found, where, call.signal), variablesReference: 0 }
    const path = isPath(expression) ? expression.trim() : undefined
    return resultOf(own, { ...found, path }, where, call.arguments.format)
  } catch (error) {
    throw notAnswered(error)
  }
}

interface Found {
  readonly base: string
  readonly steps: readonly Step[]
  readonly row: Row
  /** The text as V8 gave it. */
  readonly whole?: string
}

/**
 * Without effects: guarded by the policy in the read-only modes, by V8 always. The value comes in an object of ours, so
 * that V8 describes that, and not the value, whose description can run code (see readerSource.ts).
 */
async function look(own: EvaluateParts, call: Call<'evaluate'>, where: Where): Promise<Found> {
  const { expression } = call.arguments
  const text = own.parts.context.guard.readOnly ? inlineGuard(expression) : expression
  const how = { signal: call.signal, timeoutMs: budgetMs(call, lookMs), pure: true }
  const box = await own.runner.run(`({__proto__:null,value:(${text}\n)})`, where, how)
  const base = box.objectId!
  const steps = [{ k: 'value' }]
  const [answer] = await read(where.thread, [{ base, want: { action: 'describe', steps } }], call.signal)
  const rows = await withPatterns(where.thread, base, answer?.rows ?? [], () => steps, call.signal)
  return { base, steps, row: rows[0]! }
}

async function run(own: EvaluateParts, call: Call<'evaluate'>, where: Where): Promise<Found> {
  const { expression, context } = call.arguments
  const how = { signal: call.signal, timeoutMs: budgetMs(call), repl: context === 'repl' }
  const trimmed = expression.trim()
  const isLiteral = trimmed.startsWith('{') && trimmed.endsWith('}')
  let remote
  try {
    remote = await own.runner.runPureFirst(isLiteral ? `(${trimmed}\n)` : expression, where, how)
  } catch (error) {
    // It was a block after all.
    if (!isLiteral || !(error instanceof Thrown) || !error.isSyntax) throw error
    remote = await own.runner.runPureFirst(expression, where, how)
  }
  const { row, base }: Result = await own.runner.describe(remote, where.thread, call.signal)
  return { row, base, steps: [], ...(typeof remote.value === 'string' ? { whole: remote.value } : {}) }
}

/** The whole text, or the value as JSON would have it; getters are not run, and what is circular says so. */
async function copy({ row, base, steps, whole }: Found, { thread }: Where, signal: AbortSignal): Promise<string> {
  if (whole !== undefined) return whole
  if (base === '' || (row.k === 'primitive' && row.l === undefined)) return row.t
  const [answer] = await read(thread, [{ base, want: { action: 'json', steps, max: copyMax } }], signal)
  return answer?.text ?? row.t
}

export function resultOf(
  { variables }: EvaluateParts,
  found: { row: Row; base: string; steps: readonly Step[]; path?: string | undefined },
  { thread }: Where,
  format: Call<'evaluate'>['arguments']['format'],
): Body<'evaluate'> {
  const node: Node = { thread, ...found, part: { kind: 'all' } }
  const shown = variables.shown(node, format)
  return {
    result: shown.value,
    variablesReference: shown.variablesReference,
    ...present({
      type: shown.type,
      namedVariables: shown.namedVariables,
      indexedVariables: shown.indexedVariables,
      memoryReference: shown.memoryReference,
      presentationHint: shown.presentationHint,
    }),
  }
}

/** Can members of it be named by appending to it? */
const isPath = (expression: string): boolean =>
  /^\s*[\p{ID_Start}$_][\p{ID_Continue}$]*(?:\.[\p{ID_Start}$_][\p{ID_Continue}$]*|\[(?:\d+|"[^"\\]*"|'[^'\\]*')\])*\s*$/u.test(
    expression,
  )
