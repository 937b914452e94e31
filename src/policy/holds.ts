import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall } from '../dap/call.ts'
import { movesOn } from '../dap/resuming.ts'

/** One thread that is held, since when; `order` counts the stops. */
interface Hold {
  readonly sinceMs: number
  readonly order: number
}

/** Stops without a thread id: the whole program, as far as we know. */
const everyThread = 0

/**
 * Which threads are held, since when. A stop begins a hold, also one after a step: the longest single hold is what
 * `pauseMax` bounds. Told `onReleased` when the last one goes.
 */
export class Holds {
  readonly #held = new Map<number, Hold>()
  readonly #onChange: () => void
  readonly #onReleased: (heldMs: number, why: string) => void
  #stops = 0

  constructor(onChange: () => void, onReleased: (heldMs: number, why: string) => void) {
    this.#onChange = onChange
    this.#onReleased = onReleased
  }

  /** `performance.now()` of the oldest hold. */
  get sinceMs(): number | undefined {
    let since: number | undefined
    for (const hold of this.#held.values()) since = since === undefined ? hold.sinceMs : Math.min(since, hold.sinceMs)
    return since
  }

  /** The threads that are held longer than `ms`; 0 for one without id. */
  longerThan(ms: number): number[] {
    const before = performance.now() - ms
    return [...this.#held].filter(([, hold]) => hold.sinceMs <= before).map(([thread]) => thread)
  }

  /** To be given to `released`: a stop that comes after this moment is not released by what began before. */
  get moment(): number {
    return this.#stops
  }

  stopped({ threadId = everyThread }: DebugProtocol.StoppedEvent['body']): void {
    this.#held.set(threadId, { sinceMs: performance.now(), order: ++this.#stops })
    this.#onChange()
  }

  /** `thread` undefined: all of them. */
  released(why: string, thread?: number, moment = this.#stops): void {
    const since = this.sinceMs
    for (const [id, hold] of this.#held) {
      if ((thread === undefined || id === thread || id === everyThread) && hold.order <= moment) this.#held.delete(id)
    }
    if (since === undefined || this.#held.size > 0) return this.#onChange()
    this.#onReleased(performance.now() - since, why)
    this.#onChange()
  }

  /** A request was answered. The stop after a step may have come before its answer was seen: hence `moment`. */
  answered(call: AnyCall, body: unknown, moment: number): void {
    if (!movesOn.has(call.command)) return
    const { threadId, singleThread } = call.arguments as { threadId?: number; singleThread?: boolean }
    const all =
      (body as DebugProtocol.ContinueResponse['body'] | undefined)?.allThreadsContinued ?? singleThread !== true
    this.released(call.command, all ? undefined : threadId, moment)
  }
}
