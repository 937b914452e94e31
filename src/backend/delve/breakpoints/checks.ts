import { parseHitCondition } from '../../../lib/hitCondition.ts'
import { splitLogMessage, type LogPart } from '../../../lib/logMessage.ts'
import type { Thread, Variable } from '../wire.ts'
import { formatValue, whyUnreadable } from '../values/format.ts'
import { kinds } from '../values/kinds.ts'
import { bytesOf } from '../values/text.ts'
import type { Breakpoint, Wanted } from './breakpoint.ts'

type Operator = '==' | '!=' | '>=' | '<=' | '>' | '<' | '%'

/** When a breakpoint is hit, and what it does then. */
export interface Checks {
  /** Empty if there is none. */
  readonly condition: string
  readonly hitCondition: { readonly operator: Operator; readonly count: number } | undefined
  /** Undefined for what is no log point. */
  readonly message: readonly LogPart[] | undefined
}

export const noChecks: Checks = { condition: '', hitCondition: undefined, message: undefined }

/** Or why it is none. The expressions are Delve's to check. */
export function checksOf({ condition = '', hitCondition = '', logMessage = '' }: Wanted): Checks | string {
  const hits = hitCondition.trim() === '' ? undefined : hitConditionOf(hitCondition)
  if (hits === null) {
    return `The hit condition '${hitCondition}' is not understood: write 5, or an operator of == != >= <= > < % before it.`
  }
  const message = logMessage === '' ? undefined : splitLogMessage(logMessage)
  if (logMessage !== '' && message === undefined) return 'A brace in the log message is not closed.'
  return { condition: condition.trim(), hitCondition: hits, message }
}

function hitConditionOf(text: string): NonNullable<Checks['hitCondition']> | null {
  const [, unequal] = /^ *!= *(\d{1,9}) *$/.exec(text) ?? []
  if (unequal !== undefined) return { operator: '!=', count: Number(unequal) }
  return parseHitCondition(text) ?? null
}

/** What Delve is told of a breakpoint that is there for all of these. */
export interface Composed {
  readonly Cond: string
  readonly HitCond: string
  /** Delve does not give up a step at what only logs. */
  readonly continue: boolean
  readonly variables: readonly string[]
}

const hitText = ({ hitCondition }: Checks): string =>
  hitCondition === undefined ? '' : `${hitCondition.operator} ${hitCondition.count}`

/** One of those for whom Delve's breakpoint is there, and what it asked for then. */
export interface Member {
  readonly breakpoint: Breakpoint
  readonly checks: Checks
}

/** All want the same: then Delve decides alone. */
function areAlike(members: readonly Member[]): boolean {
  const [first, ...others] = members.map(({ checks }) => JSON.stringify([checks.condition, hitText(checks)]))
  return others.every((other) => other === first)
}

/**
 * Delve has one breakpoint at an address. Where the conditions of those who share it differ, it stops for any of them, and
 * tells with the hit which of them are true.
 */
export function compose(members: readonly Member[]): Composed {
  const all = members.map(({ checks }) => checks)
  const shared = {
    continue: all.every(({ message }) => message !== undefined),
    variables: [...new Set(all.flatMap(({ message }) => expressionsOf(message)))],
  }
  const [first = noChecks] = all
  if (areAlike(members)) return { ...shared, Cond: first.condition, HitCond: hitText(first) }
  const conditions = [...new Set(all.map(({ condition }) => condition))]
  return {
    ...shared,
    Cond: conditions.includes('') ? '' : conditions.map((condition) => `(${condition})`).join(' || '),
    HitCond: '',
    variables: [...new Set([...shared.variables, ...conditions.filter((condition) => condition !== '')])],
  }
}

function expressionsOf(message: Checks['message']): string[] {
  return (message ?? []).flatMap((part) => ('expression' in part ? [part.expression] : []))
}

/** What was read at a hit, by expression. */
export type Values = ReadonlyMap<string, Variable>

export function valuesOf(thread: Thread): Values {
  const { breakPoint, breakPointInfo } = thread
  const read = breakPointInfo?.variables ?? []
  return new Map((breakPoint?.variables ?? []).flatMap((text, at) => (read[at] ? [[text, read[at]] as const] : [])))
}

/** Of all who share a place. */
export interface Outcome {
  readonly hit: readonly Member[]
  /** Why a condition of theirs is neither true nor false. As for one alone the program stops there, so that it is seen. */
  readonly failure: string | undefined
}

/** Whose conditions are true, of those who are there still. */
export function hitOf(all: readonly Member[], there: ReadonlySet<Breakpoint>, values: Values): Outcome {
  const members = all.filter(({ breakpoint }) => there.has(breakpoint))
  if (areAlike(all)) return { hit: members, failure: undefined }
  let failure: string | undefined
  const hit = members.filter(({ breakpoint, checks: { condition, hitCondition } }) => {
    const value = values.get(condition)
    const problem = value === undefined ? undefined : conditionProblem(value)
    failure ??= problem
    if (problem !== undefined) return true
    if (condition !== '' && value?.value !== 'true') return false
    breakpoint.hits += 1
    return hitCondition === undefined || isCounted(breakpoint.hits, hitCondition)
  })
  return { hit, failure }
}

/** In Delve's words, which has them for one alone. */
function conditionProblem({ unreadable, kind }: Variable): string | undefined {
  if (unreadable !== '') return `error evaluating expression: ${unreadable.replace(/^eval error: /, '')}`
  return kind === kinds.bool ? undefined : 'condition expression not boolean'
}

function isCounted(hits: number, { operator, count }: NonNullable<Checks['hitCondition']>): boolean {
  switch (operator) {
    case '==':
      return hits === count
    case '!=':
      return hits !== count
    case '>=':
      return hits >= count
    case '<=':
      return hits <= count
    case '>':
      return hits > count
    case '<':
      return hits < count
    case '%':
      return hits % count === 0
  }
}

export function messageText(message: readonly LogPart[], values: Values): string {
  return message.map((part) => ('text' in part ? part.text : valueText(values.get(part.expression)))).join('')
}

/** A text as it is, all else as it is shown anywhere. */
function valueText(variable: Variable | undefined): string {
  if (variable === undefined) return '(not read)'
  const { unreadable, kind, len } = variable
  if (unreadable !== '') return whyUnreadable({ ...variable, unreadable: unreadable.replace(/^eval error: /, '') })
  if (kind !== kinds.string) return formatValue(variable)
  const bytes = bytesOf(variable)
  return `${bytes.toString('utf8')}${bytes.length < len ? '…' : ''}`
}
