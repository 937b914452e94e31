import type { AnyCall, AnyEvent, Arguments, Body, EventName } from '../dap/call.ts'
import type { Command, Events } from '../dap/protocol.ts'
import type { Log } from '../lib/log.ts'

/** What may be done to a target's program (DESIGN section 1). */
export type Mode = 'observe' | 'inspect' | 'control'

/** One function around one call, and a filter for what comes unasked. Made anew for each session. */
export interface Policy extends Partial<AsyncDisposable> {
  readonly name: string
  readonly request?: (call: AnyCall, next: Next) => Promise<unknown>
  /** `undefined` drops the event. Runs synchronously: events keep their order. */
  readonly event?: (event: AnyEvent) => AnyEvent | undefined
}

export type Next = (call: AnyCall) => Promise<unknown>

/** What a policy is told about its session, and the few things it may do by itself. */
export interface PolicyContext {
  readonly sessionId: string
  readonly target: string
  readonly backend: string
  readonly mode: Mode
  readonly who: Who
  readonly log: Log
  /** The session's end. */
  readonly signal: AbortSignal
  /** Asks the debugger, below all policies: for resuming at `pauseMax` and the like. Its result reaches no client. */
  call<C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>>
  /** Sends an event to the client, past this policy and the ones outside it. */
  emit<E extends EventName>(event: E, body: Events[E]): void
  /** Ends the session cleanly; `why` is a whole sentence that the user reads. */
  end(why: string): void
}

/** Who debugs: recorded with everything that is done. */
export interface Who {
  /** The name of the token, or the local user for loopback and unix sockets. */
  readonly identity: string
  /** `clientID` of `initialize`: `vscode`, `neovim`, …; what the client says of itself, not proof. */
  readonly client: string
  /** `127.0.0.1:53412`, `unix`, `stdio`. */
  readonly peer: string
}

/** Puts policies around `innermost`; the first listed is the outermost. */
export function chain(policies: readonly Policy[], innermost: Next): Next {
  return policies.reduceRight<Next>((next, policy) => {
    const request = policy.request
    return request === undefined ? next : (call) => request(call, next)
  }, innermost)
}

/** Takes an event through the filters, from the debugger outwards: the last listed sees it first. */
export function filterEvent(policies: readonly Policy[], event: AnyEvent): AnyEvent | undefined {
  let current: AnyEvent | undefined = event
  for (let i = policies.length - 1; i >= 0 && current !== undefined; i--) {
    const filter = policies[i]!.event
    if (filter !== undefined) current = filter(current)
  }
  return current
}
