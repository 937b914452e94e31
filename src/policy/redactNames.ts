/**
 * Names whose values are hidden. Compared normalised: lower case, without `_`, `-`, `.`, spaces and the quotes of a
 * dictionary key, so `api_key`, `apiKey`, `API-KEY` and `'Api Key'` are one name.
 */

/** Hidden wherever they occur in a name; `-` is where a separator may stand: `dbPassWordOld`, `X-Api-Key-Id`. */
const anywhere = [
  'pass-word',
  'passwd',
  'pass-phrase',
  'pass-code',
  'secret',
  'api-key',
  'access-key',
  'private-key',
  'signing-key',
  'encryption-key',
  'master-key',
  'account-key',
  'auth-key',
  'access-token',
  'refresh-token',
  'auth-token',
  'session-token',
  'csrf-token',
  'xsrf-token',
  'credential',
  'authorization',
  'cookie',
  'session-id',
  'session-key',
  'connection-string',
  'conn-string',
  'database-url',
  'card-number',
  'credit-card',
  'security-code',
  'social-security',
]

/** Hidden when a name ends with them: `csrf_token`, but not `token_count`. */
const atTheEnd = ['token', 'jwt', 'pwd', 'dsn', 'bearer', 'signature']

/** Hidden only as the whole name: too short to look for inside others. */
const whole = ['pass', 'pw', 'auth', 'pin', 'otp', 'cvv', 'cvc', 'cvv2', 'ssn', 'iban', 'pan', 'sid', 'salt', 'creds']

/** The default list in the words of the README. */
export const defaultNames = { anywhere, atTheEnd, whole } as const

/** Lower case, without separators, quotes, brackets and the prefix of a bytes literal. */
export function normaliseName(name: string): string {
  return name
    .replace(/^\s*[brufBRUF]{0,2}(?=['"])/, '')
    .toLowerCase()
    .replace(/[\s_\-.'"`[\]()]/g, '')
}

const escape = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}/-]/g, '\\$&')

const isDigit = (code: number): boolean => code >= 48 && code <= 57

interface Patterns {
  /** A name, normalised. */
  readonly name: RegExp
  /** A secret name anywhere in a text. */
  readonly hint: RegExp
}

/**
 * Compiling them takes milliseconds and memory, and there are two of these for each session: those of the same names
 * are shared. After reloads with other names the old ones are dropped.
 */
const compiled = new Map<string, Patterns>()

function patternsFor(own: readonly string[]): Patterns {
  const key = JSON.stringify(own)
  let patterns = compiled.get(key)
  if (patterns === undefined) {
    if (compiled.size >= 64) compiled.clear()
    patterns = compile(own)
    compiled.set(key, patterns)
  }
  return patterns
}

function compile(own: readonly string[]): Patterns {
  const joined = (words: readonly string[]): string => words.map((word) => escape(normaliseName(word))).join('|')
  const endings = joined([...atTheEnd, ...own])
  const name = new RegExp(`${joined(anywhere)}|(?:${endings})$|^(?:${joined(whole)})$`)
  const gap = '[\\s_.-]{0,2}'
  // Nobody told us where the words of the user's own names meet: `petName` is to be found as `pet_name` too.
  const ours = [...anywhere, ...atTheEnd].map((word) => word.split('-').join(gap))
  const theirs = own.map((word) => Array.from(normaliseName(word), escape).join(gap))
  const spaced = [...ours, ...theirs]
  return { name, hint: new RegExp(`${spaced.join('|')}|(?<![a-z])(?:${joined(whole)})(?![a-z])`, 'i') }
}

/** Remembers what it was asked: the same few names come again with every stop. */
export class SecretNames {
  readonly #pattern: RegExp
  readonly #seen = new Map<string, boolean>()
  /** Finds a secret name anywhere in a text: the quick look before the slow one. */
  readonly hint: RegExp

  constructor(more: readonly string[]) {
    const { name, hint } = patternsFor(more.filter((one) => normaliseName(one) !== ''))
    this.#pattern = name
    this.hint = hint
  }

  has(name: string): boolean {
    // An index of a list, which is most of what is ever paged through.
    if (isDigit(name.charCodeAt(0)) && isDigit(name.charCodeAt(name.length - 1))) return false
    let secret = this.#seen.get(name)
    if (secret === undefined) {
      // A name longer than any real one is looked at in its last part only: names come from the program.
      secret = this.#pattern.test(normaliseName(name.length > 512 ? name.slice(-512) : name))
      if (this.#seen.size >= 4096) this.#seen.clear()
      this.#seen.set(name, secret)
    }
    return secret
  }
}
