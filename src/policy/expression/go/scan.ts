/** Longest text, in bytes of UTF-8; deepest nesting; most nodes. */
export const limits = { bytes: 4096, depth: 64, nodes: 512 }

export class Refusal extends Error {
  override readonly name = 'Refusal'
}

export interface Token {
  readonly kind: 'name' | 'keyword' | 'number' | 'string' | 'rune' | 'sign' | 'end'
  readonly text: string
  /** Where it starts in the text, from 0. */
  readonly at: number
}

export function refusal(at: number, what: string): Refusal {
  return new Refusal(`${what} is not allowed in a read-only expression (column ${at + 1}).`)
}

export const notGo = (at: number): Refusal => new Refusal(`This is not a Go expression (column ${at + 1}).`)

const keywords = new Set(
  (
    'break case chan const continue default defer else fallthrough for func go goto if import interface map package ' +
    'range return select struct switch type var'
  ).split(' '),
)

/** As Go's scanner reads them: the longest first. Comments are among them to be refused. */
const scanners: readonly (readonly [Token['kind'], RegExp])[] = [
  ['name', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  // Takes all that is glued to it, and what is no number then is refused.
  ['number', /\.?[0-9](?:[eEpP][+-]|[\p{L}\p{Nd}_.])*/uy],
  ['string', /"(?:[^"\\]|\\.)*"|`[^`]*`/uy],
  ['rune', /'(?:[^'\\]|\\.)+'/uy],
  [
    'sign',
    /<<=|>>=|&\^=|\.\.\.|\/\/|\/\*|&&|\|\||<-|\+\+|--|==|!=|<=|>=|:=|[-+*/%&|^]=|<<|>>|&\^|[-+*/%&|^<>=!()[\]{},;.:]/uy,
  ],
]

/** The words of a text, the last of which is its end. Throws {@link Refusal} for what is no word of Go on one line. */
export function scan(text: string): Token[] {
  if (Buffer.byteLength(text) > limits.bytes)
    throw new Refusal(`An expression may be ${limits.bytes} bytes long at most.`)
  refuseCharacters(text)
  const tokens: Token[] = []
  for (let at = 0; at < text.length;) {
    if (text[at] === ' ' || text[at] === '\t') {
      at += 1
      continue
    }
    const token = tokenAt(text, at)
    if (!token) throw notGo(at)
    if (token.text === '//' || token.text === '/*') throw refusal(at, 'A comment')
    tokens.push(token)
    at += token.text.length
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

function tokenAt(text: string, at: number): Token | undefined {
  for (const [kind, pattern] of scanners) {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) return { kind: keywords.has(found) ? 'keyword' : kind, text: found, at }
  }
  return undefined
}

/** Line ends, where Go puts semicolons, and what cannot be seen. */
function refuseCharacters(text: string): void {
  // eslint-disable-next-line no-control-regex -- these are the characters that are refused
  const at = text.search(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Surrogate}/u)
  if (at < 0) return
  throw refusal(at, /[\n\r\u2028\u2029]/.test(text[at]!) ? 'A line break' : 'A control character')
}

/** What is being read, and where in it. */
export class Cursor {
  readonly text: string
  readonly #tokens: readonly Token[]
  #index = 0

  constructor(text: string) {
    this.text = text
    this.#tokens = scan(text)
  }

  get token(): Token {
    return this.#tokens[this.#index]!
  }

  get position(): number {
    return this.#index
  }

  /** Back to where it was. */
  set position(index: number) {
    this.#index = index
  }

  next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#index += 1
    return token
  }

  /** Is this sign or word the next? */
  at(text: string): boolean {
    const { kind } = this.token
    return (kind === 'sign' || kind === 'keyword') && this.token.text === text
  }

  /** Takes it if it is the next. */
  take(text: string): boolean {
    const found = this.at(text)
    if (found) this.#index += 1
    return found
  }

  expect(text: string): void {
    if (!this.take(text)) throw this.unexpected()
  }

  name(): string {
    if (this.token.kind !== 'name') throw this.unexpected()
    if (this.token.text === '_') throw refusal(this.token.at, 'The name `_`')
    return this.next().text
  }

  /** Why the next word cannot stand where it does. */
  unexpected(): Refusal {
    const { kind, text, at } = this.token
    const what = Object.hasOwn(whats, text) && kind !== 'string' ? whats[text] : undefined
    return what === undefined ? notGo(at) : refusal(at, what)
  }
}

const assignment = 'An assignment'
const whats: Readonly<Record<string, string>> = {
  ...Object.fromEntries('= := += -= *= /= %= &= |= ^= <<= >>= &^= ++ --'.split(' ').map((sign) => [sign, assignment])),
  ...Object.fromEntries(
    'go defer return if for switch select goto break continue fallthrough import package'
      .split(' ')
      .map((word) => [word, `A statement (\`${word}\`)`]),
  ),
  ...Object.fromEntries('var const type'.split(' ').map((word) => [word, `A declaration (\`${word}\`)`])),
  ...Object.fromEntries('chan interface map struct'.split(' ').map((word) => [word, `The type \`${word}\` here`])),
  ';': 'More than one statement',
  ',': 'More than one expression',
  '<-': 'A send to or a receive from a channel',
  '{': 'A composite literal',
  '...': 'Here `...`',
  func: 'A function',
}
