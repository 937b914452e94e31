import { Unanswerable, type CompareOperator, type Node, type Scalar } from './node.ts'
import {
  containers,
  findItem,
  findLength,
  findMember,
  findName,
  hasOwnTruth,
  items,
  parseKey,
  scalarOf,
} from './python/lookup.ts'
import {
  abs,
  binary,
  bool,
  compare,
  equalMember,
  indexText,
  int,
  lengthOf,
  sliceIndexes,
  sliceText,
  truth,
  unary,
} from './python/scalars.ts'
import { formatScalar } from './python/text.ts'
import { Asking, walkLimits, type Value, type ValueSource, type WalkLimits } from './values.ts'

export { walkLimits, type Page, type ScopeValue, type Value, type ValueSource, type WalkLimits } from './values.ts'

/** The value found, itself, so that a client can expand it; or a computed one, a leaf. `reason` is for the user. */
export type WalkResult = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string }

/** What a part of the expression came to. */
type Operand =
  | { readonly kind: 'scalar'; readonly scalar: Scalar; readonly value?: Value }
  | { readonly kind: 'found'; readonly value: Value }
  | { readonly kind: 'items'; readonly type: 'tuple' | 'list'; readonly items: readonly Operand[] }
  | { readonly kind: 'type'; readonly name: string }

/**
 * Answers an accepted expression by looking at scopes and children, and computing in this process over what is shown:
 * the debugger is asked to evaluate nothing. Python's rules; only exact builtin scalars are computed with. What Python
 * would raise is a `reason` in Python's words. Rejects with the signal's reason, or as the source does.
 */
export async function walk(
  node: Node,
  values: ValueSource,
  limits: WalkLimits = walkLimits,
  signal: AbortSignal = new AbortController().signal,
): Promise<WalkResult> {
  try {
    return { ok: true, value: show(await evaluate(new Asking(values, limits, signal), node), limits) }
  } catch (error) {
    if (error instanceof Unanswerable) return { ok: false, reason: error.message }
    throw error
  }
}

function show(operand: Operand, limits: WalkLimits): Value {
  if (operand.kind === 'found') return operand.value
  if (operand.kind === 'scalar')
    return operand.value ?? { text: formatScalar(operand.scalar), type: shownType(operand), ref: 0 }
  return { text: format(operand, limits), type: shownType(operand), ref: 0 }
}

function format(operand: Operand, limits: WalkLimits): string {
  if (operand.kind === 'found') return operand.value.text
  if (operand.kind === 'scalar') return operand.value?.text ?? formatScalar(operand.scalar)
  if (operand.kind === 'type') return `<class '${operand.name}'>`
  if (operand.items.length > limits.items) throw new Unanswerable(`More than ${limits.items} items are not listed.`)
  const shown = operand.items.map((item) => format(item, limits)).join(', ')
  const text = operand.type === 'list' ? `[${shown}]` : `(${shown}${operand.items.length === 1 ? ',' : ''})`
  if (text.length > limits.characters)
    throw new Unanswerable(`More than ${limits.characters} characters are not listed.`)
  return text
}

/** The name of its class, bare, as debuggers give it. */
function shownType(operand: Operand): string {
  if (operand.kind === 'found') return operand.value.type ?? 'object'
  if (operand.kind === 'type') return 'type'
  if (operand.kind === 'items') return operand.type
  return operand.scalar.type === 'none' ? 'NoneType' : operand.scalar.type
}

function operandOf(value: Value): Operand {
  const scalar = scalarOf(value)
  return scalar ? { kind: 'scalar', scalar, value } : { kind: 'found', value }
}

const computed = (scalar: Scalar): Operand => ({ kind: 'scalar', scalar })

/** A string that is too long to compute with can still be shown. */
function shownOperand(value: Value): Operand {
  try {
    return operandOf(value)
  } catch (error) {
    if (error instanceof Unanswerable) return { kind: 'found', value }
    throw error
  }
}

/** The scalar that is needed in order to compute; says why there is none. */
function scalarFor(operand: Operand, what: string): Scalar {
  if (operand.kind === 'scalar') return operand.scalar
  if (operand.kind === 'found') {
    const scalar = scalarOf(operand.value) // throws its own words for a value that is too long
    if (scalar) return scalar
  }
  throw new Unanswerable(
    `${what} on a value of type ${shownType(operand)} could run the program's code and is not answered.`,
  )
}

