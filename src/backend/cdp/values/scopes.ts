import type { Debugger, Runtime } from 'node:inspector'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Frame, Stop } from '../parts.ts'
import { pageMax } from './pages.ts'
import { NotReadable, read, type Answer, type Range, type Row } from './reader.ts'
import { nativeRows, withPatterns } from './native.ts'
import { stopGroup } from './nodes.ts'
import { rowOf } from './show.ts'

/** Variables of an outer scope that are read with the stop; a bundle's have thousands, and are read when asked for. */
const outerMax = 100

/** A variable of a scope, with V8's handle where it is not found by its name there. */
export interface ScopeRow {
  readonly row: Row
  readonly base?: string
}

export interface ScopeView {
  readonly rows: readonly ScopeRow[]
  /** V8's handle of the object that has the variables. */
  readonly base: string
  /** Of all variables, those of the range are in `rows`. */
  readonly total: number
}

interface ScopeRead {
  readonly views: Promise<readonly ScopeView[]>
  readonly wanted: readonly (Range | undefined)[]
}

const names: Readonly<Record<string, string>> = {
  global: 'Global',
  local: 'Local',
  with: 'With',
  closure: 'Closure',
  catch: 'Catch',
  block: 'Block',
  script: 'Script',
  eval: 'Eval',
  module: 'Module',
}

/** What the scopes of frames hold; those of the top frame are asked for in the flight that follows the stop. */
export class Scopes {
  readonly #reads = new WeakMap<Frame, ScopeRead>()
  /** Stops in which something was evaluated: V8's objects of their scopes are copies from before. */
  readonly #changed = new WeakMap<Stop, number>()
  readonly #renewed = new WeakMap<Frame, Map<number, { readonly change: number; readonly base: Promise<string> }>>()

  stopped({ frames: [top] }: Stop): void {
    if (top === undefined) return
    const wanted = top.callFrame.scopeChain.map(({ type }): Range | undefined =>
      type === 'global' ? undefined : [0, isInner(type) ? pageMax : outerMax],
    )
    const views = this.#readAll(top, wanted)
    // Whoever asks for it gets the error.
    views.catch(() => {})
    this.#reads.set(top, { views, wanted })
  }

  /** Local variables may have other values from now on. */
  changed(stop: Stop): void {
    this.#changed.set(stop, (this.#changed.get(stop) ?? 0) + 1)
  }

  list(frame: Frame, reference: (index: number) => number): DebugProtocol.Scope[] {
    return frame.callFrame.scopeChain.map(({ type, name }, index) => ({
      name: type === 'closure' && name !== undefined && name !== '' ? `Closure (${name})` : (names[type] ?? type),
      variablesReference: reference(index),
      expensive: type === 'global',
      ...(type === 'local' ? { presentationHint: 'locals' } : {}),
    }))
  }

  /** Rejects with NotReadable, CdpError, DapError. */
  async view(frame: Frame, index: number, range: Range, signal: AbortSignal): Promise<ScopeView> {
    const asked = this.#reads.get(frame)
    if (asked?.wanted[index] !== undefined && !this.#changed.has(frame.stop)) {
      const view = (await asked.views)[index]!
      const [start, count] = range
      const has = asked.wanted[index][1]
      if (start + count <= has || view.total <= has) return slice(view, range)
    }
    const base = await this.#base(frame, index, signal)
    return this.#one(frame, index, base, range, signal)
  }

