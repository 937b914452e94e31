import * as acorn from 'acorn'
import {
  binaryOperators,
  functions,
  logicalOperators,
  methods,
  unaryOperators,
  type BinaryOperator,
  type LogicalOperator,
  type Tree,
  type UnaryOperator,
} from './tree.ts'

/** Longest text, in bytes of UTF-8; deepest nesting; most nodes. */
const limits = { bytes: 4096, depth: 64, nodes: 512 }

/** The name that stands for the guard in our texts. */
export const guardIdentifier = '__breakwater'

type Result = { readonly ok: true; readonly tree: Tree } | { readonly ok: false; readonly reason: string }

class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** What is being read, and how much of the limits is left. */
interface Reading {
  readonly text: string
  nodes: number
}

/**
 * Is this text only a look? Read by acorn, and accepted by the table `readers`: a kind of node that is not in it is
 * refused, so syntax that a newer JavaScript adds is refused as well. What is evaluated is not this text but one that is
 * written anew from the tree (guard.ts): where V8 would read it otherwise, nothing comes of that.
 *
 * acorn and not `@lezer/javascript`: it stops at the first error instead of mending it, it gives the values of strings
 * and numbers, its tree is specified (ESTree), and it has no TypeScript and JSX in it. Lezer's tree is for editors: for
 * Python there was nothing better, and its own errors, strings and operators are read anew there (python/check.ts).
 */
export function check(text: string): Result {
  try {
    return { ok: true, tree: read(text) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message }
    // acorn reads recursively: `((((…` of 4,096 characters may be too much for it.
    if (error instanceof RangeError) return { ok: false, reason: `Nesting deeper than ${limits.depth} is not allowed.` }
    throw error
  }
}

function read(text: string): Tree {
  if (Buffer.byteLength(text) > limits.bytes)
    throw new Refusal(`An expression may be ${limits.bytes} bytes long at most.`)
  if (text.trim() === '') throw new Refusal('There is no expression.')
  const reading: Reading = { text, nodes: 0 }
  const node = parse(reading)
  const rest = text.slice(node.end)
  const more = node.end + (rest.length - rest.trimStart().length)
  if (rest.trim() !== '')
    throw refusal(more, text[more] === ';' ? 'More than one statement' : 'Something after the expression')
  return visit(reading, node, 1)
}

function parse(reading: Reading): acorn.Expression {
  try {
    return acorn.parseExpressionAt(reading.text, 0, {
      ecmaVersion: 'latest',
      sourceType: 'script',
      preserveParens: true,
      // For the better reason.
      checkPrivateFields: false,
      onComment: (_block, _text, start) => {
        throw refusal(start, 'A comment')
      },
    })
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const { pos = 0 } = error as SyntaxError & { pos?: number }
    const statement = /^\s*(\w+)/.exec(reading.text)?.[1] ?? ''
    if (statements.has(statement)) throw refusal(reading.text.indexOf(statement), `A statement (\`${statement}\`)`)
    throw new Refusal(`This is not a JavaScript expression (column ${pos + 1}).`)
  }
}

const statements = new Set(
  (
    'var let const if for while do switch case break continue return throw try with debugger export import enum ' +
    'default finally catch'
  ).split(' '),
)

function refusal(at: number, what: string): Refusal {
  return new Refusal(`${what} is not allowed in a read-only expression (column ${at + 1}).`)
}

type Reader<K extends acorn.AnyNode['type']> = (
  reading: Reading,
  node: Extract<acorn.AnyNode, { type: K }>,
  depth: number,
) => Tree

