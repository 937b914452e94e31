import type { SyntaxNode, Tree } from '@lezer/common'
import { parser } from '@lezer/python'
import { TooLarge, Unanswerable, type Intrinsic, type Node, type Scalar } from '../node.ts'
import { constant } from './constant.ts'
import { parseNumber, parseString } from './literal.ts'
import { Operators, rowOf } from './operators.ts'

/** Longest text, in bytes of UTF-8; deepest nesting; most nodes. */
const limits = { bytes: 4096, depth: 64, nodes: 512 }

type Result = { readonly ok: true; readonly node: Node } | { readonly ok: false; readonly reason: string }

class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** What is being read, and how much of the limits is left. */
interface Reading {
  readonly text: string
  readonly offset: number
  nodes: number
}

/**
 * Is this text only a look? Parsed by Lezer, which never fails and marks what it could not read, and accepted by the
 * table `readers`: a kind of node that is not in it is refused, so syntax that a newer Python adds is refused as well.
 */
export function check(text: string): Result {
  try {
    return { ok: true, node: read(text) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message }
    throw error
  }
}

function read(text: string): Node {
  if (Buffer.byteLength(text) > limits.bytes)
    throw new Refusal(`An expression may be ${limits.bytes} bytes long at most.`)
  const trimmed = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
  if (trimmed === '') throw new Refusal('There is no expression.')
  const reading: Reading = { text: trimmed, offset: text.indexOf(trimmed), nodes: 0 }
  refuseCharacters(reading)
  const tree = parser.parse(trimmed)
  refuseErrors(reading, tree)
  const statement = tree.topNode.firstChild
  if (statement?.nextSibling) throw refusal(reading, statement.nextSibling.from, 'More than one statement')
  if (statement?.name !== 'ExpressionStatement') throw refusal(reading, 0, describe(statement?.name ?? ''))
  const parts = children(statement)
  if (parts.length !== 1) throw refusal(reading, 0, 'A list of expressions without parentheses')
  const node = visit(reading, parts[0]!, 1)
  refuseHuge(reading, node)
  return node
}

function refusal(reading: Reading, at: number, what: string): Refusal {
  return new Refusal(`${what} is not allowed in a read-only expression (column ${column(reading, at)}).`)
}

const column = (reading: Reading, at: number): number => reading.offset + at + 1

/**
 * Line ends, form feeds, NUL and the like are where parsers disagree, also inside strings; an escape can say them.
 * A lone surrogate cannot be sent to a debugger at all.
 */
function refuseCharacters(reading: Reading): void {
  // eslint-disable-next-line no-control-regex -- these are the characters that are refused
  const at = reading.text.search(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Surrogate}/u)
  if (at < 0) return
  const line = /[\n\r\u2028\u2029]/.test(reading.text[at]!)
  throw refusal(reading, at, line ? 'A line break' : 'A control character')
}

/** Lezer recovers from everything; and what it skips between tokens must be what CPython skips, too. */
function refuseErrors(reading: Reading, tree: Tree): void {
  let end = 0
  tree.iterate({
    enter: ({ type, from, to, node }) => {
      if (type.isError) throw new Refusal(`This is not a Python expression (column ${column(reading, from)}).`)
      // An escape is a node inside of a string; what is between the escapes is not.
      const string = type.name === 'String'
      if (node.firstChild && !string) return true
      if (/[^ \t]/.test(reading.text.slice(end, from))) throw refusal(reading, end, 'Something between the words')
      if (type.name === 'Comment') throw refusal(reading, from, 'A comment')
      end = to
      return !string
    },
  })
  if (end !== reading.text.length) throw refusal(reading, end, 'Something after the expression')
}

/** A constant part that would not fit is refused now: `9**9**9` needs no program to be too large. */
function refuseHuge(reading: Reading, node: Node): void {
  try {
    constant(node)
  } catch (error) {
    if (error instanceof TooLarge)
      throw new Refusal(`${error.message} (column ${column(reading, 0)}).`.replace('. (', ' ('))
    if (!(error instanceof Unanswerable)) throw error
  }
}

type Reader = (reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number) => Node

