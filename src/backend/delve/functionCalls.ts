import { dapError } from '../../dap/errors.ts'
import type { DelveConnection } from './connection.ts'
import { loadConfig } from './quirks.ts'
import { resumeOf, type Resume } from './resume.ts'
import { hasReturned } from './states.ts'
import type { DebuggerCommand, DebuggerState } from './wire.ts'

export function notReturned(): Error {
  const why = "The call has not returned: the program has stopped within it, and 'continue' lets it go on."
  return dapError('debuggerFailed', { message: why })
}

/** Functions of the program that the user calls: they run it, and may never return. */
export class FunctionCalls {
  readonly #main: DelveConnection
  #running: Resume | undefined
  #open = 0

  constructor(main: DelveConnection) {
    this.#main = main
  }

  /** Until it has returned, or was stopped. */
  get running(): Resume | undefined {
    return this.#running
  }

  /** Begun and not returned: where each returns, Delve stops the program. */
  get open(): number {
    return this.#open
  }

  /** `giveUp` halts it: a function that never returns would keep everybody waiting. */
  async run(
    expression: string,
    goroutine: number,
    { signal, giveUp }: { readonly signal: AbortSignal; readonly giveUp: () => void },
  ): Promise<{ readonly state: DebuggerState; readonly call: Resume }> {
    const command: DebuggerCommand = {
      name: 'call',
      expr: expression,
      ReturnInfoLoadConfig: loadConfig,
      ...(goroutine > 0 ? { goroutineID: goroutine } : {}),
    }
    const call = resumeOf(command)
    this.#running = call
    this.#open += 1
    signal.addEventListener('abort', giveUp)
    try {
      const { State: state } = await this.#main.ask('Command', command, { limitMs: Infinity })
      this.saw(state)
      return { state, call }
    } catch (error) {
      // It was none, or the program is gone.
      this.#open -= 1
      throw error
    } finally {
      signal.removeEventListener('abort', giveUp)
      this.#running = undefined
      call.settled = true
      call.done.resolve()
    }
  }

  /** A stop of whatever kind. */
  saw(state: DebuggerState): void {
    if (hasReturned(state) && this.#open > 0) this.#open -= 1
  }

  /** Nobody is there any more to run it on. */
  leave(): void {
    this.#open = 0
  }
}
