import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import { functionName, isRuntime, isSystem } from './names.ts'
import type { Parts, Stop } from './parts.ts'
import { aheadGoroutinesMax } from './quirks.ts'
import { goroutinesRead, scopeOf, selectedGoroutine } from './reads.ts'
import { noGoroutine, type ThreadIds } from './threadIds.ts'
import type { Goroutine, In, Thread } from './wire.ts'

/** So long is looked for goroutines that fit a filter: of 100,000 there may be one. */
const lookMs = 500
/** A page of less costs as much to begin; with a filter Delve counts in `Count` what it leaves out too, and answers little. */
const pageMin = 200
const filteredPageMin = 1_000
const waitingOnChannel = 8

interface Found {
  readonly goroutines: readonly Goroutine[]
  /** Where to go on: there are more. */
  readonly next: number | undefined
}

/** Goroutines as DAP's threads: the selected one, those that hit a breakpoint, the program's own, the runtime's. */
export class Goroutines {
  readonly #parts: Parts
  readonly #ids: ThreadIds
  /** Those of the last stop, which are shown while the program runs: it is not held for a list. */
  #last: readonly DebugProtocol.Thread[] = []
  readonly #told = new Set<string>()
  /** More than are written ahead. */
  #many = false

  constructor(parts: Parts, ids: ThreadIds) {
    this.#parts = parts
    this.#ids = ids
  }

  async threads({ signal }: Call<'threads'>): Promise<Body<'threads'>> {
    const { stop } = this.#parts.program
    if (stop === undefined) return { threads: this.#running() }
    try {
      return { threads: await this.#at(stop, signal) }
    } catch (error) {
      if (signal.aborted) throw error
      if (stop.isOver) return { threads: this.#running() }
      // No client expects this to fail: what the stop itself tells is known without a list.
      this.#tell('list', `The goroutines could not be read: ${String((error as Error).message)}`)
      return { threads: this.#rows(stop, []) }
    }
  }

  /**
   * Whom a pause is about: a program that waits is halted on a thread of the runtime, which is no goroutine. One that
   * runs, else the first of the program's own.
   */
  async prominent(stop: Stop): Promise<number> {
    if (stop.selected > 0) return stop.selected
    const running = (stop.state.Threads ?? []).find((thread) => thread.goroutineID > 0 && !isRuntime(thread.function))
    if (running !== undefined) return running.goroutineID
    const { Goroutines: page } = await stop.read(...goroutinesRead(0, aheadGoroutinesMax))
    return (page ?? []).find((goroutine) => goroutine.id > 0 && !isSystem(goroutine))?.id ?? stop.selected
  }

  /** The program was started anew. */
  forget(): void {
    this.#last = []
  }

  #running(): DebugProtocol.Thread[] {
    return this.#last.length > 0 ? [...this.#last] : [{ id: noGoroutine, name: '(running)' }]
  }

  async #at(stop: Stop, signal: AbortSignal): Promise<DebugProtocol.Thread[]> {
    const { settings } = this.#parts
    const { goroutines, next } = await this.#find(stop, signal)
    const readable = goroutines.filter(({ unreadable }) => unreadable === undefined || unreadable === '')
    const bad = goroutines.find(({ unreadable }) => unreadable !== undefined && unreadable !== '')
    if (bad !== undefined) {
      const count = goroutines.length - readable.length
      this.#tell('unreadable', `${count} goroutines are not listed since they can't be read: ${bad.unreadable}`)
    }
    const shown = this.#rows(stop, readable).slice(0, Math.max(settings.goroutines, stoppedThreads(stop).length + 1))
    if (next !== undefined || readable.length > settings.goroutines) this.#tellMore(shown.length, readable.length, next)
    this.#last = shown.map(({ id, name }) => ({ id, name: name.replace(/^\* /, '') }))
    return shown
  }

  #tellMore(shown: number, found: number, next: number | undefined): void {
    const { goroutineFilters: filters, goroutines: limit } = this.#parts.settings
    if (filters.length > 0 && found < limit && next !== undefined) {
      const why = `in ${lookMs} ms, and more would hold up each stop`
      return this.#tell('looked', `Only ${next} goroutines were looked through for "goroutineFilters", ${why}.`)
    }
    const advice = 'The option "goroutines" of the target lists more, and "goroutineFilters" chooses.'
    this.#tell('more', `The program has more goroutines than the ${shown} that are listed. ${advice}`)
  }

  async #find(stop: Stop, signal: AbortSignal): Promise<Found> {
    const { program, settings } = this.#parts
    const { goroutineFilters: filters, goroutines: limit, hideSystemGoroutines } = settings
    const goroutines: Goroutine[] = []
    const untilMs = performance.now() + lookMs
    const isAhead = filters.length === 0 && !this.#many
    let total = 0
    let start = 0
    let count = isAhead ? aheadGoroutinesMax : limit
    while (start >= 0) {
      const { Goroutines: page, Nextg } = await stop.read(...this.#read(start, count), signal)
      total += page?.length ?? 0
      for (const goroutine of page ?? []) if (!hideSystemGoroutines || !isSystem(goroutine)) goroutines.push(goroutine)
      // The index of the next one, -1 at the end; of a runtime that is not up there is neither.
      start = Nextg > start ? Nextg : -1
      if (goroutines.length >= limit || (start >= limit && performance.now() > untilMs)) break
      count = Math.max(filters.length > 0 ? filteredPageMin : pageMin, limit - goroutines.length)
    }
    if (filters.length === 0) {
      this.#many = start >= 0 || total > aheadGoroutinesMax
      program.sawGoroutines(start >= 0 ? Infinity : total)
    }
    return { goroutines, next: start >= 0 ? start : undefined }
  }

  #read(start: number, count: number): readonly ['ListGoroutines', In<'ListGoroutines'>] {
    const { goroutineFilters: filters } = this.#parts.settings
    const [method, argument] = goroutinesRead(start, count, filters)
    if (!filters.some(({ Kind }) => Kind === waitingOnChannel)) return [method, argument]
    return [method, { ...argument, EvalScope: scopeOf(selectedGoroutine, 0) }]
  }

