import type { Debugger } from 'node:inspector'
import type { ProgramSources } from './maps/programSources.ts'
import type { Frame, Stop } from './parts.ts'
import type { Run } from './thread.ts'

/** What the client asked of a thread, and what its next stop is therefore about. */
export type Asked = 'next' | 'stepIn' | 'stepOut' | 'restart' | 'pause'

/** Stops of V8 that one step may pass by; each costs a round trip. Then it is shown where it is. */
const passedMax = 500
/** So far is looked into skipped code for a call back into the program's own; after that it is left. */
const lookedInMax = 100
const lookedInMs = 1_000

interface Step {
  readonly asked: Asked
  /** Frames of the stop that it began at. */
  readonly depth: number
  readonly from: Debugger.Location | undefined
  /** The call that `stepIn` was told to follow. */
  readonly target: Debugger.Location | undefined
  readonly sinceMs: number
  passed: number
  /** V8 stopped on the way for what is no stop to the client: goes back to where it began. */
  returning: boolean
}

export interface SteppingOptions {
  readonly sources: ProgramSources
  /** Passes by code that no map maps, in scripts which have one. */
  readonly smartStep: boolean
}

/** One thread's step: where it may end. Everything is decided from memory, and never waits for a map. */
export class Stepping {
  readonly #options: SteppingOptions
  #step: Step | undefined

  constructor(options: SteppingOptions) {
    this.#options = options
  }

  get asked(): Asked | undefined {
    return this.#step?.asked
  }

  begin(asked: Asked, stop?: Stop, target?: Debugger.Location): void {
    this.#step = {
      asked,
      depth: stop?.frames.length ?? 0,
      from: stop?.frames[0]?.callFrame.location,
      target,
      sinceMs: performance.now(),
      passed: 0,
      returning: false,
    }
  }

  end(): void {
    this.#step = undefined
  }

  /** V8 stopped for what is no stop: how the thread goes on. */
  passing(stop: Stop): Run {
    const step = this.#step
    if (step === undefined || step.asked === 'pause' || step.asked === 'restart') return 'resume'
    if (step.asked === 'stepIn') return 'stepInto'
    step.returning = true
    return this.#back(step, stop) ?? (step.asked === 'next' ? 'stepOver' : 'stepOut')
  }

  /** How the step goes on from here; undefined if it ends here. */
  next(stop: Stop): Run | undefined {
    const step = this.#step
    if (step === undefined || step.asked === 'pause' || step.asked === 'restart') return undefined
    // Deeper than it began, and V8 steps over: that is a `debugger` statement.
    if (step.asked !== 'stepIn' && !step.returning && stop.frames.length > step.depth) return undefined
    step.passed += 1
    if (step.passed > passedMax) return undefined
    if (step.returning) {
      const back = this.#back(step, stop)
      if (back !== undefined) return back
      step.returning = false
    }
    if (step.target !== undefined) {
      const run = towards(step.target, step, stop)
      if (run !== undefined) return run
    }
    return this.#pass(step, stop)
  }

  #back(step: Step, stop: Stop): Run | undefined {
    const goal = step.asked === 'stepOut' ? step.depth - 1 : step.depth
    if (stop.frames.length > goal) return 'stepOut'
    const isSameLine = step.from?.lineNumber === stop.frames[0]?.callFrame.location.lineNumber
    return step.asked === 'next' && stop.frames.length === goal && isSameLine ? 'stepOver' : undefined
  }

  #pass(step: Step, stop: Stop): Run | undefined {
    const kind = this.#kindOf(stop.frames[0])
    if (kind === 'own') return undefined
    if (kind === 'unmapped')
      return { next: 'stepOver', stepIn: 'stepInto', stepOut: 'stepOut' }[step.asked as 'next'] as Run
    const looking = step.passed <= lookedInMax && performance.now() - step.sinceMs < lookedInMs
    if (step.asked === 'stepIn' && looking) return 'stepInto'
    if (stop.frames.some((frame) => this.#kindOf(frame) === 'own')) return 'stepOut'
    // Nothing of the program's own is left on the stack: the step has nowhere to end, and the program goes on.
    this.#step = undefined
    return 'resume'
  }

  #kindOf(frame: Frame | undefined): 'own' | 'skipped' | 'unmapped' {
    if (frame === undefined) return 'own'
    const { scriptId, lineNumber, columnNumber = 0 } = frame.callFrame.location
    const script = frame.stop.thread.scripts.byId(scriptId)
    if (script === undefined) return 'own'
    const { skipped, hasMap, mapped } = this.#options.sources.place(script, lineNumber, columnNumber)
    if (skipped) return 'skipped'
    return hasMap && !mapped && this.#options.smartStep ? 'unmapped' : 'own'
  }
}

/** Into the call at that place, past the other calls of its statement; undefined when it is there, or beyond. */
function towards(target: Debugger.Location, step: Step, { frames }: Stop): Run | undefined {
  if (frames.length > step.depth + 1) return 'stepOut'
  if (frames.length === step.depth + 1) return isSame(frames[1]!.callFrame.location, target) ? undefined : 'stepOut'
  const isSameLine = frames[0]?.callFrame.location.lineNumber === step.from?.lineNumber
  return frames.length === step.depth && isSameLine ? 'stepInto' : undefined
}

export function isSame(a: Debugger.Location, b: Debugger.Location): boolean {
  return a.scriptId === b.scriptId && a.lineNumber === b.lineNumber && a.columnNumber === b.columnNumber
}
