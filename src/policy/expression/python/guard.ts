import { Unanswerable, type BinaryOperator, type CompareOperator, type Node, type Scalar } from '../node.ts'
import type { Guarded } from '../expression.ts'
import { check } from './check.ts'
import { constant } from './constant.ts'
import { helpers } from './guardParts.ts'
import { formatScalar } from './text.ts'

/** Longest text handed to the debugger, in characters. */
const longestText = 65_536

/** Deepest nesting of brackets: the parsers of CPython 3.8 and before end at about 100, later ones at 200. */
const deepest = 80

function fits(text: string): boolean {
  let [depth, most] = [0, 0]
  for (const character of text) {
    if ('([{'.includes(character)) most = Math.max(most, ++depth)
    else if (')]}'.includes(character)) depth -= 1
  }
  return text.length <= longestText && most <= deepest
}

class NoGuard extends Error {
  override readonly name = 'NoGuard'
}

/** One guarded text in the making: the names of the program that it reads, and the helpers it needs. */
class Guarding {
  readonly names: string[] = []
  readonly helpers = new Set<string>()
  #fresh = 0

  name(name: string): string {
    const known = this.names.indexOf(name)
    return `_${known < 0 ? this.names.push(name) - 1 : known}`
  }

  fresh(): string {
    this.#fresh += 1
    return `_x${this.#fresh}`
  }

  use(name: string): string {
    if (!this.helpers.has(name)) {
      this.helpers.add(name)
      for (const needed of helpers[name]!.needs) this.use(needed)
    }
    return name
  }

  call(name: string, ...values: string[]): string {
    return `${this.use(name)}(${values.join(',')})`
  }
}

/**
 * The expression as one Python expression that is true where it is, and runs nothing of the program whatever the types
 * are (how: guardParts.ts). It leaves no name behind. Where the answer would need the program's code, or fail, it is false.
 */
export function guard(node: Node): string | undefined {
  try {
    const text = `${remember('condition')}or${condition(node)}`
    return fits(text) ? text : undefined
  } catch (error) {
    if (error instanceof NoGuard) return undefined
    throw error
  }
}

/**
 * debugpy compiles the text anew at every hit (pydevd.py `handle_breakpoint_condition`, 1.6.6 to 1.8), which takes 30 to
 * 100 times as long as running it. So the text first puts its own code object, which `eval` takes as well, in its place
 * in debugpy's breakpoint: a generator that runs knows its frame, and with it those of `eval` and of debugpy. Anywhere
 * else, and with another debugpy, it does nothing. It is falsy always.
 */
function remember(field: 'condition' | 'expression'): string {
  return (
    '(lambda l:l.append(l[0].gi_frame.f_back.f_back for _ in(0,))or(lambda f:(lambda g:g is not None and ' +
    `g.f_code.co_name=='handle_breakpoint_${field}'and(lambda p:p is not None and ().__class__.__base__` +
    `.__setattr__(p,'${field}',f.f_code))(g.f_locals.get('pybreakpoint')))(f.f_back))([*l[0]][0]))([])`
  )
}

/**
 * A lambda sees none of the frame's locals, so all names are read first, outside, and one that is not there ends it all.
 * `x is not None and x.y` has the same names on both sides; where the right side has others it gets a text of its own.
 */
function condition(node: Node): string {
  if (node.kind === 'boolean' && !namesOf(node.right).isSubsetOf(namesOf(node.left))) {
    return `(${condition(node.left)} ${node.operator} ${condition(node.right)})`
  }
  const guarding = new Guarding()
  const value = emit(guarding, node)
  const decided = node.kind === 'compare' || (node.kind === 'unary' && node.operator === 'not')
  return wrap(guarding, decided ? `(${value})is True` : `${guarding.call('b', value)}is True`)
}

function namesOf(node: Node): Names {
  const guarding = new Guarding()
  emit(guarding, node)
  return new Names(guarding.names)
}

/** Node 20 has no `Set.prototype.isSubsetOf`. */
class Names extends Set<string> {
  isSubsetOf(other: Names): boolean {
    return [...this].every((name) => other.has(name))
  }
}

