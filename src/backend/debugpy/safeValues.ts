import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import { DapError, dapError } from '../../dap/errors.ts'
import { present } from '../../lib/present.ts'
import { pythonString } from './quirks.ts'
import { readerSource } from './readerSource.ts'

/** How one child is found again: by name or as an element, its place, and who it was when it was shown. */
type Step = readonly ['n' | 'i', number, number]

/** [name, value, type, suffix, kind, at, identity, elements, has children]; see readerSource.ts. */
type Row = readonly [string, string, string, string | null, 'n' | 'i', number, number, number, number]

interface Answer {
  readonly rows: readonly Row[]
  readonly size: number
  readonly groups: readonly string[]
}

/**
 * What a reference stands for: a value by its way from the frame (nothing is kept in the program, so nothing must be
 * given back), or one of the nodes that debugpy puts beside the children: a group of names, `more`, a range of elements.
 */
interface Reference {
  readonly frameId: number
  readonly scope: 'L' | 'G'
  readonly steps: readonly Step[]
  readonly evaluateName: string | undefined
  readonly type: string
  readonly group: string
  readonly part: 'value' | 'more' | 'range'
  readonly from: number
  readonly to: number
}

/** Evaluates in a frame, never with `repl`; resolves to the whole text of the result, a string, unquoted. */
export type EvaluateText = (expression: string, frameId: number, signal: AbortSignal) => Promise<string>

/** As debugpy cuts: a hundred elements, then buckets of a thousand; a dict at 500. */
const initialElements = 100
const bucketElements = 1_000
const dictElements = 500
/** Longer strings are cut, and say so. */
const textMax = 4_096
/** More than any client keeps open; a program that is stopped for hours must not make this grow. */
const referencesMax = 200_000

/** `scopes` and `variables` of a stopped program that run none of its code. Shown as debugpy shows them. */
export class SafeValues {
  readonly #evaluate: EvaluateText
  readonly #paging: boolean
  readonly #references = new Map<number, Reference>()
  readonly #frames = new Set<number>()
  /** Never reused in a session, so that a stale one is an error and never another value. */
  #last = 0

  constructor(evaluate: EvaluateText, paging: boolean) {
    this.#evaluate = evaluate
    this.#paging = paging
  }

  /** The program runs again: all that was read is gone. */
  clear(): void {
    this.#references.clear()
    this.#frames.clear()
  }

  /** Frames that the stop has shown. debugpy makes its ids from addresses, so those of former stops come again. */
  frames(shown: readonly { readonly id: number }[]): void {
    for (const { id } of shown) this.#frames.add(id)
  }

