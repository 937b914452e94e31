import type { Runtime } from 'node:inspector'
import type { Handlers } from '../../backend.ts'
import type { Parts, Stop, Thread } from '../parts.ts'

/** A value as an event shows it; the reference is good until its thread runs on, or for the newest of the output. */
export interface Shown {
  readonly value: string
  readonly type?: string
  readonly variablesReference: number
}

/** The values of the program: what they look like, what is in them, and how they are changed. */
export class Values {
  readonly handlers: Handlers = {}
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Called in the `paused` event: what the first view needs is asked for in the flight that follows it. */
  stopped(stop: Stop): void {
    this.#parts.log.trace({ thread: stop.thread.id }, 'stopped')
  }

  /** What was read of the thread is no longer so. */
  resumed(thread: Thread): void {
    this.#parts.log.trace({ thread: thread.id }, 'resumed')
  }

  /** For output events. */
  shown(remote: Runtime.RemoteObject, _thread: Thread): Shown {
    return { value: remote.description ?? String(remote.value), type: remote.type, variablesReference: 0 }
  }
}
