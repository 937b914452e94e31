import type { SyntaxNode } from '@lezer/common'
import { parser } from '@lezer/go'
import { isNumber, parseRune, parseString, smallInteger } from './literal.ts'
import {
  children,
  column,
  identifier,
  limits,
  refusal,
  Refusal,
  refuseCharacters,
  refuseErrors,
  textOf,
  type Reading,
} from './reading.ts'
import type { Tree } from './tree.ts'
import { ambiguousType, basicTypes, conversionType, quotedType, typeText } from './types.ts'

type Result = { readonly ok: true; readonly tree: Tree } | { readonly ok: false; readonly reason: string }

/** Most `+` in an expression, and most arguments of `min` and `max`: for each, Delve may copy a mebibyte of text. */
const mostSums = 16
/** Delve computes `1 << n` whatever n is: with 1 << 40 it asks for 128 GiB, and its end is the program's. */
const longestShift = 127

/**
 * Is this text only a look? Parsed by Lezer, which never fails and marks what it could not read, and accepted by the
 * table `readers`: a kind of node that is not in it is refused, so syntax that a newer Go adds is refused as well. What
 * is evaluated is not this text but one that is written anew from the tree (write.ts).
 */
export function check(text: string): Result {
  try {
    return { ok: true, tree: read(text) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message }
    throw error
  }
}

