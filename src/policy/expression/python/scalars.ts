import { TooLarge, Unanswerable, bounds } from '../node.ts'
import type { BinaryOperator, Bounds, CompareOperator, Scalar, UnaryOperator } from '../node.ts'
import { floatBinary, intBinary } from './numbers.ts'

type Text = Extract<Scalar, { type: 'str' | 'bytes' }>

const isText = (scalar: Scalar): scalar is Text => scalar.type === 'str' || scalar.type === 'bytes'

/** The name of its class, as `type(x).__name__` says it. */
export const typeName = (scalar: Scalar): string => (scalar.type === 'none' ? 'NoneType' : scalar.type)

export const bool = (value: boolean): Scalar => ({ type: 'bool', value })
export const int = (value: bigint | number): Scalar => ({ type: 'int', value: BigInt(value) })

/** The integer that an int or a bool is. */
export function integerOf(scalar: Scalar): bigint | undefined {
  if (scalar.type === 'int') return scalar.value
  return scalar.type === 'bool' ? BigInt(scalar.value) : undefined
}

export function truth(scalar: Scalar): boolean {
  switch (scalar.type) {
    case 'none':
      return false
    case 'bool':
      return scalar.value
    case 'int':
      return scalar.value !== 0n
    case 'float':
      return scalar.value !== 0
    case 'str':
    case 'bytes':
      return scalar.value !== ''
  }
}

export function unary(operator: UnaryOperator, operand: Scalar): Scalar {
  if (operator === 'not') return bool(!truth(operand))
  const value = integerOf(operand)
  if (value !== undefined) return int(operator === '-' ? -value : operator === '~' ? -value - 1n : value)
  if (operand.type === 'float' && operator !== '~') {
    return { type: 'float', value: operator === '-' ? -operand.value : operand.value }
  }
  throw new Unanswerable(`TypeError: bad operand type for unary ${operator}: '${typeName(operand)}'`)
}

export function abs(operand: Scalar): Scalar {
  const value = integerOf(operand)
  if (value !== undefined) return int(value < 0n ? -value : value)
  if (operand.type === 'float') return { type: 'float', value: Math.abs(operand.value) }
  throw new Unanswerable(`TypeError: bad operand type for abs(): '${typeName(operand)}'`)
}

/** `left operator right` as Python computes it, or `Unanswerable` in Python's words, or `TooLarge`. */
export function binary(operator: BinaryOperator, left: Scalar, right: Scalar, limits: Bounds = bounds): Scalar {
  if (isText(left) || isText(right)) return textBinary(operator, left, right, limits)
  const [a, b] = [integerOf(left), integerOf(right)]
  if (a !== undefined && b !== undefined) {
    const result = intBinary(operator, a, b, limits)
    const both = left.type === 'bool' && right.type === 'bool'
    return both && result.type === 'int' && '&|^'.includes(operator) ? bool(result.value !== 0n) : result
  }
  const numbers = [floatOf(left), floatOf(right)]
  if (numbers[0] === undefined || numbers[1] === undefined) throw unsupported(operator, left, right)
  const value = floatBinary(operator, numbers[0], numbers[1])
  if (value === undefined) throw unsupported(operator, left, right)
  return { type: 'float', value }
}

function unsupported(operator: string, left: Scalar, right: Scalar): Unanswerable {
  const shown = operator === '**' ? '** or pow()' : operator
  return new Unanswerable(
    `TypeError: unsupported operand type(s) for ${shown}: '${typeName(left)}' and '${typeName(right)}'`,
  )
}

function floatOf(scalar: Scalar): number | undefined {
  if (scalar.type === 'float') return scalar.value
  const value = integerOf(scalar)
  if (value === undefined) return undefined
  const number = Number(value)
  if (!Number.isFinite(number)) throw new Unanswerable('OverflowError: int too large to convert to float')
  return number
}

function textBinary(operator: BinaryOperator, left: Scalar, right: Scalar, limits: Bounds): Scalar {
  if (operator === '%' && isText(left)) throw new Unanswerable('Formatting with % is not computed here.')
  if (operator === '+' && isText(left) && isText(right) && left.type === right.type) {
    refuseLong(left.value.length + right.value.length, limits)
    return { type: left.type, value: left.value + right.value }
  }
  if (operator === '*') {
    const [text, count] = isText(left) ? [left, integerOf(right)] : [right, integerOf(left)]
    if (isText(text) && count !== undefined) {
      if (count >= 2n ** 63n || count < -(2n ** 63n)) {
        throw new Unanswerable("OverflowError: cannot fit 'int' into an index-sized integer")
      }
      const times = count < 0n ? 0n : count
      if (text.value === '' || times === 0n) return { type: text.type, value: '' }
      if (times > BigInt(limits.characters)) refuseLong(Infinity, limits)
      refuseLong(text.value.length * Number(times), limits)
      return { type: text.type, value: text.value.repeat(Number(times)) }
    }
  }
  throw unsupported(operator, left, right)
}

function refuseLong(length: number, limits: Bounds): void {
  if (length > limits.characters)
    throw new TooLarge(`A string longer than ${limits.characters} characters is not computed.`)
}

/** Whether `left operator right` holds; `in` is for texts here. `is` on two computed values has no answer but for None. */
export function compare(operator: CompareOperator, left: Scalar, right: Scalar): boolean {
  switch (operator) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case 'in':
      return contains(right, left)
    case 'not in':
      return !contains(right, left)
    case 'is':
      return same(left, right)
    case 'is not':
      return !same(left, right)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(operator, left, right)
  }
}