/** The allow-list. */
const readers: Readonly<Record<string, Reader>> = {
  VariableName: readName,
  Number: readNumber,
  String: readStrings,
  ContinuedString: readStrings,
  Boolean: (reading, node) => literal(reading, node, { type: 'bool', value: text(reading, node) === 'True' }),
  None: (reading, node) => literal(reading, node, { type: 'none' }),
  ParenthesizedExpression: readParenthesized,
  TupleExpression: (reading, node, parts, depth) => readDisplay('tuple', reading, node, parts, depth),
  ArrayExpression: (reading, node, parts, depth) => readDisplay('list', reading, node, parts, depth),
  MemberExpression: (reading, node, parts, depth) =>
    parts[1]?.name === '.' ? readMember(reading, node, parts, depth) : readSubscript(reading, node, parts, depth),
  UnaryExpression: readOperators,
  BinaryExpression: readOperators,
  ConditionalExpression: readOperators,
  CallExpression: readCall,
}

/** Names for what is refused most often; anything else is called by its kind. */
const names: Readonly<Record<string, string>> = {
  AssignStatement: 'An assignment',
  UpdateStatement: 'An assignment',
  NamedExpression: 'An assignment',
  ArrayComprehensionExpression: 'A comprehension',
  SetComprehensionExpression: 'A comprehension',
  DictionaryComprehensionExpression: 'A comprehension',
  ComprehensionExpression: 'A comprehension',
  FormatString: 'An f-string',
  LambdaExpression: 'A lambda',
  AwaitExpression: 'An await',
  YieldExpression: 'A yield',
  DictionaryExpression: 'A dict display',
  SetExpression: 'A set display',
  Ellipsis: 'An ellipsis',
  StatementGroup: 'More than one statement',
}

const describe = (kind: string): string => names[kind] ?? (/^\w+$/.test(kind) ? `This (${kind})` : `Here \`${kind}\``)

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child)
  return found
}

const text = (reading: Reading, node: SyntaxNode): string => reading.text.slice(node.from, node.to)

function count(reading: Reading, at: number, depth: number): void {
  reading.nodes += 1
  if (depth > limits.depth) throw refusal(reading, at, `Nesting deeper than ${limits.depth}`)
  if (reading.nodes > limits.nodes) throw refusal(reading, at, `An expression of more than ${limits.nodes} parts`)
}

function visit(reading: Reading, node: SyntaxNode, depth: number): Node {
  count(reading, node.from, depth)
  const reader = Object.hasOwn(readers, node.name) ? readers[node.name] : undefined
  if (!reader) throw refusal(reading, node.from, describe(node.name))
  return reader(reading, node, children(node), depth + 1)
}

const keywords = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global ' +
    'if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)

/**
 * CPython reads names in their NFKC form, so that `ﬁle` is `file`: only names that are their own form are accepted, and
 * what the user sees is what is looked up. Names with two leading underscores are the way into the interpreter.
 */
function identifier(reading: Reading, node: SyntaxNode, dunder: boolean): string {
  const name = text(reading, node)
  if (!/^[\p{XID_Start}_]\p{XID_Continue}*$/u.test(name) || name.normalize('NFKC') !== name || keywords.has(name)) {
    throw refusal(reading, node.from, `The name \`${name}\``)
  }
  if (name.startsWith('__') && (!dunder || name.endsWith('__'))) {
    throw refusal(reading, node.from, `The special name \`${name}\``)
  }
  return name
}

function readName(reading: Reading, node: SyntaxNode): Node {
  return { kind: 'name', at: column(reading, node.from), name: identifier(reading, node, false) }
}

function literal(reading: Reading, node: SyntaxNode, value: Scalar): Node {
  return { kind: 'literal', at: column(reading, node.from), value }
}

function readNumber(reading: Reading, node: SyntaxNode): Node {
  const value = parseNumber(text(reading, node))
  // `1if x else y` and `0x1for` are read by some versions only.
  const glued = /[\p{XID_Continue}.]/u.test(reading.text[node.to] ?? ' ')
  if (!value || glued) throw refusal(reading, node.from, `The number \`${text(reading, node).slice(0, 40)}\``)
  return literal(reading, node, value)
}

function readStrings(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[]): Node {
  let type: 'str' | 'bytes' | undefined
  let value = ''
  for (const part of node.name === 'ContinuedString' ? parts : [node]) {
    // An f-string among the parts, and an escape or replacement inside of one, are kinds of their own.
    if (part.name !== 'String') throw refusal(reading, part.from, describe(part.name))
    const parsed = parseString(text(reading, part))
    if ('error' in parsed) throw refusal(reading, part.from, parsed.error)
    if (parsed.type !== 'str' && parsed.type !== 'bytes') throw refusal(reading, part.from, 'This string')
    if (type !== undefined && type !== parsed.type) throw refusal(reading, part.from, 'Bytes beside a string')
    type = parsed.type
    value += parsed.value
  }
  return literal(reading, node, { type: type ?? 'str', value })
}