/** Helpers become parameters of nested lambdas, each layer made of those before it; names of the program come first. */
function wrap(guarding: Guarding, body: string): string {
  const layers: string[][] = []
  const depths = new Map<string, number>()
  const depthOf = (name: string): number => {
    let depth = depths.get(name)
    if (depth === undefined) {
      depth = Math.max(-1, ...Array.from(helpers[name]!.needs, depthOf)) + 1
      depths.set(name, depth)
    }
    return depth
  }
  for (const name of guarding.helpers) (layers[depthOf(name)] ??= []).push(name)
  let text = body
  for (const layer of layers.toReversed()) {
    text = `(lambda ${layer.join(',')}:${text})(${layer.map((name) => helpers[name]!.text).join(',')})`
  }
  if (guarding.names.length === 0) return `(${text})`
  return `(lambda ${guarding.names.map((_, index) => `_${index}`).join(',')}:${text})(${guarding.names.join(',')})`
}

/** The value of the node in the text, or `U` where it is not answered. */
function emit(guarding: Guarding, node: Node): string {
  const known = folded(node)
  if (known) return literal(known)
  const visit = (child: Node): string => emit(guarding, child)
  switch (node.kind) {
    case 'name':
      return guarding.name(node.name)
    case 'literal':
      return literal(node.value)
    case 'member':
      if (node.name.startsWith('__')) throw new NoGuard(node.name)
      return guarding.call('A', visit(node.object), `'${node.name}'`)
    case 'index':
      return guarding.call('x', visit(node.object), visit(node.index))
    case 'slice': {
      const [start, stop, step] = node.bounds.map((bound) => (bound ? visit(bound) : 'None'))
      return guarding.call('y', visit(node.object), start ?? 'None', stop ?? 'None', step ?? 'None')
    }
    case 'unary':
      return unary(guarding, node.operator, visit(node.operand))
    case 'binary':
      return binary(guarding, node.operator, visit(node.left), visit(node.right))
    case 'compare':
      return chain(guarding, visit(node.first), node.rest)
    case 'boolean':
      return guarding.call(node.operator === 'and' ? 'a' : 'o', visit(node.left), `lambda:${visit(node.right)}`)
    case 'conditional':
      return guarding.call('j', visit(node.test), `lambda:${visit(node.consequent)}`, `lambda:${visit(node.alternate)}`)
    case 'intrinsic':
      return intrinsic(guarding, node.name, visit(node.argument))
    case 'display': {
      const items = node.items.map((item) => `${visit(item)},`).join('')
      return node.type === 'list' ? `[${items}]` : `(${items})`
    }
  }
}

/** What is constant is computed once, here. A part that would raise is left to say nothing at each hit. */
function folded(node: Node): Scalar | undefined {
  try {
    return constant(node)
  } catch (error) {
    if (error instanceof Unanswerable) return undefined
    throw error
  }
}

