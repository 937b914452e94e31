import type { DebugProtocol } from '@vscode/debugprotocol'
import { dapError } from '../../dap/errors.ts'
import { deferred, type Deferred } from '../../lib/deferred.ts'
import { present } from '../../lib/present.ts'
import { stoppedThreads } from './goroutines.ts'
import type { Parts, Stop } from './parts.ts'
import { loadConfig } from './quirks.ts'
import {
  deadlyBreakpoint,
  deadlyText,
  earlyReason,
  errorReason,
  isBackwards,
  isStep,
  isStepOver,
  otherReason,
  watchEnd,
  type Reason,
} from './reasons.ts'
import { endsWatch } from './states.ts'
import type { ThreadIds } from './threadIds.ts'
import type { CommandName, DebuggerCommand, DebuggerState, Word } from './wire.ts'

/** What a hit is to the client. What is logged has been said already. */
export type Decision =
  | {
      readonly kind: 'stop'
      readonly reason: string
      /** Who has hit them. */
      readonly goroutine: number
      readonly hitBreakpointIds: readonly number[]
      readonly text?: string
      readonly description?: string
      /** Other goroutines that hit breakpoints at the same moment. */
      readonly also: readonly { readonly goroutine: number; readonly hitBreakpointIds: readonly number[] }[]
    }
  | { readonly kind: 'resume' }

export interface StopsParts {
  readonly parts: Parts
  readonly ids: ThreadIds
  /** What a hit is; told of each stop once. */
  hit(stop: Stop): Decision
  /** The goroutine that a pause is about. */
  prominent(stop: Stop): Promise<number>
  /** Nothing comes any more. */
  closed(error: Error): void
}

interface Asked {
  readonly name: CommandName
  /** Where it began. */
  readonly pc: Word | undefined
}

type DecidedStop = Decision & { readonly kind: 'stop' }

interface Hit {
  readonly goroutine: number
  readonly ids: readonly number[]
}

/** What runs on to where a step that there is ends. */
const finishing: DebuggerCommand = { name: 'continue', ReturnInfoLoadConfig: loadConfig }

/** From the answer to a resume to the client's `stopped`: what is a stop, and what the program runs on from. */
export class Stops {
  readonly #own: StopsParts
  /** Stops before the configuration is done are kept until then. */
  #isOpen = false
  #isClosed = false
  /** Each was decided on before. */
  readonly #seen = new WeakSet<Stop>()
  readonly #early = new WeakSet<Stop>()
  #asked: Asked | undefined
  #lacksNextInstruction = false
  #waiting: Deferred<Stop> | undefined

  constructor(own: StopsParts) {
    this.#own = own
  }

  /** What is there now was there before us. */
  attached(): void {
    const { stop } = this.#own.parts.program
    if (stop !== undefined) this.#early.add(stop)
  }

  /** The configuration is done. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const { stop } = this.#own.parts.program
    if (stop !== undefined) this.stopped(stop)
  }

  close(): void {
    this.#isClosed = true
    this.#waiting?.reject(dapError('sessionEnded', { why: 'the client has disconnected' }))
  }

  /** The program was held before us, and we have not let it run since. */
  isEarly(stop: Stop): boolean {
    return this.#early.has(stop)
  }

  /** Runs it on as the user asked. Throws `notStopped`. */
  run(command: DebuggerCommand, goroutine?: number): void {
    const { program, log } = this.#own.parts
    const { stop } = program
    if (stop === undefined) throw dapError('notStopped', {})
    const isNew = isStep(command.name)
    // A breakpoint has interrupted a step: `continue` finishes it, another step begins anew.
    if (isNew && stop.state.NextInProgress) {
      program
        .interject((ask) => ask('CancelNext', {}))
        .catch((error: unknown) => log.info({ err: error }, 'an interrupted step was not given up'))
    }
    const name = command.name === 'nextInstruction' && this.#lacksNextInstruction ? 'stepInstruction' : command.name
    const pc = goroutine === undefined || goroutine === stop.selected ? pcOf(stop) : undefined
    if (isNew || !stop.state.NextInProgress) this.#asked = { name, pc }
    program.resume({ ...command, name, ReturnInfoLoadConfig: loadConfig }, goroutine)
  }

