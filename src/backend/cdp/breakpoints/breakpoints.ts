import { randomBytes } from 'node:crypto'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../../backend.ts'
import type { Body, Call } from '../../../dap/call.ts'
import { present } from '../../../lib/present.ts'
import type { ProgramScript, ProgramSources } from '../maps/programSources.ts'
import type { Parts, Script, Stop, Thread } from '../parts.ts'
import { Positions } from '../positions.ts'
import { Armory } from './armory.ts'
import { differ, type Breakpoint, type Wanted } from './breakpoint.ts'
import { isFunctionName } from './functions.ts'
import { Hidden } from './hidden.ts'
import { possiblePositions } from './locations.ts'
import { LogLines } from './logLines.ts'
import type { WantedPlace } from './place.ts'
import { Placing } from './placing.ts'
import { compose, syntaxProblem, type HiddenNames } from './text.ts'
import { Thrown, thrownIn } from './thrown.ts'

export { exceptionBreakpointFilters } from './filters.ts'

/** What a pause is to the client. */
export type Decision =
  | {
      readonly kind: 'stop'
      /** `pause` where no breakpoint was hit: what else it was (a step, `debugger`, a request) the thread knows. */
      readonly reason: 'breakpoint' | 'function breakpoint' | 'exception' | 'pause'
      readonly hitBreakpointIds: number[]
      /** What was thrown, on one line. */
      readonly text?: string
      readonly description?: string
    }
  /** V8 stopped for something of ours that is no stop to the client; a step that was under way goes on. */
  | { readonly kind: 'resume' }

interface Armed {
  readonly armory: Armory
  readonly hidden: Hidden
  readonly stops: readonly (() => void)[]
}

const functionsKey = 'functions'
const textMax = 1_000

/**
 * All breakpoints of one backend, on all of its threads. Conditions, hit counts and log lines are decided in V8, with no
 * pause; what is set is kept in V8 itself, by the url or the content of its script, so that a script that is loaded
 * later or again has it before its first line runs.
 */
export class Breakpoints {
  readonly handlers: Handlers
  readonly #parts: Parts
  readonly #sources: ProgramSources
  readonly #positions: Positions
  readonly #placing: Placing
  readonly #thrown: Thrown
  readonly #lines: LogLines
  readonly #names: HiddenNames
  readonly #threads = new Map<Thread, Armed>()
  readonly #sets = new Map<string, readonly Breakpoint[]>()
  readonly #byId = new Map<number, Breakpoint>()
  readonly #stopMaps: () => void

