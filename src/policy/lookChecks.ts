import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, Body } from '../dap/call.ts'
import { dapError } from '../dap/errors.ts'
import { present } from '../lib/present.ts'
import { walk, walkLimits } from './expression/walk.ts'
import { frameValues } from './frameValues.ts'
import type { Next } from './policy.ts'
import type { Check, CheckTools } from './readOnly.ts'
import { refusal } from './refusal.ts'

/** Answers by walking what the debugger shows: nothing is evaluated in the program, in no context. */
const evaluate: Check<'evaluate'> = async (call, next, tools) => {
  const { expression, frameId } = call.arguments
  const looked = tools.expressions.look(expression)
  if (!looked.ok) throw refusal(tools.context, looked.refused)
  if (frameId === undefined) {
    const why = 'There is no frame to look at. Pause the program or wait for a breakpoint, then choose a frame.'
    throw dapError('notAnswered', { why })
  }
  const source = frameValues(call as AnyCall, next, frameId, tools.redactor)
  const result = await walk(looked.value, source, walkLimits, call.signal)
  if (!result.ok) throw dapError('notAnswered', { why: result.reason })
  const { text, type, ref, named, indexed, presentationHint } = result.value
  return {
    result: text,
    variablesReference: ref,
    ...present({ type, namedVariables: named, indexedVariables: indexed }),
    ...(presentationHint === undefined
      ? {}
      : { presentationHint: presentationHint as DebugProtocol.VariablePresentationHint }),
  }
}

/** More than anybody reads through; the list is narrowed by typing on. */
const completionsMax = 200

/** Completes names from what is shown of the frame; `text` up to the cursor is a path of names or nothing. */
const completions: Check<'completions'> = async (call, next, tools) => {
  const { text, column, line = 1, frameId } = call.arguments
  const before = (text.split('\n')[line - 1] ?? text).slice(0, Math.max(0, column - 1))
  const match = /((?:[\p{L}_][\p{L}\p{N}_]*\.)*)([\p{L}_][\p{L}\p{N}_]*)?$/u.exec(before)!
  const path = match[1]!.slice(0, -1)
  const typed = match[2] ?? ''
  if (frameId === undefined || (path === '' && typed === '')) return { targets: [] }
  const names = await namesBelow(path, call as AnyCall, frameId, next, tools)
  const targets = names
    .filter((name) => name.startsWith(typed) && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name))
    .slice(0, completionsMax)
    .map((label) => ({ label, start: before.length - typed.length + 1, length: typed.length }))
  return { targets }
}

async function namesBelow(
  path: string,
  call: AnyCall,
  frameId: number,
  next: Next,
  { expressions, redactor }: CheckTools,
): Promise<string[]> {
  const source = frameValues(call, next, frameId, redactor)
  let references: readonly number[]
  if (path === '') {
    references = (await source.scopes()).filter(({ expensive }) => expensive !== true).map(({ ref }) => ref)
  } else {
    const looked = expressions.look(path)
    if (!looked.ok) return []
    const result = await walk(looked.value, source, walkLimits, call.signal)
    references = result.ok && result.value.ref > 0 ? [result.value.ref] : []
  }
  const children = await Promise.all(references.map((reference) => source.children(reference)))
  return [...new Set(children.flat().map(({ name = '' }) => name))]
}

const source: Check<'source'> = async (call, next, { context, known }) => {
  const { source: named, sourceReference } = call.arguments
  if (known.source(named, sourceReference)) return (await next(call as AnyCall)) as Body<'source'>
  throw refusal(context, {
    rule: 'unknownSource',
    why: 'only sources that the debugger has shown can be read',
    advice: 'Open it from the call stack.',
    showUser: false,
  })
}

export const lookChecks = { evaluate, completions, source }
