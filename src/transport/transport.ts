import type { Duplex } from 'node:stream'

/** Where a debugger listens, as seen from the last hop of the transport. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** A way to reach the machine a program runs on. */
export interface Transport extends AsyncDisposable {
  /** The hop's name as users know it: `direct`, `ssh deploy@prod-1`, `docker exec -i checkout`. */
  readonly name: string
  /** Opens a byte stream to the address; never a listening port of ours. Rejects with {@link HopError}. */
  dial(address: Address, signal: AbortSignal): Promise<Duplex>
  /** Runs a command at the far end; the stream is its stdin and stdout. */
  exec(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<Duplex>
  /** Waits at the far end for programs that connect to us (`debugpy --connect`). Over SSH this is a remote forward. */
  listen(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Listener>
  /**
   * Leaves words at the far end for a debugger that does not let its program go by itself: one line of POSIX shell that
   * is run there when we are gone without a word (the heartbeat starved, the channel closed, the daemon killed). Missing
   * where nothing can be run at the far end.
   */
  watch?(script: string, signal: AbortSignal): Promise<Watch>
  /** Settles once, when the way is gone; with the error if we did not ask for it. */
  readonly closed: Promise<Error | undefined>
  /** Ends it with this error, for all who use it: from somebody who knows earlier that the way is gone. */
  fail?(error: HopError): void
}

/** Words that wait at the far end. Disposing takes them back: nothing is run. */
export interface Watch extends AsyncDisposable {
  /** Has them said now, since we could not do ourselves what they do. Settles when they were, within 15 s; never rejects. */
  say(): Promise<void>
}

export interface Listener extends AsyncDisposable {
  /** The port that was really bound (0 asks for any). */
  readonly port: number
  /** The next program that connects. */
  accept(signal: AbortSignal): Promise<Duplex>
}

export type HopCode =
  | 'unreachable' // no route, refused, name not found
  | 'timeout'
  | 'auth' // the far side does not accept our key, or there is none
  | 'hostKey' // unknown, changed or revoked
  | 'config' // a key file that can't be read, a Match exec, a ProxyCommand
  | 'command' // the command could not be started, or ended with an error
  | 'lost' // the connection was there and broke
  | 'unsupported'

/**
 * A failure on the way to the program. `hop` says where, the message what happened, `advice` what to do next.
 * `dap/errors.ts` words it for the client.
 */
export class HopError extends Error {
  readonly hop: string
  readonly code: HopCode
  readonly advice: string

  constructor(hop: string, code: HopCode, message: string, advice: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'HopError'
    this.hop = hop
    this.code = code
    this.advice = advice
  }
}
