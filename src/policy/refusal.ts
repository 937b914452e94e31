import { DapError, dapError } from '../dap/errors.ts'
import type { PolicyContext } from './policy.ts'

/** Error 5001 with the rule at hand, so that the audit can name it. */
export class Refusal extends DapError {
  readonly rule: string
  /** A toast for what an editor would fail at in silence; not for what it shows in place, such as a watch. */
  override readonly showUser: boolean

  constructor(rule: string, message: string, showUser: boolean) {
    super('refused', message)
    this.name = 'Refusal'
    this.rule = rule
    this.showUser = showUser
  }
}

export interface RefusalParts {
  readonly rule: string
  /** A sentence without its full stop. */
  readonly why: string
  /** What the user can do instead: a sentence, or nothing. */
  readonly advice: string
  readonly showUser?: boolean
}

export function refusal({ target }: Pick<PolicyContext, 'target'>, parts: RefusalParts): Refusal {
  const { rule, advice } = parts
  const why = parts.why.replace(/\.$/, '')
  return new Refusal(rule, dapError('refused', { rule, target, why, advice }).message, parts.showUser ?? true)
}

/** A line that every client shows: `stderr`, because several drop the category `console` (notes/clients.md). */
export function say(context: Pick<PolicyContext, 'emit'>, sentence: string): void {
  context.emit('output', { category: 'stderr', output: `[breakwater] ${sentence}\n` })
}
