import { Unanswerable, type Scalar } from '../node.ts'
import type { Asking, Value } from '../values.ts'
import { parseNumber, parseString } from './literal.ts'
import { equal, int, integerOf, lengthOf } from './scalars.ts'
import { formatScalar, parseValue } from './text.ts'

/** debugpy's groups for what would crowd a list (`variablePresentation: group`, the default). Their items have no evaluateName. */
const groups = new Set(['function variables', 'class variables'])
const specialGroup = 'special variables'

/** What debugpy says in place of the items of a dict beyond its first 500. */
const cutMark = 'Unable to handle:'

const isGroup = (value: Value): boolean => value.type === '' && groups.has(value.name ?? '')
const bucketName = /^\[([0-9]+):([0-9]+)\]$/

/** Builtin containers; equal to no scalar, and comparing them runs nobody's code unless their items do. */
export const containers = new Set(['list', 'tuple', 'dict', 'set', 'frozenset', 'bytearray', 'range'])

/** Locals, then Globals, and what the debugger lists between them. Builtins are ours or not at all. */
export async function findName(asking: Asking, name: string): Promise<Value> {
  for (const scope of await asking.scopes()) {
    if (scope.expensive === true || scope.presentationHint === 'registers') continue
    const children = await asking.children(scope.ref)
    const found = children.find((child) => child.name === name) ?? (await findInGroups(asking, children, name))
    if (found) return found
  }
  throw new Unanswerable(`NameError: name '${name}' is not defined`)
}

async function findInGroups(asking: Asking, children: readonly Value[], name: string): Promise<Value | undefined> {
  for (const group of children.filter(isGroup)) {
    const found = (await asking.children(group.ref)).find((child) => child.name === name)
    if (found) return found
  }
  return undefined
}

/** An attribute, as the debugger lists it; never asked for by name, which would run `__getattr__`. */
export async function findMember(asking: Asking, object: Value, name: string): Promise<Value> {
  const children = await asking.children(object.ref)
  const ends = (child: Value, suffix: string): boolean =>
    child.evaluateName?.endsWith(suffix) ?? child.name === suffix.slice(1)
  const named = children.filter((child) => child.name !== undefined && !isGroup(child))
  if (name.startsWith('__')) {
    // In a method `self.__x` means `self._Class__x`; the class is not ours to know, so exactly one must fit.
    const pattern = new RegExp(`^_[^_].*${name}$`, 'u')
    const fitting = named.filter((child) => pattern.test(child.name!))
    if (fitting.length === 1) return fitting[0]!
    if (fitting.length > 1)
      throw new Unanswerable(`\`${name}\` may be ${fitting.map((child) => child.name).join(' or ')}.`)
  }
  const found =
    named.find((child) => child.name === name && ends(child, `.${name}`)) ??
    (await findInGroups(asking, children, name))
  if (found) return found
  const type = object.type ?? 'object'
  if (children.length === 0) throw new Unanswerable(`The debugger shows no attributes of ${article(type)} value.`)
  throw new Unanswerable(`AttributeError: '${type}' object has no attribute '${name}'`)
}

const article = (type: string): string => `${/^[aeiou]/i.test(type) ? 'an' : 'a'} ${type}`

/** The length of a container by debugpy's synthetic child, or by the counts of a source that pages. */
export async function findLength(asking: Asking, object: Value): Promise<number | undefined> {
  if (object.indexed !== undefined && object.indexed > 0) return object.indexed
  const shown = (await asking.children(object.ref)).find((child) => child.name === 'len()')
  return shown && /^[0-9]+$/.test(shown.text) ? Number(shown.text) : undefined
}

/** `object[key]`: a key of a dict, an index of a list. */
export async function findItem(asking: Asking, object: Value, key: Scalar): Promise<Value> {
  const type = object.type ?? 'object'
  const index = integerOf(key)
  const sequence = type === 'list' || type === 'tuple' || type === 'deque'
  if (sequence && index === undefined) {
    throw new Unanswerable(`TypeError: ${type} indices must be integers or slices, not ${key.type}`)
  }
  if (!sequence) {
    const children = await asking.children(object.ref)
    const found = children.find((child) => isItem(child) && sameKey(child.name!, key))
    if (found) return found
    if (children.some((child) => child.name === cutMark)) {
      throw new Unanswerable(
        `The debugger shows only the first items of this ${type}, and ${formatScalar(key)} is not among them.`,
      )
    }
    if (isMapping(type)) throw new Unanswerable(`KeyError: ${formatScalar(key)}`)
    if (index === undefined || !children.some(isItem))
      throw new Unanswerable(`The debugger shows no items of ${article(type)} by key.`)
  }
  const length = await findLength(asking, object)
  const at = index! < 0n ? index! + BigInt(length ?? 0) : index!
  const found = at < 0n || (length !== undefined && at >= length) ? undefined : await findAt(asking, object, Number(at))
  if (!found) throw new Unanswerable(`IndexError: ${type} index out of range`)
  return found
}

