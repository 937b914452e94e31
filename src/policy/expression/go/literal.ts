const number =
  /^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?|[0-9]+[eE][+-]?[0-9]{1,3})i?$/

/**
 * Is this a number of Go? An exponent has three digits at most, and hexadecimal floats are not taken: Delve computes
 * with constants of any size, and nobody stops it.
 */
export const isNumber = (text: string): boolean => number.test(text)

/** The value of an integer that is written in decimal, with nothing around it; undefined for everything else. */
export const smallInteger = (text: string): number | undefined =>
  /^(?:0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined

const simple: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 }
const escape = /^\\(?:([abfnrtv\\'"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/

/** The bytes between the quotes of a string or rune, or undefined where Go would not read it. */
function bytesOf(inside: string, quote: string): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; at < inside.length;) {
    const character = String.fromCodePoint(inside.codePointAt(at)!)
    if (character === quote) return undefined
    if (character !== '\\') {
      parts.push(Buffer.from(character))
      at += character.length
      continue
    }
    const [whole, letter, octal, hex, short, long] = escape.exec(inside.slice(at)) ?? []
    if (whole === undefined) return undefined
    const part = escaped(letter, octal, hex, short ?? long, quote)
    if (part === undefined) return undefined
    parts.push(part)
    at += whole.length
  }
  return Buffer.concat(parts)
}

function escaped(
  letter: string | undefined,
  octal: string | undefined,
  hex: string | undefined,
  point: string | undefined,
  quote: string,
): Buffer | undefined {
  if (letter === '"' || letter === "'") return letter === quote ? Buffer.from(letter) : undefined
  if (letter !== undefined) return Buffer.of(simple[letter]!)
  if (point !== undefined) {
    const code = Number.parseInt(point, 16)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
    return Buffer.from(String.fromCodePoint(code))
  }
  const code = octal === undefined ? Number.parseInt(hex!, 16) : Number.parseInt(octal, 8)
  return code > 255 ? undefined : Buffer.of(code)
}

/**
 * The string as a literal that all read alike (ASCII, no backslash but of `\x`, no brace, so that it can stand in a log
 * message) and what it says; undefined where it is no string of Go.
 */
export function parseString(text: string): { readonly text: string; readonly value: string } | undefined {
  const quote = text[0]
  if (text.length < 2 || text.at(-1) !== quote) return undefined
  const inside = text.slice(1, -1)
  const raw = quote === '`' ? (inside.includes('`') ? undefined : Buffer.from(inside)) : undefined
  const bytes = quote === '"' ? bytesOf(inside, '"') : raw
  if (bytes === undefined) return undefined
  let written = ''
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && !'"\\{}`'.includes(String.fromCharCode(byte))
    written += plain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return { text: `"${written}"`, value: bytes.toString() }
}

/** The same for a rune, which is written as an escape. */
export function parseRune(text: string): { readonly text: string; readonly value: string } | undefined {
  if (text.length < 3 || !text.startsWith("'") || !text.endsWith("'")) return undefined
  const inside = text.slice(1, -1)
  // One character or one escape: `'\xc3\xa9'` is two.
  if (!/^(?:[^\\]|\\[^][0-9a-fA-F]*)$/u.test(inside)) return undefined
  // `'\xff'` is the number 255, and no piece of UTF-8.
  const byte = /^\\(?:x([0-9a-fA-F]{2})|([0-7]{3}))$/.exec(inside)
  const characters = byte ? '' : Array.from(bytesOf(inside, "'")?.toString() ?? '')
  const code = byte
    ? Number.parseInt(byte[1] ?? byte[2]!, byte[1] === undefined ? 8 : 16)
    : characters.length === 1
      ? characters[0]!.codePointAt(0)!
      : undefined
  if (code === undefined || (byte && code > 255)) return undefined
  return { text: `'\\U${code.toString(16).padStart(8, '0')}'`, value: String(code) }
}
