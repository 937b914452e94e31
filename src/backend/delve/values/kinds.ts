import { variableFlags, wordOf, type Variable, type Word } from '../wire.ts'

/** Go's `reflect.Kind` as Delve uses it: all signed integers are `int`, all unsigned ones `uint`. */
export const kinds = {
  invalid: 0,
  bool: 1,
  int: 2,
  int64: 6,
  uint: 7,
  uintptr: 12,
  float32: 13,
  float64: 14,
  complex64: 15,
  complex128: 16,
  array: 17,
  chan: 18,
  func: 19,
  interface: 20,
  map: 21,
  pointer: 22,
  slice: 23,
  string: 24,
  struct: 25,
  unsafePointer: 26,
} as const

export const isInteger = ({ kind }: Variable): boolean => kind >= kinds.int && kind <= kinds.uintptr
export const isUnsigned = ({ kind }: Variable): boolean => kind >= kinds.uint && kind <= kinds.uintptr
export const isComplex = ({ kind }: Variable): boolean => kind === kinds.complex64 || kind === kinds.complex128
export const isSequence = ({ kind }: Variable): boolean => kind === kinds.array || kind === kinds.slice

export const hasFlag = ({ flags }: Variable, flag: keyof typeof variableFlags): boolean =>
  (flags & variableFlags[flag]) !== 0

export const isZero = (word: Word): boolean => word === 0 || wordOf(word) === 0n

export const childrenOf = ({ children }: Variable): readonly Variable[] => children ?? []

/** What an interface holds; undefined for nil. */
export function heldBy(variable: Variable): Variable | undefined {
  const held = variable.children?.[0]
  return held === undefined || held.kind === kinds.invalid || isZero(variable.addr) ? undefined : held
}

/** What a pointer points to; undefined for nil. */
export function pointeeOf(variable: Variable): Variable | undefined {
  const pointee = variable.children?.[0]
  return pointee === undefined || isZero(pointee.addr) ? undefined : pointee
}

/** Bytes of a string that are here. */
export function loadedBytes({ value, StringValueBytes: bytes }: Variable): number {
  return typeof bytes === 'string' && bytes !== '' ? Buffer.from(bytes, 'base64').length : Buffer.byteLength(value)
}

/**
 * Something in it is there but was not read: Delve reads to a depth, and beyond that tells the length only. Names are
 * then known, and what is behind them is not.
 */
export function isMissing(variable: Variable): boolean {
  if (variable.unreadable !== '') return false
  const children = childrenOf(variable)
  switch (variable.kind) {
    case kinds.pointer: {
      const pointee = pointeeOf(variable)
      if (pointee === undefined) return variable.onlyAddr
      return pointee.onlyAddr || (pointee.kind === kinds.struct && isMissing(pointee))
    }
    case kinds.interface: {
      const held = heldBy(variable)
      return held !== undefined && (held.onlyAddr || isMissing(held))
    }
    case kinds.struct:
    case kinds.array:
    case kinds.slice:
    case kinds.map:
    case kinds.func:
      return variable.len > 0 && children.length === 0
    case kinds.chan:
      return children.length === 0 && !isZero(variable.base)
    default:
      return variable.onlyAddr
  }
}

/** Types that are bytes, and those that are characters: shown as text too. */
export function textKindOf({ kind, type, children }: Variable): 'bytes' | 'runes' | undefined {
  if (kind !== kinds.slice && kind !== kinds.array) return undefined
  // A type with a name (`net.IP`) does not tell that of its elements.
  const element = children?.[0]?.type ?? /^\[\d*\](.*)$/.exec(type)?.[1]
  if (element === 'uint8' || element === 'byte') return 'bytes'
  return element === 'int32' || element === 'rune' ? 'runes' : undefined
}
