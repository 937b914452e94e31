import { setMaxListeners } from 'node:events'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { present } from '../../../lib/present.ts'
import { DelveError } from '../connection.ts'
import type { Parts } from '../parts.ts'
import { loadConfig } from '../quirks.ts'
import { selectedGoroutine } from '../reads.ts'
import type { Variable } from '../wire.ts'
import type { Calls } from './callText.ts'
import { formatValue, rowMax } from './format.ts'
import { placeOf, resultItems } from './frameVariables.ts'
import { expressionOf, pathOf, type Item } from './item.ts'
import { heldBy, kinds, loadedBytes, pointeeOf } from './kinds.ts'
import type { Nodes, Place } from './nodes.ts'
import { read, readPage, told } from './reader.ts'
import { formatOf, hasPages, show } from './show.ts'
import { bytesOf } from './text.ts'

/** Bytes of a text that is copied, or looked at in a console: the policy has its own limit. */
const copyMax = 4 * 1024 * 1024
const consoleMax = 64 * 1024
/** Elements of a copy, and bytes of each text in it. */
const copiedElementsMax = 1_024
/** Characters of a line in a console. */
const lineMax = 4_096

export interface EvaluateParts {
  readonly parts: Parts
  readonly nodes: Nodes
  readonly calls: Calls
}

/** Where an expression is evaluated: without a frame where the program has stopped. */
export function whereOf(parts: Parts, frameId: number | undefined): Place {
  if (frameId !== undefined) {
    const frame = parts.frame(frameId)
    if (frame === undefined || frame.stop.isOver) throw dapError('staleHandle', { kind: 'frame' })
    return placeOf(frame)
  }
  const { stop } = parts.program
  if (stop === undefined) throw dapError('notStopped', {})
  return { stop, goroutine: selectedGoroutine, frame: 0 }
}

/** Delve's own word for running a function of the program. */
const calling = /^\s*call\s+(?=\S)/

export async function evaluate(own: EvaluateParts, call: Call<'evaluate'>): Promise<Body<'evaluate'>> {
  const { frameId, expression, context } = call.arguments
  if (/^\s*call\b\s*$/.test(expression)) throw dapError('notAnswered', { why: "`call` needs a function: 'call f(1)'." })
  // Each piece of a copy listens to it.
  setMaxListeners(0, call.signal)
  const place = whereOf(own.parts, frameId)
  const called = calling.exec(expression)
  if (called !== null) return callFunction(own, place, expression.slice(called[0].length), call)
  const variable = await withPointee(place, await read(place, expression, call.signal), call.signal)
  const item = itemOf(variable, expression)
  if (context === 'clipboard' || context === 'variables') {
    const { result, ...body } = resultOf(own, place, item, call.arguments.format)
    const copied = await copy(place, item, call.signal)
    return context === 'clipboard' ? { result: copied, variablesReference: 0 } : { ...body, result: copied || result }
  }
  if (context !== 'repl') return resultOf(own, place, item, call.arguments.format)
  const whole = await withText(place, item, consoleMax, call.signal)
  return resultOf(own, place, whole, call.arguments.format, lineMax)
}

function itemOf(variable: Variable, expression: string): Item {
  const path = pathOf(expression)
  return { name: expression.trim(), variable, expression: expressionOf(variable, path), path }
}

/** Of `&x` Delve reads the address only. */
async function withPointee(place: Place, variable: Variable, signal: AbortSignal): Promise<Variable> {
  const pointee = variable.kind === kinds.pointer ? pointeeOf(variable) : undefined
  const expression = pointee?.onlyAddr === true ? expressionOf(pointee, undefined) : undefined
  if (expression === undefined) return variable
  return { ...variable, children: [await read(place, expression, signal)] }
}

/** With all of a text, up to a length. */
async function withText(place: Place, item: Item, max: number, signal: AbortSignal): Promise<Item> {
  const { variable, expression } = item
  const isCut = variable.kind === kinds.string && variable.len > loadedBytes(variable)
  if (!isCut || expression === undefined) return item
  return { ...item, variable: await read(place, expression, signal, { ...loadConfig, MaxStringLen: max }) }
}

/** A text as it is; of all else one line, with as much as can be had without holding Delve for long. */
async function copy(place: Place, item: Item, signal: AbortSignal): Promise<string> {
  const { variable } = await withText(place, item, copyMax, signal)
  if (variable.kind === kinds.string && variable.unreadable === '') return bytesOf(variable).toString('utf8')
  const whole = hasPages(variable) ? await withElements(place, { ...item, variable }, signal) : variable
  return formatValue(whole, { max: copyMax })
}

async function withElements(place: Place, item: Item, signal: AbortSignal): Promise<Variable> {
  const children = await readPage(place, item, 0, copiedElementsMax, signal)
  return { ...item.variable, children }
}

export function resultOf(
  { nodes }: EvaluateParts,
  place: Place,
  item: Item,
  format: DebugProtocol.ValueFormat | undefined,
  max = rowMax,
): Body<'evaluate'> {
  const shown = show(nodes, place, { item }, formatOf(format, max))
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

/** Runs a function of the program, and with it, for as long as that takes, all goroutines. */
async function callFunction(
  own: EvaluateParts,
  place: Place,
  expression: string,
  { arguments: { context, format }, signal }: Call<'evaluate'>,
): Promise<Body<'evaluate'>> {
  if (own.parts.context.guard.readOnly) {
    throw dapError('notAnswered', { why: 'A function is not called in a session that only looks.' })
  }
  if (context === 'hover') throw dapError('notAnswered', { why: 'A function is not called for a hover.' })
  own.calls.check(expression)
  const results = await inject(own, place, expression, signal)
  const items = resultItems(results)
  const [only] = items
  if (only === undefined) return { result: '', variablesReference: 0 }
  if (items.length === 1) return resultOf(own, place, only, format, lineMax)
  return {
    result: items.map(({ variable }) => formatValue(variable, formatOf(format))).join(', '),
    variablesReference: own.nodes.add(place, { kind: 'results', variables: results }),
  }
}

/** Delve's `call`: a function, or an assignment that needs one. What it has returned. */
export async function inject(
  own: EvaluateParts,
  place: Place,
  expression: string,
  signal: AbortSignal,
): Promise<readonly Variable[]> {
  if (place.frame > 0) {
    throw dapError('notAnswered', {
      why: 'A function is called in the top frame of a goroutine only. Select that one.',
    })
  }
  try {
    const { currentThread } = await own.parts.program.call(expression, place.goroutine, signal)
    const results = currentThread?.ReturnValues ?? []
    const thrown = results.find(({ name }) => name === '~panic')
    if (thrown !== undefined) {
      throw dapError('debuggerFailed', { message: `The called function has panicked: ${panicText(thrown)}` })
    }
    return results
  } catch (error) {
    throw error instanceof DelveError ? told(error) : error
  } finally {
    changed(own, place)
  }
}

function panicText(thrown: Variable): string {
  return formatValue(thrown.kind === kinds.interface ? (heldBy(thrown) ?? thrown) : thrown)
}

/** The client is told that what it shows may not be so any more. */
export function changed({ nodes, parts }: EvaluateParts, { stop }: Place): void {
  nodes.changed(stop)
  if (parts.options.client.supportsInvalidatedEvent === true && !stop.isOver) {
    parts.context.emit('invalidated', { areas: ['variables'] })
  }
}