/** JavaScript compares a BigInt and a Number by their mathematical values, exactly as Python does. */
function numberOf(scalar: Scalar): bigint | number | undefined {
  return scalar.type === 'float' ? scalar.value : integerOf(scalar)
}

export function equal(left: Scalar, right: Scalar): boolean {
  const [a, b] = [numberOf(left), numberOf(right)]
  // eslint-disable-next-line eqeqeq -- `===` holds a BigInt and a Number apart
  if (a !== undefined && b !== undefined) return a == b
  if (left.type !== right.type) return false
  return left.type === 'none' || (isText(left) && isText(right) && left.value === right.value)
}

/** As members of a container are compared, by identity first; which of two NaN are one object, nobody shows. */
export function equalMember(left: Scalar, right: Scalar): boolean {
  const nan = (scalar: Scalar): boolean => scalar.type === 'float' && Number.isNaN(scalar.value)
  if (nan(left) && nan(right)) throw new Unanswerable('Whether these are the same NaN cannot be told.')
  return equal(left, right)
}

function same(left: Scalar, right: Scalar): boolean {
  const single = (scalar: Scalar): boolean => scalar.type === 'none' || scalar.type === 'bool'
  if (single(left) || single(right)) return left.type === right.type && equal(left, right)
  if (left.type !== right.type) return false
  throw new Unanswerable('`is` between values is not answered: compare them with ==.')
}

function contains(container: Scalar, item: Scalar): boolean {
  if (container.type === 'str' && item.type === 'str') return container.value.includes(item.value)
  if (container.type === 'bytes' && item.type === 'bytes') return container.value.includes(item.value)
  const code = integerOf(item)
  if (container.type === 'bytes' && code !== undefined) {
    if (code < 0n || code > 255n) throw new Unanswerable('ValueError: byte must be in range(0, 256)')
    return container.value.includes(String.fromCharCode(Number(code)))
  }
  const shown = typeName(item)
  if (container.type === 'str') {
    throw new Unanswerable(`TypeError: 'in <string>' requires string as left operand, not ${shown}`)
  }
  if (container.type === 'bytes') {
    throw new Unanswerable(`TypeError: a bytes-like object is required, not '${shown}'`)
  }
  throw new Unanswerable(`TypeError: argument of type '${typeName(container)}' is not iterable`)
}

function ordered(operator: '<' | '<=' | '>' | '>=', left: Scalar, right: Scalar): boolean {
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a !== undefined && b !== undefined) {
    return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b
  }
  if (!isText(left) || !isText(right) || left.type !== right.type) {
    throw new Unanswerable(
      `TypeError: '${operator}' not supported between instances of '${typeName(left)}' and '${typeName(right)}'`,
    )
  }
  const order = compareText(left.value, right.value)
  return operator === '<' ? order < 0 : operator === '<=' ? order <= 0 : operator === '>' ? order > 0 : order >= 0
}

/** By code points; JavaScript's own `<` goes by UTF-16 units, where U+1F600 is before U+FFFD. */
function compareText(a: string, b: string): number {
  let i = 0
  while (i < a.length && i < b.length && a[i] === b[i]) i += 1
  // Within a pair the first halves were equal, and the second halves then order the pairs.
  const [x, y] = [unit(a, i), unit(b, i)]
  return x - y
}

function unit(text: string, index: number): number {
  if (index >= text.length) return -1
  const code = text.codePointAt(index)!
  return code
}

/** `text[index]` by code points, with Python's negative indexes. */
export function indexText(text: Text, index: Scalar): Scalar {
  const at = integerOf(index)
  const named = text.type === 'str' ? 'string' : 'byte'
  if (at === undefined) throw new Unanswerable(`TypeError: ${named} indices must be integers, not '${typeName(index)}'`)
  const points = Array.from(text.value)
  const found = points[Number(at < 0n ? at + BigInt(points.length) : at)]
  if (found === undefined)
    throw new Unanswerable(`IndexError: ${text.type === 'str' ? 'string index' : 'index'} out of range`)
  return text.type === 'str' ? { type: 'str', value: found } : int(found.charCodeAt(0))
}

/** The indexes that `[start:stop:step]` selects of `length`; as `slice.indices` does. */
export function sliceIndexes(values: readonly (Scalar | undefined)[], length: number): number[] {
  const [start, stop, step] = values.map((value) => {
    if (value === undefined || value.type === 'none') return undefined
    const whole = integerOf(value)
    if (whole === undefined) {
      throw new Unanswerable('TypeError: slice indices must be integers or None or have an __index__ method')
    }
    return whole
  })
  const by = step ?? 1n
  if (by === 0n) throw new Unanswerable('ValueError: slice step cannot be zero')
  const size = BigInt(length)
  const [low, high] = by > 0n ? [0n, size] : [-1n, size - 1n]
  const clamp = (value: bigint | undefined, other: bigint): bigint => {
    if (value === undefined) return other
    const at = value < 0n ? value + size : value
    return at < low ? low : at > high ? high : at
  }
  const indexes: number[] = []
  const end = clamp(stop, by > 0n ? high : low)
  for (let at = clamp(start, by > 0n ? low : high); by > 0n ? at < end : at > end; at += by) indexes.push(Number(at))
  return indexes
}

export function sliceText(text: Text, values: readonly (Scalar | undefined)[]): Scalar {
  const points = Array.from(text.value)
  return {
    type: text.type,
    value: sliceIndexes(values, points.length)
      .map((index) => points[index]!)
      .join(''),
  }
}

/** How long a string or bytes is, in Python's characters. */
export const lengthOf = (scalar: Scalar): number | undefined =>
  isText(scalar) ? Array.from(scalar.value).length : undefined
