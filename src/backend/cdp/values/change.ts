import type { Debugger, Runtime } from 'node:inspector'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import type { Frame } from '../parts.ts'
import { resultOf, whereOf, type EvaluateParts } from './evaluate.ts'
import type { Node } from './nodes.ts'
import { resolve } from './reader.ts'
import { budgetMs, notAnswered, type Where } from './runner.ts'
import type { Scopes } from './scopes.ts'

type Parts = EvaluateParts & { readonly scopes: Scopes }

export async function setVariable(own: Parts, call: Call<'setVariable'>): Promise<Body<'setVariable'>> {
  const { variablesReference, name, value, format } = call.arguments
  const node = own.nodes.get(variablesReference)
  const { part, thread } = node
  const where: Where = { thread, frame: part.kind === 'scope' ? part.frame : thread.stop?.frames[0] }
  try {
    const given = await own.runner.run(`(${value}\n)`, where, { ...howOf(call), pure: false })
    const target = part.kind === 'range' ? part.whole : node
    if (part.kind === 'scope') await setScoped(own, part.frame, part.index, name, given, call)
    else await setMember(own, target, name, given, where, call)
    if (thread.stop !== undefined) own.scopes.changed(thread.stop)
    const { row, base } = await own.runner.describe(given, thread, call.signal)
    const { result, ...body } = resultOf(own, { row, base, steps: [] }, where, format)
    return { ...body, value: result }
  } catch (error) {
    throw notAnswered(error)
  }
}

export async function setExpression(own: Parts, call: Call<'setExpression'>): Promise<Body<'setExpression'>> {
  const { expression, value, frameId, format } = call.arguments
  const where = whereOf(own.parts, frameId)
  try {
    const given = await own.runner.run(`(${expression}\n)=(${value}\n)`, where, { ...howOf(call), pure: false })
    const { row, base } = await own.runner.describe(given, where.thread, call.signal)
    const { result, ...body } = resultOf(own, { row, base, steps: [] }, where, format)
    return { ...body, value: result }
  } catch (error) {
    throw notAnswered(error)
  }
}

function howOf(call: Call): { signal: AbortSignal; timeoutMs: number } {
  return { signal: call.signal, timeoutMs: budgetMs(call) }
}

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

async function setScoped(
  own: Parts,
  frame: Frame,
  index: number,
  name: string,
  given: Runtime.RemoteObject,
  call: Call,
): Promise<void> {
  const { thread } = frame.stop
  const { callFrameId, scopeChain } = frame.callFrame
  if (name === 'Return value') {
    await thread.cdp.request('Debugger.setReturnValue', { newValue: argumentOf(given) }, call.signal)
    return
  }
  if (!identifier.test(name) || name === 'this') {
    throw dapError('notAnswered', { why: `'${name}' cannot be set.` })
  }
  const { type, object } = scopeChain[index]!
  if (type === 'global' || type === 'with') {
    const where = { thread, frame: undefined }
    await own.runner.runWith(
      `values[0][${JSON.stringify(name)}] = values[1]`,
      [{ objectId: object.objectId! }, argumentOf(given)],
      object.objectId!,
      where,
      howOf(call),
    )
    return
  }
  if (type !== 'module' && type !== 'script' && type !== 'eval') {
    // Constants, too: neither this nor an assignment in the frame knows of them in V8 (Node 20, 24).
    const params = { scopeNumber: index, variableName: name, newValue: argumentOf(given), callFrameId }
    await thread.cdp.request<Debugger.SetVariableValueParameterType>('Debugger.setVariableValue', params, call.signal)
    return
  }
  const how = howOf(call)
  await own.runner.runWith(
    'return values[0]',
    [argumentOf(given)],
    object.objectId!,
    { thread, frame },
    how,
    `${name} = `,
  )
}

/** A property, an element, or the value of a Map's entry; strictly, so that what cannot be set is an error. */
async function setMember(
  own: Parts,
  { thread, base, steps, row, part }: Node,
  name: string,
  given: Runtime.RemoteObject,
  where: Where,
  call: Call,
): Promise<void> {
  if (part.kind === 'text' || part.kind === 'getter' || base === '' || name.startsWith('[[') || name.startsWith('#')) {
    throw dapError('notAnswered', { why: `'${name}' cannot be set.` })
  }
  const last = steps.at(-1)
  const isEntry = row.k === 'entry' && last !== undefined && 'e' in last
  if (row.k === 'set' || row.k === 'map' || (isEntry && name !== 'value')) {
    throw dapError('notAnswered', { why: `'${name}' cannot be set: open the entry of a Map, and set its value.` })
  }
  const owner = await resolve(thread, base, [isEntry ? steps.slice(0, -1) : steps], call.signal)
  if (owner.objectId === undefined) throw dapError('notAnswered', { why: 'This value is no longer there.' })
  const values = [{ objectId: owner.objectId }, argumentOf(given)]
  const key = JSON.stringify(name)
  const body = isEntry
    ? `if (!(values[0] instanceof Map)) throw TypeError('an element of a Set cannot be set'); values[0].set([...values[0].keys()][${last.e}], values[1])`
    : `const key = ${key}.startsWith('Symbol(') && !Object.hasOwn(values[0], ${key}) ? Object.getOwnPropertySymbols(values[0]).find((one) => String(one) === ${key}) ?? ${key} : ${key}; values[0][key] = values[1]`
  await own.runner.runWith(body, values, owner.objectId, where, howOf(call))
}

function argumentOf(remote: Runtime.RemoteObject): Runtime.CallArgument {
  const { objectId, unserializableValue } = remote
  const value: unknown = remote.value
  if (objectId !== undefined) return { objectId }
  if (unserializableValue !== undefined) return { unserializableValue }
  return remote.type === 'undefined' ? {} : { value }
}
