import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { present } from '../../../lib/present.ts'
import { innerRows, nativeRows, stackRow, withPatterns, type NativeRow } from './native.ts'
import type { Node, Nodes } from './nodes.ts'
import { pageMax, pageOf, ranges, type Page } from './pages.ts'
import { isCalm, NotReadable, read, resolve, type Answer, type Kind, type Row, type Step } from './reader.ts'
import type { Runner } from './runner.ts'
import type { Scopes } from './scopes.ts'
import { hasBytes, hintOf, isExpandable, pathTo, textOf } from './show.ts'

/** Characters of one part of a long text. */
const partMax = 10_000
/** Numbered elements from which on V8 is asked for the others by itself: our reader would list all keys. */
const bigMax = 10_000

/** Values of which V8 alone knows something. */
const withInner: ReadonlySet<Kind> = new Set([
  'object',
  'error',
  'promise',
  'proxy',
  'weak',
  'function',
  'class',
  'generator',
])

interface Child {
  readonly row: Row
  readonly base: string
  readonly steps: readonly Step[]
  readonly path?: string | undefined
  readonly part?: Node['part']
}

/** What DAP's `variables` shows, page by page, and no more than that is read. */
export class Variables {
  readonly #nodes: Nodes
  readonly #scopes: Scopes
  readonly #runner: Runner
  readonly #readOnly: boolean

  constructor(nodes: Nodes, scopes: Scopes, runner: Runner, readOnly: boolean) {
    this.#nodes = nodes
    this.#scopes = scopes
    this.#runner = runner
    this.#readOnly = readOnly
  }

  async list(call: Call<'variables'>): Promise<Body<'variables'>> {
    const node = this.#nodes.get(call.arguments.variablesReference)
    const children = await this.#children(node, call)
    return { variables: children.map((child) => this.#variable(node, child, call.arguments.format)) }
  }

  #children(node: Node, call: Call<'variables'>): Promise<Child[]> {
    const { part } = node
    switch (part.kind) {
      case 'scope':
        return this.#scope(node, part, call)
      case 'text':
        return this.#text(node, part.length, call)
      case 'getter':
        return this.#getter(node, call)
      case 'range':
        return this.#range(part, call)
      case 'all':
        return this.#all(node, pageOf(call.arguments, node.row.c ?? 0), call.signal)
    }
  }

  async #scope(
    node: Node,
    { frame, index }: Extract<Node['part'], { kind: 'scope' }>,
    { arguments: args, signal }: Call<'variables'>,
  ): Promise<Child[]> {
    if (args.filter === 'indexed') return []
    const { named, whole } = pageOf(args, 0)
    const view = await this.#scopes.view(frame, index, named!, signal)
    const children = view.rows.map(({ row, base }): Child => {
      const name = row.n!
      const path = name === 'Return value' ? undefined : pathTo('', name, row, false)?.replace(/^\./, '')
      const isPath = path !== undefined && !path.startsWith('[')
      return {
        row,
        base: base ?? view.base,
        steps: base === undefined ? [{ k: name }] : [],
        ...(isPath ? { path } : {}),
      }
    })
    if (!whole || view.total <= pageMax) return children
    return [...children, ...rangesOf({ ...node, base: view.base }, 'named', pageMax, view.total)]
  }

