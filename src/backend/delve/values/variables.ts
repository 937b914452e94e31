import { setMaxListeners } from 'node:events'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError, DapError } from '../../../dap/errors.ts'
import { loadConfig } from '../quirks.ts'
import type { LoadConfig, Variable } from '../wire.ts'
import { elementBytes, formatValue, integerText } from './format.ts'
import { globalsOf, localsOf, noVariable, registersOf, resultItems } from './frameVariables.ts'
import { bracketed, expressionOf, fixedAs, isExpandable, isShallow, membersOf, within, type Item } from './item.ts'
import { childrenOf, isInteger, isSequence, kinds, loadedBytes, textKindOf } from './kinds.ts'
import type { Node, Nodes, Part } from './nodes.ts'
import { pageOf, ranges } from './pages.ts'
import { read, readAgain, readPage, told } from './reader.ts'
import { formatOf, hasPages, show, textPart, type Child } from './show.ts'
import { bytesOf, quote, quoteString, wholeCharacters } from './text.ts'

/** Interfaces within interfaces, pointers behind them. */
const layersMax = 8
/** Elements of bytes or characters that are shown as text. */
const textMax = 512
/** Longest key in the place of a name. */
const keyMax = 64

type Arguments = Call<'variables'>['arguments']

/** What DAP's `variables` shows, page by page, and no more than that is read. */
export class Variables {
  readonly #nodes: Nodes

  constructor(nodes: Nodes) {
    this.#nodes = nodes
  }

  async list({ arguments: args, signal }: Call<'variables'>): Promise<Body<'variables'>> {
    const node = this.#nodes.get(args.variablesReference)
    // Each piece of a page listens to it.
    if (node.part.kind !== 'locals') setMaxListeners(0, signal)
    try {
      const children = await this.children(node, args, signal)
      this.#nodes.note(
        node,
        children.filter(({ part }) => part === undefined).map(({ item }) => item),
      )
      const format = formatOf(args.format)
      return { variables: children.map((child) => show(this.#nodes, node.place, child, format)) }
    } catch (error) {
      // The program has run on meanwhile.
      const isOver = error instanceof DapError && error.code === 'notStopped' && node.place.stop.isOver
      throw isOver ? dapError('staleHandle', { kind: 'variable' }) : told(error)
    }
  }

  async children(node: Node, args: Arguments, signal: AbortSignal): Promise<Child[]> {
    const { part, place } = node
    switch (part.kind) {
      case 'locals':
        return this.#paged(node, (await localsOf(part.frame, signal)).map(asChild), args)
      case 'globals':
        return this.#paged(node, (await globalsOf(place, part.package, signal)).map(asChild), args)
      case 'registers':
        return this.#paged(node, await registersOf(part.frame, signal), args)
      case 'results':
        return this.#paged(node, resultItems(part.variables).map(asChild), args)
      case 'text':
        return this.#text(node, part, args, signal)
      case 'range': {
        const { start = 0, count = 0, filter } = args
        const asked = Math.min(count > 0 ? count : Infinity, part.count - start)
        const within_ = { ...args, start: part.start + start, count: Math.max(1, asked) }
        if (asked <= 0 || filter === 'named') return []
        return this.children(part.whole, { ...within_, filter: 'indexed' }, signal)
      }
      case 'value':
        return this.#value(node, part.item, args, signal)
    }
  }

  /** Children that have names, and no pages at Delve. */
  #paged(node: Node, children: Child[], args: Arguments): Child[] {
    // A range of them is asked for as indexed, whatever they are.
    if (args.filter === 'indexed' && args.start === undefined) return []
    const { start, count, rest } = pageOf(args, children.length)
    return [...children.slice(start, start + count), ...rangeRows(node, rest)]
  }

  async #value(node: Node, known: Item, args: Arguments, signal: AbortSignal): Promise<Child[]> {
    const { place } = node
    const first = this.#nodes.isFresh(node) ? known : await readAgain(place, known, signal)
    const item = await opened(node, first, signal)
    if (!hasPages(item.variable)) {
      return this.#paged(node, membersOf(item).map(asChild), args)
    }
    const page = pageOf(args, item.variable.len)
    const [named, indexed] = await Promise.all([
      args.filter === 'indexed' || page.start > 0 ? [] : metadata(node, item, signal),
      args.filter === 'named' ? [] : elements(node, item, page.start, page.count, signal),
    ])
    return [...named, ...indexed, ...(args.filter === 'named' ? [] : rangeRows(node, page.rest))]
  }

  async #text(
    { place }: Node,
    part: Extract<Part, { kind: 'text' }>,
    args: Arguments,
    signal: AbortSignal,
  ): Promise<Child[]> {
    if (args.filter === 'named') return []
    const { start, count } = pageOf(
      { start: args.start ?? 0, count: Math.min(args.count || 50, 50) },
      partsOf(part.length),
    )
    return Promise.all(
      Array.from({ length: count }, async (_, at): Promise<Child> => {
        const from = (start + at) * textPart
        const to = Math.min(part.length, from + textPart)
        const name = `[${from}…${to - 1}]`
        // A character that begins in this part is shown in it as a whole.
        const end = Math.min(part.length, to + 3)
        const config = { ...loadConfig, MaxStringLen: end - from, MaxArrayValues: end - from }
        const variable = await read(place, part.expression(from, end), signal, config)
        const text = partText(bytesOf(variable), from, to - from)
        const item = { name, variable: { ...noVariable, kind: kinds.string, type: 'string' }, expression: undefined }
        return { item: { ...item, path: undefined }, value: text, isReadOnly: true }
      }),
    )
  }
}

const asChild = (item: Item): Child => ({ item })
const partsOf = (length: number): number => Math.ceil(length / textPart)

