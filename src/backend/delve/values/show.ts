import type { DebugProtocol } from '@vscode/debugprotocol'
import { present } from '../../../lib/present.ts'
import { hex, type Variable } from '../wire.ts'
import { formatValue, rowMax, type Format } from './format.ts'
import { isExpandable, type Item } from './item.ts'
import { childrenOf, hasFlag, heldBy, isSequence, isZero, kinds, loadedBytes, pointeeOf, textKindOf } from './kinds.ts'
import type { Nodes, Part, Place } from './nodes.ts'

/** Bytes of one part of a long text. */
export const textPart = 4_096

/** A row of a variables view. */
export interface Child {
  readonly item: Item
  /** Shown in the place of the value. */
  readonly value?: string
  /** What is behind it, if not the value. */
  readonly part?: Part
  readonly indexed?: number
  readonly isReadOnly?: boolean
}

/** What was computed has no type for Delve. */
const untyped: Readonly<Record<number, string>> = {
  [kinds.bool]: 'bool',
  [kinds.int]: 'int',
  [kinds.float64]: 'float64',
  [kinds.string]: 'string',
}

/** `error(*main.failure)`: with the concrete type, as `dlv dap` tells it. */
export function typeOf(variable: Variable): string | undefined {
  if (variable.type === '') return untyped[variable.kind]
  const held = variable.kind === kinds.interface ? heldBy(variable) : undefined
  return held === undefined ? variable.type : `${variable.type}(${held.type})`
}

/** Bytes to look at: those of a text or a slice, what a pointer points to, the value's own. */
export function addressOf(variable: Variable): string | undefined {
  if (variable.unreadable !== '') return undefined
  const { kind, base, addr } = variable
  const at =
    kind === kinds.pointer || kind === kinds.unsafePointer
      ? (variable.children?.[0]?.addr ?? 0)
      : kind === kinds.string || kind === kinds.slice
        ? base
        : addr
  const isReal = at === addr ? !hasFlag(variable, 'fakeAddress') && !hasFlag(variable, 'register') : true
  return isReal && !isZero(at) ? hex(at) : undefined
}

/** A text of which only the beginning was read: its parts. */
function longText({ variable, expression }: Item): Part | undefined {
  if (variable.kind !== kinds.string || expression === undefined || variable.unreadable !== '') return undefined
  if (variable.len <= loadedBytes(variable)) return undefined
  return { kind: 'text', length: variable.len, expression: (from, to) => `(${expression})[${from}:${to}]` }
}

export function show(
  nodes: Nodes,
  place: Place,
  { item, value, part, indexed, isReadOnly }: Child,
  format: Format,
): DebugProtocol.Variable {
  const { name, variable, path } = item
  const text = part ?? longText(item)
  const behind: Part | undefined = text ?? (isExpandable(variable) ? { kind: 'value', item } : undefined)
  const isOwn = part === undefined && text === undefined && behind !== undefined
  const target = isOwn ? behindOf(variable) : undefined
  const count =
    text?.kind === 'text' ? Math.ceil(text.length / textPart) : target === undefined ? indexed : pagesOf(target)
  return {
    name,
    value: value ?? formatValue(variable, format),
    variablesReference: behind === undefined ? 0 : nodes.add(place, behind),
    ...present({
      type: typeOf(variable),
      evaluateName: path,
      indexedVariables: count,
      namedVariables: target === undefined ? undefined : namedOf(target),
      memoryReference: value === undefined ? addressOf(variable) : undefined,
      presentationHint: hintOf(variable, isReadOnly === true || item.isFixed === true),
    }),
  }
}

/** What is opened in the place of an interface. */
function behindOf(variable: Variable): Variable {
  const held = variable.kind === kinds.interface ? heldBy(variable) : undefined
  return held === undefined ? variable : behindOf(held)
}

export const hasPages = (variable: Variable): boolean => isSequence(variable) || variable.kind === kinds.map

const pagesOf = (variable: Variable): number | undefined => (hasPages(variable) ? variable.len : undefined)

/** `len()` of a map and `string()` of bytes, which come before their elements. */
const namedOf = (variable: Variable): number | undefined =>
  variable.kind === kinds.map || textKindOf(variable) !== undefined ? 1 : undefined

function hintOf(variable: Variable, isReadOnly: boolean): DebugProtocol.VariablePresentationHint | undefined {
  const isFixed = isReadOnly || hasFlag(variable, 'constant') || variable.unreadable !== ''
  const attributes = [
    ...(hasFlag(variable, 'constant') ? ['constant'] : []),
    ...(isFixed ? ['readOnly'] : []),
    ...(variable.kind === kinds.string ? ['rawString'] : []),
  ]
  const kind = variable.kind === kinds.func ? 'method' : undefined
  if (kind === undefined && attributes.length === 0) return undefined
  return present({ kind, attributes: attributes.length > 0 ? attributes : undefined })
}

/** For a row of a variables view, as the client wants its numbers. */
export function formatOf(format: DebugProtocol.ValueFormat | undefined, max = rowMax): Format {
  return { hex: format?.hex, max }
}

/** The number of children that were read, in the words of `formatValue`. */
export const loadedCount = (variable: Variable): number =>
  variable.kind === kinds.map ? childrenOf(variable).length / 2 : childrenOf(variable).length

export const isNil = (variable: Variable): boolean =>
  variable.kind === kinds.pointer
    ? pointeeOf(variable) === undefined
    : variable.kind === kinds.interface && heldBy(variable) === undefined