  /** A stop at which nothing is told to the client: from one that there is, or from a halt. Rejects if there is none. */
  async halted(): Promise<Stop> {
    const { program } = this.#own.parts
    if (program.stop !== undefined) return program.stop
    this.#waiting ??= deferred()
    program.pause()
    return this.#waiting.promise
  }

  stopped(stop: Stop): void {
    if (this.#waiting !== undefined) {
      this.#waiting.resolve(stop)
      this.#waiting = undefined
      return
    }
    if (!this.#isOpen || this.#isClosed || this.#seen.has(stop)) return
    this.#seen.add(stop)
    if (this.#early.has(stop)) return this.#show(stop, earlyReason(stop, this.#own.parts.program.facts))
    this.#take(stop)
  }

  /**
   * Somebody else has run the program on from there, or a called function. The client must hear of it before the next
   * stop: two of them at once are more than some can show (nvim-dap runs on from the second).
   */
  continued(stop: Stop, by?: 'call'): void {
    this.#asked = undefined
    if (this.#isClosed || !this.#seen.has(stop)) return
    const { parts, ids } = this.#own
    parts.context.emit('continued', { threadId: ids.toThread(stop.selected), allThreadsContinued: true })
    if (by === undefined && !this.#early.has(stop)) parts.note('Another client of this Delve has run the program on.')
  }

  /** What was hit while breakpoints were set, and nobody saw: the program runs on already. */
  passed(state: DebuggerState): void {
    const over = (): Promise<never> => Promise.reject(dapError('notStopped', {}))
    const stop: Stop = {
      state,
      selected: state.currentGoroutine?.id ?? -1,
      command: finishing,
      pausing: false,
      error: undefined,
      isOver: true,
      read: over,
      forget() {},
    }
    const decision = this.#own.hit(stop)
    if (!this.#isOpen || this.#isClosed) return
    this.#tellEnds(state)
    if (decision.kind === 'resume') return
    const at = stoppedThreads(stop)[0]
    const where = at === undefined ? '' : ` at ${this.#own.parts.paths.toClient(at.file)}:${at.line}`
    this.#own.parts.note(`A breakpoint was hit${where} while breakpoints were set; the program has run on.`)
  }

  /** The program has ended, or Delve is gone. */
  ended(how: Error | { readonly exitStatus: number }): void {
    const { parts } = this.#own
    this.#waiting?.reject(dapError('programEnded', {}))
    this.#waiting = undefined
    if (this.#isClosed) return
    this.#isClosed = true
    if (how instanceof Error) return this.#own.closed(how)
    const { exitStatus } = how
    const end = exitStatus < 0 ? `was ended by signal ${-exitStatus}` : `has exited with status ${exitStatus}`
    parts.note(`The program ${end}.`)
    parts.context.emit('exited', { exitCode: exitStatus })
    parts.context.emit('terminated', undefined)
    this.#own.closed(dapError('programEnded', {}))
  }

  #take(stop: Stop): void {
    const { program } = this.#own.parts
    const asked = this.#asked?.name
    if (this.#isUnknownCommand(stop)) {
      this.#lacksNextInstruction = true
      this.#asked = { name: 'stepInstruction', pc: undefined }
      return program.resume({ ...finishing, name: 'stepInstruction' })
    }
    const decision = this.#own.hit(stop)
    const hits = decision.kind === 'stop' ? hitsOf(stop, decision) : []
    if (stop.error !== undefined) return this.#show(stop, errorReason(stop.error), hits)
    // Also where a breakpoint is, whose condition may be false: Delve does not say. What ends the program comes first.
    const isDying = decision.kind === 'stop' && decision.reason === 'exception' && deadlyBreakpoint(stop) !== undefined
    if (stop.state.stopReason === 'next finished' && !isDying) return this.#showStep(stop, hits)
    if (decision.kind === 'stop') return void this.#showHit(stop, decision, hits)
    const other = otherReason(stop, asked)
    if (other?.reason === 'pause' || (other === undefined && stop.pausing)) {
      return void this.#showPause(stop, other ?? { reason: 'pause' })
    }
    if (other !== undefined) return this.#show(stop, other)
    const isOver = isStepOver(stop, asked) && deadlyBreakpoint(stop) === undefined
    if (isOver || stoppedThreads(stop).length === 0) return this.#showStep(stop)
    // A log point, or an exception that is not to stop at. A step goes on behind it.
    const name = asked !== undefined && isBackwards(asked) ? 'directionCongruentContinue' : 'continue'
    program.resume({ ...finishing, name })
  }

  /** Delve before `nextInstruction` takes it for `State`: nothing has moved. */
  #isUnknownCommand(stop: Stop): boolean {
    const asked = this.#asked
    if (asked?.name !== 'nextInstruction' || stop.state.stopReason !== undefined) return false
    return asked.pc !== undefined && asked.pc === pcOf(stop)
  }

  #showStep(stop: Stop, hits: readonly Hit[] = []): void {
    const { stopReason } = stop.state
    const others = hits.filter(({ goroutine }) => goroutine !== stop.selected)
    if (endsWatch(stop.state)) return this.#show(stop, watchEnd, others)
    this.#show(stop, { reason: 'step' }, others)
    if (stopReason === 'breakpoint') this.#own.parts.note('The step ended at a log point: Delve has given it up there.')
  }

  async #showPause(stop: Stop, reason: Reason): Promise<void> {
    const goroutine = await this.#own.prominent(stop).catch((error: unknown) => {
      this.#own.parts.log.info({ err: error }, 'whom a pause is about could not be found')
      return stop.selected
    })
    if (!stop.isOver && !this.#isClosed) this.#show(stop, reason, [{ goroutine, ids: [] }])
  }

  async #showHit(stop: Stop, decision: DecidedStop, hits: readonly Hit[]): Promise<void> {
    const { reason, description } = decision
    let { text } = decision
    const deadly = deadlyBreakpoint(stop)
    if (deadly !== undefined && text === undefined && reason === 'exception') {
      text = await deadlyText(stop, hits[0]?.goroutine ?? stop.selected, deadly).catch((error: unknown) => {
        this.#own.parts.log.info({ err: error }, 'the value of a panic could not be read')
        return undefined
      })
      if (stop.isOver || this.#isClosed) return
    }
    this.#show(stop, present({ reason, description, text }), hits)
  }

  /** The first of those who hit is whom it is about; without any, or for what is no hit, it is the selected one. */
  #show(stop: Stop, reason: Reason, hits: readonly Hit[] = []): void {
    // A pause has given it up.
    if (!stop.state.NextInProgress || stop.pausing) this.#asked = undefined
    const isAbout = hits.length > 0 && (stop.error !== undefined || reason.reason !== 'step')
    const [first, others] = isAbout ? [hits[0], hits.slice(1)] : [undefined, hits]
    this.#emit(reason, first?.goroutine ?? stop.selected, first?.ids ?? [])
    for (const { goroutine, ids } of others) this.#emit({ reason: 'breakpoint' }, goroutine, ids, true)
    this.#tell(stop)
  }

