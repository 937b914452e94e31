import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Command, Events, Requests } from './protocol.ts'

export type Body<C extends Command> = Requests[C]['body']
export type Arguments<C extends Command> = Requests[C]['arguments']
export type EventName = keyof Events
export type Capabilities = DebugProtocol.Capabilities

/** One request on its way from a client to the debugger: what is asked, until when, and whether it is still wanted. */
export interface Call<C extends Command = Command> {
  readonly command: C
  readonly arguments: Arguments<C>
  /** Aborts on the client's `cancel`, the deadline or the end of the session; `signal.reason` tells which. */
  readonly signal: AbortSignal
  /** What is left of the one budget that the tunnel, the queue and the wire all draw on. Infinity without a deadline. */
  remainingMs(): number
}

/** Any call, its command known only by name. `AnyCall['command']` narrows `arguments` (a discriminated union). */
export type AnyCall = { [C in Command]: Call<C> }[Command]

export type AnyEvent = { [E in EventName]: { readonly event: E; readonly body: Events[E] } }[EventName]

/** The same call with other arguments: calls are never changed in place, so that a policy sees what it was given. */
export function withArguments<C extends Command>(call: Call<C>, args: Arguments<C>): Call<C> {
  return { ...call, arguments: args }
}

/** `signal` and `remainingMs` from a limit in ms, drawn on together with an outer signal. Call `release` when done. */
export function budget(outer: AbortSignal, limitMs: number, reason: () => Error): Budget {
  const controller = new AbortController()
  const endMs = performance.now() + limitMs
  const timer = Number.isFinite(limitMs) ? setTimeout(() => controller.abort(reason()), limitMs) : undefined
  const onAbort = (): void => controller.abort(outer.reason)
  if (outer.aborted) onAbort()
  else outer.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    remainingMs: () => Math.max(0, endMs - performance.now()),
    release() {
      clearTimeout(timer)
      outer.removeEventListener('abort', onAbort)
    },
  }
}

export interface Budget {
  readonly signal: AbortSignal
  remainingMs(): number
  release(): void
}
