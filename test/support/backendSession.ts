import type { Socket } from 'node:net'
import type { Attach, Backend, BackendOptions, Child } from '../../src/backend/backend.ts'
import type { Arguments, Body, Call, EventName } from '../../src/dap/call.ts'
import type { Command, Events } from '../../src/dap/protocol.ts'
import type { Log } from '../../src/lib/log.ts'
import { direct } from '../../src/transport/direct.ts'
import { HopError, type Transport } from '../../src/transport/transport.ts'
import { until, type Debuggee } from './debuggee.ts'

export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}

export interface Seen {
  readonly event: EventName
  readonly body: unknown
}

/** A backend as a session would hold it, with all its events. */
export interface Attached {
  readonly backend: Backend
  readonly seen: Seen[]
  readonly children: Child[]
  /** Everything that was logged, for tests of what operators are told. */
  ask<C extends Command>(command: C, args: Arguments<C>, signal?: AbortSignal): Promise<NonNullable<Body<C>>>
  /** Waits for the next such event after those already waited for. */
  next<E extends EventName>(event: E): Promise<Events[E]>
  /** Sets breakpoints in the program's file at the lines marked so, and ends the configuration. */
  configure(debuggee: Debuggee, ...marks: string[]): Promise<void>
  /** Waits until it is stopped; the top frame. */
  stopped(): Promise<{ threadId: number; frameId: number; line: number; reason: string }>
  /** The children of a scope or value, by name. */
  children_(reference: number): Promise<Map<string, Body<'variables'>['variables'][number]>>
  locals(frameId: number): Promise<Map<string, Body<'variables'>['variables'][number]>>
  end(): Promise<void>
}

export interface AttachedOptions extends Partial<Omit<BackendOptions, 'address'>> {
  readonly readOnly?: boolean
  readonly transport?: Transport
  readonly signal?: AbortSignal
}

/** A kind of backend, and what an editor calls its adapter. */
export interface Attachable {
  readonly attach: Attach
  readonly adapterID: string
}

async function attachWith(
  { attach, adapterID }: Attachable,
  port: number,
  options: AttachedOptions = {},
): Promise<Attached> {
  const transport = options.transport ?? direct()
  const controller = new AbortController()
  const signal = options.signal ?? controller.signal
  const seen: Seen[] = []
  const children: Child[] = []
  const backend = await attach(
    {
      address: { host: '127.0.0.1', port },
      listen: options.listen ?? false,
      ...(options.process === undefined ? {} : { process: options.process }),
      client: options.client ?? { adapterID, supportsVariablePaging: true },
      settings: options.settings ?? {},
    },
    {
      transport,
      signal,
      log: silentLog,
      guard: { readOnly: options.readOnly ?? false },
      emit: (event, body) => void seen.push({ event, body }),
      child: (child) => void children.push(child),
    },
  )
  const waited = new Map<EventName, number>()
  const attached: Attached = {
    backend,
    seen,
    children,
    async ask(command, args, asking = AbortSignal.any([signal, within(command)])) {
      const handler = backend.handlers[command] as ((call: Call) => Promise<never>) | undefined
      if (handler === undefined) throw new Error(`the backend has no '${command}'`)
      const call = { command, arguments: args, signal: asking, remainingMs: () => Infinity } as Call
      return handler(call)
    },
    async next(event) {
      let at = waited.get(event) ?? 0
      await until(`the event '${event}'; seen: ${seen.map((s) => s.event).join(' ')}`, () => {
        for (; at < seen.length; at++) if (seen[at]!.event === event) return true
        return false
      })
      waited.set(event, at + 1)
      return seen[at]!.body as never
    },
    async configure(debuggee, ...marks) {
      if (marks.length > 0) {
        const breakpoints = marks.map((mark) => ({ line: debuggee.line(mark) }))
        await attached.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
      }
      await attached.ask('configurationDone', undefined)
    },
    async stopped() {
      const body = await attached.next('stopped')
      const threadId = body.threadId!
      const { stackFrames } = await attached.ask('stackTrace', { threadId, levels: 1 })
      return { threadId, frameId: stackFrames[0]!.id, line: stackFrames[0]!.line, reason: body.reason }
    },
    async children_(variablesReference) {
      const { variables } = await attached.ask('variables', { variablesReference })
      return new Map(variables.map((variable) => [variable.name, variable]))
    },
    async locals(frameId) {
      const { scopes } = await attached.ask('scopes', { frameId })
      return attached.children_(scopes[0]!.variablesReference)
    },
    async end() {
      await backend[Symbol.asyncDispose]()
      if (options.transport === undefined) await transport[Symbol.asyncDispose]()
    },
  }
  return attached
}

export type AttachTo = (port: number, options?: AttachedOptions) => Promise<Attached>

/** `attachTo` of one kind of backend, and an opener of it: what it attaches in a test ends with the test. */
export function sessionsOf(kind: Attachable): {
  readonly attachTo: AttachTo
  readonly opener: (t: { afterEach(end: () => Promise<void>): unknown }) => AttachTo
} {
  const attachTo: AttachTo = (port, options) => attachWith(kind, port, options)
  return {
    attachTo,
    opener(t) {
      const sessions: Attached[] = []
      t.afterEach(async () => {
        for (const session of sessions.splice(0)) await session.end()
      })
      return async (...args) => {
        const session = await attachTo(...args)
        sessions.push(session)
        return session
      }
    },
  }
}

/** No request may hang a test: this is far beyond what any takes on a busy machine. */
function within(command: string): AbortSignal {
  const late = new AbortController()
  setTimeout(() => late.abort(new Error(`'${command}' was not answered within 60 s`)), 60_000).unref()
  return late.signal
}

/** The direct way, and how to break it: the streams are reset, and no more are opened. */
export function breakable(): { transport: Transport; cut(): void } {
  const transport = direct()
  const sockets: Socket[] = []
  let broken = false
  return {
    transport: {
      name: transport.name,
      closed: transport.closed,
      exec: (argv, signal) => transport.exec(argv, signal),
      listen: (address, signal) => transport.listen(address, signal),
      async dial(address, signal) {
        if (broken) throw new HopError('direct', 'lost', 'the way is broken', '')
        const socket = (await transport.dial(address, signal)) as Socket
        sockets.push(socket)
        return socket
      },
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    },
    cut() {
      broken = true
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}
