import type { Guarded, Keys } from '../expression.ts'
import { keyOf, writtenOut } from './steps.ts'
import { guardIdentifier } from './check.ts'
import type { Tree } from './tree.ts'

/** Longest text handed to the debugger, in characters. */
const longestText = 65_536

/** One guarded text in the making. */
interface Writing {
  readonly keys: Keys
  /** Our own parameters, of the parts of a `?.`. */
  parameters: number
}

/**
 * The expression as one in which nothing of the program can run, whatever the values are: what would call a getter, a
 * trap or a conversion goes through the guard, a closed set of functions (cdp/guard.ts) behind one free identifier; it
 * throws where the answer would need the program's code. What can run nothing anyway is written as it is, so that a
 * condition of names, literals, `===`, `typeof`, `!`, `&&`, `||` and `?:` costs what V8 itself takes.
 *
 * ASCII on one line, and the identifier is in no string: it can be replaced as text.
 *
 * A bare name is read as it is. Where it is a `with` scope's, or a getter that the program has put on `globalThis`, that
 * runs: in an evaluation V8's own check stands behind, in a condition nothing does.
 */
export function guard(tree: Tree, keys: Keys): Guarded {
  const text = write({ keys, parameters: 0 }, tree)
  if (text.length <= longestText) return { ok: true, text }
  return { ok: false, reason: 'The expression is too long when it is made safe.' }
}

/**
 * The same as a condition: true or false, and false where it cannot be answered. One that throws would have V8 report an
 * error of the program's, and describe it, which runs `Error.prepareStackTrace`. A bare one can only miss a name, and is
 * left bare: around it this would cost a third more.
 */
export function condition(tree: Tree, keys: Keys): Guarded {
  const guarded = guard(tree, keys)
  if (!guarded.ok || !guarded.text.includes(guardIdentifier)) return guarded
  return { ok: true, text: `(()=>{try{return !!(${guarded.text})}catch(e){return false}})()` }
}

const ask = (name: string, ...parts: string[]): string => `${guardIdentifier}.${name}(${parts.join(',')})`

/** As a literal in ASCII, without our identifier: an escape takes its place. */
function quote(text: string): string {
  return JSON.stringify(text)
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll(guardIdentifier, guardIdentifier.replace('_', '\\u005f'))
}

/** Names in other scripts are written with escapes, so that the text is ASCII whatever it passes through. */
function nameText(name: string): string {
  return name.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

function literalText(value: string | number | bigint | boolean | null): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'bigint') return `${value}n`
  // The name `Infinity` could be the program's.
  if (value === Infinity) return '(1/0)'
  return String(value)
}

/** Is it a primitive value whatever the program's values are, so that no conversion of it runs anything? */
function primitive(tree: Tree): boolean {
  switch (tree.kind) {
    case 'literal':
    case 'template':
    case 'unary':
    case 'call':
      return true
    case 'binary':
      return true
    case 'logical':
      return primitive(tree.left) && primitive(tree.right)
    case 'conditional':
      return primitive(tree.consequent) && primitive(tree.alternate)
    default:
      return false
  }
}

function operand(writing: Writing, tree: Tree): string {
  const text = write(writing, tree)
  return primitive(tree) ? text : ask('prim', text)
}

function write(writing: Writing, tree: Tree): string {
  switch (tree.kind) {
    case 'name':
      return nameText(tree.name)
    case 'this':
      return 'this'
    case 'literal':
      return literalText(tree.value)
    case 'template': {
      const parts = tree.parts.map((part, index) => `+${text(writing, part)}+${quote(tree.texts[index + 1]!)}`)
      return `(${quote(tree.texts[0]!)}${parts.join('')})`
    }
    case 'member':
    case 'method':
      return step(writing, tree, write(writing, tree.object))
    case 'call':
      return ask('fn', quote(tree.name), nameText(tree.name), list(writing, tree.arguments))
    case 'chain':
      return chain(writing, tree.inner)
    case 'unary':
      return unary(writing, tree)
    case 'binary':
      return binary(writing, tree)
    case 'logical':
      return `(${write(writing, tree.left)}${tree.operator}${write(writing, tree.right)})`
    case 'conditional': {
      const [test, consequent, alternate] = [tree.test, tree.consequent, tree.alternate].map((part) =>
        write(writing, part),
      )
      return `(${test}?${consequent}:${alternate})`
    }
    case 'array':
      return list(writing, tree.items)
    case 'object':
      return `({${tree.entries.map(({ key, value }) => `${quote(key)}:${write(writing, value)}`).join(',')}})`
  }
}