/** The allow-list. */
const readers: { readonly [K in acorn.AnyNode['type']]?: Reader<K> } = {
  Identifier: (reading, node) => ({ kind: 'name', at: node.start + 1, name: identifier(reading, node) }),
  ThisExpression: (_, node) => ({ kind: 'this', at: node.start + 1 }),
  Literal: readLiteral,
  TemplateLiteral: readTemplate,
  ParenthesizedExpression: (reading, node, depth) => visit(reading, node.expression, depth),
  MemberExpression: readMember,
  CallExpression: readCall,
  ChainExpression: (reading, node, depth) => ({
    kind: 'chain',
    at: node.start + 1,
    inner: visit(reading, node.expression, depth),
  }),
  UnaryExpression: readUnary,
  BinaryExpression: readBinary,
  LogicalExpression: (reading, node, depth) => ({
    kind: 'logical',
    at: node.start + 1,
    operator: known(logicalOperators, node.operator, node) as LogicalOperator,
    left: visit(reading, node.left, depth),
    right: visit(reading, node.right, depth),
  }),
  ConditionalExpression: (reading, node, depth) => ({
    kind: 'conditional',
    at: node.start + 1,
    test: visit(reading, node.test, depth),
    consequent: visit(reading, node.consequent, depth),
    alternate: visit(reading, node.alternate, depth),
  }),
  ArrayExpression: readArray,
  ObjectExpression: readObject,
}

/** Names for what is refused most often; anything else is called by its kind. */
const names: Readonly<Record<string, string>> = {
  AssignmentExpression: 'An assignment',
  UpdateExpression: 'An assignment',
  SequenceExpression: 'A sequence of expressions',
  ArrowFunctionExpression: 'A function',
  FunctionExpression: 'A function',
  ClassExpression: 'A class',
  NewExpression: 'Making an object with `new`',
  AwaitExpression: '`await`',
  YieldExpression: '`yield`',
  ImportExpression: '`import()`',
  MetaProperty: 'This (`new.target`, `import.meta`)',
  TaggedTemplateExpression: 'A tagged template, which is a call,',
  SpreadElement: 'A spread, which is a call of an iterator,',
  Super: '`super`',
  PrivateIdentifier: 'A private name, which may be a getter,',
}

function visit(reading: Reading, node: acorn.AnyNode, depth: number): Tree {
  reading.nodes += 1
  if (depth > limits.depth) throw refusal(node.start, `Nesting deeper than ${limits.depth}`)
  if (reading.nodes > limits.nodes) throw refusal(node.start, `An expression of more than ${limits.nodes} parts`)
  const reader = Object.hasOwn(readers, node.type) ? (readers[node.type] as Reader<typeof node.type>) : undefined
  if (!reader) throw refusal(node.start, names[node.type] ?? `This (${node.type})`)
  return reader(reading, node as never, depth + 1)
}

function known(operators: readonly string[], operator: string, node: acorn.AnyNode): string {
  if (operators.includes(operator)) return operator
  throw refusal(node.start, `The operator \`${operator}\``)
}

/** A name as it is written: an escape in it would hide from the reader, and from redaction, which one it is. */
function identifier(reading: Reading, node: acorn.Identifier): string {
  const { name, start, end } = node
  if (reading.text.slice(start, end) !== name) throw refusal(start, 'An escape in a name')
  if (name.startsWith(guardIdentifier) || name === 'await' || name === 'yield')
    throw refusal(start, `The name \`${name.slice(0, 40)}\``)
  return name
}

function readLiteral(_: Reading, node: acorn.Literal): Tree {
  const at = node.start + 1
  if (node.regex) throw refusal(node.start, 'A regular expression, which has no limit of time and changes `RegExp.$1`,')
  // `010` is 8 for some of the program's files and an error for others.
  if (typeof node.value === 'number' && /^0[0-9]/.test(node.raw ?? ''))
    throw refusal(node.start, 'A number with a leading zero')
  const value = node.bigint != null ? BigInt(node.bigint) : node.value
  if (value === undefined || value instanceof RegExp) throw refusal(node.start, 'This literal')
  return { kind: 'literal', at, value }
}

function readTemplate(reading: Reading, node: acorn.TemplateLiteral, depth: number): Tree {
  const texts = node.quasis.map(({ value, start }) => {
    if (value.cooked == null) throw refusal(start, 'This template')
    return value.cooked
  })
  return {
    kind: 'template',
    at: node.start + 1,
    texts,
    parts: node.expressions.map((part) => visit(reading, part, depth)),
  }
}

