import type { DebugProtocol } from '@vscode/debugprotocol'
import { present } from '../../lib/present.ts'
import type { AsyncStacks } from './asyncStacks.ts'
import type { Breakpoints, Decision } from './breakpoints/breakpoints.ts'
import type { Parts, Stop } from './parts.ts'
import type { DebugThread } from './thread.ts'
import type { Values } from './values/values.ts'

export interface StopsParts {
  readonly parts: Parts
  readonly breakpoints: Breakpoints
  readonly values: Values
  readonly asyncStacks: AsyncStacks
  threads(): ReadonlyMap<number, DebugThread>
  note(text: string): void
}

type Reason = Pick<DebugProtocol.StoppedEvent['body'], 'reason' | 'description'>

/** From V8's pause to the client's `stopped`: what is a stop, and what the program runs on from. */
export class Stops {
  readonly #own: StopsParts
  /** Stops before the configuration is done are kept until then. */
  #isOpen = false
  #othersSeen = false
  #isAttached = false
  /** There before us. */
  readonly #early = new WeakSet<Stop>()
  /** For a breakpoint of ours, or for what we have asked for. */
  readonly #ours = new WeakSet<Stop>()

  constructor(own: StopsParts) {
    this.#own = own
  }

  /** Would the program run if it were not for us? Where nobody else is attached V8 lets it run in any case. */
  isOurs(stop: Stop): boolean {
    return this.#ours.has(stop) || (!this.#early.has(stop) && (stop.event.hitBreakpoints ?? []).length > 0)
  }

  /** What stops from now on stops for us. */
  attached(): void {
    this.#isAttached = true
  }

  open(): void {
    this.#isOpen = true
    for (const { stop } of this.#own.threads().values()) {
      if (stop === undefined) continue
      if (this.#early.has(stop) && !isEntry(stop))
        this.#own.note('The program is held already, by another client of its inspector.')
      this.paused(stop)
    }
  }

  close(): void {
    this.#isOpen = false
  }

  /** In the turn in which V8 told of it: what the first view needs is asked for in the flight that follows. */
  paused(stop: Stop): void {
    if (!this.#isAttached) this.#early.add(stop)
    if (!this.#isOpen) return
    const decision = this.#own.breakpoints.paused(stop)
    if (!(decision instanceof Promise)) return this.#take(stop, decision)
    decision.then(
      (decided) => this.#take(stop, decided),
      (error: unknown) => {
        this.#own.parts.log.warn({ err: error }, 'what a pause is could not be decided; it is shown')
        this.#take(stop, { kind: 'stop', reason: 'pause', hitBreakpointIds: [] })
      },
    )
  }

  resumed(thread: DebugThread, asked: boolean): void {
    const { values, asyncStacks, parts } = this.#own
    values.resumed(thread)
    if (!thread.isShown && !asked) return
    asyncStacks.resumed()
    if (asked || !this.#isOpen) return
    parts.context.emit('continued', { threadId: thread.id, allThreadsContinued: this.#isAlone() })
    if (this.#othersSeen) return
    this.#othersSeen = true
    this.#own.note('Another client of the inspector has let the program run on.')
  }

  #take(stop: Stop, decision: Decision): void {
    const thread = this.#own.threads().get(stop.thread.id)
    if (thread === undefined || thread.stop !== stop) return
    const { stepping } = thread
    if (decision.kind === 'resume') return thread.run(stepping.passing(stop))
    const isOther = decision.reason === 'pause' && decision.hitBreakpointIds.length === 0
    // The first line of a worker that was made to wait until its breakpoints are set: nobody has asked for that stop.
    if (isOther && thread.isWorker && isEntry(stop)) return thread.run('resume')
    const run = isOther ? stepping.next(stop) : undefined
    if (run !== undefined) return thread.run(run)
    this.#show(stop, thread, decision, isOther ? this.#reasonOf(stop, thread) : decision)
  }

  #show(stop: Stop, thread: DebugThread, decision: Decision & { kind: 'stop' }, reason: Reason): void {
    const { values, asyncStacks, parts } = this.#own
    if (reason.reason !== 'breakpoint' || decision.hitBreakpointIds.length > 0) this.#ours.add(stop)
    if (this.#early.has(stop)) this.#ours.delete(stop)
    thread.show()
    values.stopped(stop)
    asyncStacks.stopped()
    const { hitBreakpointIds, text } = decision
    parts.context.emit('stopped', {
      ...present({ reason: reason.reason, description: reason.description, text }),
      threadId: thread.id,
      allThreadsStopped: this.#isAlone(),
      ...(hitBreakpointIds.length > 0 ? { hitBreakpointIds } : {}),
    } as DebugProtocol.StoppedEvent['body'])
  }

  /** No breakpoint and no exception: V8 itself says 'other' for all of these (20), so it is what was asked for. */
  #reasonOf(stop: Stop, { stepping }: DebugThread): Reason {
    if (isEntry(stop)) return { reason: 'entry' }
    if (this.#early.has(stop)) return { reason: 'pause', description: 'Held already when Breakwater attached' }
    switch (stepping.asked) {
      case 'pause':
        return { reason: 'pause' }
      case 'restart':
        return { reason: 'restart', description: 'Restarted frame' }
      case undefined:
        return { reason: 'breakpoint', description: "Paused on a 'debugger' statement, or by another client" }
      default:
        return { reason: 'step' }
    }
  }

  #isAlone(): boolean {
    return this.#own.threads().size === 1
  }
}

/** `--inspect-brk`. */
function isEntry({ event }: Stop): boolean {
  return (event.reason as string) === 'Break on start'
}
