import type { Runtime } from 'node:inspector'
import { CdpError } from '../connection.ts'
import type { Thread } from '../parts.ts'
import { readerSource } from './readerSource.ts'

/** From one value to one inside it: by key, by number among its symbols, to its prototype, to an entry of a Map or Set. */
export type Step = { readonly k: string } | { readonly s: number } | { readonly p: 1 } | { readonly e: number }

export type Kind =
  | 'primitive'
  | 'string'
  | 'array'
  | 'arguments'
  | 'typed'
  | 'buffer'
  | 'map'
  | 'set'
  | 'weak'
  | 'entry'
  | 'empty'
  | 'object'
  | 'error'
  | 'date'
  | 'regexp'
  | 'promise'
  | 'proxy'
  | 'function'
  | 'class'
  | 'generator'
  | 'boxed'
  | 'arraybuffer'
  | 'dataview'
  | 'external'
  | 'getter'
  | 'setter'
  | 'unreadable'

/** What the reader says of one value. */
export interface Row {
  /** Its name, below a parent. */
  readonly n?: string
  /** One line of text. */
  readonly t: string
  /** Its type: `number`, or the name of its class. */
  readonly y: string
  readonly k: Kind
  /** Of how many numbered children. */
  readonly c?: number
  /** The whole length of a text that is cut. */
  readonly l?: number
  /** The number of the symbol that is its key. */
  readonly s?: number
  /** It is an entry of a Map or Set. */
  readonly x?: true
  /** Its key is too long to be named by it. */
  readonly z?: true
  /** Not enumerable. */
  readonly e?: true
  /** Not writable. */
  readonly r?: true
  /** It is the global object: only V8's own view can be had. */
  readonly g?: true
  /** V8's own description would run code of the program. */
  readonly h?: true
  /** It may, if its `stack` is a getter: this Node does not tell without writing it. */
  readonly u?: true
}

export type Range = readonly [start: number, count: number]

/** What is asked about the value at the end of the steps. */
export type Want = { readonly steps: readonly Step[] } & (
  | {
      readonly action: 'children'
      readonly indexed?: Range | undefined
      readonly named?: Range | undefined
      readonly proto?: boolean
    }
  | { readonly action: 'describe' | 'stack' }
  | { readonly action: 'text' | 'bytes'; readonly start: number; readonly count: number }
  | { readonly action: 'names'; readonly prefix: string; readonly max: number }
  | { readonly action: 'json'; readonly max: number }
)

export interface Answer {
  readonly rows?: readonly Row[]
  readonly kind?: Kind
  /** Of the named children, without the numbered ones. */
  readonly total?: number
  /** V8 can describe it and its children without running anything. */
  readonly calm?: boolean
  readonly proto?: Row
  readonly text?: string
  readonly length?: number
  /** There is no such value any more. */
  readonly gone?: true
}

export interface NamesAnswer {
  readonly rows: readonly (readonly [name: string, kind: 'property' | 'method' | 'field', depth: number])[]
}

/** Characters of one value in a list; the rest is in its children, and in the clipboard. */
export const textMax = 1_000

/**
 * It cannot be read by our function: a context without Node's `process` (vm), Node before 20.16, a program that has
 * replaced built-in functions by its own. V8's own view is what is left.
 */
export class NotReadable extends Error {}

/** The reader is compiled once in each context; to send it with each request made a look 3 times as slow. */
const readers = new WeakMap<Thread, Map<string, string>>()
const readerGroup = 'breakwater-reader'

/** An id of V8's is `isolate.context.number`. */
const contextOf = (base: string): string => base.slice(0, base.lastIndexOf('.'))

async function callReader(
  thread: Thread,
  base: string,
  args: readonly Runtime.CallArgument[],
  rest: object,
  signal: AbortSignal | undefined,
): Promise<Runtime.CallFunctionOnReturnType> {
  const { cdp } = thread
  const known = readers.get(thread) ?? new Map<string, string>()
  readers.set(thread, known)
  const context = contextOf(base)
  const common = { objectId: base, silent: true, throwOnSideEffect: true, ...rest }
  const call = (functionDeclaration: string, given: readonly Runtime.CallArgument[]) =>
    cdp.request<Runtime.CallFunctionOnReturnType>(
      'Runtime.callFunctionOn',
      { ...common, functionDeclaration, arguments: given },
      signal,
    )
  const reader = known.get(context)
  if (reader !== undefined) {
    try {
      return await call('function (reader, ...args) { return Reflect.apply(reader, this, args) }', [
        { objectId: reader },
        ...args,
      ])
    } catch (error) {
      if (!(error instanceof CdpError) || known.get(context) !== reader) throw error
      // Gone with the handles of its context: once more, as if it had never been there.
      known.delete(context)
    }
  }
  const asked = call(readerSource, args)
  const made = cdp.request<Runtime.CallFunctionOnReturnType>('Runtime.callFunctionOn', {
    objectId: base,
    functionDeclaration: `function () { return ${readerSource} }`,
    objectGroup: readerGroup,
    silent: true,
    throwOnSideEffect: true,
  })
  made.then(
    ({ result }) => {
      if (result.objectId !== undefined && result.type === 'function') known.set(context, result.objectId)
    },
    // The request itself says what is wrong.
    () => {},
  )
  return asked
}

/** Asks about values that begin at these objects, in one request. Rejects with {@link NotReadable}, CdpError, DapError. */
export async function read<A = Answer>(
  thread: Thread,
  starts: readonly { readonly base: string; readonly want: Want }[],
  signal?: AbortSignal,
  max = textMax,
): Promise<A[]> {
  const [first, ...others] = starts
  const ask = { max, wants: starts.map(({ want }) => want) }
  const args = [{ value: ask }, ...others.map(({ base }) => ({ objectId: base }))]
  const answer = await callReader(thread, first!.base, args, { returnByValue: true }, signal)
  if (answer.exceptionDetails !== undefined || !Array.isArray(answer.result.value)) {
    const { exception, text } = answer.exceptionDetails ?? {}
    throw new NotReadable(exception?.description?.split('\n')[0] ?? text ?? 'no answer')
  }
  return answer.result.value as A[]
}

/** Can V8 describe this error without running anything of the program? */
export async function isCalm(
  thread: Thread,
  base: string,
  steps: readonly Step[],
  { h, u }: Pick<Row, 'h' | 'u'>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (h === true || u !== true) return h !== true
  try {
    const [answer] = await read(thread, [{ base, want: { action: 'stack', steps } }], signal)
    return answer?.calm === true
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error
    // V8's own, which it would have written (Node 20).
    return error.message.includes('Possible side-effect')
  }
}

/**
 * V8's handle of the value at the end of the steps, or of a list of the values at the ends of several; in the group of
 * `base`. V8 describes the value itself: not for one whose row says `h`.
 */
export async function resolve(
  thread: Thread,
  base: string,
  paths: readonly (readonly Step[])[],
  signal?: AbortSignal,
): Promise<Runtime.RemoteObject> {
  const answer = await callReader(thread, base, [{ value: { max: 1, paths } }], {}, signal)
  if (answer.exceptionDetails !== undefined) throw new NotReadable(answer.exceptionDetails.text)
  return answer.result
}
