import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import type { EvaluateText } from './safeValues.ts'

type Variable = DebugProtocol.Variable
type Ask = (args: DebugProtocol.VariablesArguments, signal: AbortSignal) => Promise<Body<'variables'>>

/** As debugpy cuts a list: a hundred elements, then buckets of a thousand (both versions). */
const initialElements = 100
const bucketElements = 1_000
/** Buckets that are kept while the program is stopped: paging through a list asks for each only once. */
const keptAnswers = 8
/** Long lists whose length is asked for in one expansion. */
const lengthsMax = 50

/**
 * Paging for debugpy, which ignores `start`, `count` and `filter` and gives no counts (both versions): pages are cut
 * out of its first hundred elements and its buckets of a thousand. Everything else passes as it is.
 */
export class PagedValues {
  readonly #ask: Ask
  readonly #evaluate: EvaluateText
  readonly #paging: boolean
  readonly #frames = new Map<number, number>()
  /** Lists that a page can be asked of: how long, and the expression that they are. */
  readonly #lists = new Map<number, { readonly size: number; readonly evaluateName: string }>()
  readonly #answers = new Map<string, Promise<readonly Variable[]>>()
  /** The bucket that was read past its middle last. */
  #readTo = { list: 0, bucket: 0 }

  constructor(ask: Ask, evaluate: EvaluateText, paging: boolean) {
    this.#ask = ask
    this.#evaluate = evaluate
    this.#paging = paging
  }

  /** The program runs again, or something in it was changed. */
  clear(): void {
    this.#frames.clear()
    this.#lists.clear()
    this.#answers.clear()
  }

  /** A value was changed: what is kept of lists may be wrong, what is known of frames is not. */
  changed(): void {
    this.#answers.clear()
  }

  scopes(frameId: number, body: Body<'scopes'>): Body<'scopes'> {
    for (const { variablesReference } of body.scopes) this.#frames.set(variablesReference, frameId)
    return body
  }

  async variables(call: Call<'variables'>): Promise<Body<'variables'>> {
    const { variablesReference, filter, start, count } = call.arguments
    const list = this.#lists.get(variablesReference)
    if (list === undefined || (filter === undefined && start === undefined && count === undefined)) {
      const body = await this.#ask(call.arguments, call.signal)
      return { ...body, variables: await this.#counted(variablesReference, body.variables, call.signal) }
    }
    if (filter === 'named') {
      const children = await this.#children(variablesReference, call)
      const named = children.filter((child) => !isElement(child) && child.name !== 'more')
      return { variables: await this.#counted(variablesReference, named, call.signal) }
    }
    const from = Math.min(list.size, start ?? 0)
    const to = count === undefined || count === 0 ? list.size : Math.min(list.size, from + count)
    const elements = await this.#page(variablesReference, from, to, list.size, call)
    // In its buckets debugpy leaves the expressions out.
    const page = elements.map((element, at) => ({ ...element, evaluateName: `${list.evaluateName}[${from + at}]` }))
    return { variables: await this.#counted(variablesReference, page, call.signal) }
  }

  async #page(reference: number, from: number, to: number, size: number, call: Call<'variables'>): Promise<Variable[]> {
    const first = await this.#children(reference, call)
    const page = first.filter(isElement).slice(from, Math.min(to, initialElements))
    const more = first.find(({ name }) => name === 'more')
    if (to <= initialElements || more === undefined) return page
    // debugpy puts a last bucket in the place of the list of buckets.
    const buckets =
      size - initialElements < bucketElements ? [more] : await this.#children(more.variablesReference, call)
    const at = Math.max(from, initialElements) - initialElements
    for (let bucket = Math.floor(at / bucketElements); bucket < buckets.length; bucket++) {
      const begin = initialElements + bucket * bucketElements
      if (begin >= to) break
      const elements = await this.#children(buckets[bucket]!.variablesReference, call)
      page.push(...elements.slice(Math.max(0, from - begin), to - begin))
      if (begin + bucketElements / 2 <= to) this.#readAhead(more.variablesReference, bucket, buckets, call)
    }
    return page
  }

  /**
   * A client that has come past the middle of two buckets in a row reads on: the next one is asked for while it is
   * written what it wanted, so that the way through us costs no time of its own. At most one bucket is read in vain.
   */
  #readAhead(list: number, bucket: number, buckets: readonly Variable[], call: Call<'variables'>): void {
    if (this.#readTo.list === list && this.#readTo.bucket === bucket) return
    const inARow = this.#readTo.list === list && this.#readTo.bucket === bucket - 1
    this.#readTo = { list, bucket }
    const next = buckets[bucket + 1]
    if (inARow && next !== undefined) void this.#children(next.variablesReference, call)
  }

  #children(variablesReference: number, call: Call<'variables'>): Promise<readonly Variable[]> {
    const { format } = call.arguments
    const key = `${variablesReference} ${format?.hex === true}`
    const kept = this.#answers.get(key)
    if (kept !== undefined) return kept
    const args = format === undefined ? { variablesReference } : { variablesReference, format }
    const answer = this.#ask(args, call.signal).then(({ variables }) => variables)
    this.#answers.set(key, answer)
    // One that failed was perhaps only cancelled.
    answer.catch(() => this.#answers.delete(key))
    if (this.#answers.size > keptAnswers) for (const oldest of this.#answers.keys()) return this.#drop(oldest, answer)
    return answer
  }

  #drop<T>(key: string, rest: T): T {
    this.#answers.delete(key)
    return rest
  }

  /** Puts the counts to long lists, for a client that pages. A short one has a `value` that is not cut. */
  async #counted(parent: number, variables: readonly Variable[], signal: AbortSignal): Promise<Variable[]> {
    const frameId = this.#frames.get(parent)
    if (frameId === undefined) return [...variables]
    for (const { variablesReference } of variables) {
      if (variablesReference > 0) this.#frames.set(variablesReference, frameId)
    }
    const long = this.#paging ? variables.filter(mayBeLong).slice(0, lengthsMax) : []
    if (long.length === 0) return [...variables]
    const sizes = await this.#lengths(long, frameId, signal)
    return variables.map((variable) => {
      const size = sizes.get(variable)
      if (size === undefined || size <= initialElements) return variable
      this.#lists.set(variable.variablesReference, { size, evaluateName: variable.evaluateName! })
      return { ...variable, indexedVariables: size, namedVariables: 1 }
    })
  }

  async #lengths(lists: readonly Variable[], frameId: number, signal: AbortSignal): Promise<Map<Variable, number>> {
    const known = new Map<Variable, number>()
    const names = lists.map(
      ({ evaluateName, type }) => `${type === 'list' ? '[]' : '()'}.__class__.__len__(${evaluateName})`,
    )
    try {
      const text = await this.#evaluate(`','.join(['%d' % n for n in (${names.join(',')},)])`, frameId, signal)
      text.split(',').forEach((size, at) => known.set(lists[at]!, Number(size)))
    } catch (error) {
      if (signal.aborted) throw error
      // A name that means something else by now: then the list is shown as debugpy shows it, without counts.
    }
    return known
  }
}

const isElement = ({ name, evaluateName }: Variable): boolean =>
  /^(0x)?[0-9a-f]+$/.test(name) && (evaluateName?.endsWith(']') ?? true)

const mayBeLong = ({ type, value, evaluateName, variablesReference }: Variable): boolean =>
  (type === 'list' || type === 'tuple') && variablesReference > 0 && evaluateName !== undefined && value.includes('...')
