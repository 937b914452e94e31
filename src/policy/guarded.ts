import { languages, type Guarded, type Keys, type Language, type Look } from './expression/expression.ts'
import { hasComputedKey, secretComputedWith, secretIn } from './expressionSecrets.ts'
import type { RefusalParts } from './refusal.ts'
import type { Redactor } from './redactor.ts'

/** The language of a backend's programs. A backend without one has no expressions in the modes that only look. */
const languageOf: Readonly<Record<string, string>> = { debugpy: 'python', node: 'javascript', delve: 'go' }

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

  get language(): Language | undefined {
    return this.#language
  }

  /** For an answer by the walker, or by the debugger's own guard. */
  look(text: string): Allowed<Look> {
    const look = this.#check(text)
    if (!look.ok || !this.#redactor.on) return look
    const secret = secretComputedWith(look.value.steps, this.#redactor.names)
    if (secret !== undefined) return this.#redacted(secret)
    // The value of the last step is hidden by the text: an escape in it (`o["p\x61ssword"]`) must not hide the name.
    const last = secretIn(look.value.steps, this.#redactor.names)
    return last !== undefined && this.#redactor.secretIn(text) === undefined ? this.#redacted(last) : look
  }

  /** The text that is evaluated in the place of an accepted expression. */
  evaluated(look: Look & { answers: 'guarded' }): Allowed<string> {
    return this.#allowed(look.text(this.#keys))
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

  get #keys(): Keys {
    return this.#redactor.on ? 'numeric' : 'any'
  }

  #allowed(guarded: Guarded): Allowed<string> {
    if (guarded.ok) return { ok: true, value: guarded.text }
    return no('expression', guarded.reason, this.#language?.advice ?? '')
  }

  #check(text: string): Allowed<Look> {
    if (this.#language === undefined) {
      return no('expression', `there is no grammar for programs behind '${this.#backend}'`, 'Look at the variables.')
    }
    const checked = this.#language.check(text)
    return checked.ok ? { ok: true, value: checked.look } : no('expression', checked.reason, this.#language.advice)
  }

  #condition(text: string): Allowed<string> {
    const look = this.#check(text)
    if (!look.ok) return look
    const secret = this.#redactor.on ? secretIn(look.value.steps, this.#redactor.names) : undefined
    if (secret !== undefined) return this.#redacted(secret)
    return this.#allowed(look.value.condition(this.#keys))
  }

  #message(text: string): Allowed<string> {
    const refused = this.#redactor.on ? this.#messageRedacted(text) : undefined
    if (refused !== undefined) return refused
    const none = { ok: false, reason: 'log messages are not offered here' } as const
    return this.#allowed(this.#language?.guardMessage(text, this.#keys) ?? none)
  }

  /** The output of a log point has no names in it: what must not be printed is refused here. */
  #messageRedacted(text: string): ReturnType<typeof no> | undefined {
    const parts = this.#language?.messageParts(text)
    if (parts === undefined && this.#language !== undefined) {
      return no(
        'expression',
        'the log message has braces within braces or a single one',
        'Use one pair for each value.',
      )
    }
    for (const part of parts ?? []) {
      const look = this.#check(part)
      if (!look.ok) return look
      const secret = secretIn(look.value.steps, this.#redactor.names)
      if (secret !== undefined) return this.#redacted(secret)
      if (this.#language?.numericMessages !== true && hasComputedKey(look.value.steps)) {
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