const isMapping = (type: string): boolean => /dict|Dict|Counter|mappingproxy/.test(type)

/** A child that stands for `[…]`: attributes end in `.name`, and members of sets have no name to evaluate. */
const isItem = (child: Value): boolean =>
  child.name !== undefined && (child.evaluateName?.endsWith(`[${child.name}]`) ?? false)

function sameKey(name: string, key: Scalar): boolean {
  const parsed = parseKey(name)
  return parsed !== undefined && equal(parsed, key)
}

/** The key that debugpy names a child of a dict by: its repr. */
export function parseKey(name: string): Scalar | undefined {
  if (name === 'None') return { type: 'none' }
  if (name === 'True' || name === 'False') return { type: 'bool', value: name === 'True' }
  if (/^b?['"]/.test(name)) {
    const parsed = parseString(name)
    return 'error' in parsed ? undefined : parsed
  }
  if (/^-?[0-9]+$/.test(name)) return name.length < 1000 ? int(BigInt(name)) : undefined
  return name.startsWith('-') ? negative(parseNumber(name.slice(1))) : parseNumber(name)
}

const negative = (scalar: Scalar | undefined): Scalar | undefined =>
  scalar?.type === 'float' ? { type: 'float', value: -scalar.value } : undefined

/** The item of a sequence by its number: by the page, by its name, or through debugpy's `more` and its ranges. */
async function findAt(asking: Asking, object: Value, at: number): Promise<Value | undefined> {
  if (object.indexed !== undefined && object.indexed > 0) {
    const page = await asking.children(object.ref, { start: at, count: 1, filter: 'indexed' })
    return page.find((child) => numberOf(child) === at) ?? (page.length === 1 ? page[0] : undefined)
  }
  const children = await asking.children(object.ref)
  const found = children.find((child) => isNumbered(child) && numberOf(child) === at)
  if (found) return found
  const range = (await ranges(asking, children)).find(({ start, end }) => at >= start && at < end)
  return range && (await asking.children(range.ref)).find((child) => numberOf(child) === at)
}

/** Items are named `0`, and `0000` in a long list; `evaluateName` tells them from an attribute. Ranges have none. */
const isNumbered = (child: Value): boolean =>
  numberOf(child) !== undefined && (child.evaluateName?.endsWith(']') ?? true)
const numberOf = (child: Value): number | undefined =>
  child.name !== undefined && /^\[?[0-9]+\]?$/.test(child.name) ? Number(child.name.replace(/[[\]]/g, '')) : undefined

async function ranges(
  asking: Asking,
  children: readonly Value[],
): Promise<{ start: number; end: number; ref: number }[]> {
  const more = children.find((child) => child.name === 'more' && child.type === 'MoreItems')
  if (!more) return []
  const found = []
  for (const { name, ref } of await asking.children(more.ref)) {
    const match = bucketName.exec(name ?? '')
    if (match) found.push({ start: Number(match[1]), end: Number(match[2]), ref })
  }
  return found
}

/** The items of a container one after another, keys for a dict. Ends with `undefined` where the debugger cut them. */
export async function* items(asking: Asking, object: Value): AsyncGenerator<Value | undefined> {
  if (object.indexed !== undefined && object.indexed > 0) {
    for (let start = 0; start < object.indexed; start += 1000) {
      yield* await asking.children(object.ref, {
        start,
        count: Math.min(1000, object.indexed - start),
        filter: 'indexed',
      })
    }
    return
  }
  const children = await asking.children(object.ref)
  yield* children.filter((child) => isNumbered(child) || isItem(child))
  for (const range of await ranges(asking, children)) yield* await asking.children(range.ref)
  if (children.some((child) => child.name === cutMark)) yield undefined
}

/** Whether `if x` would run code of its class; known where the debugger lists the special names of an object. */
export async function hasOwnTruth(asking: Asking, object: Value): Promise<boolean | undefined> {
  const group = (await asking.children(object.ref)).find((child) => child.name === specialGroup && child.type === '')
  if (!group) return undefined
  const names = (await asking.children(group.ref)).map((child) => child.name)
  return names.includes('__bool__') || names.includes('__len__')
}

/** The scalar that a shown value is, if it is an exact builtin one. */
export const scalarOf = (value: Value): Scalar | undefined => parseValue(value.text, value.type)

export { lengthOf }
