import { abortable, reasonOf } from '../../lib/abort.ts'
import { Unanswerable, bounds, type Bounds } from './node.ts'

/** A value as a debugger shows it. */
export interface Value {
  /** As the debugger shows it, for Python the `repr`. */
  readonly text: string
  readonly type?: string
  /** `variablesReference`; 0 for a leaf. */
  readonly ref: number
  readonly name?: string
  readonly evaluateName?: string
  readonly indexed?: number
  readonly named?: number
  readonly presentationHint?: unknown
}

export interface ScopeValue {
  readonly name: string
  readonly ref: number
  readonly expensive?: boolean
  readonly presentationHint?: string
}

export interface Page {
  readonly start?: number
  readonly count?: number
  readonly filter?: 'indexed' | 'named'
}

/** Where the values come from: a stopped frame of a debugger, or a frozen copy of one. */
export interface ValueSource {
  /** The scopes of the frame, innermost first. */
  scopes(): Promise<readonly ScopeValue[]>
  children(ref: number, page?: Page): Promise<readonly Value[]>
}

export interface WalkLimits extends Bounds {
  /** Requests to the source that one expression may cost. */
  readonly requests: number
  /** Items that an answer may list. */
  readonly items: number
}

export const walkLimits: WalkLimits = { ...bounds, requests: 50, items: 100 }

/** The same question is asked once in a walk: `x.a == x.b` costs one request for `x`. Each counts against the limit. */
export class Asking {
  readonly limits: WalkLimits
  readonly #values: ValueSource
  readonly #signal: AbortSignal
  readonly #asked = new Map<string, Promise<readonly Value[]>>()
  #scopes: Promise<readonly ScopeValue[]> | undefined
  #requests = 0

  constructor(values: ValueSource, limits: WalkLimits, signal: AbortSignal) {
    this.#values = values
    this.limits = limits
    this.#signal = signal
  }

  #ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.#signal.aborted) return Promise.reject(reasonOf(this.#signal))
    this.#requests += 1
    if (this.#requests > this.limits.requests) {
      const message = `The expression needs more than ${this.limits.requests} requests to the debugger.`
      return Promise.reject(new Unanswerable(message))
    }
    return abortable(request(), this.#signal)
  }

  scopes(): Promise<readonly ScopeValue[]> {
    this.#scopes ??= this.#ask(() => this.#values.scopes())
    return this.#scopes
  }

  children(ref: number, page?: Page): Promise<readonly Value[]> {
    if (ref === 0) return Promise.resolve([])
    const key = `${ref} ${page?.start} ${page?.count} ${page?.filter}`
    let asked = this.#asked.get(key)
    if (!asked) {
      asked = this.#ask(() => this.#values.children(ref, page))
      this.#asked.set(key, asked)
    }
    return asked
  }
}
