/**
 * Names whose values are hidden. Compared normalised: lower case, without `_`, `-`, `.`, spaces and the quotes of a
 * dictionary key, so `api_key`, `apiKey`, `API-KEY` and `'Api Key'` are one name.
 */

/** Hidden wherever they occur in a name: `dbPasswordOld`, `aws_secret_access_key`, `X-Api-Key-Id`. */
const anywhere = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secret',
  'apikey',
  'accesskey',
  'privatekey',
  'signingkey',
  'encryptionkey',
  'masterkey',
  'accountkey',
  'sharedaccesskey',
  'authkey',
  'accesstoken',
  'refreshtoken',
  'authtoken',
  'sessiontoken',
  'csrftoken',
  'xsrftoken',
  'credential',
  'authorization',
  'cookie',
  'sessionid',
  'sessionkey',
  'connectionstring',
  'connstring',
  'databaseurl',
  'cardnumber',
  'creditcard',
  'securitycode',
  'socialsecurity',
]

/** Hidden when a name ends with them: `csrf_token`, but not `token_count`; `db_pwd`, `user_pin` only as whole words. */
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

/** Remembers what it was asked: the same few names come again with every stop. */
export class SecretNames {
  readonly #pattern: RegExp
  readonly #seen = new Map<string, boolean>()
  /** Finds a secret name anywhere in a text, its letters perhaps separated: the quick look before the slow one. */
  readonly hint: RegExp

  constructor(more: readonly string[]) {
    const own = more.map(normaliseName).filter((name) => name !== '')
    const endings = [...atTheEnd, ...own].map(escape).join('|')
    this.#pattern = new RegExp(`${anywhere.map(escape).join('|')}|(?:${endings})$|^(?:${whole.join('|')})$`)
    const spaced = [...anywhere, ...atTheEnd, ...whole, ...own].map((word) =>
      Array.from(word, escape).join('[\\s_.-]{0,3}'),
    )
    this.hint = new RegExp(spaced.join('|'), 'i')
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
