import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import type { Parts, Stop } from '../parts.ts'
import { scopeOf } from '../reads.ts'
import { delveTerms, termsOf, termsProblem } from './placed.ts'
import type { Wanted } from './placing.ts'

/** Something that the client sees in a variables view: how Delve reads it again, and where. */
export interface FoundItem {
  readonly expression: string
  readonly stop: Stop
  readonly goroutine: number
  readonly frame: number
}
export type FindItem = (reference: number, name: string) => FoundItem | undefined

/** Delve's bits. */
const watchTypes = { read: 1, write: 2, readWrite: 3 } as const

/** What is behind a data id; a client gives it back as it got it. */
interface Watched {
  readonly goroutine: number
  readonly frame: number
  readonly expression: string
}

/** Watchpoints: the processor's own, of which there are four. Nothing in the program is changed for them. */
export class DataBreakpoints {
  readonly #parts: Parts
  readonly #find: FindItem
  /** Of this stop: a frame is none any more at another one. */
  readonly #known = new Map<string, { readonly watched: Watched; readonly stop: Stop }>()

  constructor(parts: Parts, find: FindItem) {
    this.#parts = parts
    this.#find = find
  }

  async info({ arguments: args }: Call<'dataBreakpointInfo'>): Promise<Body<'dataBreakpointInfo'>> {
    const found = this.#found(args)
    if (found === undefined)
      return { dataId: null, description: `'${args.name}' is at no address that can be watched.` }
    const { stop, goroutine, frame, expression } = found
    const dataId = `${goroutine}:${frame}:${expression}`
    this.#known.set(dataId, { watched: { goroutine, frame, expression }, stop })
    // A processor has no watchpoints that see reads alone.
    return { dataId, description: args.name, accessTypes: ['write', 'readWrite'], canPersist: false }
  }

  #found(args: Call<'dataBreakpointInfo'>['arguments']): FoundItem | undefined {
    const { name, variablesReference, frameId } = args
    if (variablesReference !== undefined && variablesReference > 0) return this.#find(variablesReference, name)
    const frame = frameId === undefined ? undefined : this.#parts.frame(frameId)
    if (frame === undefined) return undefined
    return { expression: name, stop: frame.stop, goroutine: frame.goroutine, frame: frame.index }
  }

  wanted(breakpoints: readonly DebugProtocol.DataBreakpoint[]): Wanted[] {
    return breakpoints.map((breakpoint): Wanted => {
      const terms = termsOf(breakpoint)
      const type = watchTypes[breakpoint.accessType ?? 'write']
      const kind = 'data breakpoint'
      const key = `${type}:${breakpoint.dataId}`
      const known = this.#known.get(breakpoint.dataId)
      const message =
        termsProblem(terms) ?? (known === undefined ? 'What was to be watched is not known any more.' : undefined)
      if (message !== undefined || known === undefined) {
        return { kind, key, terms, make: undefined, ...(message === undefined ? {} : { message }) }
      }
      const { goroutine, frame, expression } = known.watched
      return {
        kind,
        key,
        terms,
        // Not under a name of ours: Delve gives watchpoints none.
        make: async (ask, _name, given) => {
          const made = await ask('CreateWatchpoint', { Scope: scopeOf(goroutine, frame), Expr: expression, Type: type })
          if (given.condition === '' && given.hitCondition === '') return made
          const whole = { ...made, ...delveTerms(given) }
          await this.#parts.program.interject((later) => later('AmendBreakpoint', { Breakpoint: whole }))
          return whole
        },
      }
    })
  }
}
