import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import type { Parts, Stop } from '../parts.ts'
import { scopeOf } from '../reads.ts'
import type { Breakpoint } from './breakpoint.ts'
import { failureOf } from './failures.ts'
import type { Sites } from './sites.ts'

/** Something that the client sees in a variables view: how Delve reads it again, and where. */
export interface FoundItem {
  readonly expression: string
  readonly stop: Stop
  readonly goroutine: number
  readonly frame: number
}
export type FindItem = (reference: number, name: string) => FoundItem | undefined

/** Delve's bits. */
const accesses = { read: 1, write: 2, readWrite: 3 } as const

export function accessOf({ accessType = 'write' }: DebugProtocol.DataBreakpoint): number {
  return accesses[accessType]
}

/** Watchpoints are the processor's own: nothing in the program is changed for them, and there are few. */
export class DataBreakpoints {
  readonly #parts: Parts
  readonly #sites: Sites
  readonly #find: FindItem
  /** Behind the data ids of the stop that there is: at another one a frame is another. */
  readonly #known = new Map<string, FoundItem>()
  #stop: Stop | undefined
  #stops = 0

  constructor(parts: Parts, sites: Sites, find: FindItem) {
    this.#parts = parts
    this.#sites = sites
    this.#find = find
  }

  async info({ arguments: args }: Call<'dataBreakpointInfo'>): Promise<Body<'dataBreakpointInfo'>> {
    const found = this.#found(args)
    if (found === undefined || found.stop.isOver) {
      return { dataId: null, description: `'${args.name}' is at no address that can be watched.` }
    }
    const { stop, goroutine, frame, expression } = found
    if (stop !== this.#stop) {
      this.#stop = stop
      this.#stops += 1
      this.#known.clear()
    }
    // The same for the same: a client finds its breakpoint again by it.
    const dataId = `${this.#stops}:${goroutine}:${frame}:${expression}`
    this.#known.set(dataId, found)
    // A processor has no watchpoints that see reads alone.
    return { dataId, description: args.name, accessTypes: ['write', 'readWrite'], canPersist: false }
  }

  #found({ name, variablesReference, frameId }: Call<'dataBreakpointInfo'>['arguments']): FoundItem | undefined {
    if (variablesReference !== undefined && variablesReference > 0) return this.#find(variablesReference, name)
    const frame = frameId === undefined ? undefined : this.#parts.frame(frameId)
    if (frame === undefined) return undefined
    return { expression: name, stop: frame.stop, goroutine: frame.goroutine, frame: frame.index }
  }

  async place(breakpoint: Breakpoint): Promise<void> {
    const { key, access } = breakpoint.wanted
    const known = this.#known.get(key)
    if (known === undefined || known.stop.isOver) {
      breakpoint.problem = 'The program has run since this variable was looked at: choose it anew.'
      return
    }
    const { goroutine, frame, expression } = known
    try {
      const asked = { Scope: scopeOf(goroutine, frame), Expr: expression, Type: access }
      await this.#sites.watch(asked, breakpoint)
    } catch (error) {
      const failure = failureOf(error)
      breakpoint.problem = failure.kind === 'other' ? failure.message : `'${expression}' is watched already.`
    }
  }
}