  /** Costs no round trip: every frame has these two. */
  scopes(frameId: number): Body<'scopes'> {
    if (!this.#frames.has(frameId)) throw dapError('staleHandle', { kind: 'frame' })
    const scope = (which: 'L' | 'G'): number =>
      this.#refer({
        frameId,
        scope: which,
        steps: [],
        evaluateName: undefined,
        type: '',
        group: '',
        part: 'value',
        from: 0,
        to: 0,
      })
    return {
      scopes: [
        { name: 'Locals', variablesReference: scope('L'), expensive: false, presentationHint: 'locals' },
        { name: 'Globals', variablesReference: scope('G'), expensive: false },
      ],
    }
  }

  async variables(call: Call<'variables'>): Promise<Body<'variables'>> {
    const { variablesReference, filter, start, count, format } = call.arguments
    const parent = this.#references.get(variablesReference)
    if (parent === undefined) throw dapError('staleHandle', { kind: 'value' })
    const hex = format?.hex === true
    if (parent.part === 'more') return { variables: this.#buckets(parent) }
    if (parent.part === 'range') {
      const from = parent.from + (start ?? 0)
      const to = Math.min(parent.to, from + (count || parent.to))
      const { rows } = await this.#read(parent, { what: 'items', start: from, count: to - from, hex }, call.signal)
      return { variables: rows.map((row) => this.#variable(parent, row)) }
    }
    const paged = filter === 'indexed' || start !== undefined || (count !== undefined && count > 0)
    if (paged && filter !== 'named') {
      const page = { what: 'items', start: start ?? 0, count: count || bucketElements, hex } as const
      const { rows } = await this.#read(parent, page, call.signal)
      return { variables: rows.map((row) => this.#variable(parent, row)) }
    }
    return { variables: await this.#all(parent, filter === 'named', hex, call.signal) }
  }

  /** The exception that a thread is stopped at, as pydevd puts it into its frame's locals; undefined if there is none. */
  async exception(frameId: number, signal: AbortSignal): Promise<{ type: string; text: string } | undefined> {
    const { scopes } = this.scopes(frameId)
    const locals = this.#references.get(scopes[0]!.variablesReference)!
    const special = { ...locals, group: 'special variables' }
    const { rows } = await this.#read(special, { what: 'names', start: 0, count: 0, hex: false }, signal)
    const row = rows.find(([name]) => name === '__exception__')
    if (row === undefined || row[7] !== 3) return undefined
    const steps: Step[] = [[row[4], row[5], row[6]]]
    const parts = await this.#read({ ...locals, steps }, { what: 'items', start: 0, count: 2, hex: false }, signal)
    const [type, value] = parts.rows
    if (type === undefined || value === undefined) return undefined
    return { type: /^<class '(.*)'>$/.exec(type[1])?.[1] ?? type[1], text: value[1] }
  }

  async #all(
    parent: Reference,
    onlyNames: boolean,
    hex: boolean,
    signal: AbortSignal,
  ): Promise<DebugProtocol.Variable[]> {
    const isDict = /dict|Dict|Counter/.test(parent.type)
    const count = isDict ? dictElements : initialElements
    const what = onlyNames ? 'names' : 'all'
    const { rows, size, groups } = await this.#read(parent, { what, start: 0, count, hex }, signal)
    const names = rows.filter((row) => row[4] === 'n')
    if (parent.steps.length === 0) names.sort((a, b) => (a[0] < b[0] ? -1 : 1))
    const shown = [
      ...groups.map((group) => this.#node(parent, group, { group })),
      ...names.map((row) => this.#variable(parent, row)),
      ...rows.filter((row) => row[4] === 'i').map((row) => this.#variable(parent, row)),
    ]
    if (!onlyNames && size > count) {
      if (isDict) shown.push(cutMark(count))
      else shown.push(this.#more(parent, size))
    }
    if (size > 0 || /^(list|tuple|dict|set|frozenset|deque)$/.test(parent.type)) shown.push(lengthOf(parent, size))
    return shown
  }

  #variable(parent: Reference, row: Row): DebugProtocol.Variable {
    const [name, value, type, suffix, kind, at, identity, elements, more] = row
    const evaluateName =
      suffix === null
        ? undefined
        : parent.steps.length === 0
          ? suffix
          : parent.evaluateName === undefined
            ? undefined
            : parent.evaluateName + suffix
    const variablesReference =
      more === 0
        ? 0
        : this.#refer({
            ...parent,
            steps: [...parent.steps, [kind, at, identity]],
            evaluateName,
            type,
            group: '',
            part: 'value',
            from: 0,
            to: 0,
          })
    const hint =
      value.endsWith(', not read>') && identity === 0 ? { kind: 'property', attributes: ['readOnly'] } : undefined
    const raw = type === 'str' || type === 'bytes' || type === 'bytearray' ? { attributes: ['rawString'] } : undefined
    return {
      name,
      value,
      type,
      variablesReference,
      ...present({ evaluateName, presentationHint: hint ?? raw }),
      // Small ones are shown whole: no count, no chunks.
      ...(this.#paging && elements > initialElements ? { indexedVariables: elements, namedVariables: 1 } : {}),
    }
  }

  #node(parent: Reference, name: string, part: Partial<Reference>): DebugProtocol.Variable {
    return { name, value: '', type: '', variablesReference: this.#refer({ ...parent, ...part }) }
  }

  #more(parent: Reference, size: number): DebugProtocol.Variable {
    // One bucket needs no list of buckets.
    const part = size - initialElements < bucketElements ? 'range' : 'more'
    return { ...this.#node(parent, 'more', { part, from: initialElements, to: size }), type: 'MoreItems' }
  }

  #buckets(parent: Reference): DebugProtocol.Variable[] {
    const buckets: DebugProtocol.Variable[] = []
    for (let from = parent.from; from < parent.to; from += bucketElements) {
      const to = Math.min(parent.to, from + bucketElements)
      const node = this.#node(parent, `[${from}:${to}]`, { part: 'range', from, to })
      buckets.push({ ...node, type: 'MoreItemsRange' })
    }
    return buckets
  }

  #refer(reference: Reference): number {
    if (this.#references.size >= referencesMax) {
      throw dapError('overLimit', {
        rule: 'references',
        target: 'debugpy',
        why: `more than ${referencesMax} values were shown in one stop`,
      })
    }
    this.#references.set(++this.#last, reference)
    return this.#last
  }

  async #read(
    { frameId, scope, steps, group }: Reference,
    { what, start, count, hex }: { what: 'all' | 'names' | 'items'; start: number; count: number; hex: boolean },
    signal: AbortSignal,
  ): Promise<Answer> {
    const path = `['${scope}',${steps.map(([kind, at, identity]) => `['${kind}',${at},${identity}]`).join(',')}]`
    const options = `(${textMax},${hex ? 1 : 0})`
    const call = `b,${path},'${group}',${start},${count},'${what}',${options}`
    let text: string
    try {
      text = await this.#evaluate(readerExpression(call), frameId, signal)
    } catch (error) {
      if (error instanceof DapError && /unable to find thread|wrong id/i.test(error.message)) {
        throw dapError('staleHandle', { kind: 'frame' }, { cause: error })
      }
      throw error
    }
    return parsed(text)
  }
}

/**
 * No name of the program is looked up: it may have called anything `type` or `exec`. The builtins are those of the
 * frame; whether `exec` is really Python's is looked at before it is used.
 */
function readerExpression(call: string): string {
  const builtins = '(0 for _ in ()).gi_frame.f_builtins'
  const run = `t(g(b,'exec')) is t([].append) and (g(b,'exec')(${pythonString(readerSource)},n) or n['read'](${call}))`
  return `(lambda t,g,b,n:${run})(().__class__.__class__,{}.__class__.__getitem__,${builtins},{})`
}

function parsed(text: string): Answer {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    // Not our reader's words: it did not run.
  }
  if (typeof answer !== 'object' || answer === null) {
    const said = text === 'False' ? 'the program has replaced the builtin exec' : text.slice(0, 200)
    throw dapError('debuggerFailed', {
      message: `The values cannot be read without running the program's code: ${said}`,
    })
  }
  const { error } = answer as { error?: string }
  if (error !== undefined) {
    throw dapError('debuggerFailed', {
      message: `The values cannot be read without running the program's code: ${error}`,
    })
  }
  return answer as Answer
}

function lengthOf(parent: Reference, size: number): DebugProtocol.Variable {
  return {
    name: 'len()',
    value: String(size),
    type: 'int',
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
    ...present({ evaluateName: parent.evaluateName === undefined ? undefined : `len(${parent.evaluateName})` }),
  }
}

/** debugpy's own name for it, which the walker of expressions knows. */
function cutMark(count: number): DebugProtocol.Variable {
  return {
    name: 'Unable to handle:',
    value: `Only the first ${count} items are shown.`,
    type: 'str',
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
  }
}
