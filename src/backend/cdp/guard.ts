import type { CdpSession } from './connection.ts'
import { guardSource, lookSource } from './guardSource.ts'

export { engineMethods as guardMethods } from '../../lib/engineMethods.ts'
export { guardSource } from './guardSource.ts'

/** The free identifier of guarded texts (policy/expression/javascript/guard.ts). It is in no string of theirs. */
export const guardIdentifier = '__breakwater'

/** Does this text need the guard? Names, literals, `===` and the like do not. */
export const usesGuard = (text: string): boolean => text.includes(guardIdentifier)

/** The text with the name of an installed guard. */
export const named = (text: string, name: string): string => text.replaceAll(guardIdentifier, name)

/**
 * A guarded text as an evaluation under `throwOnSideEffect`, with the guard in it if it needs one: nothing need be
 * installed. Names of the frame, `this` and `arguments` are inside an arrow function what they are outside. It throws
 * strings only, whole sentences or V8's own words: an error would be described by V8, which runs the program's
 * `Error.prepareStackTrace` (seen in Node 20 and 24). V8's own EvalError for a side effect cannot be caught.
 */
export const inlineGuard = (text: string): string =>
  usesGuard(text)
    ? `((${guardIdentifier})=>{try{return (${text})}catch(e){throw ${guardIdentifier}.reason(e)}})((${lookSource})())`
    : // What can be thrown here is V8's own: a name that is not there, or not yet.
      `(()=>{try{return (${text})}catch(e){throw 'ReferenceError: '+e.message}})()`

/** A guarded part of a log message as an expression for one line of text, with an installed guard. It never throws. */
export const logPartText = (text: string, name: string): string => `${name}.part(()=>(${named(text, name)}))`

type Requests = Pick<CdpSession, 'request'>

interface Evaluated {
  readonly result: { readonly objectId?: string; readonly value?: unknown }
  readonly exceptionDetails?: unknown
}

/** For one evaluation of ours, in which nothing loops. */
const timeoutMs = 1_000

/**
 * Defines the hidden global `name` in one context of the program: the guard of conditions and log points, which V8 does
 * not guard. It is made under `throwOnSideEffect` from what is the engine's own, and only then defined. False where it
 * cannot be: a context without `process` (vm), Node before 20.16, a program that has replaced what is needed, or that
 * has frozen `globalThis`. Nothing but this one property is left in the program.
 */
export async function installGuard(session: Requests, name: string, contextId?: number): Promise<boolean> {
  const where = contextId === undefined ? {} : { contextId }
  const made = await session.request<Evaluated>('Runtime.evaluate', {
    ...where,
    expression: `[((guard) => { if (!guard.sure) throw 'no test for proxies'; return guard })((${guardSource})(true)), globalThis]`,
    throwOnSideEffect: true,
    timeout: timeoutMs,
    silent: true,
  })
  const { objectId } = made.result
  if (made.exceptionDetails !== undefined || objectId === undefined) return false
  const call = {
    functionDeclaration: 'function (name) { this[0].install(this[1], name) }',
    arguments: [{ value: name }],
  }
  const done = await session.request<Evaluated>('Runtime.callFunctionOn', { objectId, ...call, silent: true })
  session.request('Runtime.releaseObject', { objectId }).catch(() => {
    // Released with the session.
  })
  return done.exceptionDetails === undefined
}

/** Takes the hidden global away again. Whatever happens to it, a program that ends meanwhile is no error. */
export async function removeGuard(session: Requests, name: string, contextId?: number): Promise<void> {
  const where = contextId === undefined ? {} : { contextId }
  await session.request('Runtime.evaluate', { ...where, expression: `delete globalThis.${name}`, silent: true })
}
