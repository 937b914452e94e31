import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyEvent, Body } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'

/** More sources than any program shows; the oldest is forgotten first. */
const knownMax = 50_000

/** A bounded set: the oldest goes when it is full. */
class Recent<T> {
  readonly #values = new Set<T>()

  add(value: T): void {
    this.#values.add(value)
    if (this.#values.size > knownMax) this.#values.delete(this.#values.values().next().value!)
  }

  has(value: T): boolean {
    return this.#values.has(value)
  }
}

/** What the debugger itself has named to the client: sources that may be read, data that may be watched. */
export class Known {
  readonly #references = new Recent<number>()
  readonly #paths = new Recent<string>()
  readonly #data = new Recent<string>()

  /** May the text of this source be read? A reference counts, else the path. */
  source(source: DebugProtocol.Source | undefined, reference: number | undefined): boolean {
    const number = source?.sourceReference || reference
    if (number) return this.#references.has(number)
    return source?.path !== undefined && this.#paths.has(source.path)
  }

  data(dataId: string): boolean {
    return this.#data.has(dataId)
  }

  noteBody(command: Command, body: unknown): void {
    switch (command) {
      case 'stackTrace':
        for (const frame of (body as Body<'stackTrace'>).stackFrames) this.#note(frame.source)
        break
      case 'loadedSources':
        for (const source of (body as Body<'loadedSources'>).sources) this.#note(source)
        break
      case 'scopes':
        for (const scope of (body as Body<'scopes'>).scopes) this.#note(scope.source)
        break
      case 'locations':
        this.#note((body as Body<'locations'>)?.source)
        break
      case 'setBreakpoints':
      case 'setFunctionBreakpoints':
        for (const breakpoint of (body as Body<'setBreakpoints'>).breakpoints) this.#noteReference(breakpoint.source)
        break
      case 'dataBreakpointInfo': {
        const { dataId } = body as Body<'dataBreakpointInfo'>
        if (dataId !== null) this.#data.add(dataId)
        break
      }
      default:
    }
  }

  noteEvent(event: AnyEvent): void {
    if (event.event === 'loadedSource') this.#note(event.body.source)
    else if (event.event === 'output') this.#note(event.body.source)
    else if (event.event === 'breakpoint') this.#noteReference(event.body.breakpoint.source)
  }

  #note(source: DebugProtocol.Source | undefined): void {
    if (source === undefined) return
    if (source.path !== undefined) this.#paths.add(source.path)
    this.#noteReference(source)
    for (const inner of source.sources ?? []) this.#note(inner)
  }

  /** A breakpoint's source comes back with the path that the client gave: that alone makes no file known. */
  #noteReference(source: DebugProtocol.Source | undefined): void {
    if (source?.sourceReference) this.#references.add(source.sourceReference)
  }
}
