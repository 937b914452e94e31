import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../../backend.ts'
import type { ProgramSources } from '../maps/programSources.ts'
import type { Parts, Stop, Thread } from '../parts.ts'

export { exceptionBreakpointFilters } from './filters.ts'

/** What a pause is to the client. */
export type Decision =
  | {
      readonly kind: 'stop'
      readonly reason: DebugProtocol.StoppedEvent['body']['reason']
      readonly hitBreakpointIds: readonly number[]
      readonly text?: string
      readonly description?: string
    }
  | { readonly kind: 'resume' }

/** All breakpoints of one backend, on all of its threads. */
export class Breakpoints {
  readonly handlers: Handlers = {}
  readonly #parts: Parts
  readonly #sources: ProgramSources

  constructor(parts: Parts, sources: ProgramSources) {
    this.#parts = parts
    this.#sources = sources
  }

  /** Arms all that is set on a thread that has come; it must not run on before. */
  async threadAdded(thread: Thread): Promise<void> {
    this.#parts.log.debug({ thread: thread.id, sources: this.#sources.allSources().length }, 'thread armed')
  }

  /** Decides what a pause is. Synchronous unless the condition of an exception filter must be asked for. */
  paused(stop: Stop): Decision | Promise<Decision> {
    void stop
    return { kind: 'stop', reason: 'pause', hitBreakpointIds: [] }
  }

  /** Everything of ours goes out of the program. Bounded by the caller. */
  async leave(): Promise<void> {}
}
