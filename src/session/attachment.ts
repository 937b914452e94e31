import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Backend, BackendContext } from '../backend/backend.ts'
import { budget, type AnyCall, type AnyEvent, type Arguments, type Body, type EventName } from '../dap/call.ts'
import type { Connection } from '../dap/connection.ts'
import { dapError } from '../dap/errors.ts'
import type { Command, Events } from '../dap/protocol.ts'
import { movesOn } from '../dap/resuming.ts'
import { abortable } from '../lib/abort.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import { sessionPolicies, type SessionPolicies } from '../policy/policies.ts'
import { chain, filterEvent, type Next, type Who } from '../policy/policy.ts'
import { capabilityMask } from '../policy/readOnly.ts'
import type { PolicySettings } from '../policy/settings.ts'
import { HopError } from '../transport/transport.ts'
import { exactCapabilities } from './capabilities.ts'
import { offerChild } from './children.ts'
import { Handles } from './handles.ts'
import type { Door, SessionHost } from './host.ts'
import { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { clientMappings, Sources } from './sources.ts'
import { attachStarting, type Starting } from './starting.ts'
import type { State } from './state.ts'
import { absolutePaths, type Target } from './target.ts'
import { bodyToClient, eventToClient, toBackend } from './translate.ts'

export interface AttachmentParts {
  readonly session: Session
  readonly host: SessionHost
  readonly target: Target
  readonly state: State
  readonly who: Who
  readonly client: DebugProtocol.InitializeRequestArguments
  readonly attachArguments: Readonly<Record<string, unknown>>
  readonly process: number | undefined
  readonly root: string | undefined
  readonly door: Door
  readonly connection: Connection
  readonly log: Log
  /** The session's end. */
  readonly signal: AbortSignal
  /** To the client, past all policies. */
  readonly send: (event: AnyEvent) => void
}

/** The program's side of a session: transport, debugger and the policies in front of them. */
export class Attachment {
  readonly target: Target
  readonly who: Who
  readonly #parts: AttachmentParts
  readonly #state: State
  readonly #scope = new Scope()
  readonly #handles = new Handles()
  readonly #sources: Sources
  readonly #policies: SessionPolicies
  readonly #chain: Next
  #backend: Backend | undefined

  constructor(parts: AttachmentParts) {
    const { target, host, who, attachArguments } = parts
    this.#parts = parts
    this.#state = parts.state
    this.target = target
    this.who = who
    // The client's own mappings come first: among equally long prefixes the first one wins.
    this.#sources = new Sources([
      ...clientMappings(attachArguments),
      ...absolutePaths(target.paths, parts.root, host.configFile),
    ])
    const context = {
      sessionId: parts.session.id,
      target: target.name,
      backend: target.kind.name,
      mode: target.settings.mode,
      who,
      log: parts.log,
      signal: parts.signal,
      call: <C extends Command>(command: C, args: Arguments<C>) => this.#ask(command, args),
      emit: <E extends EventName>(event: E, body: Events[E]) => parts.send({ event, body } as AnyEvent),
      end: (why: string) => void parts.session.leave(why),
    }
    this.#policies = sessionPolicies(context, target.settings, host.audit)
    this.#chain = chain(this.#policies.list, (call) => this.#innermost(call))
  }

  times(): { endsAt?: number; idleEndsAt?: number } {
    return this.#policies.times()
  }

  tighten(settings: PolicySettings): void {
    this.#policies.tighten(settings)
  }

  /** Reaches the program, attaches the debugger and tells the client that it may configure. */
  async open(signal: AbortSignal): Promise<void> {
    const { target, send } = this.#parts
    const limitMs = target.settings.time.connectMs
    let stage = `reaching ${target.name}`
    const late = (): Error =>
      dapError('requestTimeout', {
        command: 'attach',
        limitMs,
        stage,
        advice: `'breakwater doctor ${target.name}' tries each hop.`,
      })
    const time = budget(signal, limitMs, late)
    const progress = new Progress(this.#parts, `Attaching to ${target.name}`)
    try {
      progress.step(stage)
      const transport = this.#scope.use(await abortableOpen(target, time.signal, (s) => this.#note(s)))
      stage = `talking to the debugger at ${target.name}`
      progress.step(stage)
      const backend = await attachStarting(
        () => this.#attach(transport, time.signal),
        this.#starting(transport, time.signal),
      )
      this.#backend = backend
      void backend.closed.then((error) => this.#onBackendClosed(error))
    } catch (error) {
      throw this.#worded(error)
    } finally {
      time.release()
      progress.end()
    }
    const capabilities = exactCapabilities(this.#backend, capabilityMask(target.settings.mode))
    this.#state.enter('configuring')
    if (this.#parts.process !== undefined) this.#parts.host.childAttached(target.name, this.#parts.process)
    this.#policies.started({ isRecord: this.#backend.isRecord ?? false })
    send({ event: 'capabilities', body: { capabilities } })
    send({ event: 'initialized', body: undefined })
  }

  #starting(transport: BackendContext['transport'], signal: AbortSignal): Starting | undefined {
    const { starter } = this.#parts.target
    if (starter === undefined) return undefined
    return {
      signal,
      start: () => starter.start(transport, signal),
      advice: starter.advice,
      started: (how) => {
        this.#policies.opened(how)
        this.#note(`The debugger did not listen: ${how}. Its port stays open after this session.`)
      },
    }
  }

  #attach(transport: BackendContext['transport'], signal: AbortSignal): Promise<Backend> {
    const attached = this.#parts.target.kind.attach(this.#backendOptions(), this.#backendContext(transport))
    // What comes up after the session was given up is disposed at once: Scope sees to it.
    attached.then(
      (backend) => this.#scope.add(() => backend[Symbol.asyncDispose]() as Promise<void>),
      () => {},
    )
    return abortable(attached, signal)
  }

  /** One request of the client, through the policies. */
  request(call: AnyCall): Promise<unknown> {
    return this.#chain(call)
  }

  /** The client's `disconnect` passes the policies too: it may ask to end the program. */
  async disconnect(call: AnyCall): Promise<void> {
    if (this.#backend === undefined) return
    try {
      await abortable(this.request(call), AbortSignal.timeout(2_000))
    } catch (error) {
      this.#parts.log.info({ err: error }, 'the disconnect was not answered; the session ends all the same')
    }
  }

  /** Frees the program and gives everything back; never rejects. */
  async release(why: string): Promise<void> {
    await this.#scope[Symbol.asyncDispose]()
    for (const error of this.#scope.errors) this.#parts.log.warn({ err: error }, 'an error while ending a session')
    await this.#policies.ended(why)
  }

  #backendOptions() {
    const { target, process, client } = this.#parts
    return {
      address: target.address,
      listen: target.listen,
      client,
      settings: target.options,
      ...(process === undefined ? {} : { process }),
    }
  }

  #backendContext(transport: BackendContext['transport']): BackendContext {
    const { log, target, session, signal } = this.#parts
    return {
      transport,
      signal,
      log,
      guard: { readOnly: target.settings.mode !== 'control' },
      emit: (event, body) => this.#onEvent({ event, body } as AnyEvent),
      child: (child) => {
        void offerChild(child, this.#parts, (sentence) => this.#note(sentence)).catch((error: unknown) =>
          log.error({ err: error, session: session.id }, 'a bug: an unexpected error while offering a child process'),
        )
      },
    }
  }

  #note(sentence: string): void {
    this.#parts.send({ event: 'output', body: { category: 'stderr', output: `[breakwater] ${sentence}\n` } })
  }

  /** Below all policies: ids and paths of the debugger, then its handler. */
  async #innermost(call: AnyCall): Promise<unknown> {
    const { target, state } = this.#parts
    const handler = this.#backend?.handlers[call.command] as ((call: AnyCall) => Promise<unknown>) | undefined
    if (handler === undefined) {
      if (call.command === 'disconnect') return undefined
      throw dapError('unsupported', { backend: target.kind.name, command: call.command, why: '' })
    }
    const translated = toBackend(call, this.#handles, this.#sources)
    const body = await handler(translated.call).catch((error: unknown) => {
      throw this.#worded(error)
    })
    if (call.command === 'configurationDone' && state.phase === 'configuring') state.enter('attached')
    if (movesOn.has(call.command)) this.#onResumed(call.arguments as { threadId: number; singleThread?: boolean }, body)
    return bodyToClient(call.command, body, this.#handles, this.#sources, translated.thread)
  }

  #ask<C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> {
    const call = { command, arguments: args, signal: this.#parts.signal, remainingMs: () => Infinity } as AnyCall
    return this.#innermost(call) as Promise<Body<C>>
  }

  #onResumed(args: { threadId: number; singleThread?: boolean }, body: unknown): void {
    // A step says nothing of the others: those that did not stop with this one stay as they are.
    const together = args.singleThread !== true && this.#state.stoppedTogether
    const all = (body as Body<'continue'> | undefined)?.allThreadsContinued ?? together
    this.#state.resumed(all ? undefined : args.threadId)
    this.#handles.resumed(all ? undefined : args.threadId)
  }

  #onEvent(event: AnyEvent): void {
    const { state, send } = this.#parts
    if (event.event === 'stopped') {
      state.stopped(event.body.threadId, event.body.allThreadsStopped === true)
    } else if (event.event === 'continued') {
      // Already known from the response to the client's own request: DAP wants no event for that.
      if (!state.isStopped) return
      const thread = event.body.allThreadsContinued === false ? event.body.threadId : undefined
      state.resumed(thread)
      this.#handles.resumed(thread)
    }
    const passed = filterEvent(this.#policies.list, eventToClient(event, this.#handles, this.#sources))
    if (passed === undefined) return
    if (passed.event === 'terminated') {
      void this.#parts.session.leave('the program has ended or its debugger has let go of it')
    } else {
      send(passed)
    }
  }

  #onBackendClosed(error: Error | undefined): void {
    if (error === undefined) return void this.#parts.session.leave('the debugger has closed the connection')
    const { message } = this.#worded(error)
    void this.#parts.session.leave(message.replace(/\.$/, ''))
  }

  /** A failure on the way is told with its hop and what to do next, also when it has ended a debugger's connection. */
  #worded(error: unknown): Error {
    const failed = hopErrorOf(error)
    if (failed === undefined) return error instanceof Error ? error : new Error(String(error))
    const { hop, advice } = failed
    const problem = sentenceBody(failed)
    // Where there is only one hop its name tells nobody anything.
    const at = hop === 'direct' ? '' : hop
    if (failed.code === 'lost') return dapError('hopLost', { at: at && ` at ${at}`, problem }, { cause: error })
    const sentence = problem.charAt(0).toUpperCase() + problem.slice(1)
    return dapError('hopFailed', { at: at && ` (at ${at})`, problem: sentence, advice }, { cause: error })
  }
}

function hopErrorOf(error: unknown): HopError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof HopError) return at
  return undefined
}

function sentenceBody(error: Error): string {
  return error.message.replace(/\.$/, '')
}

/** The way may come up after the attach was given up: then it is closed at once. */
async function abortableOpen(target: Target, signal: AbortSignal, note: (sentence: string) => void) {
  const opening = target.open(signal, note)
  try {
    return await abortable(opening, signal)
  } catch (error) {
    opening.then(
      (transport) => transport[Symbol.asyncDispose](),
      () => {},
    )
    throw error
  }
}
