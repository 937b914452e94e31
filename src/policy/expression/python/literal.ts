import type { Scalar } from '../node.ts'

/** Longest number we read, in characters: CPython itself refuses decimal integers of more than 4,300 digits. */
const longestNumber = 1500

const decimal = /^(?:[1-9](?:_?[0-9])*|0(?:_?0)*)$/
const based = /^0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)$/
const float =
  /^(?:(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*(?:[eE][+-]?[0-9](?:_?[0-9])*)?|[0-9](?:_?[0-9])*[eE][+-]?[0-9](?:_?[0-9])*)$/

/** The number that CPython reads in `text`, or undefined: for complex ones, `0777`, `1__0`, `1.` and whatever else. */
export function parseNumber(text: string): Scalar | undefined {
  if (text.length > longestNumber) return undefined
  const plain = text.replaceAll('_', '')
  if (decimal.test(text) || based.test(text)) return { type: 'int', value: BigInt(plain.toLowerCase()) }
  return float.test(text) ? { type: 'float', value: Number(plain) } : undefined
}

const opening = /^([rR]?[bB]?|[bB][rR]|[uU])("""|'''|"|')/

/** The `str` or `bytes` of one whole string literal, or why not. Only what all of CPython 3 reads alike is read. */
export function parseString(text: string): Scalar | { readonly error: string } {
  const match = opening.exec(text)
  const [start = '', prefix = '', quote = ''] = match ?? []
  if (!match) return { error: 'This kind of string' }
  const lower = prefix.toLowerCase()
  const type = lower.includes('b') ? 'bytes' : 'str'
  const body = text.slice(start.length, text.length - quote.length)
  if (text.length < start.length + quote.length || !text.endsWith(quote)) return { error: 'An unfinished string' }
  const value = unescape(body, quote, lower.includes('r'), type)
  if (typeof value === 'object') return value
  // eslint-disable-next-line no-control-regex -- the very range of a byte literal
  if (type === 'bytes' && /[^\u0000-\u007f]/.test(body)) return { error: 'A character outside ASCII in bytes' }
  return { type, value }
}

const simple: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
const numbered = { str: /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/, bytes: /^x([0-9a-fA-F]{2})/ }

function unescape(body: string, quote: string, raw: boolean, type: 'str' | 'bytes'): string | { error: string } {
  let out = ''
  for (let i = 0; i < body.length;) {
    if (body.startsWith(quote, i)) return { error: 'A quote inside a string' }
    if (body[i] !== '\\') {
      out += body[i]!
      i += 1
      continue
    }
    const rest = body.slice(i + 1, i + 10)
    if (rest === '') return { error: 'An unfinished string' }
    if (raw) {
      out += body.slice(i, i + 2)
      i += 2
      continue
    }
    const [text, length] = escape(rest, type)
    if (text === undefined) return { error: `The escape \\${rest[0]}` }
    out += text
    i += 1 + length
  }
  return out
}

/** What an escape stands for, and its length after the backslash; `[undefined, 0]` for one that we don't read. */
function escape(rest: string, type: 'str' | 'bytes'): [string | undefined, number] {
  const plain = simple[rest[0]!]
  if (plain !== undefined) return [plain, 1]
  const octal = /^[0-3]?[0-7]{1,2}/.exec(rest)
  // `\400` is read by some versions only, with a warning; `\18` is `\1` and `8` in all.
  if (octal && !/^[4-7][0-7]{2}/.test(rest)) return [String.fromCharCode(parseInt(octal[0], 8)), octal[0].length]
  const match = numbered[type].exec(rest)
  if (!match) return [undefined, 0]
  const code = parseInt(match[1] ?? match[2] ?? match[3]!, 16)
  // Two escaped surrogates are two characters in Python and one in JavaScript: we compute with neither.
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return [undefined, 0]
  return [String.fromCodePoint(code), match[0].length]
}
