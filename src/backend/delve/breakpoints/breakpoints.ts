import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { present } from '../../../lib/present.ts'
import type { Handlers } from '../../backend.ts'
import { exceptionBreakpointFilters } from '../features.ts'
import type { Ask, Parts, Stop } from '../parts.ts'
import type { Decision } from '../stops.ts'
import type { Out } from '../wire.ts'
import { differ, type Breakpoint, type Wanted } from './breakpoint.ts'
import { checksOf, noChecks } from './checks.ts'
import { accessOf, DataBreakpoints, type FindItem } from './data.ts'
import { failureOf } from './failures.ts'
import { Hits } from './hits.ts'
import { Placing } from './placing.ts'
import { Sites } from './sites.ts'

/** Lines that one `breakpointLocations` is about at most. */
const locationsMax = 100

type Conditioned = Pick<DebugProtocol.SourceBreakpoint, 'condition' | 'hitCondition' | 'logMessage'>
type Place = (breakpoint: Breakpoint) => Promise<void>

/** Where the program stops or logs. */
export class Breakpoints {
  readonly handlers: Handlers
  readonly #parts: Parts
  readonly #sites: Sites
  readonly #placing: Placing
  readonly #hits: Hits
  /** By what one request is about: a file, the functions, … */
  readonly #sets = new Map<string, readonly Breakpoint[]>()
  /** One request after another: each compares with what the one before has left. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts, find: FindItem) {
    this.#parts = parts
    const sites = (this.#sites = new Sites(parts))
    const placing = (this.#placing = new Placing(parts, sites))
    this.#hits = new Hits(parts, sites)
    const data = new DataBreakpoints(parts, sites, find)
    this.handlers = {
      setBreakpoints: (call) => this.#setBreakpoints(call),
      setFunctionBreakpoints: ({ arguments: { breakpoints } }) => {
        const wanted = breakpoints.map((each) => wantedOf('function', each.name.trim().replace(/\(\)$/, ''), each))
        return this.#set('functions', undefined, wanted, (breakpoint) => placing.function(breakpoint))
      },
      setInstructionBreakpoints: ({ arguments: { breakpoints } }) => {
        const wanted = breakpoints.map((each) => wantedOf('instruction', addressOf(each), each))
        return this.#set('instructions', undefined, wanted, (breakpoint) => placing.instruction(breakpoint))
      },
      dataBreakpointInfo: (call) => data.info(call),
      setDataBreakpoints: ({ arguments: { breakpoints } }) => {
        const wanted = breakpoints.map((each) => ({ ...wantedOf('data', each.dataId, each), access: accessOf(each) }))
        return this.#set('data', undefined, wanted, (breakpoint) => data.place(breakpoint))
      },
      setExceptionBreakpoints: async (call) => this.#setExceptionBreakpoints(call),
      breakpointLocations: (call) => this.#locations(call),
    }
  }

  /** What a stop is, told of each once. Log points say their lines here. */
  hit(stop: Stop): Decision {
    for (const breakpoint of this.#hits.goneAt(stop)) {
      this.#lose(breakpoint, 'The variable is gone: its function has returned.')
    }
    return this.#hits.decide(stop)
  }

  /** Delve has started the program anew with all of its breakpoints but these; their hits are counted from 0. */
  restarted(discarded: Out<'Restart'>['DiscardedBreakpoints']): void {
    for (const breakpoint of [...this.#sets.values()].flat()) breakpoint.hits = 0
    for (const { Breakpoint: gone, Reason } of discarded ?? []) {
      const site = this.#sites.of(gone)
      if (site === undefined || site === 'cleared') continue
      // Of a watchpoint Delve tells no more what it was on.
      const { file = '', line = 0, WatchExpr: variable = '' } = site.delve ?? {}
      const isData = variable !== ''
      const what = isData
        ? `The data breakpoint on ${variable}`
        : `The breakpoint at ${this.#parts.paths.toClient(file)}:${line}`
      this.#parts.note(`${what} is gone with the program that Delve has started anew${isData ? '' : ` (${Reason})`}.`)
      const problem = isData ? 'The program was started anew: choose the variable again.' : `Delve: ${Reason}.`
      for (const breakpoint of site.members) this.#lose(breakpoint, problem)
    }
    this.#sites.renew().catch((error: unknown) => {
      this.#parts.log.info({ err: error }, 'breakpoints of the program before were not set in the new one')
    })
  }