/** In ASCII, and without braces, which debugpy counts in a log message wherever they stand. */
function literal(scalar: Scalar): string {
  if (scalar.type === 'float' && !Number.isFinite(scalar.value)) return floats[String(scalar.value)]!
  return formatScalar(scalar).replaceAll(/[{}]|[^ -~]/gu, (character) => {
    const code = character.codePointAt(0)!.toString(16)
    return code.length > 2 ? `\\U${code.padStart(8, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}

const floats: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: '(1e999-1e999)' }

/** `body` with the operands bound to `x` and `y`, so that each is computed once. */
function bind(body: string, ...values: string[]): string {
  return `(lambda ${['x', 'y'].slice(0, values.length).join(',')}:${body})(${values.join(',')})`
}

function unary(guarding: Guarding, operator: string, operand: string): string {
  const unknown = guarding.use('U')
  if (operator === 'not') return guarding.call('n', operand)
  if (operator === '~') return bind(`~x if ${guarding.use('T')}(x)is ${guarding.use('I')} else ${unknown}`, operand)
  return bind(`${operator}x if ${guarding.call('w', 'x')}else ${unknown}`, operand)
}

/** What must hold of `x` and `y` besides being numbers of a sane size, so that nothing is raised and nothing is huge. */
const conditions: Readonly<Record<BinaryOperator, string>> = {
  '+': '',
  '-': '',
  '*': '',
  '/': 'and y!=0',
  '//': 'and y!=0',
  '%': 'and y!=0',
  '**': 'and 0<=y<65 and-1<<64<x<1<<64',
  '<<': 'and 0<=y<1000',
  '>>': 'and 0<=y',
  '&': '',
  '|': '',
  '^': '',
}
const onIntegers = new Set<BinaryOperator>(['**', '<<', '>>', '&', '|', '^'])

function binary(guarding: Guarding, operator: BinaryOperator, left: string, right: string): string {
  const kind = guarding.use(onIntegers.has(operator) ? 'i' : 'w')
  const numbers = `x${operator}y if ${kind}(x)and ${kind}(y)${conditions[operator]}`
  const unknown = guarding.use('U')
  if (operator !== '+') return bind(`${numbers} else ${unknown}`, left, right)
  const text = `${guarding.use('T')}(x)is T(y)and(T(x)is ${guarding.use('S')} or T(x)is ${guarding.use('Y')})and x.__len__()+y.__len__()<65537`
  return bind(`${numbers} else x+y if ${text} else ${unknown}`, left, right)
}

/** Parts of a chain are bound in turn, and looked at once; those after the first that fails are not looked at. */
function chain(guarding: Guarding, left: string, rest: readonly { operator: CompareOperator; right: Node }[]): string {
  const [next, ...others] = rest
  const right = emit(guarding, next!.right)
  if (others.length === 0) return compare(guarding, next!.operator, left, right)
  const bound = guarding.fresh()
  const first = compare(guarding, next!.operator, left, bound)
  return `(lambda ${bound}:${guarding.call('W', first, `lambda:${chain(guarding, bound, others)}`)})(${right})`
}

function compare(guarding: Guarding, operator: CompareOperator, left: string, right: string): string {
  switch (operator) {
    case '==':
      return guarding.call('q', left, right)
    case '!=':
      return guarding.call('Q', left, right)
    case 'is':
      return guarding.call('s', left, right)
    case 'is not':
      return guarding.call('k', guarding.call('s', left, right))
    case 'in':
      return guarding.call('C', left, right)
    case 'not in':
      return guarding.call('H', left, right)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return bind(`x${operator}y if ${guarding.call('g', 'x', 'y')}else ${guarding.use('U')}`, left, right)
  }
}

function intrinsic(guarding: Guarding, name: 'len' | 'type' | 'abs' | 'bool', argument: string): string {
  const unknown = guarding.use('U')
  if (name === 'len') return guarding.call('l', argument)
  if (name === 'bool') return guarding.call('b', argument)
  if (name === 'type') return bind(`U if x is ${unknown} else ${guarding.use('T')}(x)`, argument)
  return bind(`(+x if x>0 else 0-x)if ${guarding.call('w', 'x')}else ${unknown}`, argument)
}

type Part = { readonly text: string } | { readonly expression: string }

/**
 * Splits a log message as debugpy does (pydevd_utils `_extract_expression_list`): braces are counted wherever they
 * stand, also in strings; there is no escape; a `}` outside is text. Undefined where they do not balance.
 */
function split(message: string): readonly Part[] | undefined {
  const parts: Part[] = []
  let text = ''
  for (let i = 0; i < message.length; i += 1) {
    if (message[i] !== '{') {
      text += message[i]
      continue
    }
    let level = 1
    const start = i + 1
    for (i = start; i < message.length && level > 0; i += 1) {
      if (message[i] === '{') level += 1
      if (message[i] === '}') level -= 1
    }
    if (level > 0) return undefined
    i -= 1
    const expression = message.slice(start, i).trim()
    parts.push({ text })
    text = ''
    if (expression !== '') parts.push({ expression })
  }
  parts.push({ text })
  return parts.filter((part) => 'expression' in part || part.text !== '')
}

/**
 * A log message whose expressions run nothing of the program: one `{…}` that makes the whole text. So a `%` beside an
 * expression, which debugpy takes for a format, is a plain one, too. Objects are shown as `<Order>`.
 */
export function guardMessage(message: string): Guarded {
  const parts = split(message)
  if (!parts) return { ok: false, reason: 'The braces in the log message do not balance.' }
  if (!parts.some((part) => 'expression' in part))
    return { ok: true, text: parts.map((part) => ('text' in part ? part.text : '')).join('') }
  const guarding = new Guarding()
  const texts: string[] = []
  for (const part of parts) {
    if ('text' in part) {
      texts.push(literal({ type: 'str', value: part.text }))
      continue
    }
    const checked = check(part.expression)
    if (!checked.ok) return checked
    try {
      texts.push(guarding.call('X', emit(guarding, checked.node)))
    } catch (error) {
      if (!(error instanceof NoGuard)) throw error
      return {
        ok: false,
        reason: `The private name \`${error.message}\` must be written in full here, as in \`self._Class${error.message}\`.`,
      }
    }
  }
  const text = `{${remember('expression')}or${wrap(guarding, `''.join((${texts.join(',')},))`)}}`
  return fits(text) ? { ok: true, text } : { ok: false, reason: 'The log message is too long, or too deeply nested.' }
}
