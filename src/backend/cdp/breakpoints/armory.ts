import type { Debugger } from 'node:inspector'
import type { Thread } from '../parts.ts'
import type { Breakpoint } from './breakpoint.ts'
import { breakpointIdOf, selectorOf, type WantedPlace } from './place.ts'

/** One breakpoint of V8's; of ours several may share it. */
interface Armed {
  readonly v8Id: string
  readonly condition: string | undefined
  readonly users: Set<Breakpoint>
  /** Where it is in the scripts that are loaded. */
  locations: Debugger.Location[]
  problem: string | undefined
  answered: Promise<void>
}

/** Of a file that is loaded again and again, the newest are remembered. */
const locationsMax = 100
/** Different conditions at one place. */
const variantsMax = 20

/** What is set in one V8. */
export class Armory {
  readonly thread: Thread
  readonly #armed = new Map<string, Armed>()
  readonly #onChange: (breakpoint: Breakpoint) => void
  readonly #stop: () => void

  constructor(thread: Thread, onChange: (breakpoint: Breakpoint) => void) {
    this.thread = thread
    this.#onChange = onChange
    this.#stop = thread.cdp.on('Debugger.breakpointResolved', ({ breakpointId, location }) => {
      const armed = this.#armed.get(breakpointId)
      if (armed === undefined) return
      addLocation(armed, location)
      for (const breakpoint of armed.users) this.#onChange(breakpoint)
    })
  }

  /** Puts it at these places and no others. Resolves when V8 has answered for all; what went wrong is in `problem`. */
  async arm(breakpoint: Breakpoint, places: readonly WantedPlace[]): Promise<void> {
    const wanted = new Set(places.map((place) => this.#join(breakpoint, place)).filter((armed) => armed !== undefined))
    for (const armed of this.#of(breakpoint)) if (!wanted.has(armed)) this.#part(armed, breakpoint)
    await Promise.all([...wanted].map((armed) => armed.answered))
  }

  disarm(breakpoint: Breakpoint): void {
    for (const armed of this.#of(breakpoint)) this.#part(armed, breakpoint)
  }

  /** Of the newest script that it is in. */
  location(breakpoint: Breakpoint): Debugger.Location | undefined {
    let newest: Debugger.Location | undefined
    for (const { locations } of this.#of(breakpoint)) {
      for (const location of locations) {
        if (newest === undefined || Number(location.scriptId) >= Number(newest.scriptId)) newest = location
      }
    }
    return newest
  }

  problem(breakpoint: Breakpoint): string | undefined {
    return this.#of(breakpoint).find(({ problem }) => problem !== undefined)?.problem
  }

  /** Those of ours that V8 means; of an id that is just being taken out, none. */
  hit(v8Ids: readonly string[]): Breakpoint[] {
    return [...new Set(v8Ids.flatMap((id) => [...(this.#armed.get(id)?.users ?? [])]))]
  }

  /** Those that are at this very place. */
  at(location: Debugger.Location): Breakpoint[] {
    const isHere = (each: Debugger.Location): boolean =>
      each.scriptId === location.scriptId &&
      each.lineNumber === location.lineNumber &&
      each.columnNumber === location.columnNumber
    const here = [...this.#armed.values()].filter(({ locations }) => locations.some(isHere))
    return [...new Set(here.flatMap(({ users }) => [...users]))]
  }

  /** Takes all out, in one flight. */
  async leave(): Promise<void> {
    this.#stop()
    const ids = [...this.#armed.keys()]
    this.#armed.clear()
    const gone = ids.map((breakpointId) => this.thread.cdp.request('Debugger.removeBreakpoint', { breakpointId }))
    await Promise.allSettled(gone)
  }

  #of(breakpoint: Breakpoint): Armed[] {
    return [...this.#armed.values()].filter(({ users }) => users.has(breakpoint))
  }

  #join(breakpoint: Breakpoint, place: WantedPlace): Armed | undefined {
    for (let variant = 0; variant < variantsMax; variant += 1) {
      const selector = selectorOf(place, variant)
      if (selector === undefined) return undefined
      const { line: lineNumber, column: columnNumber } = place
      const v8Id = breakpointIdOf(selector, lineNumber, columnNumber)
      const known = this.#armed.get(v8Id)
      const condition = breakpoint.text
      if (known === undefined) {
        const params = { ...selector, lineNumber, columnNumber, ...(condition === undefined ? {} : { condition }) }
        return this.#set({ v8Id, condition, users: new Set([breakpoint]), params })
      }
      if (known.condition === condition) {
        known.users.add(breakpoint)
        return known
      }
    }
    return undefined
  }

  #set(parts: Pick<Armed, 'v8Id' | 'condition' | 'users'> & { readonly params: object }): Armed {
    const { params, ...rest } = parts
    const armed: Armed = { ...rest, locations: [], problem: undefined, answered: Promise.resolve() }
    this.#armed.set(armed.v8Id, armed)
    armed.answered = this.thread.cdp
      .request<Debugger.SetBreakpointByUrlReturnType>('Debugger.setBreakpointByUrl', params)
      .then(
        ({ locations }) => locations.forEach((location) => addLocation(armed, location)),
        (error: unknown) => {
          armed.problem = error instanceof Error ? error.message : String(error)
        },
      )
    return armed
  }

  /** V8 takes requests in their order, so the place is free for the next one at once. */
  #part(armed: Armed, breakpoint: Breakpoint): void {
    armed.users.delete(breakpoint)
    if (armed.users.size > 0) return
    this.#armed.delete(armed.v8Id)
    this.thread.cdp.send('Debugger.removeBreakpoint', { breakpointId: armed.v8Id })
  }
}

function addLocation(armed: Armed, location: Debugger.Location): void {
  armed.locations.push(location)
  if (armed.locations.length > locationsMax) armed.locations.shift()
}
