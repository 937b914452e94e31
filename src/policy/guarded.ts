import type { Node } from './expression/node.ts'
import { languages, type Language } from './expression/expression.ts'
import { hasComputedKey, secretComputedWith, secretIn, withNumericKeys } from './expressionSecrets.ts'
import type { RefusalParts } from './refusal.ts'
import type { Redactor } from './redactor.ts'

/** The language of a backend's programs. A backend without one has no expressions in the modes that only look. */
const languageOf: Readonly<Record<string, string>> = { debugpy: 'python' }

/** Everything of a breakpoint that carries an expression. */
export interface Conditions {
  readonly condition?: string
  readonly hitCondition?: string
  readonly logMessage?: string
}

export type Allowed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refused: RefusalParts }

const no = (rule: string, why: string, advice: string): { ok: false; refused: RefusalParts } => ({
  ok: false,
  // Shown where it was written: in the watch, at the breakpoint, in the console.
  refused: { rule, why, advice, showUser: false },
})

const lookOnly = 'Use names, attributes, subscripts, literals and operators.'

/** The expressions of one session: which are only a look, and how they are put to the debugger. */
export class Expressions {
  readonly #language: Language | undefined
  readonly #backend: string
  readonly #redactor: Redactor

  constructor(backend: string, redactor: Redactor) {
    this.#backend = backend
    this.#language = Object.hasOwn(languageOf, backend) ? languages[languageOf[backend]!] : undefined
    this.#redactor = redactor
  }

  /** For an answer by the walker. */
  look(text: string): Allowed<Node> {
    const node = this.#check(text)
    if (!node.ok) return node
    const secret = this.#redactor.on ? secretComputedWith(node.value, this.#redactor.names) : undefined
    return secret === undefined ? node : this.#redacted(secret)
  }

  /** Breakpoints' expressions run in the program: each part comes back in the guarded form, or none does. */
  conditions(given: Conditions): Allowed<Conditions> {
    const result: { condition?: string; hitCondition?: string; logMessage?: string } = {}
    if (given.condition !== undefined && given.condition.trim() !== '') {
      const condition = this.#condition(given.condition)
      if (!condition.ok) return condition
      result.condition = condition.value
    }
    if (given.hitCondition !== undefined && given.hitCondition.trim() !== '') {
      if (this.#language?.conditionOk(given.hitCondition) !== true) {
        const why = `the hit condition '${cut(given.hitCondition)}' is not a plain count`
        return no('hitCondition', why, 'Use a number, or one of >, >=, ==, <, <= or % with a number.')
      }
      result.hitCondition = given.hitCondition
    }
    if (given.logMessage !== undefined && given.logMessage !== '') {
      const message = this.#message(given.logMessage)
      if (!message.ok) return message
      result.logMessage = message.value
    }
    return { ok: true, value: result }
  }

  #check(text: string): Allowed<Node> {
    if (this.#language === undefined) {
      return no('expression', `there is no grammar for programs behind '${this.#backend}'`, 'Look at the variables.')
    }
    const checked = this.#language.check(text)
    return checked.ok ? { ok: true, value: checked.node } : no('expression', checked.reason, lookOnly)
  }

  #condition(text: string): Allowed<string> {
    const node = this.#check(text)
    if (!node.ok) return node
    const secret = this.#redactor.on ? secretIn(node.value, this.#redactor.names) : undefined
    if (secret !== undefined) return this.#redacted(secret)
    const guarded = this.#language!.guard(this.#redactor.on ? withNumericKeys(node.value) : node.value)
    if (guarded !== undefined) return { ok: true, value: guarded }
    return no('expression', 'this cannot be asked without running code of the program', lookOnly)
  }

  #message(text: string): Allowed<string> {
    const refused = this.#redactor.on ? this.#messageRedacted(text) : undefined
    if (refused !== undefined) return refused
    const guarded = this.#language?.guardMessage(text) ?? { ok: false, reason: 'log messages are not offered here' }
    return guarded.ok ? { ok: true, value: guarded.text } : no('expression', guarded.reason, lookOnly)
  }

  /** The output of a log point has no names in it: what must not be printed is refused here. */
  #messageRedacted(text: string): ReturnType<typeof no> | undefined {
    const parts = [...text.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1]!.trim())
    // Braces within braces: which part is the expression is then for the debugger to say, so it is not taken.
    if (/[{}]/.test(text.replace(/\{[^{}]*\}/g, ''))) {
      return no(
        'expression',
        'the log message has braces within braces or a single one',
        'Use one pair for each value.',
      )
    }
    for (const part of parts.filter((part) => part !== '')) {
      const node = this.#check(part)
      if (!node.ok) return node
      const secret = secretIn(node.value, this.#redactor.names)
      if (secret !== undefined) return this.#redacted(secret)
      if (hasComputedKey(node.value)) {
        const why = `a key in '{${cut(part)}}' is computed, so that a redacted value could be printed`
        return no('redaction', why, 'Write the key out.')
      }
    }
    return undefined
  }

  #redacted(secret: string): { ok: false; refused: RefusalParts } {
    return no('redaction', `'${cut(secret)}' is redacted, and nothing is computed with it`, 'Leave it out.')
  }
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
