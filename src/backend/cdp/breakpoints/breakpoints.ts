import { randomBytes } from 'node:crypto'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../../backend.ts'
import type { Body, Call } from '../../../dap/call.ts'
import { sleep } from '../../../lib/abort.ts'
import { present } from '../../../lib/present.ts'
import type { ProgramScript, ProgramSources } from '../maps/programSources.ts'
import type { Parts, Script, Stop, Thread } from '../parts.ts'
import { Positions } from '../positions.ts'
import { Armory } from './armory.ts'
import { differ, type Breakpoint, type Wanted } from './breakpoint.ts'
import { thrownDecision, type Decision } from './decision.ts'
import { isFunctionName } from './functions.ts'
import { Hidden } from './hidden.ts'
import { possiblePositions } from './locations.ts'
import { LogLines } from './logLines.ts'
import { holdsAt, MapPause } from './mapPause.ts'
import type { WantedPlace } from './place.ts'
import { Placing } from './placing.ts'
import { compose, syntaxProblem, type HiddenNames } from './text.ts'
import { Thrown, thrownIn } from './thrown.ts'

export type { Decision } from './decision.ts'
export { exceptionBreakpointFilters } from './filters.ts'

interface Armed {
  readonly armory: Armory
  readonly hidden: Hidden
  readonly stops: readonly (() => void)[]
}

