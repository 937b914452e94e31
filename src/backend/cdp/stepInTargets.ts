import type { Debugger } from 'node:inspector'
import type { Body } from '../../dap/call.ts'
import type { ProgramSources } from './maps/programSources.ts'
import type { Frame, Parts, Stop } from './parts.ts'
import type { Positions } from './positions.ts'
import type { DebugThread } from './thread.ts'

interface Known {
  readonly stop: Stop
  readonly location: Debugger.Location
}

/** Calls of one line; a minified one can have thousands. */
const targetsMax = 50
const nameMax = 80

/** The calls of the line at which a thread is stopped, for `stepIn` to choose one. */
export class StepInTargets {
  readonly #parts: Parts
  readonly #sources: ProgramSources
  readonly #positions: Positions
  #known = new Map<number, Known>()

  constructor({ parts, sources, positions }: { parts: Parts; sources: ProgramSources; positions: Positions }) {
    this.#parts = parts
    this.#sources = sources
    this.#positions = positions
  }

  async list(frame: Frame, signal: AbortSignal): Promise<Body<'stepInTargets'>> {
    const { stop, index, callFrame } = frame
    // Those of the frames below are being made.
    if (index !== 0) return { targets: [] }
    const { scriptId, lineNumber, columnNumber = 0 } = callFrame.location
    const { cdp, scripts } = stop.thread
    const script = scripts.byId(scriptId)
    if (script === undefined) return { targets: [] }
    const here = this.#sources.place(script, lineNumber, columnNumber)
    const end = here.mapped ? {} : { end: { scriptId, lineNumber: lineNumber + 1, columnNumber: 0 } }
    const asked = { start: callFrame.location, ...end, restrictToFunction: true }
    const [{ locations }, text] = await Promise.all([
      cdp.request<Debugger.GetPossibleBreakpointsReturnType>('Debugger.getPossibleBreakpoints', asked, signal),
      scripts.textOf(script, signal),
    ])
    const lines = text.split('\n')
    this.#known = new Map()
    const targets: Body<'stepInTargets'>['targets'] = []
    for (const location of locations) {
      const { type, lineNumber: line, columnNumber: column = 0 } = location
      if (type !== 'call') continue
      const place = this.#sources.place(script, line, column)
      if (place.line !== here.line || targets.length >= targetsMax) continue
      const id = this.#parts.nextId()
      this.#known.set(id, { stop, location: { scriptId, lineNumber: line, columnNumber: column } })
      const row = line - script.startLine
      const written = /^[\w$.#]+/.exec((lines[row] ?? '').slice(row === 0 ? column - script.startColumn : column))?.[0]
      targets.push({
        id,
        label: `${(place.name ?? written ?? 'call').slice(0, nameMax)}(…)`,
        line: this.#positions.toClientLine(place.line),
        column: this.#positions.toClientColumn(place.column),
      })
    }
    return { targets }
  }

  /** Undefined for a target of a stop that is over: the step is then an ordinary one. */
  location(id: number | undefined, thread: DebugThread): Debugger.Location | undefined {
    const known = id === undefined ? undefined : this.#known.get(id)
    return known?.stop === thread.stop ? known?.location : undefined
  }
}
