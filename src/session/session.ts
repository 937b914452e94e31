import { randomBytes } from 'node:crypto'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, AnyEvent, Arguments, Body } from '../dap/call.ts'
import { Connection, type IncomingRequest } from '../dap/connection.ts'
import { DapError, dapError } from '../dap/errors.ts'
import type { Wire } from '../dap/framing.ts'
import type { Command, Events } from '../dap/protocol.ts'
import { resuming } from '../dap/resuming.ts'
import { abortable, sleep } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import { auditFailedAttach } from '../policy/audit.ts'
import type { PolicySettings } from '../policy/settings.ts'
import { checkArguments, isCommand } from './arguments.ts'
import { Attachment } from './attachment.ts'
import type { Door, SessionFacts, SessionHost } from './host.ts'
import { State } from './state.ts'
import { targetRequest, type Target } from './target.ts'
import { unverified } from './unverified.ts'

/** Clients give up on an attach after 10 s (dape) or warn after 4 s (nvim-dap): a slower one goes on in the background. */
const earlyAnswerMs = 3_500
/** How long an ended session waits for the client's own `disconnect` before it hangs up. */
const farewellMs = 5_000
/** A client that does not attach within this time is not one. */
const attachWithinMs = 60_000

/**
 * What one client does with one target, from its connection to its end.
 *
 * Three things run at the same time: the client's requests, each its own task; the attachment (tunnel, debugger,
 * policies), which outlives the attach request when that is slow; and the timers of the deadline policy. Any of these
 * may end the session: the client (disconnect, or its connection closes), the debugger (`closed`, `terminated`), a
 * policy (`context.end`), the daemon (drain). All of them call `end`, which runs once:
 *
 *   1. nothing new is accepted, and what runs is aborted with the reason;
 *   2. the attachment is disposed: breakpoints out, program resumed, debugger's connection closed, transport released;
 *   3. the audit gets its last line;
 *   4. the client is told (`output`, `terminated`) unless it asked, and its connection is closed last, so that every
 *      request of it has been answered.
 *
 * No step waits for the client, so a client that has gone silent cannot keep a program held.
 */
export class Session {
  readonly id = randomBytes(4).toString('hex')
  readonly #host: SessionHost
  readonly #door: Door
  readonly #log: Log
  readonly #state = new State()
  readonly #connection: Connection
  readonly #controller = new AbortController()
  readonly #sinceMs = Date.now()
  readonly #patience: NodeJS.Timeout
  readonly #ended = deferred<void>()
  #client: DebugProtocol.InitializeRequestArguments = { adapterID: '' }
  #attachment: Attachment | undefined
  #ending: Promise<void> | undefined
  #terminatedSent = false
  #exitedSent = false
  #disconnecting = false
  #cancelAttach: AbortController | undefined

  constructor(wire: Wire, door: Door, host: SessionHost) {
    this.#host = host
    this.#door = door
    this.#log = host.log.child({ session: this.id, peer: door.peer })
    const incoming = {
      request: (request: IncomingRequest) => this.#request(request),
      cancelProgress: () => this.#cancelAttach?.abort(dapError('cancelled', {})),
    }
    this.#connection = new Connection(wire, incoming, { log: this.#log })
    this.#patience = setTimeout(() => this.#connection.close(), attachWithinMs)
    void this.#connection.closed.then((error) => this.end(`the client has gone${error ? ` (${error.message})` : ''}`))
  }

