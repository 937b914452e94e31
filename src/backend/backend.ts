import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call, Capabilities, EventName } from '../dap/call.ts'
import type { Command, Events } from '../dap/protocol.ts'
import type { Log } from '../lib/log.ts'
import type { Address, Transport } from '../transport/transport.ts'

/** A debugger that answers in DAP's words, whatever it speaks on its wire. */
export interface Backend extends AsyncDisposable {
  /** A handler present is a request supported: dispatch and capabilities come from this one table. */
  readonly handlers: Handlers
  /** Capabilities that are not requests: conditional breakpoints, log points, exception filters. */
  readonly features: Capabilities
  /** A core file or a recording: nothing of it runs, and whoever looks at it holds nobody. */
  readonly isRecord?: boolean
  /** Settles once, when the debugger is gone; with the error if we did not ask for it. */
  readonly closed: Promise<Error | undefined>
  /** Asynchronous disposal detaches: breakpoints out, program resumed, connection closed, in bounded time. */
}

export type Handlers = { readonly [C in Command]?: (call: Call<C>) => Promise<Body<C>> }

/** Resolves when the debugger is ready to be configured (DAP's `initialized`); `configurationDone` is a handler. */
export type Attach = (options: BackendOptions, context: BackendContext) => Promise<Backend>

/** What the target's configuration and the client's attach arguments say to the backend. */
export interface BackendOptions {
  readonly address: Address
  /** The program connects to us instead: `address` is where we wait for it (`debugpy --connect`). */
  readonly listen: boolean
  /** A child process of the target that this session is for, by its process id. */
  readonly process?: number
  /** The client's own initialize arguments: what it can show. */
  readonly client: DebugProtocol.InitializeRequestArguments
  /** Options of this backend from the target's `options` map, already checked by its schema. */
  readonly settings: Readonly<Record<string, unknown>>
}

export interface BackendContext {
  readonly transport: Transport
  /** The session's end; everything that waits must give up on it. */
  readonly signal: AbortSignal
  readonly log: Log
  /** What the policy allows, so that the debugger's own guard can be armed too. */
  readonly guard: Guard
  emit<E extends EventName>(event: E, body: Events[E]): void
  /** A child process waits to be debugged, or can be. The session offers it to the client. */
  child(child: Child): void
}

export interface Guard {
  /** Nothing may run the program's code or change it. */
  readonly readOnly: boolean
}

export interface Child {
  readonly name: string
  readonly process: number
  /** The child is blocked until somebody attaches: lets it run on when nobody does. */
  release(): Promise<void>
}

/** Everything a backend is known by before it is attached; `initialize` is answered from this. */
export interface BackendKind {
  readonly name: string
  readonly attach: Attach
  /** Commands and features that it usually has: what `initialize` declares until the exact set is known. */
  readonly usualCommands: readonly Command[]
  readonly usualFeatures: Capabilities
  /**
   * Its debugger does not let the program go when our connection to it closes, so that somebody at the far end must be
   * able to: the transport has `watch` wherever something can be run there.
   */
  readonly needsWatch?: true
}
