import type { Log } from '../../lib/log.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import type { SourcePaths } from './paths.ts'
import type { Positions } from './positions.ts'
import type { DelveSettings } from './settings.ts'
import type { DebuggerCommand, DebuggerState, In, Method, Out, Stackframe } from './wire.ts'

/** Rejects with `DelveError`, or with a DapError when there is no Delve any more. */
export type Ask = <M extends Method>(method: M, argument: In<M>) => Promise<Out<M>>

/** What is known of a Delve and its program once and for all. */
export interface Facts {
  readonly version: string
  /** `default`, `native`, `lldb`, `rr`, `core`. */
  readonly backend: string
  /** Empty where Delve was asked while the program ran: it tells only of a stopped one. */
  readonly targetGoVersion: string
  readonly goVersions: { readonly min: string; readonly max: string } | undefined
  /** Serves several connections; otherwise ours is the only one, and the last. */
  readonly multiclient: boolean
  /** It was attached to a process that was there; otherwise Delve has started it. */
  readonly attached: boolean
  readonly recorded: boolean
  /** It was running when we came. */
  readonly wasRunning: boolean
  /** Undefined where Delve was asked while the program ran. */
  readonly pid: number | undefined
}

/** The debugged program's run state, and the only way to Delve. */
export interface Program {
  readonly facts: Facts
  /** This Delve has said that it does not know the method. */
  lacks(method: Method): boolean
  /** Undefined while it runs. A new object for each stop, so that `===` tells whether it is still the same. */
  readonly stop: Stop | undefined
  /**
   * For requests that need a stopped program and are no look at a stop: breakpoints, locations, lists. At a stop they go
   * out at once. While it runs they go out between a halt and a continue, in one flight with those of others that wait:
   * the program is held for some milliseconds at any round trip, and the user sees no stop. `flight` is run once and
   * must ask all in its first turn.
   */
  interject<T>(flight: (ask: Ask) => Promise<T>): Promise<T>
  /** What stays the same for a whole session is asked once. */
  once<M extends Method>(method: M, argument: In<M>): Promise<Out<M>>
  /** Runs it on, after selecting the goroutine if it is not the selected one. Throws `notStopped`. */
  resume(command: DebuggerCommand, goroutine?: number): void
  /**
   * As `resume`, for a function call; the stop that ends it is not reported but resolved, unless it is another's, or
   * comes of the signal.
   */
  call(expression: string, goroutine: number, signal: AbortSignal): Promise<DebuggerState>
  /** Stops it; the stop is reported. */
  pause(): void
  /** How many there are, as far as is known: whether their list is written ahead. */
  sawGoroutines(count: number): void
}

export interface Stop {
  readonly state: DebuggerState
  /** The selected goroutine's id; -1 if there is none. */
  readonly selected: number
  /** What it was resumed with. */
  readonly command: DebuggerCommand
  /** Our user has asked for a pause. */
  readonly pausing: boolean
  /** The resume has failed, in Delve's words: a condition that cannot be evaluated. */
  readonly error: string | undefined
  readonly isOver: boolean
  /**
   * From memory where it was written ahead or asked before at this stop. Rejects with `notStopped` when the stop is over.
   */
  read<M extends Method>(method: M, argument: In<M>, signal?: AbortSignal): Promise<Out<M>>
  /** After a change of the program: what was read before is not true any more. */
  forget(): void
  /** Calls back at its end, so that nothing is kept of it while the program runs. */
  onOver?(then: () => void): void
}

/** One frame of a stop. */
export interface Frame {
  /** DAP's `frameId`. */
  readonly id: number
  readonly stop: Stop
  readonly goroutine: number
  readonly index: number
  readonly location: Stackframe
}

/** What the parts of one backend share. */
export interface Parts {
  readonly options: BackendOptions
  readonly context: BackendContext
  readonly log: Log
  readonly settings: DelveSettings
  readonly program: Program
  readonly positions: Positions
  readonly paths: SourcePaths
  /** What the names of our breakpoints begin with on this Delve: letters and digits. */
  readonly prefix: string
  /** Ids of frames, values and breakpoints: from 1, never reused in one backend. */
  nextId(): number
  /** Undefined for a frame of a stop that is over. */
  frame(id: number): Frame | undefined
  /** The program is another process now. */
  restarted(pid: number | undefined): void
  /** A line for the user, whatever the client shows. */
  note(text: string): void
}
