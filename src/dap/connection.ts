import { randomUUID } from 'node:crypto'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { abortable, reasonOf } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import type { Arguments, Body } from './call.ts'
import { DapError, dapError, errorBody } from './errors.ts'
import type { Message, Wire } from './framing.ts'
import type { Command, Events, ReverseRequests } from './protocol.ts'

/** A request as it came: nothing about its command or arguments has been checked yet. */
export interface IncomingRequest {
  readonly seq: number
  readonly command: string
  readonly arguments: unknown
  /** Aborts at the peer's `cancel` or when the connection closes. */
  readonly signal: AbortSignal
}

export interface Incoming {
  /** Called in the order of arrival; what it resolves to is the response's body. */
  request(request: IncomingRequest): Promise<unknown>
  /** Called in the order of arrival. */
  event?(event: string, body: unknown): void
  /** `cancel` of a progress sequence. */
  cancelProgress?(progressId: string): void
}

export interface ConnectionOptions {
  readonly log: Log
  /** Requests that run at the same time; more are queued. */
  readonly maxRunning?: number
  /** Requests that wait; more are refused. */
  readonly maxQueued?: number
  /** Commands that never wait in the queue: a full queue must not keep a client from leaving. */
  readonly urgent?: ReadonlySet<string>
  /** Unsent bytes from which `output` events are dropped (and counted). */
  readonly outputHighWaterBytes?: number
  /** Unsent bytes at which the peer is given up. */
  readonly maxUnsentBytes?: number
}

interface Running {
  readonly command: string
  readonly controller: AbortController
}

type AnyBody<C> = C extends Command ? Body<C> : C extends keyof ReverseRequests ? ReverseRequests[C]['body'] : never
type AnyArguments<C> = C extends Command
  ? Arguments<C>
  : C extends keyof ReverseRequests
    ? ReverseRequests[C]['arguments']
    : never

/**
 * Both ends of a DAP conversation: it answers the peer's requests, exactly once each, and sends requests of its own.
 * Towards an editor it is the adapter; towards debugpy it is the client.
 */
export class Connection {
  readonly #wire: Wire
  readonly #incoming: Incoming
  readonly #options: Required<ConnectionOptions>
  readonly #running = new Map<number, Running>()
  readonly #queued: DebugProtocol.Request[] = []
  readonly #pending = new Map<number, { command: string; resolve(body: unknown): void; reject(error: Error): void }>()
  /** Requests given up while their answer is still due; it is dropped quietly when it comes. */
  readonly #abandoned = new Set<number>()
  readonly #inbox: Message[] = []
  #pumping = false
  #seq = 0
  #droppedOutputs = 0
  /** Line ends in them: a print can come in two pieces. */
  #droppedLines = 0
  #closeError: DapError | undefined
  readonly closed: Promise<Error | undefined>

