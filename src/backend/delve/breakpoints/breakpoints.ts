// A stand-in of the lead's for a moment, to join the parts: the breakpoints helper replaces this file whole.
import type { Handlers } from '../../backend.ts'
import type { Ask, Parts, Stop } from '../parts.ts'
import type { Decision } from '../stops.ts'

export class Breakpoints {
  readonly handlers: Handlers
  readonly #ids = new Map<number, number>()

  constructor(parts: Parts) {
    this.handlers = {
      setBreakpoints: async ({ arguments: { source, breakpoints = [] } }) => {
        const { path } = await parts.paths.toFar(source.path ?? '')
        const made = await parts.program.interject((ask) =>
          Promise.all([
            ...[...this.#ids.keys()].map((Id) => ask('ClearBreakpoint', { Id })),
            ...breakpoints.map(({ line }) =>
              ask('CreateBreakpoint', { Breakpoint: { name: `${parts.prefix}n${line}`, file: path, line } }),
            ),
          ]),
        )
        this.#ids.clear()
        const own = made.slice(made.length - breakpoints.length) as { Breakpoint: { id: number; line: number } }[]
        return {
          breakpoints: own.map(({ Breakpoint }) => {
            const id = parts.nextId()
            this.#ids.set(Breakpoint.id, id)
            return { id, verified: true, line: Breakpoint.line }
          }),
        }
      },
      setExceptionBreakpoints: async () => undefined,
    }
  }

  hit(stop: Stop): Decision {
    const hit = stop.state.Threads?.find(({ breakPoint }) => breakPoint !== undefined)
    if (hit === undefined) return { kind: 'resume' }
    const id = this.#ids.get(hit.breakPoint!.id)
    return { kind: 'stop', reason: 'breakpoint', hitBreakpointIds: id === undefined ? [] : [id], also: [] }
  }

  clear(ask: Ask): Promise<unknown> {
    return Promise.all([...this.#ids.keys()].map((Id) => ask('ClearBreakpoint', { Id })))
  }
}
