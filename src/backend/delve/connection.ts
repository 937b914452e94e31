import type { Duplex } from 'node:stream'
import { DapError, dapError } from '../../dap/errors.ts'
import { abortable, reasonOf } from '../../lib/abort.ts'
import { deferred, type Deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { HopError } from '../../transport/transport.ts'
import { lookRefusal } from './guard.ts'
import { callMs } from './quirks.ts'
import { AnswerSplitter, formatRequest, misfit, type Answer, type In, type Method, type Out } from './wire.ts'

/** Delve's own refusal, in its words. */
export class DelveError extends Error {
  readonly method: Method

  constructor(method: Method, message: string) {
    super(message)
    this.name = 'DelveError'
    this.method = method
  }

  /** This Delve is older than the method. */
  get isUnknownMethod(): boolean {
    return /^rpc: can't find (service|method)|unknown method:/i.test(this.message)
  }
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  /** `Infinity` for a resume: it is answered at the next stop. */
  readonly limitMs?: number
}

export interface ConnectionOptions {
  /** Which Delve, for errors. */
  readonly where: string
  readonly log: Log
  readonly readOnly: boolean
  /** Another connection to it has been answered. */
  readonly isDelve?: boolean
}

interface Pending {
  readonly method: Method
  readonly answer: Deferred<unknown>
}

/** Requests that wait for an answer; more mean that Delve is held in something that never ends. */
const pendingMax = 10_000

/** One connection to Delve: ids, and what is pending. Its requests are served in order (see `program.ts`). */
export class DelveConnection {
  readonly #stream: Duplex
  readonly #where: string
  readonly #log: Log
  readonly #readOnly: boolean
  readonly #pending = new Map<number, Pending>()
  readonly #closed = deferred<Error | undefined>()
  readonly #splitter = new AnswerSplitter()
  #arrived: Generator<Answer | undefined> | undefined
  /** Told of each refusal before whoever has asked. */
  refused: ((error: DelveError) => void) | undefined
  #ended: Error | undefined
  #lastId = 0
  #asked = false
  /** Asked in this turn. One text is one packet, and a third of what a list of texts costs. */
  #unsent = ''
  /** It has spoken, here or on another connection: what is at the other end is a Delve. */
  #spoken: boolean

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.#stream = stream
    this.#where = options.where
    this.#log = options.log
    this.#readOnly = options.readOnly
    this.#spoken = options.isDelve ?? false
    let failure: Error | undefined
    stream.on('data', (chunk: Buffer) => {
      this.#takeAll()
      this.#arrived = this.#splitter.take(chunk)
      this.#take()
    })
    stream.on('error', (error: Error) => (failure ??= error))
    stream.once('end', () => stream.destroy())
    stream.once('close', () => {
      this.#takeAll()
      this.#end(this.#closedError(failure))
    })
  }

  /** Settles once; with the error if it was not our own `close`. */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  get hasSpoken(): boolean {
    return this.#spoken
  }

  /**
   * Rejects with {@link DelveError} for Delve's refusal, with the signal's reason, or with how the connection ended.
   * Requests of one turn of the event loop leave in one write: not awaiting is pipelining.
   */
  ask<M extends Method>(method: M, argument: In<M>, options: AskOptions = {}): Promise<Out<M>> {
    const { signal, limitMs = callMs } = options
    const refused = this.#readOnly ? lookRefusal(method, argument) : undefined
    if (refused !== undefined) return Promise.reject(refused)
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const problem = misfit(argument)
    if (problem !== undefined) {
      return Promise.reject(dapError('debuggerFailed', { message: `This cannot be asked of Delve: ${problem}.` }))
    }
    if (signal?.aborted) return Promise.reject(reasonOf(signal))
    if (this.#pending.size >= pendingMax) return Promise.reject(dapError('tooManyRequests', { limit: pendingMax }))
    const id = ++this.#lastId
    const answer = deferred<unknown>()
    // Stays until its answer comes, also when nobody waits for it any more: a late answer is then no surprise.
    this.#pending.set(id, { method, answer })
    this.#write(formatRequest(id, method, argument))
    return this.#limited(answer.promise, method, limitMs, signal) as Promise<Out<M>>
  }

  /**
   * Says nothing to Delve's JSON-RPC, where it is white space; the DAP of a `dlv dap` takes it for the end of a header that
   * it does not know and closes the connection, where it would wait for ever (1.27.2).
   */
  shun(): void {
    this.#write('\r\n\r\n')
  }

  /** Everything that was asked before leaves now. */
  close(): Promise<Error | undefined> {
    this.#asked = true
    this.flush()
    this.#stream.end()
    const timer = setTimeout(() => this.#stream.destroy(), 500)
    return this.closed.finally(() => clearTimeout(timer))
  }

  /** Ends it with that error: nobody is there, or nothing to debug. */
  fail(error: Error): void {
    this.#end(error)
    this.#stream.destroy(error)
  }

  #write(text: string): void {
    if (this.#unsent === '') setImmediate(() => this.flush())
    this.#unsent += text
  }

  /** Now, and not at the end of the turn: what a user waits for. */
  flush(): void {
    const text = this.#unsent
    if (text === '') return
    this.#unsent = ''
    this.#stream.write(text)
  }

  async #limited(
    answer: Promise<unknown>,
    method: Method,
    limitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    if (limitMs === Infinity) return signal === undefined ? answer : abortable(answer, signal)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `Delve has not answered ${method} within ${limitMs / 1000} s (${this.#where}).`
        reject(dapError('debuggerFailed', { message }))
      }, limitMs)
    })
    try {
      const first = Promise.race([answer, late])
      return await (signal === undefined ? first : abortable(first, signal))
    } finally {
      clearTimeout(timer)
    }
  }

  /** What has come, up to a stop: that is told before the reads behind it, which came with it, are even parsed. */
  #take(): void {
    for (let next = this.#arrived?.next(); next?.done === false; next = this.#arrived?.next()) {
      if (this.#receive(next.value) === 'Command') return void setImmediate(() => this.#take())
    }
  }

  #takeAll(): void {
    for (const answer of this.#arrived ?? []) this.#receive(answer)
  }

  /** Of what it was the answer, if it was one. */
  #receive(answer: Answer | undefined): Method | undefined {
    if (answer === undefined) {
      if (this.#spoken) this.#log.warn({ where: this.#where }, 'Delve sent what is no answer')
      else this.#stream.destroy(notDelve(this.#where, 'it answers in another protocol'))
      return undefined
    }
    this.#spoken = true
    const pending = this.#pending.get(answer.id)
    this.#pending.delete(answer.id)
    if (pending !== undefined) this.#settle(pending, answer)
    return pending?.method
  }

  #settle(pending: Pending, answer: Answer): void {
    const { method } = pending
    if (answer.kind === 'result') return pending.answer.resolve(answer.result)
    if (answer.kind === 'error') {
      const error = new DelveError(method, answer.message)
      this.refused?.(error)
      return pending.answer.reject(error)
    }
    const message = `Delve's answer to ${method} has ${answer.bytes} bytes, too many to be read.`
    pending.answer.reject(dapError('debuggerFailed', { message }))
  }

  #end(error: Error): void {
    this.#ended = error
    for (const { answer } of this.#pending.values()) answer.reject(error)
    this.#pending.clear()
    this.#closed.resolve(this.#asked ? undefined : error)
  }

  #closedError(failure: Error | undefined): Error {
    if (failure instanceof HopError) {
      return dapError('debuggerGone', { why: failure.message.replace(/\.$/, '') }, { cause: failure })
    }
    if (failure instanceof DapError) return failure
    if (!this.#spoken) return silentlyClosed(this.#where, failure)
    const how = failure === undefined ? 'Delve closed the connection' : failure.message.replace(/\.$/, '')
    const why = `${how} (${this.#where}). If that dlv has ended, start it again and attach anew`
    return dapError('debuggerGone', { why }, failure && { cause: failure })
  }
}

const startAdvice =
  'Start it as: dlv attach PID --headless --accept-multiclient --api-version=2 --continue --listen=127.0.0.1:PORT (or exec ./app … in the place of attach PID).'

export function notDelve(where: string, problem: string): DapError {
  return dapError('notThisDebugger', {
    where,
    protocol: "Delve's JSON-RPC (dlv --headless)",
    problem,
    advice: startAdvice,
  })
}

/** Closed or reset without a byte: Delve does that to other users, and a Delve whose one client has gone. */
function silentlyClosed(where: string, failure: Error | undefined): DapError {
  const reset = failure !== undefined && 'code' in failure && failure.code === 'ECONNRESET'
  return dapError(
    'notThisDebugger',
    {
      where,
      protocol: "Delve's JSON-RPC (dlv --headless)",
      problem: `it ${reset ? 'reset' : 'closed'} the connection without a word`,
      advice:
        "Delve does so to a client of another user: let the tunnel end as the user that runs dlv, or start dlv with --only-same-user=false. So does 'dlv dap', which serves editors only: start dlv with --headless.",
    },
    failure && { cause: failure },
  )
}
