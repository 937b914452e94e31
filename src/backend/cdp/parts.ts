import type { Debugger } from 'node:inspector'
import type { Log } from '../../lib/log.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import type { CdpSession } from './connection.ts'

/** A script as V8 told of it. Lines and columns are V8's, from 0. */
export interface Script {
  readonly id: string
  readonly url: string
  readonly hash: string
  readonly sourceMapUrl: string | undefined
  readonly debugId: string | undefined
  readonly startLine: number
  readonly startColumn: number
  readonly endLine: number
  readonly endColumn: number
  readonly contextId: number
  /** In characters. */
  readonly length: number
  readonly isModule: boolean
  /** Node's own: `node:internal/timers`. */
  readonly internal: boolean
}

/** The scripts of one thread. */
export interface ScriptTable {
  readonly all: Iterable<Script>
  byId(id: string): Script | undefined
  /** The newest first: a reloaded module has several. */
  byUrl(url: string): readonly Script[]
  /** V8's text of it, asked for once. */
  textOf(script: Script, signal?: AbortSignal): Promise<string>
  /** Told of each new script, and of those that are there already at once. */
  onScript(listener: (script: Script) => void): () => void
}

/** One V8 of the program: its main thread, or a worker. */
export interface Thread {
  /** DAP's `threadId`. The main thread is 1. */
  readonly id: number
  readonly name: string
  readonly cdp: CdpSession
  readonly scripts: ScriptTable
  /** Undefined while it runs. A new object for each stop, so that `===` tells whether it is still the same. */
  readonly stop: Stop | undefined
}

/** One stop of one thread. */
export interface Stop {
  readonly thread: Thread
  readonly event: Debugger.PausedEventDataType
  readonly frames: readonly Frame[]
}

export interface Frame {
  /** DAP's `frameId`. */
  readonly id: number
  readonly stop: Stop
  readonly index: number
  readonly callFrame: Debugger.CallFrame
}

/** What the parts of one backend share. */
export interface Parts {
  readonly options: BackendOptions
  readonly context: BackendContext
  readonly log: Log
  /** Ids of frames, values and breakpoints: from 1, never reused in one backend. */
  nextId(): number
  threads(): Iterable<Thread>
  thread(id: number): Thread | undefined
  /** Undefined for a frame of a stop that is over. */
  frame(id: number): Frame | undefined
}