  #readAll(frame: Frame, wanted: readonly (Range | undefined)[]): Promise<readonly ScopeView[]> {
    const { thread } = frame.stop
    const { scopeChain } = frame.callFrame
    const bases = scopeChain.map(({ object }) => object.objectId!)
    const indexes = bases.flatMap((_, index) => (wanted[index] === undefined ? [] : [index]))
    const home = homeOf(scopeChain)
    const own = ownValues(frame)
    const starts = [
      ...indexes.map((index) => ({
        base: bases[index]!,
        want: { action: 'children', steps: [], named: wanted[index] } as const,
      })),
      ...own.flatMap(({ remote }) =>
        remote.objectId === undefined
          ? []
          : [{ base: remote.objectId, want: { action: 'describe', steps: [] } as const }],
      ),
    ]
    if (indexes.length === 0)
      return Promise.resolve(scopeChain.map((_, at) => ({ rows: [], base: bases[at]!, total: 0 })))
    const asked = read(thread, starts)
    const view = async (index: number): Promise<ScopeView> => {
      const at = indexes.indexOf(index)
      if (at < 0) return { rows: [], base: bases[index]!, total: 0 }
      let answers: readonly Answer[]
      try {
        answers = await asked
      } catch (error) {
        if (!(error instanceof NotReadable)) throw error
        // One value of one scope is enough for that.
        return this.#one(frame, index, bases[index]!, wanted[index]!)
      }
      const shown = index === home ? described(own, answers.slice(indexes.length)) : []
      return this.#viewOf(frame, bases[index]!, answers[at]!, shown)
    }
    return Promise.all(scopeChain.map((_, index) => view(index)))
  }

  async #one(frame: Frame, index: number, base: string, range: Range, signal?: AbortSignal): Promise<ScopeView> {
    const { thread } = frame.stop
    const own = index === homeOf(frame.callFrame.scopeChain) && range[0] === 0 ? ownValues(frame) : []
    const values = own.flatMap(({ remote }) =>
      remote.objectId === undefined
        ? []
        : [{ base: remote.objectId, want: { action: 'describe', steps: [] } as const }],
    )
    try {
      const want = { action: 'children', steps: [], named: range } as const
      const [answer, ...answers] = await read(thread, [{ base, want }, ...values], signal)
      return await this.#viewOf(frame, base, answer!, described(own, answers), signal)
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error
      return this.#native(frame, index, base, signal)
    }
  }

  async #viewOf(
    { stop }: Frame,
    base: string,
    { rows = [], total = 0 }: Answer,
    own: readonly ScopeRow[],
    signal?: AbortSignal,
  ): Promise<ScopeView> {
    const shown = await withPatterns(stop.thread, base, rows, ({ n }) => [{ k: n! }], signal)
    return { base, total, rows: [...own, ...shown.map((row) => ({ row }))] }
  }

  async #native(frame: Frame, index: number, base: string, signal?: AbortSignal): Promise<ScopeView> {
    const own = index === homeOf(frame.callFrame.scopeChain) ? described(ownValues(frame), []) : []
    const rows = (await nativeRows(frame.stop.thread, base, signal)).map(({ row, base: handle }): ScopeRow => ({
      row,
      ...(handle === undefined ? {} : { base: handle }),
    }))
    return { base, total: rows.length, rows: [...own, ...rows] }
  }

  /** The object with the variables' values of now. */
  #base(frame: Frame, index: number, signal: AbortSignal): Promise<string> {
    const { type, object } = frame.callFrame.scopeChain[index]!
    const change = this.#changed.get(frame.stop)
    const isCopy = type !== 'global' && type !== 'with'
    if (change === undefined || !isCopy) return Promise.resolve(object.objectId!)
    const renewed = this.#renewed.get(frame) ?? new Map<number, { change: number; base: Promise<string> }>()
    this.#renewed.set(frame, renewed)
    const known = renewed.get(index)
    if (known?.change === change) return known.base
    const base = renew(frame, index, signal)
    renewed.set(index, { change, base })
    base.catch(() => renewed.delete(index))
    return base
  }
}

const isInner = (type: string): boolean => type === 'local' || type === 'block' || type === 'catch'

/** The scope that shows `this` and the return value. */
function homeOf(chain: readonly Debugger.Scope[]): number {
  const local = chain.findIndex(({ type }) => type === 'local')
  return local >= 0
    ? local
    : Math.max(
        0,
        chain.findIndex(({ type }) => type === 'module'),
      )
}

function slice(view: ScopeView, [start, count]: Range): ScopeView {
  if (start === 0 && count >= view.rows.length) return view
  const own = view.rows.length - Math.min(view.total, view.rows.length)
  const rows = view.rows.slice(start === 0 ? 0 : own + start, own + start + count)
  return { ...view, rows }
}

interface OwnValue {
  readonly name: string
  readonly remote: Runtime.RemoteObject
}

function ownValues({ callFrame }: Frame): OwnValue[] {
  const { returnValue, this: self } = callFrame
  return [
    ...(returnValue === undefined ? [] : [{ name: 'Return value', remote: returnValue }]),
    { name: 'this', remote: self },
  ]
}

/** `answers` are those for the ones that have a handle; without them it is V8's own view. */
function described(own: readonly OwnValue[], answers: readonly Answer[]): ScopeRow[] {
  let at = 0
  return own.map(({ name, remote }) => {
    const { objectId } = remote
    if (objectId === undefined) return { row: rowOf(remote, name) }
    const row = answers[at++]?.rows?.[0] ?? rowOf(remote)
    return { row: { ...row, n: name }, base: objectId }
  })
}

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/**
 * V8 gives a copy of a scope with the stop, which does not follow a change: the variables by their names, evaluated in
 * the frame. One that an inner scope hides, and those of a name that is none (`this`), keep what they were.
 */
async function renew(frame: Frame, index: number, signal: AbortSignal): Promise<string> {
  const { cdp } = frame.stop.thread
  const chain = frame.callFrame.scopeChain
  const keysOf = async (at: number): Promise<string[]> => {
    const { result } = await cdp.request<Runtime.CallFunctionOnReturnType>(
      'Runtime.callFunctionOn',
      {
        objectId: chain[at]!.object.objectId,
        functionDeclaration: 'function () { return Object.keys(this) }',
        returnByValue: true,
        silent: true,
        throwOnSideEffect: true,
      },
      signal,
    )
    return Array.isArray(result.value) ? (result.value as string[]) : []
  }
  const keys = await Promise.all(chain.slice(0, index + 1).map((_, at) => keysOf(at)))
  const hidden = new Set(keys.slice(0, index).flat())
  const wanted = keys[index]!.filter((key) => identifier.test(key) && key !== 'this' && !hidden.has(key))
  const parts = wanted.map((key) => `${JSON.stringify(key)}:(()=>{try{return ${key}}catch{}})()`)
  const { result, exceptionDetails } = await cdp.request<Debugger.EvaluateOnCallFrameReturnType>(
    'Debugger.evaluateOnCallFrame',
    {
      callFrameId: frame.callFrame.callFrameId,
      expression: `({__proto__:null,${parts.join(',')}})`,
      objectGroup: stopGroup,
      silent: true,
      throwOnSideEffect: true,
      timeout: 1_000,
    },
    signal,
  )
  if (exceptionDetails !== undefined || result.objectId === undefined) return chain[index]!.object.objectId!
  return result.objectId
}