function read(text: string): Tree {
  if (Buffer.byteLength(text) > limits.bytes)
    throw new Refusal(`An expression may be ${limits.bytes} bytes long at most.`)
  const trimmed = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  if (trimmed === '') throw new Refusal('There is no expression.')
  const reading: Reading = { text: trimmed, offset: text.indexOf(trimmed), nodes: 0, sums: 0 }
  refuseCharacters(reading)
  const word = /^(call|dlv)[ \t]+[\p{L}\p{Nd}_"'(*&[\x60.-]/u.exec(trimmed)?.[1]
  if (word !== undefined) throw refusal(reading, 0, `Delve's command \`${word}\``)
  const parsed = parser.parse(trimmed)
  const statement = parsed.topNode.firstChild
  if (
    statement &&
    !statement.type.isError &&
    statement.name !== 'ExpressionStatement' &&
    statement.name !== 'ExprStatement'
  )
    throw refusal(reading, statement.from, describe(statement.name))
  refuseErrors(reading, parsed)
  if (!statement) throw new Refusal('There is no expression.')
  if (statement.nextSibling) throw refusal(reading, statement.nextSibling.from, 'More than one statement')
  const parts = children(statement)
  if (parts.length !== 1) throw refusal(reading, 0, 'More than one expression')
  return visit(reading, parts[0]!, 1)
}

type Reader = (reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number) => Tree

/** The allow-list. */
const readers: Readonly<Record<string, Reader>> = {
  VariableName: (reading, node) => ({ kind: 'name', at: column(reading, node.from), name: identifier(reading, node) }),
  Number: readNumber,
  String: (reading, node) => literal(reading, node, 'string', parseString(textOf(reading, node))),
  Rune: (reading, node) => literal(reading, node, 'rune', parseRune(textOf(reading, node))),
  Bool: (reading, node) => {
    const text = textOf(reading, node)
    return { kind: 'bool', at: column(reading, node.from), text, value: text }
  },
  ParenthesizedExpr: (reading, node, parts, depth) => {
    if (parts.length !== 3) throw refusal(reading, node.from, 'This in parentheses')
    return visit(reading, parts[1]!, depth)
  },
  SelectorExpr: readSelector,
  IndexExpr: readIndex,
  SliceExpr: readSlice,
  TypeAssertion: readAssertion,
  UnaryExp: readUnary,
  BinaryExp: readBinary,
  CallExpr: readCall,
  Conversion: readConversion,
}

/** Names for what is refused most often; anything else is called by its kind. */
const names: Readonly<Record<string, string>> = {
  Assignment: 'An assignment',
  VarDecl: 'A declaration',
  ConstDecl: 'A declaration',
  TypeDecl: 'A declaration',
  IncDecStatement: 'An assignment',
  FunctionLiteral: 'A function',
  FunctionDecl: 'A function',
  TypedLiteral: 'A composite literal',
  SendStatement: 'A send on a channel',
  ParameterizedExpr: 'A generic function',
  GoStatement: 'A statement (`go`)',
  DeferStatement: 'A statement (`defer`)',
  Nil: '`nil` but in a comparison',
}

const describe = (kind: string): string => names[kind] ?? (/^\w+$/.test(kind) ? `This (${kind})` : `Here \`${kind}\``)

function visit(reading: Reading, node: SyntaxNode, depth: number): Tree {
  reading.nodes += 1
  if (depth > limits.depth) throw refusal(reading, node.from, `Nesting deeper than ${limits.depth}`)
  if (reading.nodes > limits.nodes)
    throw refusal(reading, node.from, `An expression of more than ${limits.nodes} parts`)
  const reader = Object.hasOwn(readers, node.name) ? readers[node.name] : undefined
  if (!reader) throw refusal(reading, node.from, describe(node.name))
  return reader(reading, node, children(node), depth + 1)
}

function literal(
  reading: Reading,
  node: SyntaxNode,
  kind: 'string' | 'rune',
  parsed: { text: string; value: string } | undefined,
): Tree {
  if (!parsed) throw refusal(reading, node.from, kind === 'rune' ? 'This rune' : 'This string')
  return { kind, at: column(reading, node.from), ...parsed }
}

function readNumber(reading: Reading, node: SyntaxNode): Tree {
  const text = textOf(reading, node)
  const glued = /[\p{L}\p{Nd}_.]/u.test(reading.text[node.to] ?? ' ')
  if (!isNumber(text) || glued) throw refusal(reading, node.from, `The number \`${text.slice(0, 40)}\``)
  return { kind: 'number', at: column(reading, node.from), text, value: text }
}

const places = new Set<Tree['kind']>(
  'name global frame select index slice dereference address assertion conversion'.split(' ') as Tree['kind'][],
)

/** What is looked into is something of the program. Into literals and sums, older Delves look with a panic of their own. */
function place(reading: Reading, node: SyntaxNode | undefined, depth: number): Tree {
  if (!node) throw refusal(reading, 0, 'This')
  const tree = visit(reading, node, depth)
  if (!places.has(tree.kind)) throw refusal(reading, node.from, 'Looking into what is no variable')
  return tree
}

function readSelector(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [object, dot, field] = parts
  if (parts.length !== 3 || dot?.name !== '.' || field?.name !== 'FieldName' || !object)
    throw refusal(reading, node.from, 'This kind of selector')
  const [at, name] = [column(reading, field.from), identifier(reading, field)]
  if (object.name === 'String') {
    const path = parseString(textOf(reading, object))
    if (!path || !/^[\p{L}\p{Nd}_./~@+-]+$/u.test(path.value)) throw refusal(reading, object.from, 'This package path')
    return { kind: 'global', at, path: path.text, name }
  }
  const frame = object.name === 'CallExpr' ? frameOf(reading, object) : undefined
  if (frame !== undefined) return { kind: 'frame', at, frame, name }
  return { kind: 'select', at, object: place(reading, object, depth), name }
}

/** `runtime.frame(N)`, which Delve takes by its letters, before a selector only. */
function frameOf(reading: Reading, node: SyntaxNode): number | undefined {
  const frame = smallInteger(/^runtime\.frame\(([0-9]{1,2})\)$/.exec(textOf(reading, node))?.[1] ?? '')
  return frame !== undefined && frame < 100 ? frame : undefined
}

function readIndex(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [object, open, key, close] = parts
  if (parts.length !== 4 || open?.name !== '[' || close?.name !== ']' || !key)
    throw refusal(reading, node.from, 'This kind of index')
  return {
    kind: 'index',
    at: column(reading, node.from),
    object: place(reading, object, depth),
    key: visit(reading, key, depth),
  }
}

function readSlice(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const inside = parts.slice(2, -1)
  const colon = inside.findIndex(({ name }) => name === ':')
  if (parts[1]?.name !== '[' || parts.at(-1)?.name !== ']' || colon < 0 || colon > 1 || inside.length > colon + 2)
    throw refusal(reading, node.from, 'This kind of slice')
  const object = place(reading, parts[0], depth)
  const low = colon === 1 ? visit(reading, inside[0]!, depth) : undefined
  const last = inside[colon + 1]
  const high = last && visit(reading, last, depth)
  const at = column(reading, node.from)
  return { kind: 'slice', at, object, ...(low ? { low } : {}), ...(high ? { high } : {}) }
}

function readAssertion(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const type = parts[3]
  if (parts.length !== 5 || parts[1]?.name !== '.' || !type) throw refusal(reading, node.from, 'This kind of assertion')
  return {
    kind: 'assertion',
    at: column(reading, node.from),
    object: place(reading, parts[0], depth),
    type: typeText(reading, type),
  }
}

function readUnary(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [sign, inner] = parts
  const operator = sign ? textOf(reading, sign) : ''
  if (parts.length !== 2 || !inner) throw refusal(reading, node.from, 'This operator')
  const at = column(reading, node.from)
  if (operator === '*') return { kind: 'dereference', at, object: place(reading, inner, depth) }
  if (operator === '&') return { kind: 'address', at, object: place(reading, inner, depth) }
  if (operator === '<-') throw refusal(reading, node.from, 'A receive from a channel')
  if (!['-', '+', '!', '^'].includes(operator)) throw refusal(reading, node.from, `The operator \`${operator}\``)
  return { kind: 'unary', at, operator, operand: visit(reading, inner, depth) }
}

const binaries = new Set('+ - * / % & | ^ &^ << >> == != < <= > >= && ||'.split(' '))

function readBinary(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [left, sign, right] = parts
  const operator = sign ? textOf(reading, sign) : ''
  if (parts.length !== 3 || !left || !right || !binaries.has(operator))
    throw refusal(reading, node.from, `The operator \`${operator}\``)
  const at = column(reading, node.from)
  if (operator === '+' && (reading.sums += 1) > mostSums)
    throw refusal(reading, sign!.from, `A sum of more than ${mostSums} parts`)
  const shifted = operator === '<<' || operator === '>>'
  if (shifted && (smallInteger(textOf(reading, right)) ?? Infinity) > longestShift)
    throw refusal(reading, right.from, `A shift by anything but a number up to ${longestShift}`)
  const equality = operator === '==' || operator === '!='
  if (equality && right.name === 'Nil') {
    return { kind: 'binary', at, operator, left: place(reading, left, depth), right: nil(reading, right) }
  }
  if (equality && left.name === 'Nil') {
    return { kind: 'binary', at, operator, left: nil(reading, left), right: place(reading, right, depth) }
  }
  return { kind: 'binary', at, operator, left: visit(reading, left, depth), right: visit(reading, right, depth) }
}

const nil = (reading: Reading, node: SyntaxNode): Tree => ({ kind: 'nil', at: column(reading, node.from) })

/** Delve's own, of which it knows before it looks for a function of the program; with how many arguments. */
const intrinsics: Readonly<Record<string, readonly [least: number, most: number]>> = {
  len: [1, 1],
  cap: [1, 1],
  real: [1, 1],
  imag: [1, 1],
  min: [1, mostSums],
  max: [1, mostSums],
}

function readCall(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [callee, list] = parts
  if (parts.length !== 2 || !callee || list?.name !== 'Arguments') throw refusal(reading, node.from, 'A call')
  const at = column(reading, node.from)
  const items = readArguments(reading, list)
  const argument = (): Tree => {
    if (items.length !== 1) throw refusal(reading, list.from, 'A conversion of anything but one value')
    return visit(reading, items[0]!, depth)
  }
  if (callee.name === 'String')
    return { kind: 'conversion', at, type: quotedType(reading, callee), plain: false, argument: argument() }
  if (callee.name === 'ParenthesizedExpr')
    return { kind: 'conversion', at, ...named(ambiguousType(reading, callee)), argument: argument() }
  if (callee.name === 'SelectorExpr') {
    const called = textOf(reading, callee).slice(0, 60)
    throw refusal(reading, node.from, `The call of \`${called}\` (a conversion has the type in quotes)`)
  }
  if (callee.name !== 'VariableName') throw refusal(reading, node.from, 'A call')
  const name = identifier(reading, callee)
  if (basicTypes.has(name)) return { kind: 'conversion', at, type: name, plain: true, argument: argument() }
  const [least, most] = Object.hasOwn(intrinsics, name) ? intrinsics[name]! : [0, -1]
  if (most < 0) throw refusal(reading, node.from, `The call of \`${name}\``)
  if (items.length < least || items.length > most)
    throw refusal(reading, list.from, `Calling \`${name}\` with ${items.length} arguments`)
  return { kind: 'intrinsic', at, name, arguments: items.map((item) => visit(reading, item, depth)) }
}

const named = ({ text, plain }: { text: string; plain: boolean }): { type: string; plain: boolean } => ({
  type: text,
  plain,
})

/** The items between parentheses and commas; `f(x...)` has none, and two commas are no list. */
function readArguments(reading: Reading, list: SyntaxNode): SyntaxNode[] {
  const items: SyntaxNode[] = []
  for (const [index, part] of children(list).slice(1, -1).entries()) {
    if (index % 2 === 0 && part.name !== ',' && part.name !== '...') items.push(part)
    else if (index % 2 === 0 || part.name !== ',') throw refusal(reading, part.from, describe(part.name))
  }
  return items
}

function readConversion(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Tree {
  const [type, open, value, close] = parts
  if (parts.length !== 4 || !type || open?.name !== '(' || !value || close?.name !== ')')
    throw refusal(reading, node.from, 'This kind of conversion')
  return {
    kind: 'conversion',
    at: column(reading, node.from),
    ...named(conversionType(reading, type)),
    argument: visit(reading, value, depth),
  }
}