  async #all(node: Node, page: Page, signal: AbortSignal): Promise<Child[]> {
    const { thread, base, steps, row } = node
    if (row.g === true) return page.named === undefined ? [] : this.#native(node, signal)
    const isBig = (row.c ?? 0) > bigMax && row.k !== 'map' && row.k !== 'set'
    const wantsInner = page.whole && withInner.has(row.k) && !/^(Object|\[Object: null prototype\])$/.test(row.y)
    const needs = wantsInner || (isBig && page.named !== undefined)
    const asked = async () =>
      (await isCalm(thread, base, steps, row, signal)) ? resolve(thread, base, [steps], signal) : undefined
    const handle = needs ? asked() : undefined
    // Its failure is met where it is awaited, unless the reader's comes first.
    handle?.catch(() => {})
    const named = isBig ? undefined : page.named
    const want = {
      action: 'children',
      steps,
      indexed: page.indexed,
      named,
      proto: page.whole && !isBig && row.k !== 'entry',
    } as const
    let answer: Answer
    try {
      answer = (await read(thread, [{ base, want }], signal))[0]!
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error
      return this.#native(node, signal)
    }
    if (answer.gone === true) throw dapError('notAnswered', { why: 'This value is no longer there.' })
    const rows = await withPatterns(thread, base, answer.rows ?? [], (one) => [...steps, stepOf(one)], signal)
    const children = rows.map((one) => below(node, one))
    if (page.restFrom !== undefined) children.push(...rangesOf(node, 'indexed', page.restFrom, row.c ?? 0))
    if (isBig && page.named !== undefined) {
      const { objectId } = (await handle) ?? {}
      return objectId === undefined
        ? children
        : [...children, ...(await nativeRows(thread, objectId, signal)).map(inner)]
    }
    if (!page.whole) return children
    const total = answer.total ?? 0
    if (total > pageMax) children.push(...rangesOf(node, 'named', pageMax, total))
    if (row.k === 'error') children.unshift(inner({ row: stackRow(await handle), base: undefined }))
    if (answer.calm === true && wantsInner && total <= pageMax) {
      const { objectId } = (await handle) ?? {}
      if (objectId !== undefined) children.push(...(await innerRows(thread, objectId, signal)).map(inner))
    }
    if (answer.proto !== undefined) {
      children.push({ row: { ...answer.proto, n: '[[Prototype]]' }, base, steps: [...steps, { p: 1 }] })
    }
    return children
  }

  async #range(part: Extract<Node['part'], { kind: 'range' }>, call: Call<'variables'>): Promise<Child[]> {
    const [start, count] = part.range
    const { filter, start: from = 0, count: asked = 0 } = call.arguments
    if (filter === 'named') return []
    const first = start + Math.max(0, from)
    const last = Math.min(start + count, asked > 0 ? first + asked : Infinity)
    const end = Math.min(last, first + pageMax)
    const range = [first, Math.max(0, end - first)] as const
    const page = { indexed: undefined, named: undefined, restFrom: undefined, whole: false, [part.of]: range }
    const children = await this.#all(part.whole, page, call.signal)
    return end < last ? [...children, ...rangesOf(part.whole, part.of, end, last)] : children
  }

  async #text(node: Node, length: number, { arguments: args, signal }: Call<'variables'>): Promise<Child[]> {
    if (args.filter === 'named') return []
    const parts = Math.ceil(length / partMax)
    const first = Math.max(0, args.start ?? 0)
    const count = Math.min(parts - first, args.count === undefined || args.count === 0 ? 50 : args.count, 50)
    if (count <= 0) return []
    const want = { action: 'text', steps: node.steps, start: first * partMax, count: count * partMax } as const
    const [answer] = await read(node.thread, [{ base: node.base, want }], signal)
    const text = answer?.text ?? ''
    return Array.from({ length: count }, (_, at) => {
      const start = (first + at) * partMax
      const piece = text.slice(at * partMax, (at + 1) * partMax)
      const row: Row = { n: `[${start}…${start + piece.length - 1}]`, t: piece, y: 'string', k: 'string', r: true }
      return { row, base: node.base, steps: node.steps }
    })
  }

  /** Runs the getter, for whoever has asked for that. */
  async #getter(node: Node, call: Call<'variables'>): Promise<Child[]> {
    if (this.#readOnly) {
      throw dapError('notAnswered', { why: 'This is a getter, which is not run: it is code of the program.' })
    }
    const result = await this.#runner.getter(node, call)
    return [
      { row: { ...result.row, n: node.row.n ?? '' }, base: result.base, steps: [], ...present({ path: node.path }) },
    ]
  }

  async #native(node: Node, signal: AbortSignal): Promise<Child[]> {
    const { thread, base, steps, row } = node
    const calm = row.h !== true && row.u !== true
    const objectId =
      steps.length === 0 ? base : calm ? (await resolve(thread, base, [steps], signal)).objectId : undefined
    if (objectId !== undefined) return (await nativeRows(thread, objectId, signal)).map(inner)
    throw dapError('notAnswered', {
      why: 'This value cannot be read here: the program has replaced built-in functions, or it is of another context.',
    })
  }

  #variable(
    parent: Node,
    { row, base, steps, path, part }: Child,
    format: DebugProtocol.ValueFormat | undefined,
  ): DebugProtocol.Variable {
    const name = row.n ?? ''
    const isOpen = part !== undefined || isExpandable(row) || row.l !== undefined
    const isGetter = row.k === 'getter'
    const own: Node['part'] = isGetter
      ? { kind: 'getter' }
      : row.l !== undefined
        ? { kind: 'text', length: row.l }
        : { kind: 'all' }
    const node = { thread: parent.thread, base, steps, row, path, part: part ?? own }
    const refused = isGetter && this.#readOnly
    const variablesReference = isOpen && !refused && base !== '' ? this.#nodes.add(node) : 0
    const indexed = row.l === undefined ? row.c : Math.ceil(row.l / partMax)
    return {
      name,
      value: refused ? '(getter, not run)' : textOf(row, format),
      variablesReference,
      ...present({
        type: row.y === '' ? undefined : row.y,
        evaluateName: path,
        indexedVariables: variablesReference > 0 ? indexed : undefined,
        memoryReference: hasBytes(row.k) && variablesReference > 0 ? `value-${variablesReference}` : undefined,
      }),
      presentationHint: refused ? { attributes: ['readOnly'] } : hintOf(row, name),
    }
  }

  /** A value on its own: a result, an argument of an output. */
  shown(node: Node, format?: DebugProtocol.ValueFormat): DebugProtocol.Variable {
    const { row, base, steps, path } = node
    return this.#variable(node, { row, base, steps, path }, format)
  }
}

/** From a value to the child that the row shows. */
function stepOf(row: Row): Step {
  if (row.s !== undefined) return { s: row.s }
  if (row.x === true) return { e: Number(row.n) }
  return { k: row.n! }
}

function below(node: Node, row: Row): Child {
  const { base, steps, path, row: own } = node
  const isEntry = own.k === 'map' || own.k === 'set'
  const isIndexed = own.c !== undefined && !isEntry
  return {
    row,
    // Its name is cut: there is no way to it.
    base: row.z === true ? '' : base,
    steps: [...steps, stepOf(row)],
    path: row.x === true || own.k === 'entry' ? undefined : pathTo(path, row.n!, row, isIndexed),
  }
}

function inner({ row, base }: NativeRow): Child {
  return { row, base: base ?? '', steps: [] }
}

function rangesOf(whole: Node, of: 'indexed' | 'named', from: number, end: number): Child[] {
  const { base, steps } = whole
  return ranges(from, end).map(({ row, range }) => ({ row, base, steps, part: { kind: 'range', of, range, whole } }))
}