function readKey(reading: Reading, node: acorn.MemberExpression, depth: number): Tree {
  const { property, computed } = node
  if (computed) return visit(reading, property, depth)
  if (property.type !== 'Identifier') throw refusal(property.start, names[property.type] ?? `This (${property.type})`)
  return { kind: 'literal', at: property.start + 1, value: identifier(reading, property) }
}

function readMember(reading: Reading, node: acorn.MemberExpression, depth: number): Tree {
  const key = readKey(reading, node, depth)
  return {
    kind: 'member',
    at: node.property.start + 1,
    object: visit(reading, node.object, depth),
    key,
    optional: node.optional,
  }
}

function readCall(reading: Reading, node: acorn.CallExpression, depth: number): Tree {
  const at = node.start + 1
  const callee = node.callee.type === 'ParenthesizedExpression' ? node.callee.expression : node.callee
  if (node.optional) throw refusal(node.start, 'An optional call')
  if (callee.type === 'Identifier' && node.callee === callee) {
    const name = identifier(reading, callee)
    if (!functions.has(name)) throw refusal(node.start, `The call of \`${name}\``)
    return { kind: 'call', at, name, arguments: visitAll(reading, node.arguments, depth) }
  }
  if (callee.type !== 'MemberExpression' || node.callee !== callee)
    throw refusal(node.start, callee.type === ('Import' as string) ? '`import()`' : 'A call')
  const key = readKey(reading, callee, depth)
  const name = key.kind === 'literal' ? key.value : undefined
  if (typeof name !== 'string') throw refusal(callee.property.start, 'A call of a computed method')
  if (!methods.has(name)) throw refusal(callee.property.start, `The call of \`${name.slice(0, 40)}\``)
  return {
    kind: 'method',
    at: callee.property.start + 1,
    object: visit(reading, callee.object, depth),
    name,
    optional: callee.optional,
    arguments: visitAll(reading, node.arguments, depth),
  }
}

function visitAll(reading: Reading, nodes: readonly acorn.AnyNode[], depth: number): Tree[] {
  return nodes.map((node) => visit(reading, node, depth))
}

function readUnary(reading: Reading, node: acorn.UnaryExpression, depth: number): Tree {
  const operator = known(unaryOperators, node.operator, node) as UnaryOperator
  return { kind: 'unary', at: node.start + 1, operator, operand: visit(reading, node.argument, depth) }
}

function readBinary(reading: Reading, node: acorn.BinaryExpression, depth: number): Tree {
  const operator = known(binaryOperators, node.operator, node) as BinaryOperator
  const left = visit(reading, node.left, depth)
  return { kind: 'binary', at: node.start + 1, operator, left, right: visit(reading, node.right, depth) }
}

function readArray(reading: Reading, node: acorn.ArrayExpression, depth: number): Tree {
  const items = node.elements.map((element) => {
    if (element === null) throw refusal(node.start, 'A hole in an array')
    return visit(reading, element, depth)
  })
  return { kind: 'array', at: node.start + 1, items }
}

function readObject(reading: Reading, node: acorn.ObjectExpression, depth: number): Tree {
  const entries = node.properties.map((property) => {
    if (property.type !== 'Property') throw refusal(property.start, names[property.type] ?? 'This')
    if (property.kind !== 'init' || property.method) throw refusal(property.start, 'A function')
    if (property.computed) throw refusal(property.start, 'A computed key')
    const { key: written } = property
    const key =
      written.type === 'Identifier'
        ? identifier(reading, written)
        : written.type === 'Literal' && !written.regex && written.bigint == null
          ? String(written.value)
          : undefined
    if (key === undefined) throw refusal(property.start, 'This key')
    // V8's own guard takes an element for a side effect, even of an object that was just made.
    if (/^[0-9]+$/.test(key)) throw refusal(property.start, 'A number as a key')
    if (key === '__proto__') throw refusal(property.start, 'Setting a prototype')
    return { key, value: visit(reading, property.value, depth) }
  })
  return { kind: 'object', at: node.start + 1, entries }
}
