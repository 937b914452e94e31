import { Unanswerable, type Scalar } from '../node.ts'
import { parseString } from './literal.ts'

/** debugpy shows at most 64 Ki characters of a string and then a cut one that looks whole (1.6.6 and 1.8: safe repr). */
const longestText = 60_000
/** Digits of an integer. CPython's own limit for showing one is 4,300. */
const longestInteger = 1_233

const floatText = /^-?(?:[0-9]+\.[0-9]+(?:e[+-][0-9]+)?|[0-9]+e[+-][0-9]+)$/
const special: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: NaN }

/**
 * The value of which a debugger shows `text` and `type`, or undefined where it is no exact builtin scalar. A string that
 * is too long to have been shown whole throws `Unanswerable`.
 */
export function parseValue(text: string, type: string | undefined): Scalar | undefined {
  if (type === 'NoneType') return text === 'None' ? { type: 'none' } : undefined
  if (type === 'bool') return text === 'True' || text === 'False' ? { type, value: text === 'True' } : undefined
  if (type === 'int') {
    if (!/^-?[0-9]+$/.test(text)) return undefined
    if (text.length > longestInteger) throw new Unanswerable('The integer is too long to compute with.')
    return { type, value: BigInt(text) }
  }
  if (type === 'float') {
    if (Object.hasOwn(special, text)) return { type, value: special[text]! }
    return floatText.test(text) ? { type, value: Number(text) } : undefined
  }
  if (type !== 'str' && type !== 'bytes') return undefined
  if (text.length > longestText) throw new Unanswerable(`The ${type} is too long to compute with.`)
  const parsed = parseString(text)
  return !('error' in parsed) && parsed.type === type && /^b?['"]/.test(text) ? parsed : undefined
}

/** The value as Python's `repr` writes it. */
export function formatScalar(scalar: Scalar): string {
  switch (scalar.type) {
    case 'none':
      return 'None'
    case 'bool':
      return scalar.value ? 'True' : 'False'
    case 'int':
      return String(scalar.value)
    case 'float':
      return formatFloat(scalar.value)
    case 'str':
    case 'bytes':
      return formatString(scalar.value, scalar.type)
  }
}

/** JavaScript finds the same shortest digits; Python turns to exponents below 1e-4 and from 1e16. */
function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa = '0', exponentText = '0'] = Math.abs(value).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const exponent = Number(exponentText)
  if (exponent < -4 || exponent >= 16) {
    const shown = String(Math.abs(exponent)).padStart(2, '0')
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${shown}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function formatString(value: string, type: 'str' | 'bytes'): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
  let out = type === 'bytes' ? 'b' : ''
  out += quote
  for (const character of value) {
    const code = character.codePointAt(0)!
    if (character === quote) out += `\\${quote}`
    else if (escapes[character] !== undefined) out += escapes[character]
    else if (printable(character, code, type)) out += character
    else if (code <= 0xff) out += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code <= 0xffff) out += `\\u${code.toString(16).padStart(4, '0')}`
    else out += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return out + quote
}

function printable(character: string, code: number, type: 'str' | 'bytes'): boolean {
  if (code < 0x7f) return code >= 0x20
  return type === 'str' && !/[\p{C}\p{Z}]/u.test(character)
}