/** Up to the value whose children are shown; each layer that was not read is, once. */
export async function opened({ place }: Pick<Node, 'place'>, item: Item, signal: AbortSignal): Promise<Item> {
  let current = item
  for (let layer = 0; layer < layersMax; layer++) {
    if (isShallow(current.variable)) current = await readAgain(place, current, signal)
    const next = within(current)
    if (next === undefined) return current
    current = next
  }
  return current
}

function rangeRows(whole: Node, rest: readonly [number, number] | undefined): Child[] {
  if (rest === undefined) return []
  return ranges(...rest).map(([start, count]) => {
    const item = {
      name: `[${start}…${start + count - 1}]`,
      variable: noVariable,
      expression: undefined,
      path: undefined,
    }
    return { item, value: '', part: { kind: 'range', whole, start, count }, indexed: count }
  })
}

/** `string(…)` gives one text of the elements, whose number Delve bounds as that of an array. */
const textConfig: LoadConfig = { ...loadConfig, MaxArrayValues: textMax, MaxStringLen: 4 * textMax }

async function metadata(node: Node, item: Item, signal: AbortSignal): Promise<Child[]> {
  const { variable, path, expression } = item
  if (variable.kind === kinds.map) {
    const length: Variable = { ...noVariable, kind: kinds.int, type: 'int', value: String(variable.len) }
    const of = path && `len(${path})`
    return [{ item: { name: 'len()', variable: length, expression: undefined, path: of }, isReadOnly: true }]
  }
  const kind = textKindOf(variable)
  if (kind === undefined) return []
  const of = (text: string | undefined): string | undefined => text && `string(${text})`
  const string: Variable = { ...noVariable, kind: kinds.string, type: 'string' }
  const row = { name: 'string()', variable: string, expression: of(expression), path: of(path), isFixed: true }
  if (kind === 'bytes' && childrenOf(variable).length === variable.len) {
    const bytes = elementBytes(variable)
    const value = quoteString({ ...string, len: bytes.length, StringValueBytes: bytes.toString('base64') })
    return [{ item: row, value, isReadOnly: true }]
  }
  if (expression === undefined) return []
  const shown = Math.min(variable.len, textMax)
  const text = await read(node.place, `string((${expression})[0:${shown}])`, signal, textConfig)
  const rest = variable.len - shown
  const value = `${quoteString({ ...text, len: loadedBytes(text) })}${rest > 0 ? `...+${rest} more` : ''}`
  if (kind !== 'bytes') return [{ item: row, value, isReadOnly: true }]
  const piece = (from: number, to: number): string => `string((${expression})[${from}:${to}])`
  const part: Part | undefined = rest > 0 ? { kind: 'text', length: variable.len, expression: piece } : undefined
  return [{ item: row, value, isReadOnly: true, ...(part === undefined ? {} : { part }) }]
}

/** Whole characters: those that begin in the first `length` bytes; `from` is 0 at the beginning of the text. */
function partText(bytes: Buffer, from: number, length: number): string {
  let start = 0
  while (from > 0 && start < Math.min(3, bytes.length) && (bytes[start]! & 0xc0) === 0x80) start++
  let end = Math.min(length, bytes.length)
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end++
  return wholeCharacters(bytes.subarray(start, end)).toString('utf8')
}

async function elements(
  { place }: Node,
  item: Item,
  start: number,
  count: number,
  signal: AbortSignal,
): Promise<Child[]> {
  const children = await readPage(place, item, start, count, signal)
  if (isSequence(item.variable)) return children.map((child, at) => ({ item: elementAt(item, child, start + at) }))
  const rows: Child[] = []
  for (let at = 0; at + 1 < children.length; at += 2) {
    rows.push(...entryRows(item, start + at / 2, children[at]!, children[at + 1]!))
  }
  return rows
}

function elementAt(owner: Item, variable: Variable, index: number): Item {
  const of = (text: string | undefined): string | undefined => text && `${text}[${index}]`
  const read_ = expressionOf(variable, of(bracketed(owner.expression)))
  return { name: `[${index}]`, variable, expression: read_, path: of(owner.path), ...fixedAs(owner) }
}

/** An entry of a map is one row where its key is one word, else two. */
function entryRows(owner: Item, index: number, key: Variable, value: Variable): Child[] {
  const literal = keyLiteral(key)
  const keyRead = expressionOf(key, undefined)
  const subscript = literal ?? keyRead
  const of = (text: string | undefined): string | undefined =>
    text === undefined || subscript === undefined ? undefined : `${text}[${subscript}]`
  const item: Item = {
    name: '',
    variable: value,
    expression: expressionOf(value, of(bracketed(owner.expression))),
    path: of(owner.path),
  }
  if (literal !== undefined || !isExpandable(key)) return [{ item: { ...item, name: keyName(key) } }]
  const name = `[key ${index}]`
  const keyItem: Item = { name, variable: key, expression: keyRead, path: bracketed(keyRead), isFixed: true }
  return [{ item: keyItem, isReadOnly: true }, { item: { ...item, name: `[val ${index}]` } }]
}

/** A key as it stands in Go between the brackets. */
function keyLiteral(key: Variable): string | undefined {
  if (key.unreadable !== '') return undefined
  if (key.kind === kinds.string) {
    const isWhole = key.len === loadedBytes(key) && Buffer.from(key.value).equals(bytesOf(key))
    return isWhole ? quote(key.value) : undefined
  }
  if (isInteger(key)) return integerText(key.value)
  return key.kind === kinds.bool ? key.value : undefined
}

/** Two long keys can begin with the same text: the address tells them apart. */
function keyName(key: Variable): string {
  const text = formatValue(key)
  if (text.length <= keyMax) return text
  return `${text.slice(0, keyMax)}… @ ${BigInt(key.addr).toString(16)}`
}
