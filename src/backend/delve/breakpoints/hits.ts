import { exceptionBreakpointFilters } from '../features.ts'
import type { Parts, Stop } from '../parts.ts'
import { errorReason, fatalThrow, unrecoveredPanic } from '../reasons.ts'
import type { Decision } from '../stops.ts'
import type { Breakpoint as DelveBreakpoint, Thread } from '../wire.ts'
import type { Breakpoint, Kind } from './breakpoint.ts'
import { hitOf, messageText, valuesOf } from './checks.ts'
import { addressesAt, toldAt, type Site, type Sites } from './sites.ts'

/** DAP's. */
const reasons = {
  line: 'breakpoint',
  function: 'function breakpoint',
  instruction: 'instruction breakpoint',
  data: 'data breakpoint',
} as const satisfies Record<Kind, string>

/** Delve's own, besides those for exceptions, has no breakpoint of anybody behind it: `runtime.Breakpoint()`. */
const isOfNobody = ({ id }: DelveBreakpoint): boolean => id < fatalThrow

interface Hit {
  readonly goroutine: number
  readonly reason: string
  readonly ids: readonly number[]
  readonly failure?: string
}

/** What threads stand at, in the client's terms. */
export class Hits {
  /** The exceptions to stop at. Delve stops at all of them. */
  filters: ReadonlySet<string> = new Set(
    exceptionBreakpointFilters.filter((filter) => filter.default === true).map(({ filter }) => filter),
  )
  readonly #parts: Parts
  readonly #sites: Sites

  constructor(parts: Parts, sites: Sites) {
    this.#parts = parts
    this.#sites = sites
  }

  /** Log points say their lines: called once for a stop. */
  decide({ state, selected }: Stop): Decision {
    const hits = new Map<number, Hit>()
    for (const thread of state.Threads ?? []) {
      const hit = this.#at(thread)
      if (hit === undefined) continue
      const known = hits.get(hit.goroutine)
      hits.set(hit.goroutine, known === undefined ? hit : { ...known, ids: [...known.ids, ...hit.ids] })
    }
    const all = [...hits.values()]
    // What ends the program is what it is about, whoever is selected.
    const first = all.find(({ reason }) => reason === 'exception') ?? hits.get(selected) ?? all[0]
    if (first === undefined) return { kind: 'resume' }
    const { goroutine, reason, ids: hitBreakpointIds, failure } = first
    const others = all.filter((hit) => hit !== first && hit.goroutine > 0)
    const also = others.map(({ goroutine: other, ids }) => ({ goroutine: other, hitBreakpointIds: ids }))
    const error = failure === undefined ? {} : errorReason(failure)
    return { kind: 'stop', goroutine, reason, hitBreakpointIds, also, ...error }
  }

  /** Data breakpoints that Delve has taken out: the function of their variable has returned. */
  goneAt({ state }: Stop): Breakpoint[] {
    return (state.WatchOutOfScope ?? []).flatMap((gone) => {
      const site = this.#sites.of(gone)
      return site === undefined || site === 'cleared' ? [] : [...site.members]
    })
  }

  #at(thread: Thread): Hit | undefined {
    const { breakPoint, goroutineID: goroutine } = thread
    if (breakPoint === undefined || isOfNobody(breakPoint)) return undefined
    if (breakPoint.id === unrecoveredPanic || breakPoint.id === fatalThrow) {
      const filter = breakPoint.id === unrecoveredPanic ? 'unrecovered-panic' : 'runtime-fatal-throw'
      return this.filters.has(filter) ? { goroutine, reason: 'exception', ids: [] } : undefined
    }
    const site = this.#sites.of(breakPoint)
    if (site === 'cleared') return undefined
    if (site !== undefined) return this.#atOurs(site, thread)
    const members = this.#sites.leftTo(addressesAt(thread))
    // Of another client: what only logs there is no stop here either.
    if (breakPoint.continue && members.length === 0) return undefined
    return { goroutine, reason: reasonOf(members), ids: members.map(({ id }) => id) }
  }

  #atOurs(site: Site, thread: Thread): Hit | undefined {
    const values = valuesOf(thread)
    const { hit, failure } = hitOf(toldAt(site, thread), site.members, values)
    for (const { breakpoint, checks } of hit) {
      if (checks.message !== undefined) this.#log(messageText(checks.message, values), breakpoint.source, thread)
    }
    const stops = hit.filter(({ checks }) => failure !== undefined || checks.message === undefined)
    if (stops.length === 0) return undefined
    const all = stops.map(({ breakpoint }) => breakpoint)
    const { goroutineID: goroutine } = thread
    const ids = all.map(({ id }) => id)
    if (failure !== undefined) return { goroutine, reason: 'exception', ids, failure }
    return { goroutine, reason: reasonOf(all), ids }
  }

  #log(text: string, source: Breakpoint['source'], { file, line }: Thread): void {
    const { context, paths, positions } = this.#parts
    const path = paths.toClient(file)
    context.emit('output', {
      category: 'stdout',
      output: `${text}\n`,
      source: source ?? { path, name: path.split(/[\\/]/).at(-1) ?? path },
      line: positions.toClientLine(line),
    })
  }
}

/** What is no line's alone is told only if it is of one kind. */
function reasonOf(members: readonly Breakpoint[]): string {
  const [first, ...others] = new Set(members.map(({ wanted }) => wanted.kind))
  return first === undefined || others.length > 0 ? 'breakpoint' : reasons[first]
}
