import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Runtime } from 'node:inspector'
import type { Stop, Thread } from '../parts.ts'
import { syntaxProblem } from './text.ts'

type Arguments = DebugProtocol.SetExceptionBreakpointsArguments

/** For a condition that never ends. */
const conditionMs = 1_000

/** One filter that is on. */
interface Filter {
  readonly breakpointId: number
  readonly condition: string | undefined
}

export interface ThrownParts {
  readonly readOnly: boolean
  nextId(): number
  threads(): Iterable<Thread>
  /** Makes sure that the hidden object is in the program, for `error`. Its name; or why it cannot be there. */
  hidden(): Promise<{ readonly name: string } | { readonly problem: string }>
}

/** Whether V8 stops where something is thrown, and whether that is a stop to the client. */
export class Thrown {
  readonly #parts: ThrownParts
  #all: Filter | undefined
  #uncaught: Filter | undefined
  #name = ''

  constructor(parts: ThrownParts) {
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#all !== undefined || this.#uncaught !== undefined
  }

  /** Answers for each filter and each filter with options, in their order. */
  async set({ filters, filterOptions = [] }: Arguments): Promise<DebugProtocol.Breakpoint[]> {
    const wanted: { id: string; condition: string | undefined }[] = [
      ...filters.map((id) => ({ id, condition: undefined })),
      ...filterOptions.map(({ filterId, condition }) => ({ id: filterId, condition: condition?.trim() || undefined })),
    ]
    const problems = await Promise.all(wanted.map(({ id, condition }) => this.#problem(id, condition)))
    const answers = wanted.map((_, at): DebugProtocol.Breakpoint => {
      const message = problems[at]
      const id = this.#parts.nextId()
      return message === undefined ? { id, verified: true } : { id, verified: false, message, reason: 'failed' }
    })
    const filter = (name: string): Filter | undefined => {
      const on = wanted.flatMap(({ id, condition }, at) =>
        id === name && problems[at] === undefined ? [{ breakpointId: answers[at]!.id!, condition }] : [],
      )
      // One without a condition says more than one with.
      return on.find(({ condition }) => condition === undefined) ?? on[0]
    }
    this.#all = filter('all')
    this.#uncaught = filter('uncaught')
    await Promise.all([...this.#parts.threads()].map((thread) => this.apply(thread)))
    return answers
  }

  async apply({ cdp }: Thread): Promise<void> {
    const state = this.#all !== undefined ? 'all' : this.#uncaught !== undefined ? 'uncaught' : 'none'
    await cdp.request('Debugger.setPauseOnExceptions', { state })
  }

  /** Stops nowhere any more. */
  async leave(threads: Iterable<Thread>): Promise<void> {
    if (this.#all === undefined && this.#uncaught === undefined) return
    this.#all = this.#uncaught = undefined
    await Promise.allSettled([...threads].map((thread) => this.apply(thread)))
  }

  /** The ids of the filters that this stop is for; none if it is to be resumed. Only conditions are waited for. */
  hit(stop: Stop): number[] | Promise<number[]> {
    const isUncaught = thrownIn(stop)?.uncaught === true
    const filters = [this.#all, isUncaught ? this.#uncaught : undefined].filter((filter) => filter !== undefined)
    const plain = filters.filter(({ condition }) => condition === undefined)
    if (plain.length > 0 || filters.length === 0) return plain.map(({ breakpointId }) => breakpointId)
    return this.#holding(stop, filters)
  }

  async #holding(stop: Stop, filters: readonly Filter[]): Promise<number[]> {
    const holds = await Promise.all(filters.map(({ condition }) => this.#holds(stop, condition!)))
    return filters.filter((_, at) => holds[at]).map(({ breakpointId }) => breakpointId)
  }

  /** As with V8's own conditions, one that throws does not hold. */
  async #holds({ thread, event }: Stop, condition: string): Promise<boolean> {
    const thrown = thrownIn({ event })
    const callFrameId = event.callFrames[0]?.callFrameId
    if (thrown === undefined || callFrameId === undefined) return true
    const { objectId } = thrown
    const held = `globalThis.${this.#name}.e`
    if (objectId !== undefined) {
      thread.cdp.send('Runtime.callFunctionOn', {
        objectId,
        functionDeclaration: `function (error) { ${held} = error }`,
        arguments: [{ objectId }],
        silent: true,
      })
    }
    const error = objectId === undefined ? primitive(thrown) : held
    const { result, exceptionDetails } = await thread.cdp.request<{
      readonly result: Runtime.RemoteObject
      readonly exceptionDetails?: unknown
    }>('Debugger.evaluateOnCallFrame', {
      callFrameId,
      expression: `((error)=>!!(${condition}\n))(${error})`,
      silent: true,
      timeout: conditionMs,
      returnByValue: true,
    })
    if (objectId !== undefined) {
      thread.cdp.send('Debugger.evaluateOnCallFrame', { callFrameId, expression: `${held}=undefined`, silent: true })
    }
    return exceptionDetails === undefined && result.value === true
  }

  async #problem(id: string, condition: string | undefined): Promise<string | undefined> {
    if (id !== 'all' && id !== 'uncaught') return `There is no exception filter '${id}'.`
    if (condition === undefined) return undefined
    if (this.#parts.readOnly) return 'The condition of an exception filter would run in the program.'
    const [main] = this.#parts.threads()
    if (main === undefined) return undefined
    const syntax = await syntaxProblem(main.cdp, [`(${condition}\n)`])
    if (syntax !== undefined) return syntax
    const hidden = await this.#parts.hidden()
    if ('problem' in hidden) return hidden.problem
    this.#name = hidden.name
    return undefined
  }
}

type ThrownValue = Runtime.RemoteObject & { readonly uncaught?: boolean }

/** What was thrown, with whether V8 expects nobody to catch it; undefined if the stop is for something else. */
export function thrownIn({ event }: Pick<Stop, 'event'>): ThrownValue | undefined {
  const { reason, data } = event as { readonly reason: string; readonly data?: object }
  if (reason === 'exception' || reason === 'promiseRejection') return data as ThrownValue
  if (reason !== 'ambiguous') return undefined
  const { reasons = [] } = data as { reasons?: { reason: string; auxData?: object }[] }
  const found = reasons.find((each) => each.reason === 'exception' || each.reason === 'promiseRejection')
  return found?.auxData as ThrownValue | undefined
}

function primitive({ type, value, unserializableValue }: Runtime.RemoteObject): string {
  if (unserializableValue !== undefined) return unserializableValue
  return type === 'undefined' ? 'undefined' : JSON.stringify(value)
}
