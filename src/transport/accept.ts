import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import type { Deferred } from '../lib/deferred.ts'

/** How many programs may wait to be accepted; more are turned away. A peer must not make us keep connections. */
const WAITING_MAX = 16

/** Connections that came in, and callers who wait for one. */
export class AcceptQueue {
  readonly #waiting: Duplex[] = []
  #accepting: Deferred<Duplex>[] = []
  #closed: Error | undefined

  /** Hands the connection to whoever waits longest, keeps it, or destroys it when too many are kept. */
  push(stream: Duplex): void {
    // It may break while it waits: then nobody listens yet.
    stream.on('error', () => {})
    if (this.#closed !== undefined || this.#waiting.length >= WAITING_MAX) return void stream.destroy()
    const next = this.#accepting.shift()
    if (next !== undefined) return next.resolve(stream)
    this.#waiting.push(stream)
    stream.once('close', () => {
      const index = this.#waiting.indexOf(stream)
      if (index >= 0) this.#waiting.splice(index, 1)
    })
  }

  async accept(signal: AbortSignal): Promise<Duplex> {
    if (this.#closed !== undefined) throw this.#closed
    const ready = this.#waiting.shift()
    if (ready !== undefined) return ready
    const turn = deferred<Duplex>()
    this.#accepting.push(turn)
    try {
      return await abortable(turn.promise, signal)
    } finally {
      this.#accepting = this.#accepting.filter((other) => other !== turn)
    }
  }

  close(reason: Error): void {
    this.#closed ??= reason
    for (const stream of this.#waiting.splice(0)) stream.destroy()
    for (const turn of this.#accepting.splice(0)) turn.reject(this.#closed)
  }
}
