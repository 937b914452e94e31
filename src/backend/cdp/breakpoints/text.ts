import { parseHitCondition } from '../../../lib/hitCondition.ts'
import { splitLogMessage } from '../../../lib/logMessage.ts'
import { named, usesGuard } from '../guard.ts'
import type { CdpSession } from '../connection.ts'
import type { Wanted } from './breakpoint.ts'

/** The names of the two globals that this session hides in the program. */
export interface HiddenNames {
  /** Counts hits and sends log lines: hiddenObject.ts. */
  readonly own: string
  /** The guard of ../guard.ts: looks at values and shows them. */
  readonly guard: string
}

/** What V8 decides by, without a pause. */
export interface Composed {
  /** Undefined where it always stops. */
  readonly text: string | undefined
  readonly needsOwn: boolean
  readonly needsGuard: boolean
  /** The client's texts in it, whose syntax V8 can check. */
  readonly checks: readonly string[]
}

/** V8's condition for what the client asked for, or why there is none. `id` is what hits are counted under. */
export function compose(wanted: Wanted, id: number, names: HiddenNames): Composed | { readonly problem: string } {
  const condition = given(wanted.condition)
  const hit = hitText(wanted.hitCondition, id, names)
  if (typeof hit === 'object') return hit
  const log = logText(wanted.logMessage, id, names)
  if (log !== undefined && 'problem' in log) return log
  const needsOwn = hit !== undefined || log !== undefined
  const needsGuard = log?.needsGuard === true || (condition !== undefined && usesGuard(condition))
  const checks = [
    ...(condition === undefined ? [] : [needsOwn ? bracketed(condition) : condition]),
    ...(log?.checks ?? []),
  ]
  if (!needsOwn) {
    return { text: condition === undefined ? undefined : named(condition, names.guard), needsOwn, needsGuard, checks }
  }
  // A hit counts only where the condition holds, as with every debugger.
  const parts = [condition === undefined ? undefined : named(bracketed(condition), names.guard), hit, log?.text]
  return { text: parts.filter((part) => part !== undefined).join('&&'), needsOwn, needsGuard, checks }
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}

/** The line end ends a comment. */
function bracketed(expression: string): string {
  return `(${expression}\n)`
}

function hitText(
  text: string | undefined,
  id: number,
  { own }: HiddenNames,
): string | undefined | { readonly problem: string } {
  const wanted = given(text)
  if (wanted === undefined) return undefined
  const hit = parseHitCondition(wanted)
  if (hit === undefined) {
    return {
      problem: `The hit condition '${wanted}' is not one of N, ==N, >N, >=N, <N, <=N, %N with a whole number N.`,
    }
  }
  const count = `${own}.c(${id})`
  if (hit.operator === '%') return `${count}%${hit.count}===0`
  return `${count}${hit.operator === '==' ? '===' : hit.operator}${hit.count}`
}

interface LogText {
  readonly text: string
  readonly needsGuard: boolean
  readonly checks: readonly string[]
}

function logText(
  message: string | undefined,
  id: number,
  { own, guard }: HiddenNames,
): LogText | undefined | { readonly problem: string } {
  if (given(message) === undefined) return undefined
  const parts = splitLogMessage(message!)
  if (parts === undefined) return { problem: 'A { of the log message is not closed.' }
  const checks: string[] = []
  const pieces = parts.map((part) => {
    if ('text' in part) return JSON.stringify(part.text)
    checks.push(bracketed(part.expression))
    return `${guard}.part(()=>${bracketed(named(part.expression, guard))})`
  })
  const text = `${own}.l(${id},${pieces.length === 0 ? '""' : pieces.join('+')})`
  return { text, needsGuard: checks.length > 0, checks }
}

/** Right only inside a function or class of the program; V8 takes them in a condition there. */
const rightInside = /Private field|'super' keyword|new\.target/

/** V8's words for what is wrong with one of these texts; undefined if nothing is. */
export async function syntaxProblem(
  session: Pick<CdpSession, 'request'>,
  texts: readonly string[],
): Promise<string | undefined> {
  const answers = await Promise.all(
    texts.map((expression) => {
      const params = { expression, sourceURL: '', persistScript: false }
      return session.request<Compiled>('Runtime.compileScript', params)
    }),
  )
  for (const { exceptionDetails } of answers) {
    if (exceptionDetails === undefined) continue
    const said = (exceptionDetails.exception?.description ?? exceptionDetails.text).split('\n')[0]!
    if (!rightInside.test(said)) return said
  }
  return undefined
}

interface Compiled {
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}
