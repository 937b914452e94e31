import type { SyntaxNode } from '@lezer/common'
import { isNumber, parseString } from './literal.ts'
import { children, identifier, refusal, textOf, type Reading } from './reading.ts'

/** Types that no program can hide: Delve looks for the type of a name before anything else of that name. */
export const basicTypes: ReadonlySet<string> = new Set(
  (
    'bool string byte rune int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr float32 float64 ' +
    'complex64 complex128'
  ).split(' '),
)

export interface Type {
  readonly text: string
  readonly plain: boolean
}

const plainSlices = new Set([...basicTypes].map((name) => `[]${name}`))

/** `"main.Row"`: the name of a type and nothing else, so that it is no pointer, function or struct. */
export function quotedType(reading: Reading, node: SyntaxNode): string {
  const parsed = parseString(textOf(reading, node))
  const name = parsed?.value ?? ''
  if (!/^[\p{L}\p{Nd}_./~@+-]*[\p{L}\p{Nd}_]$/u.test(name)) throw refusal(reading, node.from, 'This quoted type')
  return `"${name}"`
}

/** The type of an assertion, where no call can stand. */
export function typeText(reading: Reading, node: SyntaxNode, depth = 0): string {
  if (depth > 16) throw refusal(reading, node.from, 'A type nested that deep')
  const parts = children(node)
  const inner = (part: SyntaxNode | undefined): string => {
    if (!part) throw refusal(reading, node.from, 'This type')
    return typeText(reading, part, depth + 1)
  }
  switch (node.name) {
    case 'TypeName':
      return identifier(reading, node)
    case 'QualifiedType': {
      const names = parts.filter(({ name }) => name !== '.')
      if (names.length !== 2) throw refusal(reading, node.from, 'This type')
      return names.map((name) => identifier(reading, name)).join('.')
    }
    case 'PointerType':
      return `*${inner(parts.at(-1))}`
    case 'ParenthesizedType':
      return inner(parts[1])
    case 'SliceType':
      if (parts.length !== 3) throw refusal(reading, node.from, 'This type')
      return `[]${inner(parts[2])}`
    case 'ArrayType': {
      const length = parts[1]?.name === 'Number' ? textOf(reading, parts[1]) : ''
      if (!isNumber(length)) throw refusal(reading, node.from, 'An array type with this length')
      return `[${length}]${inner(parts[3])}`
    }
    case 'MapType':
      return `map[${inner(parts[2])}]${inner(parts[4])}`
    case 'InterfaceType':
      if (/^interface *\{ *\}$/.test(textOf(reading, node))) return 'interface {}'
      throw refusal(reading, node.from, 'This type')
    default:
      throw refusal(reading, node.from, 'This type')
  }
}

/** What a conversion is to, where the parser knows that it is a type: `[]byte(s)`, `(*[4]int)(0xc000010000)`. */
export function conversionType(reading: Reading, node: SyntaxNode): Type {
  if (node.name === 'SliceType' || node.name === 'ArrayType' || node.name === 'MapType') {
    const text = typeText(reading, node)
    return { text, plain: plainSlices.has(text) }
  }
  let inner: SyntaxNode | undefined = node
  while (inner?.name === 'ParenthesizedType') inner = children(inner)[1]
  if (node.name !== 'ParenthesizedType' || inner?.name !== 'PointerType') throw refusal(reading, node.from, 'A call')
  let stars = ''
  while (inner?.name === 'PointerType' || (inner?.name === 'ParenthesizedType' && stars !== '')) {
    if (inner.name === 'PointerType') stars += '*'
    inner = children(inner)[1]
  }
  if (!inner || stars.length > 4) throw refusal(reading, node.from, 'This type')
  const text = typeText(reading, inner)
  return pointer(reading, node, stars, inner.name === 'QualifiedType' ? `"${text}"` : text)
}

/**
 * The same where it may be a call for all that the parser knows, as `(*main.Row)(x)`, which calls a function if
 * `main.Row` is a variable: the name is quoted, which can be nothing but a type.
 */
export function ambiguousType(reading: Reading, node: SyntaxNode): Type {
  let [inner, stars]: [SyntaxNode | undefined, string] = [node, '']
  for (;;) {
    const parts: SyntaxNode[] = inner ? children(inner) : []
    if (inner?.name === 'ParenthesizedExpr' && parts.length === 3) inner = parts[1]
    else if (inner?.name === 'UnaryExp' && parts.length === 2 && textOf(reading, parts[0]!) === '*') {
      stars += '*'
      inner = parts[1]
    } else break
  }
  if (!inner || stars === '' || stars.length > 4) throw refusal(reading, node.from, 'A call')
  if (inner.name === 'String') return pointer(reading, node, stars, quotedType(reading, inner))
  if (inner.name === 'VariableName') return pointer(reading, node, stars, identifier(reading, inner))
  const [object, dot, field] = inner.name === 'SelectorExpr' ? children(inner) : []
  if (object?.name !== 'VariableName' || dot?.name !== '.' || !field) throw refusal(reading, node.from, 'A call')
  return pointer(reading, node, stars, `"${identifier(reading, object)}.${identifier(reading, field)}"`)
}

function pointer(reading: Reading, node: SyntaxNode, stars: string, text: string): Type {
  // A bare name would be a variable, and this a call of what it points to.
  if (/^[\p{L}_]/u.test(text) && !basicTypes.has(text) && !text.startsWith('map['))
    throw refusal(reading, node.from, `A call of \`${text.slice(0, 40)}\`, or a type without its package,`)
  return { text: `(${stars}${text})`, plain: false }
}