  constructor(wire: Wire, incoming: Incoming, options: ConnectionOptions) {
    this.#wire = wire
    this.#incoming = incoming
    this.#options = {
      maxRunning: 64,
      maxQueued: 1_024,
      urgent: new Set(['disconnect', 'continue', 'pause']),
      outputHighWaterBytes: 4 * 1024 * 1024,
      maxUnsentBytes: 128 * 1024 * 1024,
      ...options,
    }
    this.closed = wire.closed.then((error) => this.#onClosed(error))
    wire.start(
      (message) => {
        this.#inbox.push(message)
        if (!this.#pumping) this.#pump()
      },
      () => this.#noteDropped(),
    )
  }

  get peer(): string {
    return this.#wire.peer
  }

  /** Sends a request; rejects with the signal's reason, the peer's error, or the connection's end. */
  request<C extends Command | keyof ReverseRequests>(
    command: C,
    args: AnyArguments<C>,
    signal?: AbortSignal,
  ): Promise<AnyBody<C>> {
    if (this.#closeError !== undefined) return Promise.reject(this.#closeError)
    if (signal?.aborted) return Promise.reject(reasonOf(signal))
    const seq = ++this.#seq
    const answer = deferred<unknown>()
    this.#pending.set(seq, { command, resolve: answer.resolve, reject: answer.reject })
    this.#send({ seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) } as Message)
    if (signal === undefined) return answer.promise as Promise<AnyBody<C>>
    const giveUp = (): void => {
      if (this.#pending.delete(seq)) this.#abandon(seq)
      answer.reject(reasonOf(signal))
    }
    signal.addEventListener('abort', giveUp, { once: true })
    return answer.promise.finally(() => signal.removeEventListener('abort', giveUp)) as Promise<AnyBody<C>>
  }

  /** A peer that never answers must not make this grow; after so many the oldest answer is not expected any more. */
  #abandon(seq: number): void {
    this.#abandoned.add(seq)
    if (this.#abandoned.size <= 10_000) return
    for (const oldest of this.#abandoned) return void this.#abandoned.delete(oldest)
  }

  /** `output` may be dropped when the peer reads too slowly, and the peer is told how often; nothing else ever is. */
  emit<E extends keyof Events>(event: E, body: Events[E]): void {
    if (event === 'output' && this.#wire.bufferedBytes > this.#options.outputHighWaterBytes) {
      this.#droppedOutputs++
      this.#droppedLines += lineEnds((body as Events['output']).output)
      return
    }
    this.#noteDropped()
    this.#sendEvent(event, body)
  }

  /** Answers every running request with the reason, and refuses the queued ones with it; but for one command. */
  abortRunning(reason: DapError, except: string): void {
    for (const request of this.#queued.splice(0)) this.#fail(request, reason)
    for (const { command, controller } of this.#running.values()) if (command !== except) controller.abort(reason)
  }

  /** Sends what is queued, rejects what is pending, and closes. */
  close(error?: Error): void {
    this.#wire.close(error)
  }

  #sendEvent(event: string, body: unknown): void {
    this.#send({ seq: ++this.#seq, type: 'event', event, ...(body === undefined ? {} : { body }) } as Message)
  }

  #noteDropped(): void {
    if (this.#droppedOutputs === 0 || this.#wire.bufferedBytes > this.#options.outputHighWaterBytes / 2) return
    const lines = Math.max(1, this.#droppedLines)
    const output = `[breakwater] ${lines} lines of output were dropped: this client reads too slowly.\n`
    this.#droppedOutputs = 0
    this.#droppedLines = 0
    this.#sendEvent('output', { category: 'stderr', output })
  }

  #send(message: Message): void {
    if (this.#closeError !== undefined) return
    this.#wire.send(message)
    if (this.#wire.bufferedBytes > this.#options.maxUnsentBytes) {
      this.close(dapError('connectionClosed', { peer: this.peer, why: ': it does not read what it is sent' }))
    }
  }

  /**
   * A response resolves a promise, and what its waiter then does must come before the events that follow the response
   * in the same turn (one chunk, or several of one SSH packet): `next` is answered before its `stopped`, or dape hangs.
   * So after each response everything that waits for it runs first, and the rest follows in a later turn.
   */
  #pump(): void {
    this.#pumping = true
    for (let message = this.#inbox.shift(); message !== undefined; message = this.#inbox.shift()) {
      if (message.type === 'response') {
        this.#onResponse(message as DebugProtocol.Response)
        return void setImmediate(() => this.#pump())
      } else if (message.type === 'event') {
        this.#onEvent(message as DebugProtocol.Event)
      } else {
        this.#onRequest(message as DebugProtocol.Request)
      }
    }
    this.#pumping = false
  }

  #onEvent(message: DebugProtocol.Event): void {
    const body: unknown = message.body
    try {
      this.#incoming.event?.(message.event, body)
    } catch (error) {
      this.#options.log.error({ event: message.event, err: error }, 'a bug: an unexpected error while taking an event')
    }
  }

  #onResponse(response: DebugProtocol.Response): void {
    const pending = this.#pending.get(response.request_seq)
    if (pending === undefined) {
      if (!this.#abandoned.delete(response.request_seq)) {
        this.#options.log.warn({ peer: this.peer, request: response.request_seq }, 'a response to nothing was dropped')
      }
      return
    }
    this.#pending.delete(response.request_seq)
    if (response.success === true) pending.resolve(response.body)
    else pending.reject(remoteError(response))
  }

  #onRequest(request: DebugProtocol.Request): void {
    if (request.command === 'cancel') {
      this.#cancel(request)
    } else if (this.#running.size < this.#options.maxRunning || this.#options.urgent.has(request.command)) {
      this.#run(request)
    } else if (this.#queued.length < this.#options.maxQueued) {
      this.#queued.push(request)
    } else {
      this.#fail(request, dapError('tooManyRequests', { limit: this.#options.maxQueued }))
    }
  }

  #run(request: DebugProtocol.Request): void {
    const controller = new AbortController()
    this.#running.set(request.seq, { command: request.command, controller })
    const args: unknown = request.arguments
    const incoming = { seq: request.seq, command: request.command, arguments: args, signal: controller.signal }
    void abortable(this.#start(incoming), controller.signal)
      .then(
        (body) => this.#succeed(request, body),
        (error: unknown) => this.#fail(request, error),
      )
      .finally(() => {
        this.#running.delete(request.seq)
        const next = this.#queued.shift()
        if (next !== undefined) this.#run(next)
      })
  }

  /** Not `async`: the handler must begin now, so that requests begin in the order in which they came. */
  #start(request: IncomingRequest): Promise<unknown> {
    try {
      if (typeof request.command !== 'string') throw dapError('unknownCommand', { command: String(request.command) })
      return this.#incoming.request(request)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** DAP's three cases: still queued, running, already answered. All succeed; the cancelled request is still answered. */
  #cancel(request: DebugProtocol.Request): void {
    const args = (request.arguments ?? {}) as { requestId?: unknown; progressId?: unknown }
    const at = this.#queued.findIndex((queued) => queued.seq === args.requestId)
    if (at >= 0) this.#fail(this.#queued.splice(at, 1)[0]!, dapError('cancelled', {}))
    else if (typeof args.requestId === 'number') {
      this.#running.get(args.requestId)?.controller.abort(dapError('cancelled', {}))
    }
    if (typeof args.progressId === 'string') this.#incoming.cancelProgress?.(args.progressId)
    this.#succeed(request, undefined)
  }

  #succeed({ seq, command }: DebugProtocol.Request, body: unknown): void {
    const response = { seq: ++this.#seq, type: 'response', request_seq: seq, success: true, command }
    this.#send({ ...response, ...(body === undefined ? {} : { body }) } as Message)
  }

  #fail({ seq, command }: DebugProtocol.Request, error: unknown): void {
    const known = error instanceof DapError ? error : this.#bug(command, error)
    const response = { seq: ++this.#seq, type: 'response', request_seq: seq, success: false, command }
    this.#send({ ...response, message: known.message, body: errorBody(known) } as Message)
  }

  #bug(command: string, error: unknown): DapError {
    const errorId = randomUUID().slice(0, 8)
    this.#options.log.error({ errorId, command, err: error }, 'a bug: an unexpected error while answering a request')
    return dapError('internal', { errorId })
  }

  #onClosed(error: Error | undefined): Error | undefined {
    const why = error === undefined ? '' : `: ${error.message}`
    this.#closeError = dapError('connectionClosed', { peer: this.peer, why }, { cause: error })
    for (const pending of this.#pending.values()) pending.reject(this.#closeError)
    this.#pending.clear()
    this.#abandoned.clear()
    this.#queued.length = 0
    for (const { controller } of this.#running.values()) controller.abort(this.#closeError)
    return error
  }
}

function lineEnds(text: string): number {
  let ends = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) ends++
  return ends
}

/** The peer's own refusal, its sentence kept. */
function remoteError(response: DebugProtocol.Response): DapError {
  const error = (response.body as DebugProtocol.ErrorResponse['body'] | undefined)?.error
  if (response.message === 'cancelled') return dapError('cancelled', {})
  if (response.message === 'notStopped') return dapError('notStopped', {})
  const format = error?.format?.replace(/\{(\w+)\}/g, (whole, name: string) => error.variables?.[name] ?? whole)
  const message = format ?? response.message ?? `the request '${response.command}' failed`
  return dapError('debuggerFailed', { message })
}
