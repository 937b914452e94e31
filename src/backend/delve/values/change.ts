import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { loadConfig } from '../quirks.ts'
import type { Variable } from '../wire.ts'
import { changed, inject, resultOf, whereOf, type EvaluateParts } from './evaluate.ts'
import { integerText } from './format.ts'
import { expressionOf, pathOf, type Item } from './item.ts'
import { hasFlag, isInteger, isZero, kinds, loadedBytes } from './kinds.ts'
import type { Place } from './nodes.ts'
import { read, told } from './reader.ts'
import { bytesOf, quoteBytes } from './text.ts'

/** A text that is set: more is not typed by anybody. */
const textMax = 64 * 1024

export async function setVariable(own: EvaluateParts, call: Call<'setVariable'>): Promise<Body<'setVariable'>> {
  const { variablesReference, name, value, format } = call.arguments
  refuseLooking(own)
  const node = own.nodes.get(variablesReference)
  const item = node.shown.get(name)
  if (item?.expression === undefined || item.isFixed === true) {
    const isTwice = node.shown.has(name) && item === undefined
    throw dapError('notAnswered', {
      why: isTwice ? `There are two '${name}' here: it is not clear which is meant.` : `'${name}' cannot be set.`,
    })
  }
  const set = await change(own, node.place, item.expression, value, call.signal)
  const { result, ...body } = resultOf(own, node.place, { ...item, variable: set }, format)
  return { ...body, value: result }
}

export async function setExpression(own: EvaluateParts, call: Call<'setExpression'>): Promise<Body<'setExpression'>> {
  const { expression, value, frameId, format } = call.arguments
  refuseLooking(own)
  const place = whereOf(own.parts, frameId)
  const path = pathOf(expression)
  const target = await read(place, expression, call.signal)
  const read_ = expressionOf(target, path)
  // What was computed is nowhere. Delve 1.27 panics there.
  if (read_ === undefined || isZero(target.addr) || hasFlag(target, 'constant')) {
    throw dapError('notAnswered', { why: `'${expression}' cannot be set.` })
  }
  const set = await change(own, place, read_, value, call.signal)
  const item: Item = { name: expression, variable: set, expression: read_, path }
  const { result, ...body } = resultOf(own, place, item, format)
  return { ...body, value: result }
}

function refuseLooking({ parts }: EvaluateParts): void {
  if (parts.context.guard.readOnly) {
    throw dapError('notAnswered', { why: 'Nothing is set in a session that only looks.' })
  }
}

/** The value as it is afterwards. */
async function change(
  own: EvaluateParts,
  place: Place,
  target: string,
  value: string,
  signal: AbortSignal,
): Promise<Variable> {
  const config = { ...loadConfig, MaxStringLen: textMax }
  const [before, given] = await Promise.all([read(place, target, signal), read(place, value, signal, config)])
  if (before.kind === kinds.string && isNew(given)) {
    if (given.len > loadedBytes(given))
      throw dapError('notAnswered', { why: `Texts over ${textMax} bytes are not set.` })
    await setText(own, place, target, given, signal)
    return read(place, target, signal)
  }
  if (before.kind !== kinds.string && isNew(given)) {
    throw dapError('notAnswered', { why: `A text does not fit into the type ${before.type}.` })
  }
  const wanted = isInteger(before) ? integerOf(given) : undefined
  if (wanted !== undefined) refuseTooLarge(before, wanted)
  await set(own, place, target, value)
  const after = await read(place, target, signal)
  if (wanted === undefined || integerOf(after) === wanted) return after
  // Delve has cut it to the size of the type, which it has not told.
  await set(own, place, target, integerText(before.value))
  throw dapError('notAnswered', { why: `${wanted} does not fit into the type ${before.type}.` })
}

/** Texts are allocated, and lost where the garbage collector runs before the variable refers to them: 2 of 600 under load. */
const triesMax = 3

/** Delve has to let the program allocate it. */
async function setText(
  own: EvaluateParts,
  place: Place,
  target: string,
  given: Variable,
  signal: AbortSignal,
): Promise<void> {
  const wanted = bytesOf(given)
  const top = { ...place, frame: target.startsWith('*(*"') ? 0 : place.frame }
  for (let tries = 0; tries < triesMax; tries++) {
    await inject(own, top, `${target} = ${quoteBytes(wanted)}`, signal)
    const config = { ...loadConfig, MaxStringLen: textMax }
    if (isText(await read(place, target, signal, config), wanted)) return
  }
  throw dapError('debuggerFailed', {
    message: "The text was set, and the program's garbage collector has taken its memory at once. Set it again.",
  })
}

/** Delve 1.20 does not tell bytes that are no text, but their number. */
function isText(variable: Variable, wanted: Buffer): boolean {
  const { value, len } = variable
  return len === wanted.length && (bytesOf(variable).equals(wanted) || value.includes('\uFFFD'))
}

/** No other variable has it: it was written out, or computed. */
const isNew = (given: Variable): boolean =>
  given.kind === kinds.string && (isZero(given.addr) || hasFlag(given, 'constant') || hasFlag(given, 'register'))

async function set(own: EvaluateParts, place: Place, target: string, value: string): Promise<void> {
  if (place.stop.isOver) throw dapError('staleHandle', { kind: 'variable' })
  const { goroutine, frame } = place
  const argument = { Scope: { GoroutineID: goroutine, Frame: frame }, Symbol: target, Value: value }
  try {
    await own.parts.program.interject((ask) => ask('Set', argument))
  } catch (error) {
    throw told(error)
  } finally {
    changed(own, place)
  }
}

function integerOf(variable: Variable): bigint | undefined {
  const digits = integerText(variable.value)
  return isInteger(variable) && /^-?\d+$/.test(digits) ? BigInt(digits) : undefined
}

/** Delve writes what is left of a number that is too large. */
function refuseTooLarge({ type }: Variable, wanted: bigint): void {
  const [, sign, size] = /^(u?)int(8|16|32|64|ptr)?$/.exec(type) ?? []
  if (sign === undefined) return
  const bits = BigInt(size === undefined || size === 'ptr' ? 64 : Number(size))
  const [least, greatest] = sign === 'u' ? [0n, 2n ** bits - 1n] : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]
  if (wanted >= least && wanted <= greatest) return
  throw dapError('notAnswered', { why: `${wanted} does not fit into ${type}: it holds ${least} to ${greatest}.` })
}
