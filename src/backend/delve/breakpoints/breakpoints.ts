import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { present } from '../../../lib/present.ts'
import type { Handlers } from '../../backend.ts'
import { exceptionBreakpointFilters } from '../features.ts'
import type { Ask, Parts, Stop } from '../parts.ts'
import type { Decision } from '../stops.ts'
import type { Breakpoint, Thread } from '../wire.ts'
import { DataBreakpoints, type FindItem } from './data.ts'
import { functionWanted, instructionWanted } from './elsewhere.ts'
import { logLine } from './logLine.ts'
import type { Own } from './placed.ts'
import { termsOf, termsProblem } from './placed.ts'
import { createAt, hasStatement, Placing, type Wanted } from './placing.ts'

const unrecoveredPanic = -1
const fatalThrow = -2
/** Lines that one `breakpointLocations` is about at most. */
const locationsMax = 100

interface Hit {
  readonly goroutine: number
  readonly reason: string
  readonly ids: number[]
}

/** Where the program stops or logs. */
export class Breakpoints {
  readonly handlers: Handlers
  readonly #parts: Parts
  readonly #placing: Placing
  #filters: ReadonlySet<string> = new Set(
    exceptionBreakpointFilters.filter((filter) => filter.default === true).map(({ filter }) => filter),
  )

  constructor(parts: Parts, find: FindItem) {
    this.#parts = parts
    this.#placing = new Placing(parts)
    const data = new DataBreakpoints(parts, find)
    this.handlers = {
      setBreakpoints: (call) => this.#setBreakpoints(call),
      setFunctionBreakpoints: ({ arguments: { breakpoints } }) =>
        this.#answer('functions', () => functionWanted(parts, breakpoints)),
      setInstructionBreakpoints: ({ arguments: { breakpoints } }) =>
        this.#answer('instructions', () => instructionWanted(parts, breakpoints)),
      dataBreakpointInfo: (call) => data.info(call),
      setDataBreakpoints: ({ arguments: { breakpoints } }) =>
        this.#answer('data', async () => data.wanted(breakpoints)),
      setExceptionBreakpoints: async (call) => this.#setExceptionBreakpoints(call),
      breakpointLocations: (call) => this.#locations(call),
    }
  }

  /** What a stop is, told of each once. Log points have said their lines then. */
  hit(stop: Stop): Decision {
    this.#outOfScope(stop)
    const hits = new Map<number, Hit>()
    for (const thread of stop.state.Threads ?? []) {
      const hit = this.#hitOf(thread)
      if (hit === undefined) continue
      const known = hits.get(hit.goroutine)
      if (known === undefined) hits.set(hit.goroutine, hit)
      else known.ids.push(...hit.ids)
    }
    const first = hits.get(stop.selected) ?? [...hits.values()][0]
    if (first === undefined) return { kind: 'resume' }
    const also = [...hits.values()].filter((hit) => hit !== first)
    return {
      kind: 'stop',
      reason: first.reason,
      hitBreakpointIds: first.ids,
      also: also.map(({ goroutine, ids }) => ({ goroutine, hitBreakpointIds: ids })),
    }
  }

  /** Everything of ours, asked for in one turn. */
  clear(ask: Ask): Promise<unknown> {
    const ids = new Set(
      [...this.#placing.all()].flatMap(({ placed, isForeign }) => (placed && !isForeign ? [placed.id] : [])),
    )
    return Promise.all(
      [...ids].map((Id) =>
        ask('ClearBreakpoint', { Id }).catch((error: unknown) => {
          this.#parts.log.info({ err: error, id: Id }, 'a breakpoint was not cleared')
        }),
      ),
    )
  }

  #hitOf(thread: Thread): Hit | undefined {
    const { breakPoint, goroutineID: goroutine } = thread
    if (breakPoint === undefined) return undefined
    if (breakPoint.id === unrecoveredPanic || breakPoint.id === fatalThrow) {
      const filter = breakPoint.id === unrecoveredPanic ? 'unrecovered-panic' : 'runtime-fatal-throw'
      return this.#filters.has(filter) ? { goroutine, reason: 'exception', ids: [] } : undefined
    }
    const owns = this.#placing.of(breakPoint.id)
    if (breakPoint.continue) {
      for (const own of owns) this.#log(own, thread)
      return undefined
    }
    const isData = (breakPoint.WatchExpr ?? '') !== ''
    return {
      goroutine,
      reason: isData ? 'data breakpoint' : (owns[0]?.kind ?? 'breakpoint'),
      ids: owns.map(({ id }) => id),
    }
  }

  #log({ terms }: Own, thread: Thread): void {
    if (terms.logMessage === '') return
    const { positions, paths, context } = this.#parts
    const path = paths.toClient(thread.file)
    context.emit('output', {
      category: 'stdout',
      output: logLine(terms.logMessage, thread),
      source: { path, name: path.split(/[\\/]/).at(-1) ?? path },
      line: positions.toClientLine(thread.line),
    })
  }

  /** Delve takes a data breakpoint out when its variable's function has returned. */
  #outOfScope({ state }: Stop): void {
    for (const gone of state.WatchOutOfScope ?? []) {
      for (const own of this.#placing.of(gone.id)) {
        own.placed = undefined
        own.message = 'Its function has returned.'
        this.#parts.context.emit('breakpoint', { reason: 'changed', breakpoint: this.#shown(own) })
      }
    }
  }

  async #setBreakpoints({ arguments: args }: Call<'setBreakpoints'>): Promise<Body<'setBreakpoints'>> {
    const { paths, positions } = this.#parts
    const clientPath = args.source.path ?? ''
    return this.#answer(`file ${clientPath}`, async () => {
      const { path } = await paths.toFar(clientPath)
      return (args.breakpoints ?? []).map((breakpoint): Wanted => {
        const terms = termsOf(breakpoint)
        const at = { file: path, line: positions.fromClientLine(breakpoint.line) }
        const problem = termsProblem(terms)
        return {
          kind: 'breakpoint',
          key: String(at.line),
          terms,
          at,
          make: problem === undefined ? (ask, name, given) => createAt(ask, name, given, at) : undefined,
          noFile: () => paths.explain(clientPath),
          ...(problem === undefined ? {} : { message: problem }),
        }
      })
    })
  }

  async #answer(group: string, find: () => Promise<readonly Wanted[]>): Promise<Body<'setBreakpoints'>> {
    const owns = await this.#placing.update(group, find)
    return { breakpoints: owns.map((own) => this.#shown(own)) }
  }

  #shown({ id, placed, message, kind }: Own): DebugProtocol.Breakpoint {
    if (placed === undefined) return present({ id, verified: false, message, reason: 'failed' as const })
    return present({ id, verified: true, message, ...(kind === 'data breakpoint' ? {} : this.#placeOf(placed)) })
  }

  #placeOf({ file, line }: Breakpoint): Partial<DebugProtocol.Breakpoint> {
    if (file === '' || line <= 0) return {}
    const path = this.#parts.paths.toClient(file)
    const name = path.split(/[\\/]/).at(-1) ?? path
    return { source: { path, name }, line: this.#parts.positions.toClientLine(line) }
  }

  #setExceptionBreakpoints({ arguments: args }: Call<'setExceptionBreakpoints'>): Body<'setExceptionBreakpoints'> {
    const known = new Set(exceptionBreakpointFilters.map(({ filter }) => filter))
    const filters = [...args.filters, ...(args.filterOptions ?? []).map(({ filterId }) => filterId)]
    this.#filters = new Set(filters)
    return {
      breakpoints: filters.map((filter) => {
        return known.has(filter) ? { verified: true } : { verified: false, message: `Delve has no filter '${filter}'.` }
      }),
    }
  }

  async #locations({ arguments: args }: Call<'breakpointLocations'>): Promise<Body<'breakpointLocations'>> {
    if (args === undefined) return { breakpoints: [] }
    const { paths, positions, program } = this.#parts
    const { path } = await paths.toFar(args.source.path ?? '')
    const first = positions.fromClientLine(args.line)
    const last = Math.min(positions.fromClientLine(args.endLine ?? args.line), first + locationsMax - 1)
    const lines = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
    const found = await program.interject((ask) => Promise.all(lines.map((line) => hasStatement(ask, path, line))))
    const there = lines.filter((_, index) => found[index])
    return { breakpoints: there.map((line) => ({ line: positions.toClientLine(line), column: positions.firstColumn })) }
  }
}
