import { Duplex } from 'node:stream'
import type { Readable, Writable } from 'node:stream'

/** The two halves of something far away: an SSH channel, or a child's stdout and stdin. */
export interface FarEnd {
  readonly input: Readable
  readonly output: Writable
  /** Ends the far side at once. Called exactly once, whoever ended first. */
  readonly close: () => void
}

/** How long after a failed write the far side may take to say why it ended. */
const OUTPUT_ERROR_MS = 1_000

/** How long the far side may take to close when both directions have ended. */
const CLOSE_MS = 5_000

/**
 * A byte stream over a {@link FarEnd} which keeps Node's stream contract where the far end doesn't: ssh2's channels
 * never report `destroyed`, and neither they nor pipes say why they ended (ssh2 1.17: `Channel._write` on a closed
 * channel forgets its callback). What was received before the end is always delivered before the end or the error.
 */
export class HopStream extends Duplex {
  readonly #far: FarEnd
  #pending: ((error?: Error | null) => void) | undefined
  #failure: Error | undefined
  #inputEnded = false

  /**
   * @param options.allowHalfOpen false for what is like a TCP socket: when the far side ends, so do we. True for a
   * command: it may go on reading, and how it ended is told before its end.
   */
  constructor(far: FarEnd, options: { readonly allowHalfOpen: boolean }) {
    // Not destroyed when both directions have ended: how the far side ended is still to be told, by finish().
    super({ allowHalfOpen: options.allowHalfOpen, autoDestroy: false, highWaterMark: 128 * 1024 })
    this.#far = far
    far.input.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) far.input.pause()
    })
    far.input.on('end', () => this.#farEnd())
    far.input.on('error', (error) => this.finish(error))
    far.output.on('error', (error) => this.#outputFailed(error))
    this.once('end', () => this.#bothEnded()).once('finish', () => this.#bothEnded())
    // A stream whose owner is gone must not end the daemon: the error stays in `errored`, and 'close' is emitted too.
    this.on('error', () => {})
  }

  /** The far side is gone. Delivers what came before; then ends, or fails with `error`. The first call counts. */
  finish(error?: Error): void {
    if (this.destroyed || this.#failure !== undefined) return
    if (error !== undefined) {
      this.#failure = error
      if (this.readableLength === 0) this.destroy(error)
      return
    }
    this.#end()
    if (this.readableEnded) this.destroy()
    else this.once('end', () => setImmediate(() => this.destroy()))
  }

  /** A command's output ends a moment before we are told its exit code, and the end must not hide the error. */
  #farEnd(): void {
    if (!this.allowHalfOpen) return this.#end()
    const timer = setTimeout(() => this.#end(), CLOSE_MS)
    this.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer))
  }

  #end(): void {
    if (this.#inputEnded || this.destroyed || this.#failure !== undefined) return
    this.#inputEnded = true
    this.push(null)
  }

  #bothEnded(): void {
    if (!this.readableEnded || !this.writableFinished || this.destroyed) return
    const timer = setTimeout(() => this.destroy(), CLOSE_MS)
    this.once('close', () => clearTimeout(timer))
  }

  /** Why the far side no longer takes what we write is told by its end, which follows: an exit code says more than EPIPE. */
  #outputFailed(error: Error): void {
    const timer = setTimeout(() => this.finish(error), OUTPUT_ERROR_MS)
    this.once('close', () => clearTimeout(timer))
  }

  override read(size?: number): Buffer | null {
    const chunk = super.read(size) as Buffer | null
    if (this.#failure !== undefined && this.readableLength === 0) setImmediate(() => this.destroy(this.#failure))
    return chunk
  }

  override _read(): void {
    this.#far.input.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const done = this.#once(callback)
    this.#far.output.write(chunk, done)
  }

  override _final(callback: (error?: Error | null) => void): void {
    const done = this.#once(callback)
    this.#far.output.end(done)
  }

  #once(callback: (error?: Error | null) => void): (error?: Error | null) => void {
    const done = (error?: Error | null): void => {
      // A failed write stays pending: #outputFailed sees to its end.
      if (this.#pending !== done || (error != null && !this.destroyed)) return
      this.#pending = undefined
      callback(error)
    }
    this.#pending = done
    return done
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#far.close()
    // What still comes is of no use to anybody, but must be read for the far end to finish.
    this.#far.input.resume()
    this.#pending?.(error ?? new Error('the stream was closed'))
    callback(error)
  }
}
