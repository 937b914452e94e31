import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { addressText } from './direct.ts'
import { probeFarSide, relayCommand } from './farSide.ts'
import type { FarSide } from './farSide.ts'
import { rootOf } from './lend.ts'
import { HopError } from './transport.ts'
import type { Address, Listener, Transport, Watch } from './transport.ts'
import { Watchdog } from './watchdog.ts'
import { watchdogCommand } from './watchdogCommand.ts'

export interface LeaseOptions {
  /** How long the far side keeps a connection without a word from us; rounded up to whole seconds. 10 s by default. */
  readonly leaseMs?: number
  /** How often we say a word; a third of `leaseMs` by default. */
  readonly heartbeatMs?: number
  /**
   * How many of the streams that are open at a time are leased, the first ones; all by default. For a debugger that does
   * not let its program go when they close there is `watch`: only those need to be leased by which something could
   * still arrive after it, when a silent link speaks again.
   */
  readonly relays?: number
  /**
   * Written into the very connection before it is closed, also after a normal end: harmless then, as gdb's `D` is.
   * For a debugger that serves nobody else meanwhile, so that no script of `watch` could speak to it (gdbserver).
   */
  readonly lastWords?: (address: Address) => Buffer | undefined
  /** Called once for each reason why a connection is not leased: then sshd's own ClientAliveInterval is the bound. */
  readonly onUnleased?: (reason: string) => void
}

/**
 * The same transport, whose dialled streams are leased: their far end is a relay that runs there over `exec`, beside a
 * watchdog that reads our heartbeat. **The bound:** when we are gone without a word (the tunnel is silent, the daemon
 * is killed or frozen), the debugger sees its connection close at most `leaseMs` (rounded up to seconds) + 1 s after the
 * last heartbeat that arrived; when the connection breaks audibly, at once. What was given to `watch` is begun then. On
 * our side a stream fails with HopError `lost` at most `leaseMs` + `heartbeatMs` after the last answer of the watchdog.
 *
 * Transports that share one SSH connection share one watchdog, since sshd counts sessions (MaxSessions, 10 by
 * default): one for the watchdog and one for each stream. Where there is no shell, no tool or no session left, `dial`
 * is the transport's own, and `onUnleased` is told.
 */
export function leased(transport: Transport, options: LeaseOptions = {}): Transport {
  return new LeasedTransport(transport, options)
}

class LeasedTransport implements Transport {
  readonly name: string
  readonly closed: Promise<Error | undefined>
  readonly #transport: Transport
  readonly #options: LeaseOptions
  readonly #leaseMs: number
  readonly #told = new Set<string>()
  readonly #plain = new Set<Duplex>()
  readonly #watches = new Set<Watch>()
  #relayed = 0

  constructor(transport: Transport, options: LeaseOptions) {
    this.name = transport.name
    this.closed = transport.closed
    this.#transport = transport
    this.#options = options
    this.#leaseMs = Math.ceil((options.leaseMs ?? 10_000) / 1000) * 1000
  }