  constructor(parts: Parts, sources: ProgramSources) {
    this.#parts = parts
    this.#sources = sources
    this.#positions = new Positions(parts.options.client)
    this.#placing = new Placing(parts, sources, this.#positions)
    const random = (): string => `__breakwater_${randomBytes(4).toString('hex')}`
    this.#names = { own: random(), guard: random() }
    this.#lines = new LogLines(
      (output) => parts.context.emit('output', output),
      (id) => this.#placeOf(id),
    )
    this.#thrown = new Thrown({
      readOnly: parts.context.guard.readOnly,
      nextId: () => parts.nextId(),
      threads: () => this.#threads.keys(),
      hidden: () => this.#hiddenName(),
    })
    this.#stopMaps = sources.onMap((script) => this.#mapCame(script))
    this.handlers = {
      setBreakpoints: (call) => this.#setBreakpoints(call),
      setFunctionBreakpoints: (call) => this.#setFunctionBreakpoints(call),
      setExceptionBreakpoints: async (call) => ({ breakpoints: await this.#thrown.set(call.arguments) }),
      breakpointLocations: (call) => this.#breakpointLocations(call),
    }
  }

  /** Arms all that is set on a thread that has come; it must not run on before. */
  async threadAdded(thread: Thread): Promise<void> {
    const armory = new Armory(thread, (breakpoint) => this.#changed(breakpoint))
    const hidden = new Hidden(thread, this.#names, this.#lines, this.#parts.log)
    // The scripts that are there already say nothing new.
    let isNew = false
    const stops = [thread.scripts.onScript((script) => isNew && this.#scriptCame(thread, script))]
    isNew = true
    this.#threads.set(thread, { armory, hidden, stops })
    void thread.cdp.closed.then(() => this.#threads.delete(thread))
    const set = [...this.#byId.values()].filter(({ problem }) => problem === undefined)
    await Promise.all([
      this.#thrown.apply(thread),
      ...set.map(async (breakpoint) => {
        await hidden.need(breakpoint.needs.own, breakpoint.needs.guard)
        if (!breakpoint.isRemoved) await armory.arm(breakpoint, breakpoint.places)
        this.#changed(breakpoint)
      }),
    ])
  }

  /** Decides what a pause is. Synchronous unless the condition of an exception filter must be asked for. */
  paused(stop: Stop): Decision | Promise<Decision> {
    this.#lines.flush()
    const ids = stop.event.hitBreakpoints ?? []
    const all = this.#threads.get(stop.thread)?.armory.hit(ids) ?? []
    const hit = all.filter((breakpoint) => !this.#placing.isStale(breakpoint, stop))
    if (hit.length > 0) {
      const isFunction = hit.every(({ source }) => source === undefined)
      return {
        kind: 'stop',
        reason: isFunction ? 'function breakpoint' : 'breakpoint',
        hitBreakpointIds: hit.map(({ id }) => id),
      }
    }
    if (thrownIn(stop) !== undefined) {
      const filters = this.#thrown.hit(stop)
      return filters instanceof Promise ? filters.then((on) => thrownDecision(stop, on)) : thrownDecision(stop, filters)
    }
    // Of a breakpoint that is just being taken out.
    if (ids.length > 0) return { kind: 'resume' }
    return { kind: 'stop', reason: 'pause', hitBreakpointIds: [] }
  }

  /** Everything of ours goes out of the program, in one flight. Bounded by the caller. */
  async leave(): Promise<void> {
    this.#stopMaps()
    const threads = [...this.#threads]
    this.#threads.clear()
    this.#sets.clear()
    for (const breakpoint of this.#byId.values()) breakpoint.isRemoved = true
    const gone = threads.map(([, { armory, hidden, stops }]) => {
      for (const stop of stops) stop()
      return Promise.all([armory.leave(), hidden.leave()])
    })
    await Promise.all([...gone, this.#thrown.leave(threads.map(([thread]) => thread))])
    this.#lines.flush()
    this.#byId.clear()
  }

  async #setBreakpoints({ arguments: args }: Call<'setBreakpoints'>): Promise<Body<'setBreakpoints'>> {
    const { source, lines = [] } = args
    const entries: readonly DebugProtocol.SourceBreakpoint[] = args.breakpoints ?? lines.map((line) => ({ line }))
    const wanted = entries.map(({ line, column, condition, hitCondition, logMessage }): Wanted => ({
      line: this.#positions.fromClientLine(line),
      column: column === undefined ? undefined : this.#positions.fromClientColumn(column),
      name: undefined,
      condition,
      hitCondition,
      logMessage,
    }))
    const key = `source ${source.sourceReference ?? 0} ${source.path ?? source.name ?? ''}`
    return { breakpoints: await this.#set(key, source, wanted) }
  }

  async #setFunctionBreakpoints(call: Call<'setFunctionBreakpoints'>): Promise<Body<'setFunctionBreakpoints'>> {
    const wanted = call.arguments.breakpoints.map(({ name, condition, hitCondition }): Wanted => ({
      line: 0,
      column: undefined,
      name: name.trim().replace(/\(\)$/, ''),
      condition,
      hitCondition,
      logMessage: undefined,
    }))
    return { breakpoints: await this.#set(functionsKey, undefined, wanted) }
  }

  /** Those that are unchanged stay as they are, with their ids and counts. */
  async #set(
    key: string,
    source: DebugProtocol.Source | undefined,
    wanted: readonly Wanted[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    const { all, added, removed } = differ(this.#sets.get(key) ?? [], wanted, (each) => this.#made(source, each))
    if (all.length === 0) this.#sets.delete(key)
    else this.#sets.set(key, all)
    for (const breakpoint of removed) this.#remove(breakpoint)
    await Promise.all(added.map((breakpoint) => this.#arm(breakpoint)))
    return all.map((breakpoint) => {
      const shown = this.#shown(breakpoint)
      breakpoint.told = JSON.stringify(shown)
      return shown
    })
  }

  #made(source: DebugProtocol.Source | undefined, wanted: Wanted): Breakpoint {
    const breakpoint: Breakpoint = {
      id: this.#parts.nextId(),
      wanted,
      source,
      text: undefined,
      needs: { own: false, guard: false },
      problem: undefined,
      places: [],
      isRemoved: false,
      told: undefined,
    }
    this.#byId.set(breakpoint.id, breakpoint)
    return breakpoint
  }

  #remove(breakpoint: Breakpoint): void {
    breakpoint.isRemoved = true
    this.#byId.delete(breakpoint.id)
    for (const { armory } of this.#threads.values()) armory.disarm(breakpoint)
  }

  async #arm(breakpoint: Breakpoint): Promise<void> {
    try {
      const [problem, places] = await Promise.all([this.#prepare(breakpoint), this.#placing.places(breakpoint)])
      breakpoint.problem = problem
      if (problem === undefined) await this.#put(breakpoint, places)
    } catch (error) {
      // Setting breakpoints never fails: many clients do not recover from that.
      this.#parts.log.debug({ err: error }, 'a breakpoint was not set')
      breakpoint.problem = error instanceof Error ? error.message : String(error)
    }
  }

  /** Composes V8's condition, and puts what it needs into the program. Why it cannot be, if so. */
  async #prepare(breakpoint: Breakpoint): Promise<string | undefined> {
    const { wanted, id } = breakpoint
    if (wanted.name !== undefined && !isFunctionName(wanted.name))
      return `'${wanted.name}' is not the name of a function.`
    const composed = compose(wanted, id, this.#names)
    if ('problem' in composed) return composed.problem
    breakpoint.text = composed.text
    breakpoint.needs = { own: composed.needsOwn, guard: composed.needsGuard }
    const [main] = this.#threads.keys()
    // In read-only modes the policy has parsed them, and has put the guard's name into them.
    const checks = this.#parts.context.guard.readOnly || main === undefined ? [] : composed.checks
    const [syntax, hidden] = await Promise.all([
      checks.length === 0 ? undefined : syntaxProblem(main!.cdp, checks),
      this.#need(breakpoint.needs.own, breakpoint.needs.guard),
    ])
    return syntax ?? hidden
  }

  async #need(own: boolean, guard: boolean): Promise<string | undefined> {
    const problems = await Promise.all([...this.#threads.values()].map(({ hidden }) => hidden.need(own, guard)))
    return problems.find((problem) => problem !== undefined)
  }

  async #hiddenName(): Promise<{ name: string } | { problem: string }> {
    const problem = await this.#need(true, false)
    return problem === undefined ? { name: this.#names.own } : { problem }
  }

  async #put(breakpoint: Breakpoint, places: readonly WantedPlace[]): Promise<void> {
    if (breakpoint.isRemoved) return
    breakpoint.places = places
    await Promise.all([...this.#threads.values()].map(({ armory }) => armory.arm(breakpoint, places)))
  }

  #mapCame(script: ProgramScript): void {
    for (const set of this.#sets.values()) {
      const source = set[0]?.source
      if (source === undefined || !this.#sources.scriptsOf(source).includes(script)) continue
      for (const breakpoint of set) {
        const places = breakpoint.problem === undefined ? this.#placing.placesNow(breakpoint) : undefined
        if (places === undefined || JSON.stringify(places) === JSON.stringify(breakpoint.places)) continue
        this.#putLate(breakpoint, places)
      }
    }
  }

  #scriptCame(thread: Thread, script: Script): void {
    for (const breakpoint of this.#byId.values()) {
      if (breakpoint.problem !== undefined) continue
      if (breakpoint.source === undefined) {
        void this.#placing.placesIn(thread, script.id, breakpoint).then(
          (more) => more.length > 0 && this.#putLate(breakpoint, this.#placing.merged(breakpoint.places, more)),
          (error: unknown) => this.#parts.log.debug({ err: error }, 'a script was not searched for a function'),
        )
      } else if (this.#placing.isVersionOf(breakpoint, script)) {
        const places = this.#placing.placesNow(breakpoint)
        if (places !== undefined) this.#putLate(breakpoint, places)
      }
    }
  }

  #putLate(breakpoint: Breakpoint, places: readonly WantedPlace[]): void {
    this.#put(breakpoint, places).then(
      () => this.#changed(breakpoint),
      (error: unknown) => this.#parts.log.debug({ err: error }, 'a breakpoint was not set'),
    )
  }

  #shown(breakpoint: Breakpoint): DebugProtocol.Breakpoint {
    const armories = [...this.#threads.values()].map(({ armory }) => armory)
    return this.#placing.shown(breakpoint, armories)
  }

  /** Tells the client, once it knows the breakpoint, and only what is new. */
  #changed(breakpoint: Breakpoint): void {
    if (breakpoint.isRemoved || breakpoint.told === undefined) return
    const shown = this.#shown(breakpoint)
    const told = JSON.stringify(shown)
    if (told === breakpoint.told) return
    breakpoint.told = told
    this.#parts.context.emit('breakpoint', { reason: 'changed', breakpoint: shown })
  }

  #placeOf(id: number): { source?: DebugProtocol.Source; line?: number; column?: number } | undefined {
    const breakpoint = this.#byId.get(id)
    if (breakpoint === undefined) return undefined
    const { source, line, column } = this.#shown(breakpoint)
    return present({ source, line, column })
  }

  async #breakpointLocations({ arguments: args }: Call<'breakpointLocations'>): Promise<Body<'breakpointLocations'>> {
    if (args === undefined) return { breakpoints: [] }
    const { source, line, column, endLine = line, endColumn } = args
    const range = {
      line: this.#positions.fromClientLine(line),
      column: column === undefined ? 0 : this.#positions.fromClientColumn(column),
      endLine: this.#positions.fromClientLine(endLine),
      endColumn: endColumn === undefined ? Infinity : this.#positions.fromClientColumn(endColumn),
    }
    const found = await possiblePositions(this.#sources, this.#threads.keys(), source, range)
    const breakpoints = found.map((position) => ({
      line: this.#positions.toClientLine(position.line),
      column: this.#positions.toClientColumn(position.column),
    }))
    return { breakpoints }
  }
}

function thrownDecision(stop: Stop, hitBreakpointIds: number[]): Decision {
  if (hitBreakpointIds.length === 0) return { kind: 'resume' }
  const { description, value, uncaught } = thrownIn(stop) ?? {}
  const text = (description ?? String(value)).split('\n')[0]!.slice(0, textMax)
  const how = uncaught === true ? 'Paused on an uncaught exception' : 'Paused on an exception'
  return { kind: 'stop', reason: 'exception', hitBreakpointIds, text, description: how }
}