const functionsKey = 'functions'
/** Some clients leave after 10 s without an answer (notes/clients.md). */
const answerMs = 5_000

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
  /** Undefined in read-only modes, in which the program is not held for what the client does not see. */
  readonly #mapPause: MapPause | undefined
  /** What is being set because a map or a script has come. */
  readonly #putting = new Set<Promise<void>>()

  /** @param mapPauseMs How long a script is held before its first line for its map: mapPause.ts. */
  constructor(parts: Parts, sources: ProgramSources, mapPauseMs = 1_000) {
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
    const { readOnly } = parts.context.guard
    this.#thrown = new Thrown({
      readOnly,
      nextId: () => parts.nextId(),
      threads: () => this.#threads.keys(),
      hidden: () => this.#hiddenName(),
    })
    const hiddenName = async (): Promise<string | undefined> => {
      const hidden = await this.#hiddenName()
      return 'name' in hidden ? hidden.name : undefined
    }
    this.#mapPause = readOnly ? undefined : new MapPause(sources, parts.log, hiddenName, mapPauseMs)
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
    const stops = [thread.scripts.onScript((script) => isNew && queueMicrotask(() => this.#scriptCame(thread, script)))]
    isNew = true
    this.#threads.set(thread, { armory, hidden, stops })
    void thread.cdp.closed.then(() => {
      this.#threads.delete(thread)
      this.#mapPause?.forget(thread)
    })
    const set = [...this.#byId.values()].filter(({ problem }) => problem === undefined)
    await Promise.all([
      this.#thrown.apply(thread),
      ...set.map(async (breakpoint) => {
        await hidden.need(breakpoint.needs.own, breakpoint.needs.guard)
        if (!breakpoint.isRemoved) await armory.arm(breakpoint, breakpoint.places)
        this.#changed(breakpoint)
      }),
    ])
    await this.#holdForMaps()
  }

  /** Decides what a pause is. Waits only for a map, or for the condition of an exception filter. */
  paused(stop: Stop): Decision | Promise<Decision> {
    this.#lines.flush()
    const armory = this.#threads.get(stop.thread)?.armory
    const hit = armory?.hit(stop.event.hitBreakpoints ?? []) ?? []
    const script = this.#mapPause?.scriptOf(stop)
    if (script === undefined) return this.#decision(stop, hit)
    const held = this.#mapPause?.held(script, this.#threads.keys())
    return held === undefined ? this.#decision(stop, hit) : held.then(() => this.#afterMap(stop, hit))
  }

  /** The map has come, and with it perhaps a breakpoint at the very place where the script is held. */
  async #afterMap(stop: Stop, before: readonly Breakpoint[]): Promise<Decision> {
    await Promise.allSettled(this.#putting)
    const location = stop.event.callFrames[0]?.location
    // V8 looks at the breakpoints of a place after its instrumentation.
    const isModule = stop.event.hitBreakpoints !== undefined && stop.event.hitBreakpoints.length > 0
    const here = location === undefined || !isModule ? [] : (this.#threads.get(stop.thread)?.armory.at(location) ?? [])
    const added = here.filter((breakpoint) => !before.includes(breakpoint))
    const holds = await Promise.all(added.map(({ text }) => holdsAt(stop, text)))
    return this.#decision(stop, [...before, ...added.filter((_, at) => holds[at])])
  }

  #decision(stop: Stop, all: readonly Breakpoint[]): Decision | Promise<Decision> {
    const hit = all.filter((breakpoint) => !this.#placing.isStale(breakpoint, stop))
    if (hit.length > 0) {
      const isFunction = hit.every(({ source }) => source === undefined)
      return {
        kind: 'stop',
        reason: isFunction ? 'function breakpoint' : 'breakpoint',
        hitBreakpointIds: hit.map(({ id }) => id),
      }
    }
    // With no filter on, it is another client of the inspector who wants to stop there.
    if (thrownIn(stop) !== undefined && this.#thrown.isOn) {
      const filters = this.#thrown.hit(stop)
      return filters instanceof Promise ? filters.then((on) => thrownDecision(stop, on)) : thrownDecision(stop, filters)
    }
    // Held for a map, or of a breakpoint that is just being taken out.
    const isOurs = (stop.event.hitBreakpoints ?? []).length > 0 || this.#mapPause?.scriptOf(stop) !== undefined
    return isOurs ? { kind: 'resume' } : { kind: 'stop', reason: 'pause', hitBreakpointIds: [] }
  }

  /** Everything of ours goes out of the program, in one flight. Bounded by the caller. */
  async leave(): Promise<void> {
    this.#stopMaps()
    void this.#mapPause?.want(false, [])
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
    const late = new AbortController()
    await Promise.race([this.#armAll(added), sleep(answerMs, late.signal).catch(() => {})])
    late.abort()
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

  /** V8 does not answer while the program waits in native code (`execSync`): the client hears of it when it does. */
  async #armAll(added: readonly Breakpoint[]): Promise<void> {
    await Promise.all(added.map((breakpoint) => this.#arm(breakpoint)))
    await this.#holdForMaps()
    for (const breakpoint of added) this.#changed(breakpoint)
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
        if (breakpoint.problem === undefined) this.#placeAnew(breakpoint)
      }
    }
  }

  #placeAnew(breakpoint: Breakpoint): void {
    const places = this.#placing.placesNow(breakpoint)
    if (places === undefined || JSON.stringify(places) === JSON.stringify(breakpoint.places)) return
    this.#putLate(breakpoint, places)
  }

  #scriptCame(thread: Thread, script: Script): void {
    for (const breakpoint of this.#byId.values()) {
      if (breakpoint.problem !== undefined) continue
      if (breakpoint.source === undefined) {
        void this.#placing.placesIn(thread, script.id, breakpoint).then(
          (more) => more.length > 0 && this.#putLate(breakpoint, this.#placing.merged(breakpoint.places, more)),
          (error: unknown) => this.#parts.log.debug({ err: error }, 'a script was not searched for a function'),
        )
      } else if (this.#placing.mayBe(breakpoint, script)) {
        this.#placeAnew(breakpoint)
      }
    }
  }

  #putLate(breakpoint: Breakpoint, places: readonly WantedPlace[]): void {
    const putting = this.#put(breakpoint, places).then(
      () => this.#changed(breakpoint),
      (error: unknown) => this.#parts.log.debug({ err: error }, 'a breakpoint was not set'),
    )
    this.#putting.add(putting)
    void putting.then(() => {
      this.#putting.delete(putting)
      void this.#holdForMaps()
    })
  }

  async #holdForMaps(): Promise<void> {
    const isWanted = [...this.#byId.values()].some((breakpoint) => this.#placing.awaitsMap(breakpoint))
    await this.#mapPause?.want(isWanted, this.#threads.keys())
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
