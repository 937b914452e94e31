import { dapError } from '../../../dap/errors.ts'
import { splitLogMessage } from '../../../lib/logMessage.ts'
import { parseHitCondition } from '../../../lib/hitCondition.ts'
import type { Breakpoint, NewBreakpoint } from '../wire.ts'

/** Delve takes names of letters and digits only; the words that are said when we are gone look for them. */
const namesMax = 999

/** Names that are free, the lowest first. */
export class Names {
  readonly #prefix: string
  readonly #used = new Set<number>()

  constructor(prefix: string) {
    this.#prefix = `${prefix}n`
  }

  take(): string {
    for (let number = 1; number <= namesMax; number++) {
      if (this.#used.has(number)) continue
      this.#used.add(number)
      return `${this.#prefix}${number}`
    }
    throw dapError('debuggerFailed', { message: `A session sets at most ${namesMax} breakpoints in a Go program.` })
  }

  free(name: string): void {
    this.#used.delete(Number(name.slice(this.#prefix.length)))
  }

  isOurs(name: string): boolean {
    return name.startsWith(this.#prefix)
  }
}

/** What the client says of a breakpoint besides where it is. */
export interface Terms {
  readonly condition: string
  readonly hitCondition: string
  readonly logMessage: string
}

export function termsOf(from: {
  readonly condition?: string
  readonly hitCondition?: string
  readonly logMessage?: string
}): Terms {
  return {
    condition: from.condition?.trim() ?? '',
    hitCondition: from.hitCondition?.trim() ?? '',
    logMessage: from.logMessage ?? '',
  }
}

export function sameTerms(one: Terms, other: Terms): boolean {
  return (
    one.condition === other.condition && one.hitCondition === other.hitCondition && one.logMessage === other.logMessage
  )
}

/** Why Delve would not take them, in words for the user; undefined if it may. */
export function termsProblem({ hitCondition, logMessage }: Terms): string | undefined {
  if (hitCondition !== '' && parseHitCondition(hitCondition) === undefined) {
    return `'${hitCondition}' is no hit condition: write a number, or one of ==, >=, <=, >, <, % and a number.`
  }
  return splitLogMessage(logMessage) === undefined ? 'A brace of the log message is not closed.' : undefined
}

/** Delve's words for them. A log point is a tracepoint whose expressions Delve evaluates at the hit. */
export function delveTerms({ condition, hitCondition, logMessage }: Terms): NewBreakpoint {
  const hits = parseHitCondition(hitCondition)
  const parts = splitLogMessage(logMessage) ?? []
  return {
    Cond: condition,
    HitCond: hits === undefined ? '' : `${hits.operator} ${hits.count}`,
    continue: logMessage !== '',
    variables: parts.flatMap((part) => ('expression' in part ? [part.expression] : [])),
  }
}

export type Kind = 'breakpoint' | 'function breakpoint' | 'instruction breakpoint' | 'data breakpoint'

/** One breakpoint of the client's. */
export interface Own {
  /** DAP's. */
  readonly id: number
  readonly kind: Kind
  /** By which the client names it again: a line, a function, an address, a data id. */
  readonly key: string
  terms: Terms
  /** On Delve; two of the client's that have slid to one line share it. Undefined while it is not set. */
  placed: Breakpoint | undefined
  /** It was there before: another client's, which is never changed nor cleared. */
  isForeign: boolean
  message: string | undefined
}

/** What went wrong with a new breakpoint. */
export type Failure =
  | { readonly kind: 'exists'; readonly file: string; readonly line: number }
  | { readonly kind: 'noStatement' }
  | { readonly kind: 'noFile' }
  | { readonly kind: 'other'; readonly message: string }

/** Delve has no codes, only texts (1.20.2, 1.27.2). */
export function failureOf(message: string): Failure {
  const exists = /Breakpoint exists at (.+):(\d+) at /.exec(message)
  if (exists !== null) return { kind: 'exists', file: exists[1]!, line: Number(exists[2]) }
  if (/could not find statement|no code at/i.test(message)) return { kind: 'noStatement' }
  if (/could not find file|location .* not found/i.test(message)) return { kind: 'noFile' }
  return { kind: 'other', message }
}
