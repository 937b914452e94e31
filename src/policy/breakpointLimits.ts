import type { DebugProtocol } from '@vscode/debugprotocol'
import { budget, withArguments, type AnyCall, type AnyEvent, type Body, type Call } from '../dap/call.ts'
import type { Next, PolicyContext } from './policy.ts'
import { dapError } from '../dap/errors.ts'
import { abortable } from '../lib/abort.ts'
import { say } from './refusal.ts'
import type { PolicySettings } from './settings.ts'

const setters = ['setBreakpoints', 'setFunctionBreakpoints', 'setDataBreakpoints', 'setInstructionBreakpoints'] as const
type Setter = (typeof setters)[number]
type SetterCall = Call<Setter>

export function isSetter(call: AnyCall): call is Extract<AnyCall, SetterCall> {
  return (setters as readonly string[]).includes(call.command)
}

/** One breakpoint as the client knows it. */
interface Entry {
  /** Where it is, to recognise it when the client sends its whole set again. */
  readonly place: string
  readonly given: object
  /** The id that the client was told; hits and changes are told under it whatever the debugger calls it since. */
  clientId: number | undefined
  debuggerId: number | undefined
  hits: number
  /** `performance.now()` of the last hits, as many as a second may have. */
  recent: number[]
  /** Why it was taken out. */
  out?: string
}

/** All breakpoints of one source, or of one kind: DAP sets them together. */
interface BreakpointSet {
  call: SetterCall
  next: Next
  entries: Entry[]
}

/**
 * How many breakpoints, and how often each may be hit. One that is over is taken out: its set is sent again without it,
 * through the policies inside this one, so that its conditions are checked and guarded as they were the first time.
 */
export class BreakpointLimits {
  readonly #context: PolicyContext
  readonly #requestMs: number
  readonly #max: number
  readonly #perSecond: number
  readonly #maxHits: number
  readonly #sets = new Map<string, BreakpointSet>()
  /** Of one set, one after the other: the last one sent is the one that holds. */
  readonly #busy = new Map<string, Promise<unknown>>()
  #released = false

  constructor(context: PolicyContext, { limits, breakpoints, time }: PolicySettings) {
    this.#requestMs = time.requestMs
    this.#context = context
    this.#max = limits.breakpoints
    this.#perSecond = breakpoints.ratePerSecond
    this.#maxHits = breakpoints.maxHits
  }

  set(call: SetterCall, next: Next): Promise<unknown> {
    const key = keyOf(call)
    return this.#inTurn(key, () => this.#set(key, call, next))
  }

  async #set(key: string, call: SetterCall, next: Next): Promise<unknown> {
    const given = call.arguments.breakpoints
    // The older form, `lines`, becomes the newer one, so that it is counted too.
    const lines = (call.arguments as { lines?: number[] }).lines ?? []
    const entries = this.#entries(key, given ?? lines.map((line) => ({ line })))
    const others = [...this.#sets].reduce((sum, [other, set]) => sum + (other === key ? 0 : set.entries.length), 0)
    const room = Math.max(0, this.#max - others)
    const set: BreakpointSet = { call, next, entries: entries.slice(0, room) }
    const breakpoints = await this.#send(set, call, (entry, answer) => {
      entry.clientId = answer.id
    })
    if (set.entries.length === 0) this.#sets.delete(key)
    else this.#sets.set(key, set)
    const why = `more than ${this.#max} breakpoints in one session`
    const { message } = dapError('overLimit', { rule: 'breakpoints', target: this.#context.target, why })
    const over = entries.slice(room).map((entry) => refused(entry, message))
    return { breakpoints: [...breakpoints, ...over] }
  }

  /** The client's entries; what was counted for one at the same place goes on counting. */
  #entries(key: string, given: readonly object[]): Entry[] {
    const before = new Map(this.#sets.get(key)?.entries.map((entry) => [entry.place, entry]))
    return given.map((breakpoint) => {
      const place = placeOf(breakpoint)
      const { hits = 0, recent = [], out } = before.get(place) ?? {}
      const entry: Entry = { place, given: breakpoint, clientId: undefined, debuggerId: undefined, hits, recent }
      if (out !== undefined) entry.out = out
      return entry
    })
  }

  /** Sends those that are not out, and answers for the others in their place. */
  async #send(
    set: BreakpointSet,
    call: SetterCall,
    onAnswer: (entry: Entry, answer: DebugProtocol.Breakpoint) => void = () => {},
  ): Promise<DebugProtocol.Breakpoint[]> {
    const breakpoints = set.entries.filter(({ out }) => out === undefined).map(({ given }) => given)
    const { lines: _, ...rest } = call.arguments as { lines?: unknown }
    const args = { ...rest, breakpoints } as unknown as SetterCall['arguments']
    // One that is never answered must not keep the next one of its source waiting.
    const body = (await abortable(set.next(withArguments(call, args) as AnyCall), call.signal)) as Body<Setter>
    const answers = body.breakpoints[Symbol.iterator]()
    return set.entries.map((entry) => {
      if (entry.out !== undefined) return refused(entry, entry.out)
      const answer = answers.next().value ?? { verified: false, message: 'The debugger did not answer for it.' }
      entry.debuggerId = answer.id
      onAnswer(entry, answer)
      return answer
    })
  }

