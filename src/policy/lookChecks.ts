import type { DebugProtocol } from '@vscode/debugprotocol'
import { withArguments, type AnyCall, type Body } from '../dap/call.ts'
import { DapError, dapError } from '../dap/errors.ts'
import { present } from '../lib/present.ts'
import { walk, walkLimits, type Value, type ValueSource } from './expression/walk.ts'
import { secretIn } from './expressionSecrets.ts'
import { asker, frameValues } from './frameValues.ts'
import type { Next } from './policy.ts'
import type { Check, CheckTools } from './readOnly.ts'
import { refusal } from './refusal.ts'

/**
 * Answers by walking what the debugger shows, so that nothing is evaluated in the program, in no context; or, where the
 * debugger has a guard of its own, by a text in which nothing of the program can run.
 */
const evaluate: Check<'evaluate'> = async (call, next, tools) => {
  const { expression, frameId } = call.arguments
  const looked = tools.expressions.look(expression)
  if (!looked.ok) throw refusal(tools.context, looked.refused)
  if (looked.value.answers === 'guarded') {
    const guarded = tools.expressions.evaluated(looked.value)
    if (!guarded.ok) throw refusal(tools.context, guarded.refused)
    const args = { ...call.arguments, expression: guarded.value }
    return (await next(withArguments(call, args) as AnyCall)) as Body<'evaluate'>
  }
  if (frameId === undefined) {
    const why = 'There is no frame to look at. Pause the program or wait for a breakpoint, then choose a frame.'
    throw dapError('notAnswered', { why })
  }
  const source = frameValues(call as AnyCall, next, frameId, tools.redactor)
  const result = await walk(looked.value.node, source, walkLimits, call.signal)
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
  const { language } = tools.expressions
  const match = language?.typed.exec(before)
  if (language === undefined || !match) return { targets: [] }
  const path = match[1]!.replace(/(?:\?\.|\.)$/, '')
  const typed = match[2] ?? ''
  if (frameId === undefined || (path === '' && typed === '')) return { targets: [] }
  const names = await namesBelow(path, call as AnyCall, frameId, next, tools)
  const targets = names
    .filter((name) => name.startsWith(typed) && language.identifier.test(name))
    .slice(0, completionsMax)
    .map((label) => ({ label, start: before.length - typed.length + 1, length: typed.length }))
  return { targets }
}

async function namesBelow(
  path: string,
  call: AnyCall,
  frameId: number,
  next: Next,
  tools: CheckTools,
): Promise<string[]> {
  const source = frameValues(call, next, frameId, tools.redactor)
  if (path === '') {
    const scopes = (await source.scopes()).filter(({ expensive }) => expensive !== true)
    return namesOf(await Promise.all(scopes.map(({ ref }) => source.children(ref))))
  }
  const looked = tools.expressions.look(path)
  // What is redacted has no names to offer.
  if (!looked.ok || (tools.redactor.on && secretIn(looked.value.steps, tools.redactor.names) !== undefined)) return []
  if (looked.value.answers === 'walk') {
    const result = await walk(looked.value.node, source, walkLimits, call.signal)
    return result.ok && result.value.ref > 0 ? namesOf([await source.children(result.value.ref)]) : []
  }
  const guarded = tools.expressions.evaluated(looked.value)
  if (!guarded.ok) return []
  try {
    const { variablesReference } = await asker(call, next)('evaluate', { expression: guarded.value, frameId })
    return namesOf(await withInherited(source, variablesReference))
  } catch (error) {
    // There is no such value: nobody is told of a completion that finds nothing.
    if (error instanceof DapError && error.code === 'notAnswered') return []
    throw error
  }
}

/** Longest chain of prototypes whose members are offered; the last is `Object.prototype`, which nobody looks for. */
const prototypesMax = 4

/** The children of a value, and those of its prototypes. */
async function withInherited(source: ValueSource, first: number): Promise<(readonly Value[])[]> {
  const found: (readonly Value[])[] = []
  for (let ref = first; ref > 0 && found.length < prototypesMax;) {
    const children: readonly Value[] = await source.children(ref, {
      filter: 'named',
      start: 0,
      count: completionsMax * 5,
    })
    found.push(children)
    ref = children.find(({ name }) => name === '[[Prototype]]')?.ref ?? 0
  }
  return found
}

function namesOf(children: readonly (readonly Value[])[]): string[] {
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
