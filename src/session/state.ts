import type { Command } from '../dap/protocol.ts'
import { dapError, type DapError } from '../dap/errors.ts'

/**
 * Where a session is in its life. `attaching` may last: a slow attach is answered early and goes on in the background.
 * `configuring` is between `initialized` and `configurationDone`.
 */
export type Phase = 'new' | 'initialized' | 'attaching' | 'configuring' | 'attached' | 'ending' | 'ended'

/** What a command needs before it may reach the debugger. */
type Need = 'new' | 'initialized' | 'configuring' | 'ready' | 'stopped' | 'always'

const needs = {
  cancel: 'always',
  disconnect: 'always',
  initialize: 'new',
  attach: 'initialized',
  launch: 'initialized',
  configurationDone: 'configuring',
  restart: 'ready',
  terminate: 'ready',
  breakpointLocations: 'ready',
  setBreakpoints: 'ready',
  setFunctionBreakpoints: 'ready',
  setExceptionBreakpoints: 'ready',
  dataBreakpointInfo: 'ready',
  setDataBreakpoints: 'ready',
  setInstructionBreakpoints: 'ready',
  // Steps and `continue` may come just as the program was resumed by us or by itself; the session answers them (steps).
  continue: 'ready',
  next: 'ready',
  stepIn: 'ready',
  stepOut: 'ready',
  stepBack: 'ready',
  reverseContinue: 'ready',
  pause: 'ready',
  restartFrame: 'stopped',
  goto: 'stopped',
  stackTrace: 'stopped',
  // Their handles say by themselves whether they are still valid; values of `output` events outlive a stop.
  scopes: 'ready',
  variables: 'ready',
  setVariable: 'ready',
  evaluate: 'ready',
  setExpression: 'ready',
  source: 'ready',
  threads: 'ready',
  terminateThreads: 'ready',
  modules: 'ready',
  loadedSources: 'ready',
  stepInTargets: 'stopped',
  gotoTargets: 'stopped',
  completions: 'ready',
  exceptionInfo: 'stopped',
  readMemory: 'ready',
  writeMemory: 'ready',
  disassemble: 'ready',
  locations: 'ready',
} as const satisfies Record<Command, Need>

/** The run state of one session: its phase, and which threads are stopped. */
export class State {
  #phase: Phase = 'new'
  readonly #stopped = new Set<number>()
  #allStopped = false
  /** When the program was last stopped, ms epoch; undefined while all runs. */
  pausedSince: number | undefined

  get phase(): Phase {
    return this.#phase
  }

  /** Phases only go forward. */
  enter(phase: Phase): void {
    this.#phase = phase
  }

  get isStopped(): boolean {
    return this.#allStopped || this.#stopped.size > 0
  }

  /** The debugger stops all threads at once, as far as it has said; or one alone, and none is left stopped without it. */
  get stoppedTogether(): boolean {
    return this.#allStopped || this.#stopped.size <= 1
  }

  isThreadStopped(thread: number): boolean {
    return this.#allStopped || this.#stopped.has(thread)
  }

  stopped(thread: number | undefined, all: boolean): void {
    if (thread !== undefined) this.#stopped.add(thread)
    if (all) this.#allStopped = true
    this.pausedSince ??= Date.now()
  }

  /** The thread runs again; all threads if undefined. */
  resumed(thread: number | undefined): void {
    if (thread === undefined) this.#stopped.clear()
    else this.#stopped.delete(thread)
    this.#allStopped = false
    if (!this.isStopped) this.pausedSince = undefined
  }

  /** Why the command may not pass now; undefined if it may. */
  refusal(command: Command): DapError | undefined {
    const phase = this.#phase
    const need = needs[command]
    const no = (why: string): DapError => dapError('wrongState', { command, why })
    if (need === 'always') return undefined
    if (phase === 'ending' || phase === 'ended') return no('the session is ending')
    if (need === 'new') return phase === 'new' ? undefined : no('the session is initialized already')
    if (phase === 'new') return no("the first request must be 'initialize'")
    if (need === 'initialized') return phase === 'initialized' ? undefined : no('the session is attached already')
    if (phase === 'initialized') return no("'attach' comes first")
    if (phase === 'attaching') return no('still attaching; wait for the initialized event')
    if (need === 'configuring') return phase === 'configuring' ? undefined : no('the configuration is done already')
    if (need === 'stopped' && !this.isStopped) return dapError('notStopped', {})
    return undefined
  }
}
