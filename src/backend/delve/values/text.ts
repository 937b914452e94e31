import type { Variable } from '../wire.ts'

/** Control characters, what is no character, and blanks other than the blank itself. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** Nothing in it is to be escaped: the rule. */
const plain = /^[ !#-[\]-~]*$/

/** As Go's `%q` does it, so that it is Go's own literal. */
export function quote(text: string): string {
  if (plain.test(text)) return `"${text}"`
  let quoted = ''
  for (const character of text) {
    quoted += escapes[character] ?? (unprintable.test(character) ? escaped(character.codePointAt(0)!) : character)
  }
  return `"${quoted}"`
}

function escaped(code: number): string {
  if (code < 0x80) return `\\x${hexDigits(code, 2)}`
  return code > 0xffff ? `\\U${hexDigits(code, 8)}` : `\\u${hexDigits(code, 4)}`
}

const hexDigits = (code: number, count: number): string => code.toString(16).padStart(count, '0')

/** Bytes of a string that is not all UTF-8: what is not is written as `\xff`. */
export function quoteBytes(bytes: Buffer): string {
  let quoted = ''
  for (const part of splitUtf8(bytes)) {
    quoted += typeof part === 'string' ? quote(part).slice(1, -1) : `\\x${hexDigits(part, 2)}`
  }
  return `"${quoted}"`
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Texts, and single bytes that belong to none. */
function splitUtf8(bytes: Buffer): (string | number)[] {
  const parts: (string | number)[] = []
  let from = 0
  for (let at = 0; at < bytes.length;) {
    const length = characterAt(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    if (at > from) parts.push(bytes.toString('utf8', from, at))
    parts.push(bytes[at]!)
    from = ++at
  }
  if (from < bytes.length) parts.push(bytes.toString('utf8', from))
  return parts
}

/** Length of the character that begins there; 0 if none does. */
function characterAt(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  const length = lengthBy(first)
  if (length === 0 || at + length > bytes.length) return 0
  try {
    decoder.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}

const lengthBy = (first: number): number =>
  first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0

/** The text without the part of a character that it was cut in. */
export function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0xc0) === 0x80) continue
    return lengthBy(byte) > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

export function bytesOf({ value, StringValueBytes: bytes }: Variable): Buffer {
  return typeof bytes === 'string' && bytes !== '' ? Buffer.from(bytes, 'base64') : Buffer.from(value)
}

/** A string as Go's literal, and what of it was not read. */
export function quoteString(variable: Variable): string {
  const { value, len, StringValueBytes: bytes } = variable
  if ((bytes === undefined || bytes === '') && len === value.length && plain.test(value)) return `"${value}"`
  const loaded = bytesOf(variable)
  if (variable.len <= loaded.length) return quoteBytes(loaded)
  const whole = wholeCharacters(loaded)
  return `${quoteBytes(whole)}...+${variable.len - whole.length} more`
}

/** Undefined for bytes that are no text that one could read. */
export function readableText(bytes: Buffer): string | undefined {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return undefined
  }
  return unprintable.test(text.replace(/[\n\r\t]/g, '')) ? undefined : text
}

/** Beyond these Go prints an exponent: `5e-324`. Delve has all the digits. */
const exponentLeast = -4
const exponentMost = 21

/** As `fmt.Println` has it: `1.7976931348623157e+308`. */
export function floatText(value: string): string {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(value) ?? []
  if (whole === undefined) return value
  const digits = `${whole}${fraction}`
  const first = digits.search(/[1-9]/)
  const exponent = whole.length - 1 - first
  if (first === -1 || (exponent >= exponentLeast && exponent < exponentMost)) return value
  const [head, ...tail] = digits.slice(first).replace(/0+$/, '')
  const power = String(Math.abs(exponent)).padStart(2, '0')
  return `${sign}${head}${tail.length > 0 ? `.${tail.join('')}` : ''}e${exponent < 0 ? '-' : '+'}${power}`
}

/** `1.5s`, `2m0s`, as `time.Duration` prints itself. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  const sign = nanoseconds < 0n ? '-' : ''
  const left = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const units = [['ns', 1n] as const, ['µs', 1_000n] as const, ['ms', 1_000_000n] as const]
  if (left < 1_000_000_000n) {
    const [unit, size] = units.findLast(([, its]) => left >= its)!
    return `${sign}${decimal(left, size)}${unit}`
  }
  const hours = left / 3_600_000_000_000n
  const minutes = (left / 60_000_000_000n) % 60n
  const seconds = decimal(left % 60_000_000_000n, 1_000_000_000n)
  const before = hours > 0n ? `${hours}h${minutes}m` : minutes > 0n ? `${minutes}m` : ''
  return `${sign}${before}${seconds}s`
}

function decimal(value: bigint, unit: bigint): string {
  const digits = (value % unit).toString().padStart(unit.toString().length - 1, '0')
  const fraction = unit === 1n ? '' : digits.replace(/0+$/, '')
  return `${value / unit}${fraction === '' ? '' : `.${fraction}`}`
}