  #emit(reason: Reason, goroutine: number, hitBreakpointIds: readonly number[], preserveFocusHint = false): void {
    const body: DebugProtocol.StoppedEvent['body'] = {
      ...reason,
      threadId: this.#own.ids.toThread(goroutine),
      allThreadsStopped: true,
      ...(preserveFocusHint ? { preserveFocusHint } : {}),
      ...(hitBreakpointIds.length > 0 ? { hitBreakpointIds: [...hitBreakpointIds] } : {}),
    }
    this.#own.parts.context.emit('stopped', body)
  }

  #tell({ state, pausing }: Stop): void {
    this.#tellEnds(state)
    if (!state.NextInProgress || pausing) return
    this.#own.parts.note("A breakpoint has interrupted the step: 'continue' finishes it.")
  }

  #tellEnds({ WatchOutOfScope }: DebuggerState): void {
    for (const { WatchExpr } of WatchOutOfScope ?? []) {
      this.#own.parts.note(`The data breakpoint on ${WatchExpr ?? 'a variable'} is gone: its function has returned.`)
    }
  }
}

/** Each goroutine that hit a breakpoint; first the one that it is about. */
function hitsOf({ selected }: Stop, { goroutine, hitBreakpointIds, also }: DecidedStop): Hit[] {
  const others = also.map(({ goroutine: other, hitBreakpointIds: ids }) => ({ goroutine: other, ids }))
  return [{ goroutine: goroutine > 0 ? goroutine : selected, ids: hitBreakpointIds }, ...others]
}

/** Of the selected goroutine. */
function pcOf({ state }: Stop): Word | undefined {
  return state.currentGoroutine?.currentLoc.pc ?? state.currentThread?.pc
}