async function evaluate(asking: Asking, node: Node): Promise<Operand> {
  switch (node.kind) {
    case 'name':
      return shownOperand(await findName(asking, node.name))
    case 'literal':
      return computed(node.value)
    case 'member':
      return member(asking, await evaluate(asking, node.object), node.name)
    case 'index':
      return index(asking, await evaluate(asking, node.object), await evaluate(asking, node.index))
    case 'slice':
      return slice(asking, await evaluate(asking, node.object), node.bounds)
    case 'unary': {
      const operand = await evaluate(asking, node.operand)
      if (node.operator === 'not') return computed(bool(!(await truthOf(asking, operand))))
      return computed(unary(node.operator, scalarFor(operand, `\`${node.operator}\``)))
    }
    case 'binary': {
      const [left, right] = [await evaluate(asking, node.left), await evaluate(asking, node.right)]
      const what = `\`${node.operator}\``
      return computed(binary(node.operator, scalarFor(left, what), scalarFor(right, what), asking.limits))
    }
    case 'compare':
      return computed(bool(await comparison(asking, node)))
    case 'boolean': {
      const left = await evaluate(asking, node.left)
      return (await truthOf(asking, left)) === (node.operator === 'and') ? evaluate(asking, node.right) : left
    }
    case 'conditional':
      return evaluate(
        asking,
        (await truthOf(asking, await evaluate(asking, node.test))) ? node.consequent : node.alternate,
      )
    case 'intrinsic':
      return intrinsic(asking, node.name, await evaluate(asking, node.argument))
    case 'display': {
      const parts: Operand[] = []
      for (const item of node.items) parts.push(await evaluate(asking, item))
      return { kind: 'items', type: node.type, items: parts }
    }
  }
}

async function member(asking: Asking, object: Operand, name: string): Promise<Operand> {
  const value = object.kind === 'found' ? object.value : object.kind === 'scalar' ? object.value : undefined
  if (!value) throw new Unanswerable(`The debugger shows no attributes of a computed ${shownType(object)}.`)
  return shownOperand(await findMember(asking, value, name))
}

async function index(asking: Asking, object: Operand, key: Operand): Promise<Operand> {
  const scalar = scalarFor(key, 'An index')
  if (object.kind === 'items') {
    const [at] = sliceIndexes([scalar, undefined, undefined], object.items.length)
    const whole = scalar.type === 'int' ? scalar.value : undefined
    const inside = whole !== undefined && whole < object.items.length && whole >= -object.items.length
    if (!inside) throw new Unanswerable(`IndexError: ${object.type} index out of range`)
    return object.items[at!]!
  }
  if (object.kind === 'found') {
    const text = object.value.type === 'str' ? scalarFor(object, 'An index') : undefined
    if (!text) return shownOperand(await findItem(asking, object.value, scalar))
  }
  const text = scalarFor(object, 'An index')
  if (text.type === 'str' || text.type === 'bytes') return computed(indexText(text, scalar))
  throw new Unanswerable(`TypeError: '${shownType(object)}' object is not subscriptable`)
}

async function slice(asking: Asking, object: Operand, parts: readonly (Node | undefined)[]): Promise<Operand> {
  const values: (Scalar | undefined)[] = []
  for (const part of parts) values.push(part && scalarFor(await evaluate(asking, part), 'A slice'))
  while (values.length < 3) values.push(undefined)
  if (object.kind === 'items') {
    return { ...object, items: sliceIndexes(values, object.items.length).map((at) => object.items[at]!) }
  }
  const type = shownType(object)
  if (object.kind === 'found' && (type === 'list' || type === 'tuple')) {
    const length = (await findLength(asking, object.value)) ?? 0
    const indexes = sliceIndexes(values, length)
    if (indexes.length > asking.limits.items)
      throw new Unanswerable(`More than ${asking.limits.items} items are not listed.`)
    const found: Operand[] = []
    for (const at of indexes) found.push(shownOperand(await findItem(asking, object.value, int(at))))
    return { kind: 'items', type, items: found }
  }
  const text = scalarFor(object, 'A slice')
  if (text.type === 'str' || text.type === 'bytes') return computed(sliceText(text, values))
  throw new Unanswerable(`TypeError: '${type}' object is not subscriptable`)
}

