import type { DebugProtocol } from '@vscode/debugprotocol'
import { present } from '../lib/present.ts'
import { SecretNames } from './redactNames.ts'
import { shapeSpans, type Span } from './redactShapes.ts'
import { awaitsValue, hidden, merge, namedSpans, replace, valueEnd } from './redactText.ts'
import type { RedactSettings } from './settings.ts'

/** Types that exist to hold a secret, by their last part. Hidden whole at the level `strict`. */
export const defaultTypes = ['SecretStr', 'SecretBytes', 'Secret', 'Password', 'PrivateKey', 'RSAPrivateKey', 'ApiKey']

/** A text that was looked through: what to show, and by which rule something in it is hidden. */
export interface Redacted {
  readonly text: string
  readonly rule?: string
}

/** A cut that is longer than any value that a client shows as one piece; the memory of withheld references is bounded. */
const withheldMax = 100_000

/** The redaction of one session: one for the policy, the walker's values and the audit, so that all hide the same. */
export class Redactor {
  readonly on: boolean
  readonly names: SecretNames
  readonly #strict: boolean
  readonly #types: ReadonlySet<string>
  /** References that were taken off a hidden value: a client could guess them, ids are counted up. */
  readonly #withheld = new Set<number>()

  constructor(settings: RedactSettings) {
    this.on = settings.level !== 'off'
    this.#strict = settings.level === 'strict'
    this.names = new SecretNames(settings.names)
    this.#types = new Set([...settings.types, ...(this.#strict ? defaultTypes : [])])
  }

  /** Looks through a text of the program: by shape, and for values behind a secret name. */
  text(text: string): Redacted {
    if (!this.on || text.length < 5) return { text }
    const spans = this.spans(text)
    return spans.length === 0 ? { text } : { text: replace(text, spans), rule: spans[0]!.rule }
  }

  spans(text: string): Span[] {
    const shaped = shapeSpans(text, { mail: true, entropy: this.#strict })
    const named = namedSpans(text, this.names)
    return shaped.length + named.length === 0 ? [] : merge([...shaped, ...named])
  }

  /**
   * The text of a source file: keys and tokens that someone wrote into it are hidden; names are not looked at, they
   * would cut the code to pieces (`password = request.form['password']`), and an e-mail address there is an author's.
   */
  source(text: string): string {
    return this.on ? replace(text, merge(shapeSpans(text, { mail: false, entropy: false }))) : text
  }

  /** A piece of output, after `before`: what was written before it on the same line. */
  continued(before: string, text: string): string {
    if (!this.on) return text
    const spans = this.spans(before + text)
    if (awaitsValue(before, this.names)) {
      spans.push({ start: before.length, end: before.length + valueEnd(text, 0, false), rule: 'name' })
    }
    const own = spans
      .map(({ start, end, rule }) => ({ start: Math.max(0, start - before.length), end: end - before.length, rule }))
      .filter(({ start, end }) => end > start)
    return replace(text, merge(own))
  }

  /** Why a value of that name and type is hidden whole, if it is. */
  ruleFor(name: string, type: string | undefined): string | undefined {
    if (!this.on) return undefined
    if (this.names.has(name)) return 'name'
    if (type === undefined || this.#types.size === 0) return undefined
    return this.#types.has(type) || this.#types.has(type.slice(type.lastIndexOf('.') + 1)) ? 'type' : undefined
  }

  /** What is shown of a value: `undefined` means as it is. Its reference is withheld if it is hidden whole. */
  value(name: string, type: string | undefined, text: string, reference: number): Shown | undefined {
    const rule = this.ruleFor(name, type)
    if (rule !== undefined) {
      this.withhold(reference)
      return { text: mark(rule), whole: true }
    }
    const looked = this.text(text)
    return looked.rule === undefined ? undefined : { text: `${looked.text} (redacted: ${looked.rule})`, whole: false }
  }

  withhold(reference: number): void {
    if (reference <= 0) return
    this.#withheld.add(reference)
    if (this.#withheld.size > withheldMax) this.#withheld.delete(this.#withheld.values().next().value!)
  }

  withheld(reference: number): boolean {
    return this.#withheld.has(reference)
  }

  /** Does the text of an expression name a secret, as an identifier or as a string? */
  secretIn(expression: string): string | undefined {
    if (!this.on) return undefined
    for (const match of expression.matchAll(/[\p{L}_$][\p{L}\p{N}_$-]*/gu)) {
      if (this.names.has(match[0])) return match[0]
    }
    const whole = expression.trim()
    return this.names.has(whole) ? whole : undefined
  }
}

export interface Shown {
  readonly text: string
  /** All of it is hidden: it has no children, no memory, no type that tells more. */
  readonly whole: boolean
}

/** What the user sees in the place of a hidden value. */
export const mark = (rule: string): string => `${hidden} (redacted: ${rule})`

/** A variable as it may be shown; the same object if there is nothing to hide. */
export function redactVariable(variable: DebugProtocol.Variable, redactor: Redactor): DebugProtocol.Variable {
  if (!redactor.on) return variable
  const { name, type, value, variablesReference } = variable
  const shown = redactor.value(name, type, value, variablesReference)
  const looked = redactor.text(name)
  const path = variable.evaluateName
  const pathShown = path === undefined || redactor.text(path).rule === undefined
  if (shown === undefined && looked.rule === undefined && pathShown) return variable
  const result: DebugProtocol.Variable = { ...variable, name: looked.text, value: shown?.text ?? value }
  // A path that holds a secret itself (a dictionary whose keys are tokens) cannot be offered.
  if (!pathShown) delete result.evaluateName
  if (shown?.whole !== true) return result
  // Nothing of it but its name: a type would let the walker compute (is it None? is it empty?).
  const { evaluateName, presentationHint } = result
  return { name: result.name, value: shown.text, variablesReference: 0, ...present({ evaluateName, presentationHint }) }
}

/**
 * The children of one value. A pair, such as a header `(b'cookie', b'…')` or a Java map entry, whose first part is a
 * secret name: the second part is hidden though its own name is `1` or `value`.
 */
export function redactVariables(
  variables: readonly DebugProtocol.Variable[],
  redactor: Redactor,
): DebugProtocol.Variable[] {
  if (!redactor.on) return [...variables]
  const key = variables.find((variable) => keyNames.has(variable.name))
  const value = key && variables.find((variable) => variable.name === valueNames[keyNames.get(key.name)!])
  const secret = key !== undefined && value !== undefined && redactor.names.has(key.value)
  return variables.map((variable) =>
    secret && variable === value
      ? { ...redactVariable({ ...variable, name: key.value }, redactor), name: variable.name }
      : redactVariable(variable, redactor),
  )
}

const keyNames = new Map(['0', '[0]', 'key', 'Key', 'name', 'Name', 'first'].map((name, at) => [name, at]))
const valueNames = ['1', '[1]', 'value', 'Value', 'value', 'Value', 'second']
