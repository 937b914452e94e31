import { TooLarge, Unanswerable, type BinaryOperator, type Bounds, type Scalar } from '../node.ts'

const bitsOf = (value: bigint): number => (value < 0n ? -value : value).toString(16).length * 4

function refuseBig(bits: number, limits: Bounds): void {
  if (bits > limits.bits + 8) throw new TooLarge(`An integer longer than ${limits.bits} bits is not computed.`)
}

const int = (value: bigint): Scalar => ({ type: 'int', value })

/** Integer arithmetic as Python's: `//` and `%` go by the floor, `/` is rounded once, and nothing grows past the limit. */
export function intBinary(operator: BinaryOperator, a: bigint, b: bigint, limits: Bounds): Scalar {
  switch (operator) {
    case '+':
    case '-':
      refuseBig(Math.max(bitsOf(a), bitsOf(b)), limits)
      return int(operator === '+' ? a + b : a - b)
    case '*':
      refuseBig(bitsOf(a) + bitsOf(b) - 8, limits)
      return int(a * b)
    case '/':
      return { type: 'float', value: trueDivide(a, b) }
    case '//':
    case '%':
      return int(floorDivide(operator, a, b))
    case '**':
      return int(power(a, b, limits))
    case '<<':
    case '>>':
      return int(shift(operator, a, b, limits))
    case '&':
      return int(a & b)
    case '|':
      return int(a | b)
    case '^':
      return int(a ^ b)
  }
}

function floorDivide(operator: '//' | '%', a: bigint, b: bigint): bigint {
  if (b === 0n) {
    const what = operator === '//' ? 'integer division or modulo by zero' : 'integer modulo by zero'
    throw new Unanswerable(`ZeroDivisionError: ${what}`)
  }
  const rest = a % b
  const inexact = rest !== 0n && rest < 0n !== b < 0n
  if (operator === '%') return inexact ? rest + b : rest
  return inexact ? a / b - 1n : a / b
}

function power(a: bigint, b: bigint, limits: Bounds): bigint {
  // A negative exponent makes a float, and libm's pow and ours may differ in the last bit.
  if (b < 0n) throw new Unanswerable('A negative power is not computed here.')
  if (a === 0n || a === 1n || a === -1n) return a === -1n && b % 2n === 0n ? 1n : b === 0n ? 1n : a
  if (b > BigInt(limits.bits)) refuseBig(Infinity, limits)
  refuseBig((bitsOf(a) - 4) * Number(b), limits)
  return a ** b
}

function shift(operator: '<<' | '>>', a: bigint, b: bigint, limits: Bounds): bigint {
  if (b < 0n) throw new Unanswerable('ValueError: negative shift count')
  if (operator === '>>') return b > BigInt(bitsOf(a)) ? (a < 0n ? -1n : 0n) : a >> b
  if (a === 0n) return 0n
  if (b > BigInt(limits.bits)) refuseBig(Infinity, limits)
  refuseBig(bitsOf(a) + Number(b), limits)
  return a << b
}

/** The float nearest to the quotient, ties to even: 66 bits of it, and one more that says whether anything was left. */
function trueDivide(a: bigint, b: bigint): number {
  if (b === 0n) throw new Unanswerable('ZeroDivisionError: division by zero')
  const [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  const sign = a < 0n !== b < 0n && a !== 0n ? -1 : 1
  const scale = Math.max(0, 72 - (bitsOf(x) - bitsOf(y)))
  const scaled = x << BigInt(scale)
  const quotient = scaled / y
  const sticky = quotient * y === scaled ? quotient : quotient | 1n
  // In two steps, as 2 ** -1100 alone would be zero.
  const half = Math.floor(scale / 2)
  const value = Number(sticky) * 2 ** -half * 2 ** -(scale - half)
  if (!Number.isFinite(value)) throw new Unanswerable('OverflowError: integer division result too large for a float')
  if (value !== 0 && value < 2 ** -1022) throw new Unanswerable('A float this close to zero is not computed here.')
  return a === 0n ? 0 : sign * value
}

/** Float arithmetic as CPython's float_floor_div and float_rem; undefined where floats have no such operator. */
export function floatBinary(operator: BinaryOperator, a: number, b: number): number | undefined {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      if (b === 0) throw new Unanswerable('ZeroDivisionError: float division by zero')
      return a / b
    case '//':
    case '%':
      return floatFloor(operator, a, b)
    case '**':
      throw new Unanswerable('A power of floats is not computed here: the last bit depends on the machine.')
    default:
      return undefined
  }
}

function floatFloor(operator: '//' | '%', a: number, b: number): number {
  if (b === 0)
    throw new Unanswerable(`ZeroDivisionError: float ${operator === '%' ? 'modulo' : 'floor division by zero'}`)
  let rest = a % b
  let quotient = (a - rest) / b
  if (rest !== 0) {
    if (b < 0 !== rest < 0) {
      rest += b
      quotient -= 1
    }
  } else rest = b < 0 ? -0 : 0
  if (operator === '%') return rest
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0
  const floor = Math.floor(quotient)
  return quotient - floor > 0.5 ? floor + 1 : floor
}