  /** Counts the hits of a stop, and puts the client's ids in the place of the debugger's newer ones. */
  event(event: AnyEvent): AnyEvent {
    if (event.event === 'stopped') {
      const { hitBreakpointIds } = event.body
      if (hitBreakpointIds === undefined) {
        if (this.#counts && event.body.reason.endsWith('breakpoint')) void this.#countAtTop(event.body.threadId)
        return event
      }
      const hit = hitBreakpointIds.map((id) => this.#find(id))
      for (const found of hit) if (found !== undefined) this.#count(...found)
      const ids = hitBreakpointIds.map((id, at) => hit[at]?.[1].clientId ?? id)
      return { event: 'stopped', body: { ...event.body, hitBreakpointIds: ids } }
    }
    if (event.event === 'breakpoint') {
      const { breakpoint } = event.body
      const id = breakpoint.id === undefined ? undefined : this.#find(breakpoint.id)?.[1].clientId
      if (id !== undefined) return { event: 'breakpoint', body: { ...event.body, breakpoint: { ...breakpoint, id } } }
    }
    return event
  }

  release(): void {
    this.#released = true
    this.#sets.clear()
  }

  get #counts(): boolean {
    return this.#perSecond !== Infinity || this.#maxHits !== Infinity
  }

  #find(debuggerId: number): readonly [key: string, entry: Entry] | undefined {
    for (const [key, { entries }] of this.#sets) {
      const entry = entries.find((each) => each.debuggerId === debuggerId && each.out === undefined)
      if (entry !== undefined) return [key, entry]
    }
    return undefined
  }

  /** debugpy 1.6.6 does not say which breakpoint was hit: it is the one at the top frame's line. */
  async #countAtTop(threadId: number | undefined): Promise<void> {
    if (threadId === undefined) return
    try {
      const { stackFrames } = await this.#context.call('stackTrace', { threadId, startFrame: 0, levels: 1 })
      const { source, line } = stackFrames[0] ?? {}
      if (source === undefined) return
      const key = `setBreakpoints ${source.sourceReference || source.path}`
      const entry = this.#sets.get(key)?.entries.find((each) => each.out === undefined && each.place === `${line}:`)
      if (entry !== undefined) this.#count(key, entry)
    } catch (error) {
      // The program ran on before we could look: this hit stays uncounted.
      this.#context.log.debug({ err: error }, 'a hit could not be assigned to a breakpoint')
    }
  }

  #count(key: string, entry: Entry): void {
    entry.hits++
    const now = performance.now()
    entry.recent = [...entry.recent.filter((ms) => ms > now - 1_000), now].slice(-10_000)
    const why =
      entry.hits >= this.#maxHits
        ? `it was hit ${entry.hits} times, the limit of target '${this.#context.target}'`
        : entry.recent.length > this.#perSecond
          ? `it was hit more than ${this.#perSecond} times in a second, the limit of target '${this.#context.target}'`
          : undefined
    if (why !== undefined) void this.#takeOut(key, entry, why)
  }

  async #takeOut(key: string, entry: Entry, why: string): Promise<void> {
    entry.out = `Taken out: ${why}.`
    const [command, limitMs] = [key.replace(/ .*/s, ''), this.#requestMs]
    const { log, signal } = this.#context
    const late = (): Error =>
      dapError('requestTimeout', { command, limitMs, stage: 'taking out a breakpoint', advice: '' })
    const limit = budget(signal, limitMs, late)
    try {
      await this.#inTurn(key, async () => {
        const set = this.#sets.get(key)
        if (this.#released || set === undefined) return
        const remainingMs = (): number => limit.remainingMs()
        await this.#send(set, { ...set.call, signal: limit.signal, remainingMs } as SetterCall)
      })
    } catch (error) {
      log.warn({ err: error }, 'a breakpoint over its limit could not be taken out')
      this.#context.end(`a breakpoint was hit too often and could not be taken out (${why})`)
      return
    } finally {
      limit.release()
    }
    say(this.#context, `The breakpoint at ${where(key, entry)} was taken out: ${why}.`)
    const breakpoint = { ...refused(entry, entry.out), ...(entry.clientId === undefined ? {} : { id: entry.clientId }) }
    this.#context.emit('breakpoint', { reason: 'changed', breakpoint })
  }

  #inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(key) ?? Promise.resolve()
    const mine = before.then(task, task)
    const settled = mine.catch(() => {})
    this.#busy.set(key, settled)
    void settled.then(() => {
      if (this.#busy.get(key) === settled) this.#busy.delete(key)
    })
    return mine
  }
}

function keyOf(call: SetterCall): string {
  if (call.command !== 'setBreakpoints') return call.command
  const { source } = call.arguments as DebugProtocol.SetBreakpointsArguments
  return `setBreakpoints ${source.sourceReference || source.path || source.name}`
}

function placeOf(breakpoint: object): string {
  const { line, column, name, dataId, instructionReference, offset } = breakpoint as Record<string, string | number>
  if (line !== undefined) return `${line}:${column ?? ''}`
  return String(name ?? dataId ?? `${instructionReference}+${offset ?? 0}`)
}

function where(key: string, { place }: Entry): string {
  const [command, source] = [key.slice(0, key.indexOf(' ')), key.slice(key.indexOf(' ') + 1)]
  return command === 'setBreakpoints' ? `${source}:${place.replace(/:$/, '')}` : place
}

function refused({ given }: Entry, message: string): DebugProtocol.Breakpoint {
  const { line, column } = given as { line?: number; column?: number }
  return {
    verified: false,
    message,
    reason: 'failed',
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  }
}