  #rows(stop: Stop, goroutines: readonly Goroutine[]): DebugProtocol.Thread[] {
    const { selected, state } = stop
    const rows = new Map<number, DebugProtocol.Thread>()
    const add = (id: number, name: string): void => {
      const thread = this.#ids.toThread(id)
      if (rows.has(thread)) return
      rows.set(thread, { id: thread, name: id === selected ? `* ${name}` : name })
    }
    const byId = new Map(goroutines.map((goroutine) => [goroutine.id, goroutine]))
    const { currentGoroutine, currentThread } = state
    if (currentGoroutine !== undefined && selected > 0) add(selected, this.#name(currentGoroutine))
    for (const thread of stoppedThreads(stop)) {
      const goroutine = byId.get(thread.goroutineID)
      add(thread.goroutineID, goroutine === undefined ? threadName(thread) : this.#name(goroutine))
    }
    for (const goroutine of goroutines) if (!isSystem(goroutine)) add(goroutine.id, this.#name(goroutine))
    if (currentThread !== undefined) add(selected, threadName(currentThread))
    for (const goroutine of goroutines) add(goroutine.id, this.#name(goroutine))
    return [...rows.values()]
  }

  /** As `dlv dap` names them. */
  #name({ id, labels, userCurrentLoc, threadID }: Goroutine): string {
    const thread = threadID > 0 ? ` (Thread ${threadID})` : ''
    return `[Go ${id}${this.#labels(labels ?? {})}] ${functionName(userCurrentLoc.function)}${thread}`
  }

  #labels(labels: Readonly<Record<string, string>>): string {
    const wanted = this.#parts.settings.showPprofLabels
    const only = wanted.length === 1 ? wanted[0] : undefined
    const keys = only === '*' ? Object.keys(labels).sort() : wanted
    const words = keys.filter((key) => Object.hasOwn(labels, key) && labels[key] !== '')
    return words.map((key) => (only === key ? ` ${labels[key]}` : ` ${key}:${labels[key]}`)).join('')
  }

  #tell(about: string, sentence: string): void {
    if (this.#told.has(about)) return
    this.#told.add(about)
    this.#parts.note(sentence)
  }
}

/** Threads that stand at a breakpoint, whoever is selected. */
export function stoppedThreads({ state }: Stop): Thread[] {
  return (state.Threads ?? []).filter(({ breakPoint, goroutineID }) => breakPoint !== undefined && goroutineID > 0)
}

function threadName({ id, goroutineID, function: fn }: Thread): string {
  const goroutine = goroutineID > 0 ? `[Go ${goroutineID}] ` : ''
  return `${goroutine}${functionName(fn)} (Thread ${id})`
}