async function truthOf(asking: Asking, operand: Operand): Promise<boolean> {
  if (operand.kind === 'scalar') return truth(operand.scalar)
  if (operand.kind === 'items') return operand.items.length > 0
  if (operand.kind === 'type') return true
  const { value } = operand
  if (value.type === 'str' || value.type === 'bytes') return true // too long to compute with, so not empty
  const length = await findLength(asking, value)
  if (length !== undefined) return length > 0
  if ((await hasOwnTruth(asking, value)) === false) return true
  throw new Unanswerable(
    `Whether a value of type ${shownType(operand)} is true could run the program's code and is not answered.`,
  )
}

async function intrinsic(asking: Asking, name: 'len' | 'type' | 'abs' | 'bool', argument: Operand): Promise<Operand> {
  if (name === 'type') return { kind: 'type', name: shownType(argument) }
  if (name === 'bool') return computed(bool(await truthOf(asking, argument)))
  if (name === 'abs') return computed(abs(scalarFor(argument, 'abs()')))
  if (argument.kind === 'items') return computed(int(argument.items.length))
  const length =
    argument.kind === 'found' ? await findLength(asking, argument.value) : lengthOf(scalarFor(argument, 'len()'))
  if (length !== undefined) return computed(int(length))
  if (argument.kind !== 'found')
    throw new Unanswerable(`TypeError: object of type '${shownType(argument)}' has no len()`)
  throw new Unanswerable(`The debugger shows no length of a value of type ${shownType(argument)}.`)
}

/** `a < b < c`: each part is looked at once, and none after the first that does not hold. */
async function comparison(asking: Asking, node: Extract<Node, { kind: 'compare' }>): Promise<boolean> {
  let left = await evaluate(asking, node.first)
  for (const { operator, right } of node.rest) {
    const next = await evaluate(asking, right)
    if (!(await holds(asking, operator, left, next))) return false
    left = next
  }
  return true
}

async function holds(asking: Asking, operator: CompareOperator, left: Operand, right: Operand): Promise<boolean> {
  if (operator === 'is' || operator === 'is not') return identical(left, right) === (operator === 'is')
  if (operator === 'in' || operator === 'not in') return (await contains(asking, right, left)) === (operator === 'in')
  if (left.kind === 'scalar' && right.kind === 'scalar') return compare(operator, left.scalar, right.scalar)
  if (operator === '==' || operator === '!=') {
    const [one, other] = left.kind === 'scalar' ? [left, right] : [right, left]
    const different = one.kind === 'scalar' && containers.has(shownType(other)) && !shownType(other).startsWith('byte')
    if (different) return operator === '!='
  }
  const what = `\`${operator}\``
  return compare(operator, scalarFor(left, what), scalarFor(right, what))
}

function identical(left: Operand, right: Operand): boolean {
  if (left.kind === 'scalar' && right.kind === 'scalar') return compare('is', left.scalar, right.scalar)
  const [one, other] = left.kind === 'scalar' ? [left, right] : [right, left]
  if (one.kind === 'scalar' && (one.scalar.type === 'none' || one.scalar.type === 'bool')) return false
  if (one.kind === 'found' && other.kind === 'found' && one.value.ref > 0 && one.value.ref === other.value.ref)
    return true
  throw new Unanswerable('Whether these are the same object cannot be told from what the debugger shows.')
}

async function contains(asking: Asking, container: Operand, item: Operand): Promise<boolean> {
  if (container.kind === 'items') {
    for (const each of container.items) {
      if (
        each.kind === 'scalar' && item.kind === 'scalar'
          ? equalMember(each.scalar, item.scalar)
          : await holds(asking, '==', each, item)
      )
        return true
    }
    return false
  }
  const wanted = scalarFor(item, '`in`')
  const type = shownType(container)
  const mapping = /dict|Dict|Counter/.test(type)
  if (container.kind !== 'found' || !(mapping || ['list', 'tuple', 'set', 'frozenset', 'deque'].includes(type))) {
    return compare('in', wanted, scalarFor(container, '`in`'))
  }
  let doubtful = false
  for await (const child of items(asking, container.value)) {
    const scalar = child && (mapping ? parseKey(child.name ?? '') : scalarOf(child))
    if (scalar && equalMember(scalar, wanted)) return true
    // Another builtin container is equal to no scalar; an object may say that it is.
    const builtin = child && (mapping ? child.name?.startsWith('(') : containers.has(child.type ?? ''))
    if (!scalar && !builtin) doubtful = true
  }
  if (doubtful)
    throw new Unanswerable(
      `\`in\` was not found among what the debugger shows of this ${type}, and it does not show all.`,
    )
  return false
}
