import { hex, variableFlags, type Variable, type Word } from '../wire.ts'
import { childrenOf, hasFlag, heldBy, isInteger, isSequence, isZero, kinds, pointeeOf, textKindOf } from './kinds.ts'
import { durationText, floatText, quote, quoteString, readableText } from './text.ts'

export interface Format {
  /** Integers as hexadecimal numbers. */
  readonly hex?: boolean | undefined
  /** Characters; what is longer is cut with `…`. A text that is the value itself is never cut here: its length says it. */
  readonly max?: number
}

/** What `dlv dap` shows of a value that has others in it. */
export const rowMax = 256

/**
 * One line, as `dlv` writes it: `[]int len: 3, cap: 3, [1,2,3]`, `error(*main.failure) *{code: 7}`. What is within
 * another value has no type in front: it is known from the outer one, and a name is followed by a value that redaction can
 * tell the end of.
 */
export function formatValue(variable: Variable, format: Format = {}): string {
  const text = outer(variable, format)
  const { max = rowMax } = format
  if (text.length <= max || variable.kind === kinds.string) return text
  // Not in the middle of a surrogate pair: half of one is no text.
  const end = /[\uD800-\uDBFF]/.test(text[max - 1]!) ? max - 1 : max
  return `${text.slice(0, end)}…`
}