  /** Settles when the program is free, everything of this session is given back and its client is gone. */
  get closed(): Promise<unknown> {
    return Promise.all([this.#ended.promise, this.#connection.closed])
  }

  get hasEnded(): boolean {
    return this.#state.phase === 'ended'
  }

  get target(): Target | undefined {
    return this.#attachment?.target
  }

  facts(): SessionFacts | undefined {
    const attachment = this.#attachment
    if (attachment === undefined || this.hasEnded) return undefined
    const { phase, pausedSince } = this.#state
    return {
      id: this.id,
      target: attachment.target.name,
      backend: attachment.target.kind.name,
      mode: attachment.target.settings.mode,
      ...attachment.who,
      since: this.#sinceMs,
      ...attachment.times(),
      state:
        phase === 'ending'
          ? 'ending'
          : phase === 'attaching'
            ? 'attaching'
            : pausedSince === undefined
              ? 'running'
              : 'paused',
      ...(pausedSince === undefined ? {} : { pausedSince }),
    }
  }

  /** A changed configuration: running sessions keep their limits or tighten them. */
  tighten(settings: PolicySettings): void {
    this.#attachment?.tighten(settings)
  }

  /** Ends the session in the order that is written above the class. Safe to call at any time, any number of times. */
  end(why: string): Promise<void> {
    this.#ending ??= this.#end(this.#disconnecting ? 'the client has disconnected' : why)
    return this.#ending
  }

  async #end(why: string): Promise<void> {
    clearTimeout(this.#patience)
    this.#state.enter('ending')
    const reason = dapError('sessionEnded', { why })
    this.#connection.abortRunning(reason, 'disconnect')
    this.#controller.abort(reason)
    await this.#attachment?.release(why)
    this.#log.info({ why }, 'session ended')
    this.#state.enter('ended')
    this.#ended.resolve()
  }

  /** Ends the session by ourselves: the client is told, and given time to leave by its own `disconnect`. */
  async leave(why: string): Promise<void> {
    // The debugger's own goodbye to a client that is leaving needs no words.
    if (this.#ending !== undefined || this.#disconnecting) return this.#ending
    const ending = this.end(why)
    await ending
    this.#send({
      event: 'output',
      body: { category: 'stderr', output: `[breakwater] The session has ended: ${why}.\n` },
    })
    this.#send({ event: 'terminated', body: undefined })
    const timer = setTimeout(() => this.#connection.close(), farewellMs)
    void this.#connection.closed.then(() => clearTimeout(timer))
  }

  #request(request: IncomingRequest): Promise<unknown> {
    const { command } = request
    if (!isCommand(command)) throw dapError('unknownCommand', { command })
    const args = checkArguments(command, request.arguments)
    const refusal = this.#state.refusal(command)
    if (refusal !== undefined) throw refusal
    const call = { command, arguments: args, signal: request.signal, remainingMs: () => Infinity } as AnyCall
    switch (call.command) {
      case 'initialize':
        return this.#initialize(call.arguments)
      case 'attach':
        return this.#attach(call.arguments as { target?: unknown; token?: string }, request.signal)
      case 'launch':
        throw dapError('launchRefused', {})
      case 'disconnect':
        return this.#disconnect(call)
      default:
        return this.#dispatch(call)
    }
  }

  // DAP: nothing is sent before this response; it waits for nothing.
  #initialize(args: Arguments<'initialize'>): Promise<Body<'initialize'>> {
    this.#client = args
    this.#state.enter('initialized')
    return Promise.resolve(this.#host.usualCapabilities())
  }

  async #attach(args: { target?: unknown; token?: string }, signal: AbortSignal): Promise<undefined> {
    const early = new AbortController()
    const cancel = (this.#cancelAttach = new AbortController())
    const opening = this.#open(args, AbortSignal.any([cancel.signal, this.#controller.signal]))
    opening.catch((error: unknown) => this.#auditFailedAttach(args.target, error))
    const outcome = await Promise.race([
      opening.then(
        () => 'done' as const,
        (error: unknown) => ({ error }),
      ),
      abortable(sleep(earlyAnswerMs, early.signal), signal).then(
        () => 'early' as const,
        () => 'early' as const,
      ),
    ])
    early.abort()
    if (typeof outcome === 'object') {
      // The answer is on its way before the end is told; VS Code shows it in a dialog and then disconnects.
      setImmediate(() => void this.end('attach failed').then(() => this.#hangUpLater()))
      throw outcome.error
    }
    if (outcome === 'early') opening.catch((error: unknown) => void this.leave(this.#sentence(error)))
    return undefined
  }

  async #open(args: { target?: unknown; token?: string }, signal: AbortSignal): Promise<void> {
    const request = targetRequest(args)
    const identity = this.#host.authenticate(this.#door, args.token)
    const target = this.#host.resolveTarget(request.target ?? this.#door.target)
    this.#host.admit(this, target)
    clearTimeout(this.#patience)
    this.#state.enter('attaching')
    this.#attachment = new Attachment({
      session: this,
      host: this.#host,
      target,
      state: this.#state,
      who: { identity, client: this.#client.clientID ?? 'unknown', peer: this.#door.peer },
      client: this.#client,
      attachArguments: args as Record<string, unknown>,
      process: request.process,
      root: request.root ?? this.#door.root,
      door: this.#door,
      connection: this.#connection,
      log: this.#log.child({ target: target.name }),
      signal: this.#controller.signal,
      send: (event) => this.#send(event),
    })
    await this.#attachment.open(signal)
  }

  #auditFailedAttach(named: unknown, error: unknown): void {
    const { target, who } = this.#attachment ?? {}
    const attach = {
      session: this.id,
      target: target?.name ?? (typeof named === 'string' ? named : (this.#door.target ?? 'ad hoc')),
      identity: who?.identity ?? this.#door.identity ?? 'unknown',
      client: this.#client.clientID ?? 'unknown',
      peer: this.#door.peer,
    }
    auditFailedAttach(this.#host.audit, attach, error)
  }

  #hangUpLater(): void {
    const timer = setTimeout(() => this.#connection.close(), farewellMs)
    void this.#connection.closed.then(() => clearTimeout(timer))
  }

  #sentence(error: unknown): string {
    if (error instanceof DapError) return error.message.replace(/\.$/, '')
    this.#log.error({ err: error }, 'a bug: an unexpected error while attaching')
    return 'an internal error of Breakwater'
  }

  async #disconnect(call: AnyCall): Promise<undefined> {
    this.#disconnecting = true
    if (this.#attachment !== undefined && this.#ending === undefined) await this.#attachment.disconnect(call)
    await this.end('the client has disconnected')
    // The response leaves in this turn's microtasks, the end of the connection after it.
    setImmediate(() => this.#connection.close())
    return undefined
  }

  #dispatch(call: AnyCall): Promise<unknown> {
    if (resuming.has(call.command) && !this.#state.isStopped) return Promise.resolve(alreadyRunning(call.command))
    const answer = this.#attachment!.request(call)
    return answer.catch((error: unknown) => {
      const body = unverified(call, error)
      if (body === undefined) throw error
      return body
    })
  }

  /** To the client, past everything; `exited` and `terminated` once each, and nothing but output after the latter. */
  #send({ event, body }: AnyEvent): void {
    if (event === 'terminated') {
      if (this.#terminatedSent) return
      this.#terminatedSent = true
    } else if (event === 'exited') {
      if (this.#exitedSent || this.#terminatedSent) return
      this.#exitedSent = true
    } else if (this.#terminatedSent && event !== 'output') {
      return
    }
    this.#connection.emit(event, body as Events[typeof event])
  }
}

/** nvim-dap and dap-mode mark the thread running before they ask, and are lost if a step fails (notes/clients.md, 9). */
function alreadyRunning(command: Command): unknown {
  return command === 'continue' ? { allThreadsContinued: true } : undefined
}