/** In a template a symbol is an error, and an object is converted. */
function text(writing: Writing, tree: Tree): string {
  return tree.kind === 'literal' && typeof tree.value === 'string'
    ? quote(tree.value)
    : ask('text', write(writing, tree))
}

const list = (writing: Writing, trees: readonly Tree[]): string =>
  `[${trees.map((tree) => write(writing, tree)).join(',')}]`

/** A step into `object`, a text. */
function step(writing: Writing, tree: Tree & { kind: 'member' | 'method' }, object: string): string {
  const key = keyOf(tree)
  const checked = key !== undefined && writing.keys === 'numeric' && !writtenOut(key)
  if (tree.kind === 'member') {
    const written = write(writing, tree.key)
    return ask('get', object, checked ? ask('number', written) : written)
  }
  const values = tree.arguments.map((argument, index) => {
    const written = write(writing, argument)
    return checked && index === 0 ? ask('noText', written) : written
  })
  return ask('call', object, quote(tree.name), `[${values.join(',')}]`)
}

/** `a?.b.c`: what is left of each `?.` becomes a parameter, and the rest its body; the keys stay where they see names. */
function chain(writing: Writing, inner: Tree): string {
  const steps: (Tree & { kind: 'member' | 'method' })[] = []
  let start = inner
  while (start.kind === 'member' || start.kind === 'method') {
    steps.unshift(start)
    start = start.object
  }
  const from = (object: string, rest: typeof steps): string => {
    const next = rest[0]
    if (next === undefined) return object
    if (!next.optional) return from(step(writing, next, object), rest.slice(1))
    writing.parameters += 1
    const parameter = `${guardIdentifier}_${writing.parameters}`
    return `((${parameter})=>${parameter}==null?void 0:${from(step(writing, next, parameter), rest.slice(1))})(${object})`
  }
  return from(write(writing, start), steps)
}

function unary(writing: Writing, tree: Tree & { kind: 'unary' }): string {
  const { operator } = tree
  if (operator === '!') return `(!${write(writing, tree.operand)})`
  if (operator === 'typeof') return `(typeof ${write(writing, tree.operand)})`
  return `(${operator} ${operand(writing, tree.operand)})`
}

function binary(writing: Writing, tree: Tree & { kind: 'binary' }): string {
  const { operator } = tree
  if (operator === 'in') return ask('has', write(writing, tree.left), write(writing, tree.right))
  if (operator === 'instanceof') return ask('instance', write(writing, tree.left), write(writing, tree.right))
  if (operator === '===' || operator === '!==')
    return `(${write(writing, tree.left)}${operator}${write(writing, tree.right)})`
  if (operator === '==' || operator === '!=') {
    const [left, right] = [write(writing, tree.left), write(writing, tree.right)]
    // `x == null` converts nothing.
    const plain = isNull(tree.left) || isNull(tree.right) || (primitive(tree.left) && primitive(tree.right))
    if (plain) return `(${left}${operator}${right})`
    return `${operator === '!=' ? '(!' : '('}${ask('eq', left, right)})`
  }
  const [left, right] = [operand(writing, tree.left), operand(writing, tree.right)]
  // Without a bound of their own these make integers of any size.
  if (operator === '**') return ask('pow', left, right)
  if (operator === '<<') return ask('shl', left, right)
  // `1<!--x` would be a comment, and `a--b` another operator.
  return `(${left} ${operator} ${right})`
}

const isNull = (tree: Tree): boolean => tree.kind === 'literal' && tree.value === null
