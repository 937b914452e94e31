import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Debugger, Runtime } from 'node:inspector'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { present } from '../../lib/present.ts'
import type { Place, ProgramSources } from './maps/programSources.ts'
import type { Frame, Parts, Script, Stop } from './parts.ts'
import type { Positions } from './positions.ts'

/** A frame that has returned: where the program was when it began what it does now. */
interface AsyncFrame {
  readonly id: number
  /** What led from it to here, `await` or `setTimeout`; undefined for a frame. */
  readonly label: string | undefined
  readonly callFrame: Runtime.CallFrame | undefined
}

/** Async frames are as deep as the program's promises; nobody reads on after this. */
const asyncFramesMax = 1_000

/** Where V8 stopped, as the client sees it. Everything is answered from memory. */
export class Stacks {
  readonly #parts: Parts
  readonly #sources: ProgramSources
  readonly #positions: Positions
  readonly #async = new WeakMap<Stop, readonly AsyncFrame[]>()

  constructor(parts: Parts, sources: ProgramSources, positions: Positions) {
    this.#parts = parts
    this.#sources = sources
    this.#positions = positions
  }

  async stackTrace({ arguments: args }: Call<'stackTrace'>): Promise<Body<'stackTrace'>> {
    const stop = this.#parts.thread(args.threadId)?.stop
    if (stop === undefined) throw dapError('notStopped', {})
    const asyncFrames = this.#asyncOf(stop)
    const { startFrame = 0, levels = 0 } = args
    const totalFrames = stop.frames.length + asyncFrames.length
    const end = levels > 0 ? Math.min(totalFrames, startFrame + levels) : totalFrames
    const stackFrames: DebugProtocol.StackFrame[] = []
    for (let at = Math.max(0, startFrame); at < end; at += 1) {
      const frame = stop.frames[at]
      if (frame !== undefined) stackFrames.push(this.#shown(frame))
      else stackFrames.push(this.#asyncShown(stop, asyncFrames[at - stop.frames.length]!))
    }
    return { stackFrames, totalFrames }
  }

  /** Has the frame returned? Then nothing of it can be looked at. */
  isAsync(id: number): boolean {
    for (const { stop } of this.#parts.threads()) {
      if (stop !== undefined && this.#async.get(stop)?.some((frame) => frame.id === id) === true) return true
    }
    return false
  }

  /** Where that is for the client; undefined for what is no script any more. */
  place(stop: Pick<Stop, 'thread'>, scriptId: string, line: number, column: number): Place | undefined {
    const script = stop.thread.scripts.byId(scriptId)
    return script === undefined ? undefined : this.#sources.place(script, line, column)
  }

  #shown({ id, stop, callFrame }: Frame): DebugProtocol.StackFrame {
    const { scriptId, lineNumber, columnNumber = 0 } = callFrame.location
    const script = stop.thread.scripts.byId(scriptId)
    const canBeRestarted = (callFrame as { readonly canBeRestarted?: boolean }).canBeRestarted === true
    return {
      id,
      name: this.#nameOf(script, callFrame),
      ...this.#at(script, lineNumber, columnNumber),
      canRestart: canBeRestarted,
    }
  }

  #asyncShown(stop: Stop, { id, label, callFrame }: AsyncFrame): DebugProtocol.StackFrame {
    if (callFrame === undefined) return { id, name: label ?? '', line: 0, column: 0, presentationHint: 'label' }
    const script = stop.thread.scripts.byId(callFrame.scriptId)
    return {
      id,
      name: callFrame.functionName || anonymous,
      ...this.#at(script, callFrame.lineNumber, callFrame.columnNumber),
      canRestart: false,
    }
  }

  #at(script: Script | undefined, line: number, column: number): Omit<DebugProtocol.StackFrame, 'id' | 'name'> {
    if (script === undefined) return { line: 0, column: 0, presentationHint: 'subtle' }
    const place = this.#sources.place(script, line, column)
    const isBundlers = place.hasMap && !place.mapped
    return present({
      source: place.skipped ? { ...place.source, origin: 'skipped by skipFiles' } : place.source,
      line: this.#positions.toClientLine(place.line),
      column: this.#positions.toClientColumn(place.column),
      presentationHint: place.skipped || isBundlers || script.internal ? ('subtle' as const) : undefined,
    })
  }

  /** A minified name is the map's, where that has one for exactly the name in front of the parameters. */
  #nameOf(script: Script | undefined, { functionName, functionLocation }: Debugger.CallFrame): string {
    if (functionName === '') return anonymous
    if (script === undefined || functionLocation === undefined) return functionName
    const { lineNumber, columnNumber = 0 } = functionLocation
    if (columnNumber === 0) return functionName
    const { name, ...at } = this.#sources.place(script, lineNumber, columnNumber)
    if (name === undefined || !at.mapped) return functionName
    // `t=e=>…` begins at its parameter, which has a name of its own.
    const before = this.#sources.place(script, lineNumber, columnNumber - 1)
    return before.name === name && before.line === at.line && before.column === at.column ? name : functionName
  }

  #asyncOf(stop: Stop): readonly AsyncFrame[] {
    const known = this.#async.get(stop)
    if (known !== undefined) return known
    const frames: AsyncFrame[] = []
    let trace = stop.event.asyncStackTrace
    while (trace !== undefined && frames.length < asyncFramesMax) {
      if (trace.callFrames.length > 0) {
        frames.push({ id: this.#parts.nextId(), label: trace.description ?? 'async', callFrame: undefined })
        for (const callFrame of trace.callFrames) {
          frames.push({ id: this.#parts.nextId(), label: undefined, callFrame })
        }
      }
      trace = trace.parent
    }
    this.#async.set(stop, frames)
    return frames
  }
}

const anonymous = '(anonymous)'
