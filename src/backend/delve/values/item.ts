import { hex, variableFlags, type Variable } from '../wire.ts'
import { childrenOf, heldBy, isComplex, isMissing, isZero, kinds, pointeeOf } from './kinds.ts'

/** A value: what was read of it, and how it is reached. */
export interface Item {
  readonly name: string
  readonly variable: Variable
  /** How Delve reads it again, whatever the frame; undefined for what is nowhere but here. */
  readonly expression: string | undefined
  /** How the user's language names it, if it does: `evaluateName`. Operators can be appended to it. */
  readonly path: string | undefined
  /** A key of a map, or a part of one: set, it would not be found any more. And what was computed. */
  readonly isFixed?: boolean
}

/** What is in the memory of the same value is as fixed as that. */
export const fixedAs = ({ isFixed }: Item): Pick<Item, 'isFixed'> => (isFixed === true ? { isFixed } : {})

const unreal = variableFlags.fakeAddress | variableFlags.register

/**
 * `*(*"main.Row")(0xc000…)`: good in all frames, and for what another variable of the same name hides. `otherwise` is for
 * what has no address: what is in registers, or was computed.
 */
export function expressionOf({ addr, flags, type }: Variable, otherwise: string | undefined): string | undefined {
  if (isZero(addr) || (flags & unreal) !== 0 || type === '' || type === 'void') return otherwise
  return `*(*${goString(type)})(${hex(addr)})`
}

/** Types have quotes in them where a struct without a name has tags. */
const goString = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`

const identifier = /^[\p{L}_][\p{L}\p{Nd}_]*$/u

export const isName = (name: string): boolean => identifier.test(name) && name !== '_'

/** What can have operators appended: names, members, elements, conversions. */
const operand = /^[\p{L}_][\p{L}\p{Nd}_]*(?:\.[\p{L}_][\p{L}\p{Nd}_]*|\.\([\w.*]+\)|\[(?:-?\d+|"[^"\\]*")\])*$/u

/** An expression as the user wrote it, as something that operators can be appended to. */
export function pathOf(expression: string): string | undefined {
  const trimmed = expression.trim()
  if (operand.test(trimmed)) return trimmed
  // A comment would take the bracket with it.
  return trimmed === '' || /\/[/*]|\n/.test(trimmed) ? undefined : `(${trimmed})`
}

export function member(owner: Item, variable: Variable, name: string): Item {
  const of = (text: string | undefined): string | undefined =>
    text === undefined || !isName(name) ? undefined : `${text}.${name}`
  const otherwise = of(bracketed(owner.expression))
  return {
    name,
    variable,
    // What is in registers, or was returned, has members at no address either.
    expression: (owner.variable.flags & unreal) === 0 ? expressionOf(variable, otherwise) : otherwise,
    path: of(owner.path),
    ...fixedAs(owner),
  }
}

export const bracketed = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : `(${text})`

/** What is shown in the place of a value: of an interface what it holds, of a pointer the struct. */
export function within(item: Item): Item | undefined {
  const { name, variable, expression, path } = item
  if (variable.kind === kinds.interface) {
    const held = heldBy(variable)
    if (held === undefined) return undefined
    const of = (text: string | undefined): string | undefined => (text === undefined ? undefined : `${text}.(data)`)
    const read = expressionOf(held, of(bracketed(expression)))
    return { name, variable: held, expression: read, path: of(path), ...fixedAs(item) }
  }
  if (variable.kind !== kinds.pointer) return undefined
  const pointee = pointeeOf(variable)
  if (pointee?.kind !== kinds.struct) return undefined
  // Go looks for a member behind a pointer by itself.
  return { name, variable: pointee, expression: expressionOf(pointee, undefined), path }
}

/** Its children can be told by what was read: those of a struct with something of each. */
export function isShallow(variable: Variable): boolean {
  switch (variable.kind) {
    case kinds.pointer:
      return variable.onlyAddr
    case kinds.interface:
      return variable.onlyAddr || (childrenOf(variable).length === 0 && !isZero(variable.addr))
    case kinds.struct:
      return isMissing(variable) || childrenOf(variable).some(isMissing)
    case kinds.func:
    case kinds.chan:
      return isMissing(variable)
    default:
      return false
  }
}

export function isExpandable(variable: Variable): boolean {
  if (variable.unreadable !== '') return false
  switch (variable.kind) {
    case kinds.pointer: {
      const pointee = pointeeOf(variable)
      if (pointee === undefined) return variable.onlyAddr
      return pointee.type !== 'void' && pointee.kind !== kinds.invalid
    }
    case kinds.interface: {
      const held = heldBy(variable)
      return held !== undefined && (held.onlyAddr ? held.kind >= kinds.array : isExpandable(held))
    }
    case kinds.slice:
    case kinds.array:
    case kinds.map:
    case kinds.struct:
    case kinds.func:
      return variable.len > 0
    case kinds.chan:
      return !isZero(variable.base)
    default:
      return isComplex(variable)
  }
}

/** Children of a value that has no pages. */
export function membersOf(item: Item): Item[] {
  const { variable, path, name } = item
  const children = childrenOf(variable)
  switch (variable.kind) {
    case kinds.pointer: {
      const pointee = pointeeOf(variable)
      if (pointee === undefined) return []
      const read = expressionOf(pointee, undefined)
      return [{ name: `*${name}`, variable: pointee, expression: read, path: path && `(*${path})` }]
    }
    case kinds.complex64:
    case kinds.complex128:
      return children.map((child, at) => {
        const part = at === 0 ? 'real' : 'imag'
        const half = { ...child, type: variable.kind === kinds.complex64 ? 'float32' : 'float64' }
        return { name: child.name, variable: half, expression: undefined, path: path && `${part}(${path})` }
      })
    default:
      return children.map((child) => member(item, child, child.name))
  }
}
