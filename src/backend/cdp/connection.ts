import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { dapError, type DapError } from '../../dap/errors.ts'
import { abortable, reasonOf } from '../../lib/abort.ts'
import { deferred, type Deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { HopError } from '../../transport/transport.ts'
import { FrameStream, messageMaxBytes } from './frames.ts'
import { formatRequest, parseMessage, type CdpEvents } from './wire.ts'

/** The inspector's own refusal of a request: V8's words, which are for developers. */
export class CdpError extends Error {
  readonly code: number
  readonly method: string

  constructor(method: string, code: number, message: string) {
    super(message)
    this.name = 'CdpError'
    this.method = method
    this.code = code
  }
}

/** One conversation with one V8: the main thread's, or that of a worker inside it. */
export interface CdpSession {
  /**
   * Rejects with {@link CdpError} for the inspector's refusal, with the signal's reason, or with how the connection
   * ended. Requests of one turn of the event loop leave in one write: not awaiting is pipelining.
   */
  request<T = unknown>(method: string, params?: object, signal?: AbortSignal): Promise<T>
  /** Nobody waits for the answer; a failure is logged. */
  send(method: string, params?: object): void
  /** Called in the order of arrival, before any answer that came later. Returns how to stop listening. */
  on<E extends keyof CdpEvents>(event: E, listener: (params: CdpEvents[E]) => void): () => void
  /** Settles once; with the error if it was not our own `close`. */
  readonly closed: Promise<Error | undefined>
}

interface Pending {
  readonly method: string
  readonly answer: Deferred<unknown>
}

/** Requests that wait for an answer; more mean that the program is held in something that never ends. */
const pendingMax = 10_000

/** Ids, what is pending, and listeners; what carries the text is somebody else's. */
export class Conversation implements CdpSession {
  readonly #write: (text: string) => void
  readonly #log: Log
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Map<string, Set<(params: never) => void>>()
  readonly #closed = deferred<Error | undefined>()
  #ended: Error | undefined
  #lastId = 0

  constructor(write: (text: string) => void, log: Log) {
    this.#write = write
    this.#log = log
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  request<T = unknown>(method: string, params?: object, signal?: AbortSignal): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    if (signal?.aborted) return Promise.reject(reasonOf(signal))
    if (this.#pending.size >= pendingMax) {
      return Promise.reject(dapError('tooManyRequests', { limit: pendingMax }))
    }
    const id = ++this.#lastId
    const answer = deferred<unknown>()
    // Stays until its answer comes, also when nobody waits for it any more: a late answer is then no surprise.
    this.#pending.set(id, { method, answer })
    this.#write(formatRequest(id, method, params))
    return (signal === undefined ? answer.promise : abortable(answer.promise, signal)) as Promise<T>
  }

  send(method: string, params?: object): void {
    this.request(method, params).catch((error: unknown) => this.#log.debug({ err: error, method }, 'not done'))
  }

  on<E extends keyof CdpEvents>(event: E, listener: (params: CdpEvents[E]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** How many answers are owed. */
  get owed(): number {
    return this.#pending.size
  }

  /** A message of the inspector's, as text. */
  receive(text: string): void {
    const message = parseMessage(text)
    if (message === undefined) {
      this.#log.warn({ start: text.slice(0, 80) }, 'the inspector sent what is no message')
      return
    }
    if (message.kind === 'event') return this.#emit(message.method, message.params)
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (pending === undefined) return
    if (message.kind === 'answer') pending.answer.resolve(message.result)
    else pending.answer.reject(new CdpError(pending.method, message.code, message.message))
  }

  #emit(method: string, params: unknown): void {
    if (method === 'Breakwater.leftOut') this.#log.warn(params as object, 'a message of the inspector was too large')
    for (const listener of this.#listeners.get(method) ?? []) {
      try {
        listener(params as never)
      } catch (error) {
        // One session's bug must not end the daemon, and with it the sessions of others.
        this.#log.error({ err: error, method }, 'a bug: an unexpected error while an event was handled')
      }
    }
  }

  /** Rejects what is pending, at once, with one error. */
  end(error: Error, asked: boolean): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    for (const { answer } of this.#pending.values()) {
      // Of some nobody waits for the answer.
      answer.promise.catch(() => {})
      answer.reject(error)
    }
    this.#pending.clear()
    this.#closed.resolve(asked ? undefined : error)
  }
}

/** How long the inspector may take to end the WebSocket in its own way; then the stream is destroyed. */
const closingMs = 1_000
/** Node's inspector answers a WebSocket upgrade at once; this is round trips and a busy machine. */
const openingMs = 8_000

/** The WebSocket of one inspector, over a stream that the transport has dialed. */
export class Inspector {
  readonly #socket: WebSocket
  readonly #stream: FrameStream
  readonly #where: string
  readonly main: Conversation
  #flushing = false
  #asked = false
  #failure: Error | undefined
  /** When it last said something, or was asked when it owed nothing. */
  #heardAt = 0

  constructor(stream: Duplex, path: string, where: string, log: Log) {
    this.#where = where
    this.#stream = new FrameStream(stream)
    this.main = new Conversation((text) => this.#send(text), log)
    this.#socket = new WebSocket(`ws://127.0.0.1${path}`, {
      // Node refuses a Host that is a name (DNS rebinding), and the stream is there already: nothing is dialed.
      createConnection: () => this.#stream as never,
      perMessageDeflate: false,
      maxPayload: messageMaxBytes,
      handshakeTimeout: openingMs,
      skipUTF8Validation: true,
    })
    this.#socket.on('message', (data: Buffer) => {
      this.#heardAt = performance.now()
      this.main.receive(data.toString())
    })
    this.#socket.on('error', (error) => (this.#failure ??= error))
    this.#stream.on('error', (error) => (this.#failure ??= error))
    this.#socket.once('close', () => this.main.end(this.#closedError(), this.#asked))
  }

  get closed(): Promise<Error | undefined> {
    return this.main.closed
  }

  /** Resolves when the inspector has taken the upgrade. */
  async opened(signal: AbortSignal): Promise<void> {
    const open = deferred<void>()
    this.#socket.once('open', () => open.resolve())
    const failed = this.closed.then((error) => {
      throw error ?? reasonOf(signal)
    })
    try {
      await abortable(Promise.race([open.promise, failed]), signal)
    } catch (error) {
      this.#stream.destroy()
      throw error
    }
  }

  /** See `watchSilence`. */
  get silentMs(): number {
    return this.main.owed > 0 ? performance.now() - this.#heardAt : 0
  }

  /** It is gone, as somebody knows who has asked elsewhere. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#stream.destroy()
  }

  #send(text: string): void {
    if (this.main.owed <= 1) this.#heardAt = performance.now()
    if (!this.#flushing) {
      this.#flushing = true
      this.#stream.cork()
      setImmediate(() => {
        this.#flushing = false
        this.#stream.uncork()
      })
    }
    this.#socket.send(text, (error) => {
      if (error) this.#failure ??= error
    })
  }

  /** Ends it; V8 then takes our breakpoints out and lets the program run. Bounded. */
  async close(): Promise<void> {
    this.#asked = true
    const timer = setTimeout(() => this.#stream.destroy(), closingMs)
    this.#socket.close()
    await this.closed
    clearTimeout(timer)
    this.#stream.destroy()
  }

  #closedError(): DapError {
    const failure = this.#failure
    if (failure instanceof HopError)
      return dapError('debuggerGone', { why: failure.message.replace(/\.$/, '') }, { cause: failure })
    const how = failure === undefined ? 'the inspector closed the connection' : failure.message.replace(/\.$/, '')
    return dapError('debuggerGone', { why: `${how} (${this.#where})` }, failure === undefined ? {} : { cause: failure })
  }
}