/** `*github.com/harbour/shop.Row` is `*shop.Row`, as `dlv` shortens it. */
export function shortType(type: string): string {
  // Most have none: looking behind each of their letters is half of what a row costs.
  return !type.includes('/') ? type : type.replace(/(?<![\w"`\\])(?:[\w.~+-]+\/)+(?=[\w.])/g, '')
}

/** The compiler keeps only what it needs. */
export function isOptimisedAway(message: string): boolean {
  return /^(?:empty OP stack|could not find loclist entry)/.test(message)
}

/** Why a value cannot be shown. */
export function whyUnreadable({ unreadable }: Variable): string {
  return isOptimisedAway(unreadable) ? '<optimized away>' : `(unreadable: ${unreadable})`
}

function outer(variable: Variable, format: Format): string {
  if (variable.unreadable !== '') return whyUnreadable(variable)
  const type = shortType(variable.type)
  switch (variable.kind) {
    case kinds.slice: {
      const sizes = `${type} len: ${variable.len}, cap: ${variable.cap}, `
      return sizes + inner(variable, format)
    }
    case kinds.array:
    case kinds.map:
      return `${type} ${inner(variable, format)}`
    case kinds.struct:
      return variable.value === '' ? `${type} ${inner(variable, format)}` : `${type}(${variable.value})`
    case kinds.pointer: {
      const pointee = pointeeOf(variable)
      if (pointee === undefined) return variable.onlyAddr ? `${type} ...` : nilOf(type)
      return pointee.onlyAddr ? `(${type})(${hex(pointee.addr)})` : `*${outer(pointee, format)}`
    }
    case kinds.interface: {
      const held = heldBy(variable)
      if (held === undefined) return nilOf(type)
      return `${type}(${shortType(held.type)}) ${held.onlyAddr ? '...' : inner(held, format)}`
    }
    case kinds.chan:
      return isZero(variable.base) ? nilOf(type) : `${type} ${channelText(variable)}`
    case kinds.func:
      return variable.value === '' ? nilOf(type) : shortType(variable.value)
    default:
      return scalar(variable, format)
  }
}

/** The word itself has no type. */
const nilOf = (type: string): string => (type === '' ? 'nil' : `${type} nil`)

/** Without its type, and without blanks before a bracket. */
function inner(variable: Variable, format: Format): string {
  if (variable.unreadable !== '') return whyUnreadable(variable)
  switch (variable.kind) {
    case kinds.slice:
    case kinds.array:
      return sequenceText(variable, format)
    case kinds.map:
      return mapText(variable, format)
    case kinds.struct:
      return variable.value === '' ? structText(variable, format) : variable.value
    case kinds.pointer: {
      const pointee = pointeeOf(variable)
      if (pointee === undefined) return variable.onlyAddr ? '...' : 'nil'
      return pointee.onlyAddr ? hex(pointee.addr) : `*${inner(pointee, format)}`
    }
    case kinds.interface:
      return heldText(variable, format)
    case kinds.chan:
      return isZero(variable.base) ? 'nil' : `(${shortType(variable.type)} ${channelText(variable)})`
    case kinds.func:
      return variable.value === '' ? 'nil' : shortType(variable.value)
    default:
      return scalar(variable, format, true)
  }
}

/** With the concrete type where the value does not tell it: `*errors.errorString{s: "boom"}`, `42`. */
function heldText(variable: Variable, format: Format): string {
  const held = heldBy(variable)
  if (held === undefined) return 'nil'
  const type = shortType(held.type)
  if (held.onlyAddr) return `${type}{...}`
  if (held.kind === kinds.pointer) {
    const pointee = pointeeOf(held)
    if (pointee === undefined) return `(${type})(nil)`
    if (pointee.onlyAddr) return `(${type})(${hex(pointee.addr)})`
    return isComposite(pointee) ? type + inner(pointee, format) : `*${inner(pointee, format)}`
  }
  return isComposite(held) ? type + inner(held, format) : inner(held, format)
}

/** Shown in brackets, and not by a text of its own as `time.Time` is. */
const isComposite = (variable: Variable): boolean =>
  variable.value === '' && (variable.kind === kinds.struct || variable.kind === kinds.map || isSequence(variable))

function more(variable: Variable, shown: number): string[] {
  return variable.len > shown ? [`...+${variable.len - shown} more`] : []
}

function sequenceText(variable: Variable, format: Format): string {
  const { kind, base, len } = variable
  const children = childrenOf(variable)
  if (kind === kinds.slice && children.length === 0 && isZero(base) && len === 0) return 'nil'
  if (kind === kinds.slice && textKindOf(variable) === 'bytes' && children.length > 0) {
    const text = len === children.length ? readableText(elementBytes(variable)) : undefined
    if (text !== undefined) return quote(text)
  }
  return `[${[...children.map((child) => inner(child, format)), ...more(variable, children.length)].join(',')}]`
}

export function elementBytes(variable: Variable): Buffer {
  return Buffer.from(childrenOf(variable).map(({ value }) => Number(integerText(value))))
}

function mapText(variable: Variable, format: Format): string {
  const children = childrenOf(variable)
  if (children.length === 0 && isZero(variable.base)) return 'nil'
  const entries: string[] = []
  for (let at = 0; at + 1 < children.length; at += 2) {
    entries.push(`${inner(children[at]!, format)}: ${inner(children[at + 1]!, format)}`)
  }
  return `[${[...entries, ...more(variable, entries.length)].join(', ')}]`
}

function structText(variable: Variable, format: Format): string {
  const children = childrenOf(variable)
  if (children.length === 0 && variable.len > 0) return '{...}'
  const fields = children.map((child) => `${child.name}: ${inner(child, format)}`)
  return `{${[...fields, ...more(variable, children.length)].join(', ')}}`
}

/** `2/5`: as many values wait in it, of as many as it holds. */
function channelText(variable: Variable): string {
  const field = (name: string): string | undefined => childrenOf(variable).find((child) => child.name === name)?.value
  const count = field('qcount')
  if (count === undefined) return '...'
  const closed = field('closed')
  return `${count}/${field('dataqsiz')}${closed === undefined || closed === '0' ? '' : ', closed'}`
}

/** The number in `Blue (2)`, or the text itself. */
export function integerText(value: string): string {
  return /\((-?\d+)\)$/.exec(value)?.[1] ?? value
}

function scalar(variable: Variable, format: Format, isInner = false): string {
  const { kind, value, type } = variable
  if (kind === kinds.string) return hasFlag(variable, 'register') ? value : quoteString(variable)
  if (kind === kinds.unsafePointer) return pointerText(variable)
  if (kind === kinds.complex64 || kind === kinds.complex128) return complexText(variable)
  if (value === '') return variable.onlyAddr ? '...' : `(${shortType(type) || 'value'} of an unknown kind)`
  if (kind === kinds.float32 || kind === kinds.float64) return floatText(value)
  return isInteger(variable) ? integer(variable, format, isInner) : value
}

function integer({ value, type, flags }: Variable, format: Format, isInner: boolean): string {
  const digits = integerText(value)
  if (!/^-?\d+$/.test(digits)) return value
  const number = BigInt(digits)
  if (format.hex === true) return signedHex(number)
  if (type === 'time.Duration') return isInner ? durationText(number) : `${durationText(number)} (${digits})`
  if (type === 'uintptr' || (flags & variableFlags.register) !== 0) return signedHex(number)
  // A constant has a name; within another value that says it all.
  return isInner && value !== digits ? value.slice(0, value.lastIndexOf(' (')) : value
}

const signedHex = (number: bigint): string => (number < 0n ? `-${hex((-number).toString())}` : hex(number.toString()))

function pointerText(variable: Variable): string {
  const address: Word = variable.children?.[0]?.addr ?? variable.value
  return address === '' || isZero(address) ? 'unsafe.Pointer(nil)' : `unsafe.Pointer(${hex(address)})`
}

/** `(1-2i)`, as Go prints it. */
function complexText(variable: Variable): string {
  const [real, imaginary] = childrenOf(variable)
  if (real === undefined || imaginary === undefined) return variable.value
  const sign = /^[-+]/.test(imaginary.value) ? '' : '+'
  return `(${floatText(real.value)}${sign}${floatText(imaginary.value)}i)`
}