  exec(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<Duplex> {
    return this.#transport.exec(argv, signal)
  }

  listen(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Listener> {
    return this.#transport.listen(address, signal)
  }

  async dial(address: Address, signal: AbortSignal): Promise<Duplex> {
    if (this.#relayed < (this.#options.relays ?? Infinity)) return this.#dialRelayed(address, signal)
    try {
      return await this.#dialPlain(address, signal)
    } catch (error) {
      // sshd does not forward; but there may be a shell.
      if (!(error instanceof HopError) || error.code !== 'unsupported') throw error
      return this.#dialRelayed(address, signal)
    }
  }

  /** Rejects with HopError (`command`, `unsupported`, `lost`): then nobody says the words. */
  async watch(script: string, signal: AbortSignal): Promise<Watch> {
    const root = rootOf(this.#transport)
    const watch = watchdogCommand(await farSideOf(root, signal), this.#leaseMs / 1000)
    if (watch === undefined) throw new HopError(this.name, 'unsupported', noWatch, 'See: breakwater doctor')
    const lost = (error: HopError): void => {
      // The debugger has been told that we are gone; nobody must go on as if it had not.
      for (const stream of this.#plain) stream.destroy(error)
    }
    const watched = await this.#watchdog().watch({ watch, script, lost }, signal)
    this.#watches.add(watched)
    const leave = async (end: () => PromiseLike<void>): Promise<void> => {
      if (this.#watches.delete(watched)) await end()
    }
    return {
      say: () => leave(() => watched.say()),
      [Symbol.asyncDispose]: () => leave(() => watched[Symbol.asyncDispose]()),
    }
  }

  /** What is still watched then was not taken back: it is said. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = [...this.#watches]
    this.#watches.clear()
    await Promise.all(left.map((watch) => watch.say()))
    await this.#transport[Symbol.asyncDispose]()
  }

  async #dialRelayed(address: Address, signal: AbortSignal): Promise<Duplex> {
    const root = rootOf(this.#transport)
    const far = await farSideOf(root, signal).catch((error: unknown) => {
      // A broken connection or a cancelled dial is no reason to go on without a lease.
      if (!(error instanceof HopError) || error.code === 'lost') throw error
      return this.#unleased(error.message)
    })
    if (far === undefined) return this.#dialPlain(address, signal)
    const token = `breakwater-${randomBytes(9).toString('base64url')}`
    const relay = relayCommand(far, address, token, this.#options.lastWords?.(address))
    const watch = watchdogCommand(far, this.#leaseMs / 1000)
    if (relay === undefined || watch === undefined) {
      this.#unleased(relay === undefined ? `nothing there can reach ${addressText(address)}` : noWatch)
      return this.#dialPlain(address, signal)
    }
    this.#relayed++
    try {
      const stream = await this.#watchdog().dial({ transport: this.#transport, watch, relay, token }, signal)
      stream.once('close', () => this.#relayed--)
      return stream
    } catch (error) {
      this.#relayed--
      if (!(error instanceof HopError) || error.code !== 'command') throw withAddress(error, address)
      // MaxSessions: forwards do not count as sessions.
      this.#unleased(error.message)
      return this.#dialPlain(address, signal)
    }
  }

  async #dialPlain(address: Address, signal: AbortSignal): Promise<Duplex> {
    const stream = await this.#transport.dial(address, signal)
    this.#plain.add(stream)
    stream.once('close', () => this.#plain.delete(stream))
    return stream
  }

  #watchdog(): Watchdog {
    const heartbeatMs = this.#options.heartbeatMs ?? Math.floor(this.#leaseMs / 3)
    return Watchdog.of(rootOf(this.#transport), this.#leaseMs, heartbeatMs)
  }

  #unleased(reason: string): void {
    if (this.#told.has(reason)) return
    this.#told.add(reason)
    this.#options.onUnleased?.(reason)
  }
}

const noWatch = 'no shell there can wait'

/** Whether and how streams through `transport` can be leased, for `doctor`; the probe is shared with `leased`. */
export async function leaseReport(
  transport: Transport,
  signal: AbortSignal,
): Promise<{ readonly possible: boolean; readonly detail: string }> {
  const far = await farSideOf(rootOf(transport), signal)
  const tools = [...far.has].filter((tool) => tool !== 'sh').join(', ')
  const relay = relayCommand(far, { host: '127.0.0.1', port: 1 }, '')
  const watch = watchdogCommand(far, 1)
  if (relay === undefined) return { possible: false, detail: `nothing there can relay (found: ${tools || 'only sh'})` }
  if (watch === undefined) return { possible: false, detail: `${noWatch} (found: ${tools || 'only sh'})` }
  return { possible: true, detail: `relay by ${toolOf(relay)}, watchdog by ${toolOf(watch)}` }
}

function toolOf(argv: readonly string[]): string {
  return /(?:^|; )(socat|nc|busybox nc)\b/.exec(argv[0] === 'sh' ? (argv[2] ?? '') : '')?.[1] ?? argv[0] ?? ''
}

function withAddress(error: unknown, address: Address): unknown {
  if (!(error instanceof HopError) || error.code !== 'unreachable') return error
  const message = `cannot connect to ${addressText(address)} from there: ${error.message}`
  return new HopError(error.hop, error.code, message, error.advice, { cause: error })
}

/** One probe for each machine, as long as its connection lives. */
const farSides = new WeakMap<Transport, Promise<FarSide>>()

export function farSideOf(root: Transport, signal: AbortSignal): Promise<FarSide> {
  let found = farSides.get(root)
  if (found === undefined) {
    // Not with the caller's signal: others may wait for the same probe.
    found = probeFarSide(root.name, (argv, own) => root.exec(argv, own), new AbortController().signal)
    farSides.set(root, found)
    found.catch((error: unknown) => {
      // What the machine is like stays so; a broken connection tells nothing about it.
      if (!(error instanceof HopError) || error.code !== 'command') farSides.delete(root)
    })
  }
  return abortable(found, signal)
}
