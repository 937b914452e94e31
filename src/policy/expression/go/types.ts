import { isNumber, parseString } from './literal.ts'
import { refusal, type Cursor, type Token } from './scan.ts'

/** Types that no program can hide: Delve looks for the type of a name before anything else of that name. */
export const basicTypes: ReadonlySet<string> = new Set(
  (
    'bool string byte rune int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr float32 float64 ' +
    'complex64 complex128'
  ).split(' '),
)

export interface Type {
  readonly text: string
  /** See `Tree`. */
  readonly plain: boolean
}

const plainTypes = new Set([...basicTypes].flatMap((name) => [name, `[]${name}`]))
const mostStars = 4

/** `"main.Row"`: the name of a type and nothing else, so that it is no pointer, function or struct. */
export function quotedType(token: Token): string {
  const name = parseString(token.text)?.value ?? ''
  if (!/^[\p{L}\p{Nd}_./~@+-]*[\p{L}\p{Nd}_]$/u.test(name)) throw refusal(token.at, 'This quoted type')
  return `"${name}"`
}

/** The type of an assertion, where no call can stand. */
export function readType(cursor: Cursor, depth = 0): string {
  const { at } = cursor.token
  if (depth > 16) throw refusal(at, 'A type nested that deep')
  const inner = (): string => readType(cursor, depth + 1)
  if (cursor.take('*')) return `*${inner()}`
  if (cursor.take('(')) {
    const type = inner()
    cursor.expect(')')
    return type
  }
  if (cursor.take('interface')) {
    cursor.expect('{')
    if (!cursor.take('}')) throw refusal(at, 'This type')
    return 'interface {}'
  }
  if (cursor.at('[') || cursor.at('map')) return compositeType(cursor, depth)
  if (cursor.token.kind !== 'name') throw refusal(at, 'This type')
  const name = cursor.name()
  return cursor.take('.') ? `${name}.${cursor.name()}` : name
}

function compositeType(cursor: Cursor, depth: number): string {
  const inner = (): string => readType(cursor, depth + 1)
  if (cursor.take('map')) {
    cursor.expect('[')
    const key = inner()
    cursor.expect(']')
    return `map[${key}]${inner()}`
  }
  cursor.expect('[')
  if (cursor.take(']')) return `[]${inner()}`
  const { kind, text, at } = cursor.next()
  if (kind !== 'number' || !isNumber(text)) throw refusal(at, 'An array type with this length')
  cursor.expect(']')
  return `[${text}]${inner()}`
}

/** `[]byte(s)`, `[4]int(x)`, `map[string]int(x)`: what a conversion is to where nothing but a type can stand. */
export function conversionType(cursor: Cursor): Type {
  const text = readType(cursor)
  return { text, plain: plainTypes.has(text) }
}

/**
 * `(int)`, `(*"main.Row")`, `(*main.Row)`, `(**[4]int)` before a `(`; undefined, and the cursor is where it was, where it
 * is not that. `(*main.Row)(x)` would call a function if `main.Row` were a variable: the name is quoted, which can be
 * nothing but a type.
 */
export function parenthesizedType(cursor: Cursor): Type | undefined {
  const start = cursor.position
  const { at } = cursor.token
  let [open, stars] = [0, '']
  for (;;) {
    if (cursor.take('(')) open += 1
    else if (cursor.take('*')) stars += '*'
    else break
  }
  const base =
    cursor.at('[') || cursor.at('map') || /^(?:name|string)$/.test(cursor.token.kind) ? cursor.token : undefined
  const text = base && baseType(cursor, base, stars !== '')
  for (; open > 0 && cursor.take(')');) open -= 1
  if (text === undefined || open > 0 || !cursor.at('(')) {
    cursor.position = start
    return undefined
  }
  if (stars.length > mostStars) throw refusal(at, 'This type')
  if (stars === '') return plainTypes.has(text) ? { text, plain: true } : refuseCall(at, text)
  // A bare name would be a variable, and this a call of what it points to.
  if (/^[\p{L}_]/u.test(text) && !basicTypes.has(text) && !text.startsWith('map[')) return refuseCall(at, text)
  return { text: `(${stars}${text})`, plain: false }
}

function baseType(cursor: Cursor, base: Token, behindStar: boolean): string | undefined {
  if (base.kind === 'string') {
    cursor.next()
    // Without a star it is a text in parentheses.
    return behindStar && cursor.at(')') ? quotedType(base) : undefined
  }
  if (base.kind !== 'name') return behindStar || cursor.at('[') ? readType(cursor) : undefined
  const name = cursor.next().text
  if (!cursor.take('.')) return name
  return cursor.token.kind === 'name' ? `"${name}.${cursor.next().text}"` : undefined
}

function refuseCall(at: number, text: string): never {
  throw refusal(at, `A call of \`${text.slice(0, 40).replaceAll('"', '')}\`, or a type without its package,`)
}
