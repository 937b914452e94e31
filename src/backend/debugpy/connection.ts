import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Duplex } from 'node:stream'
import { Connection } from '../../dap/connection.ts'
import { DapError, dapError } from '../../dap/errors.ts'
import { streamWire } from '../../dap/framing.ts'
import type { Command } from '../../dap/protocol.ts'
import { abortable, reasonOf } from '../../lib/abort.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { clientId, greetingMs } from './quirks.ts'

/** Opens a conversation about one child process; it has said `initialize`. */
export type OpenChild = (process: number, signal: AbortSignal) => Promise<Upstream>

/** The way to one program: the adapter that it started, or the program itself, which has come to us. */
export interface Link {
  readonly upstream: Upstream
  /** What it said to `initialize`. */
  readonly capabilities: DebugProtocol.Capabilities
  /** Which process of the adapter's is meant; undefined for the first. */
  readonly process: number | undefined
  readonly openChild: OpenChild
  /** Told of each child process that comes by itself; those that the adapter tells of come as events. */
  onChild(listener: (process: number) => void): void
  end(): Promise<void>
}

export type EventListener = (event: string, body: unknown) => void

/** One DAP conversation in the client's role: with debugpy's adapter, or with pydevd itself. */
export class Upstream {
  readonly #connection: Connection
  readonly #events: EventListener[] = []
  readonly #greeted = deferred<void>()
  readonly #evaluations = new Set<Promise<unknown>>()
  #strange: string | undefined
  /** debugpy's own version; pydevd alone does not tell it. */
  version: string | undefined
  readonly closed: Promise<Error | undefined>

  constructor(stream: Duplex, where: string, log: Log) {
    this.#connection = new Connection(
      streamWire(stream, where),
      { request: (request) => this.#refuse(request.command), event: (event, body) => this.#onEvent(event, body) },
      { log },
    )
    this.closed = this.#connection.closed
  }

  get peer(): string {
    return this.#connection.peer
  }

  /** Listeners are called in the order of arrival, those added first before the others. */
  onEvent(listener: EventListener): void {
    this.#events.push(listener)
  }

  /** Also for commands that DAP does not know. Rejects with the debugger's own sentence, or how the connection ended. */
  request(command: string, args: unknown, signal?: AbortSignal): Promise<unknown> {
    if (command !== 'evaluate') return this.#connection.request(command as Command, args as never, signal)
    if (signal?.aborted) return Promise.reject(reasonOf(signal))
    // Without the signal: that nobody waits for it any more does not end it, see evaluatedMs.
    const answer: Promise<unknown> = this.#connection.request(command, args as never)
    this.#evaluations.add(answer)
    const done = (): void => void this.#evaluations.delete(answer)
    answer.then(done, done)
    return signal === undefined ? answer : abortable(answer, signal)
  }

  /** Settles when no evaluation is under way any more, also of those that were given up. */
  async evaluated(): Promise<void> {
    while (this.#evaluations.size > 0) await Promise.allSettled(this.#evaluations)
  }

  close(error?: Error): void {
    this.#connection.close(error)
  }

  /** Says who we are. Rejects with `notThisDebugger` when the other end is something else or says nothing. */
  async initialize(
    client: DebugProtocol.InitializeRequestArguments,
    greets: boolean,
    signal: AbortSignal,
  ): Promise<DebugProtocol.Capabilities> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(this.#not(`it did not answer within ${greetingMs / 1000} s`)), greetingMs)
    const onAbort = (): void => late.abort(reasonOf(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const answer = this.request('initialize', initializeArguments(client), late.signal)
      if (greets) await abortable(Promise.all([this.#greeted.promise, answer]), late.signal)
      return ((await answer) ?? {}) as DebugProtocol.Capabilities
    } catch (error) {
      const told = this.#explain(error, signal)
      this.close(told)
      throw told
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  #explain(error: unknown, signal: AbortSignal): Error {
    if (signal.aborted) return reasonOf(signal)
    if (this.#strange !== undefined) return this.#not(this.#strange)
    if (error instanceof DapError && error.code === 'notThisDebugger') return error
    if (error instanceof DapError && error.code === 'connectionClosed') {
      const cause: unknown = error.cause
      if (cause instanceof DapError && cause.code !== 'connectionClosed') return this.#not(cause.message, error)
      return this.#not('it closed the connection', error)
    }
    return this.#not(error instanceof Error ? error.message : String(error), error)
  }

  #not(problem: string, cause?: unknown): DapError {
    return dapError(
      'notThisDebugger',
      {
        where: this.peer,
        protocol: 'debugpy',
        problem: problem.replace(/\.$/, ''),
        advice: "Check the port: it is the one of 'python -m debugpy --listen' or 'debugpy.listen()'.",
      },
      cause === undefined ? {} : { cause },
    )
  }

  #onEvent(event: string, body: unknown): void {
    const output = (body ?? {}) as { category?: unknown; output?: unknown; data?: { packageVersion?: unknown } }
    if (event === 'debugpySockets') this.#greeted.resolve()
    if (event === 'output' && output.category === 'telemetry' && output.output === 'debugpy') {
      if (typeof output.data?.packageVersion === 'string') this.version = output.data.packageVersion
      this.#greeted.resolve()
    }
    for (const listener of this.#events) listener(event, body)
  }

  /**
   * debugpy asks nothing of a client that does not declare what could be asked (`startDebugging`, `runInTerminal`). Its
   * port for programs does: there we would be taken for one.
   */
  #refuse(command: string): Promise<never> {
    if (command.startsWith('pydevd')) {
      this.#strange = "it is debugpy's internal port, where programs connect"
      this.close(this.#not(this.#strange))
    }
    return Promise.reject(dapError('unsupported', { backend: 'debugpy', command, why: '' }))
  }
}

/** What the client can show, as far as debugpy cares; reverse requests are not for debugpy to make. */
function initializeArguments(client: DebugProtocol.InitializeRequestArguments): Record<string, unknown> {
  return {
    clientID: clientId,
    clientName: 'Breakwater',
    adapterID: 'debugpy',
    locale: client.locale ?? 'en-US',
    linesStartAt1: client.linesStartAt1 ?? true,
    columnsStartAt1: client.columnsStartAt1 ?? true,
    pathFormat: 'path',
    supportsVariableType: true,
    supportsVariablePaging: client.supportsVariablePaging ?? false,
    supportsRunInTerminalRequest: false,
    supportsStartDebuggingRequest: false,
  }
}