  #lose(breakpoint: Breakpoint, problem: string): void {
    breakpoint.problem = problem
    this.#parts.context.emit('breakpoint', { reason: 'changed', breakpoint: this.#shown(breakpoint) })
    void this.#sites.leave(breakpoint)
  }

  /** Everything of ours, asked for in one turn. */
  clear(ask: Ask): Promise<unknown> {
    return this.#sites.clear(ask)
  }

  #setBreakpoints({ arguments: args }: Call<'setBreakpoints'>): Promise<Body<'setBreakpoints'>> {
    const { source, lines = [] } = args
    const entries: readonly DebugProtocol.SourceBreakpoint[] = args.breakpoints ?? lines.map((line) => ({ line }))
    const wanted = entries.map((entry) => ({
      ...wantedOf('line', '', entry),
      line: this.#parts.positions.fromClientLine(entry.line),
    }))
    return this.#set(`file ${source.path ?? ''}`, source, wanted, (breakpoint) =>
      this.#placing.line(breakpoint, source.path ?? ''),
    )
  }

  #set(
    key: string,
    source: DebugProtocol.Source | undefined,
    wanted: readonly Wanted[],
    place: Place,
  ): Promise<{ breakpoints: DebugProtocol.Breakpoint[] }> {
    const done = this.#last.then(async () => {
      const { all, added, changed, removed } = differ(this.#sets.get(key) ?? [], wanted, (each) =>
        this.#made(source, each),
      )
      if (all.length === 0) this.#sets.delete(key)
      else this.#sets.set(key, all)
      // All begin in this turn, and so in one flight.
      await Promise.all([
        ...removed.map((breakpoint) => this.#sites.leave(breakpoint)),
        ...changed.map((breakpoint) => this.#safely(breakpoint, () => this.#change(breakpoint, place))),
        ...added.map((breakpoint) => this.#safely(breakpoint, () => this.#add(breakpoint, place))),
      ])
      return { breakpoints: all.map((breakpoint) => this.#shown(breakpoint)) }
    })
    this.#last = done.catch(() => {})
    return done
  }

  #made(source: DebugProtocol.Source | undefined, wanted: Wanted): Breakpoint {
    return {
      id: this.#parts.nextId(),
      source,
      wanted,
      checks: noChecks,
      problem: undefined,
      line: undefined,
      note: undefined,
      sites: new Set(),
      foreign: new Set(),
      hits: 0,
    }
  }

  /** Setting breakpoints never fails: many clients do not recover from that. */
  async #safely(breakpoint: Breakpoint, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const failure = failureOf(error)
      this.#parts.log.debug({ err: error }, 'a breakpoint was not set')
      breakpoint.problem = failure.kind === 'other' ? failure.message : 'Delve has not taken this breakpoint.'
    }
    // Not in half of its places.
    if (breakpoint.problem !== undefined) await this.#sites.leave(breakpoint)
  }

  async #add(breakpoint: Breakpoint, place: Place): Promise<void> {
    if (this.#check(breakpoint)) await place(breakpoint)
  }

  async #change(breakpoint: Breakpoint, place: Place): Promise<void> {
    if (!this.#check(breakpoint)) return
    if (breakpoint.foreign.size === 0) return this.#sites.amend(breakpoint)
    breakpoint.note = undefined
    await this.#sites.leave(breakpoint)
    await place(breakpoint)
  }

  #check(breakpoint: Breakpoint): boolean {
    const checks = checksOf(breakpoint.wanted)
    if (typeof checks === 'string') breakpoint.problem = checks
    else breakpoint.checks = checks
    return typeof checks !== 'string'
  }

  #shown({ id, wanted, source, problem, line: moved, note, sites }: Breakpoint): DebugProtocol.Breakpoint {
    const { paths, positions } = this.#parts
    if (problem !== undefined) {
      const line = wanted.line === 0 ? undefined : positions.toClientLine(wanted.line)
      return present({ id, verified: false, message: problem, reason: 'failed' as const, source, line })
    }
    const [site] = sites
    const { file = '', line = 0 } = (wanted.kind === 'data' ? undefined : site?.delve) ?? {}
    // Of several places Delve tells `<multiple locations>:0`, and in what the compiler has made `<autogenerated>:1`.
    const isKnown = line > 0 && !file.startsWith('<')
    const path = source === undefined && isKnown ? paths.toClient(file) : undefined
    const found = isKnown ? line : 0
    const at = wanted.kind === 'line' ? (moved ?? wanted.line) : found
    return present({
      id,
      verified: true,
      message: note,
      source: source ?? (path === undefined ? undefined : { path, name: path.split(/[\\/]/).at(-1) ?? path }),
      line: at > 0 ? positions.toClientLine(at) : undefined,
      instructionReference: wanted.kind === 'instruction' ? wanted.key : undefined,
    })
  }

  #setExceptionBreakpoints({ arguments: args }: Call<'setExceptionBreakpoints'>): Body<'setExceptionBreakpoints'> {
    const known = new Set(exceptionBreakpointFilters.map(({ filter }) => filter))
    const filters = [...args.filters, ...(args.filterOptions ?? []).map(({ filterId }) => filterId)]
    this.#hits.filters = new Set(filters)
    return {
      breakpoints: filters.map((filter) =>
        known.has(filter) ? { verified: true } : { verified: false, message: `Delve has no filter '${filter}'.` },
      ),
    }
  }

  async #locations({ arguments: args }: Call<'breakpointLocations'>): Promise<Body<'breakpointLocations'>> {
    if (args === undefined) return { breakpoints: [] }
    const { paths, positions } = this.#parts
    const { path } = await paths.toFar(args.source.path ?? '')
    const from = positions.fromClientLine(args.line)
    const to = Math.min(positions.fromClientLine(args.endLine ?? args.line), from + locationsMax - 1)
    const lines = await this.#placing.statements(path, from, to)
    return { breakpoints: lines.map((line) => ({ line: positions.toClientLine(line), column: positions.firstColumn })) }
  }
}

function wantedOf(kind: Wanted['kind'], key: string, { condition, hitCondition, logMessage }: Conditioned): Wanted {
  return { kind, line: 0, key, access: 0, condition, hitCondition, logMessage }
}

/** Empty for what is no address. */
function addressOf({ instructionReference, offset = 0 }: DebugProtocol.InstructionBreakpoint): string {
  const address = Number(instructionReference) + offset
  return Number.isSafeInteger(address) && address > 0 ? `0x${address.toString(16)}` : ''
}