function readParenthesized(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Node {
  if (parts.length !== 3) throw refusal(reading, node.from, 'This in parentheses')
  return visit(reading, parts[1]!, depth)
}

/** The items between brackets and commas; `(x for …)` and `*x` are no items, and two commas are no list. */
function readItems(reading: Reading, parts: readonly SyntaxNode[], depth: number): Node[] {
  const items: Node[] = []
  for (const [index, part] of parts.slice(1, -1).entries()) {
    if (index % 2 === 0) items.push(visit(reading, part, depth))
    else if (part.name !== ',') throw refusal(reading, part.from, describe(part.name))
  }
  return items
}

function readDisplay(
  type: 'tuple' | 'list',
  reading: Reading,
  node: SyntaxNode,
  parts: readonly SyntaxNode[],
  depth: number,
): Node {
  return { kind: 'display', at: column(reading, node.from), type, items: readItems(reading, parts, depth) }
}

/** What is looked into must be something of the program: `1.real` is a float in one parser and a member in another. */
function readObject(reading: Reading, node: SyntaxNode, depth: number): Node {
  const object = visit(reading, node, depth)
  if (object.kind === 'literal' && object.value.type !== 'str' && object.value.type !== 'bytes') {
    throw refusal(reading, node.from, 'Looking into a literal')
  }
  return object
}

function readMember(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Node {
  const name = parts[2]
  if (parts.length !== 3 || name?.name !== 'PropertyName') throw refusal(reading, node.from, 'This kind of member')
  const object = readObject(reading, parts[0]!, depth)
  if (object.kind === 'literal') throw refusal(reading, node.from, 'Looking into a literal')
  return { kind: 'member', at: column(reading, name.from), object, name: identifier(reading, name, true) }
}

function readSubscript(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Node {
  const inside = parts.slice(2, -1)
  if (parts[1]?.name !== '[' || parts.at(-1)?.name !== ']') throw refusal(reading, node.from, 'This kind of subscript')
  const at = column(reading, node.from)
  const object = readObject(reading, parts[0]!, depth)
  if (inside.length === 1 && inside[0]!.name !== ':') {
    return { kind: 'index', at, object, index: visit(reading, inside[0]!, depth) }
  }
  const bounds: (Node | undefined)[] = [undefined]
  for (const [index, part] of inside.entries()) {
    if (part.name === ':') bounds.push(undefined)
    else if (index > 0 && inside[index - 1]!.name !== ':') throw refusal(reading, part.from, 'More than one index')
    else bounds[bounds.length - 1] = visit(reading, part, depth)
  }
  if (bounds.length < 2 || bounds.length > 3) throw refusal(reading, node.from, 'This kind of subscript')
  return { kind: 'slice', at, object, bounds }
}

/** Operators as one flat row, put together again by the grammar of CPython; Lezer reads `not a and b` as `not (a and b)`. */
function readOperators(reading: Reading, node: SyntaxNode, _parts: readonly SyntaxNode[], depth: number): Node {
  const operators = new Operators(rowOf(node, reading.text), {
    operand: (part, inner) => visit(reading, part, depth + inner),
    column: (at) => column(reading, at),
    refuse: (at, what) => refusal(reading, at, what),
    deepen: (at, inner) => count(reading, at, depth + inner),
  })
  return operators.whole()
}

const intrinsics: Readonly<Record<string, Intrinsic>> = { len: 'len', type: 'type', abs: 'abs', bool: 'bool' }

function readCall(reading: Reading, node: SyntaxNode, parts: readonly SyntaxNode[], depth: number): Node {
  const [callee, list] = parts
  const called = callee?.name === 'VariableName' ? text(reading, callee) : ''
  const name = Object.hasOwn(intrinsics, called) ? intrinsics[called] : undefined
  if (!name || !list) throw refusal(reading, node.from, called ? `The call of \`${called}\`` : 'A call')
  const items = children(list)
  if (items.length !== 3) throw refusal(reading, list.from, `Calling \`${name}\` with anything but one argument`)
  return { kind: 'intrinsic', at: column(reading, node.from), name, argument: visit(reading, items[1]!, depth) }
}
