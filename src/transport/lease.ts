import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { addressText } from './direct.ts'
import { probeFarSide, readPid, relayCommand, watchdogCommand } from './farSide.ts'
import type { FarSide } from './farSide.ts'
import { rootOf } from './lend.ts'
import { HopError } from './transport.ts'
import type { Address, Transport } from './transport.ts'

/** What is said to a debugger that would not let its program go by itself when the connection ends (Delve, gdbserver). */
export interface LastWords {
  /** Written into the very connection before it is closed, also after a normal end: harmless then, as gdb's `D` is. */
  readonly bytes?: Buffer
  /** One line of POSIX shell that the watchdog runs there, before it closes the connection, when we are gone. */
  readonly script?: string
}

export interface LeaseOptions {
  /** How long the far side keeps a connection without a word from us; rounded up to whole seconds. 10 s by default. */
  readonly leaseMs?: number
  /** How often we say a word; a third of `leaseMs` by default. */
  readonly heartbeatMs?: number
  readonly lastWords?: (address: Address) => LastWords | undefined
  /** Called once for each reason why a connection is not leased: then sshd's own ClientAliveInterval is the bound. */
  readonly onUnleased?: (reason: string) => void
}

/** How long the relay may take to start and to connect. */
const START_MS = 15_000

/**
 * The same transport, whose dialled streams are leased: their far end is a relay that runs there over `exec`, beside a
 * watchdog that reads our heartbeat. **The bound:** when we are gone without a word (the tunnel is silent, the daemon
 * is killed or frozen), the debugger sees its connection close at most `leaseMs` (rounded up to seconds) + 1 s after the
 * last heartbeat that arrived; when the connection breaks audibly, at once. On our side a stream fails with HopError
 * `lost` at most `leaseMs` + `heartbeatMs` after the last answer of the watchdog.
 *
 * Transports that share one SSH connection share one watchdog, since sshd counts sessions (MaxSessions, 10 by
 * default): one for the watchdog and one for each stream. Where there is no shell, no tool or no session left, `dial`
 * is the transport's own, and `onUnleased` is told.
 */
export function leased(transport: Transport, options: LeaseOptions = {}): Transport {
  const leaseMs = Math.ceil((options.leaseMs ?? 10_000) / 1000) * 1000
  const heartbeatMs = options.heartbeatMs ?? Math.floor(leaseMs / 3)
  const told = new Set<string>()
  const unleased = (reason: string): void => {
    if (told.has(reason)) return
    told.add(reason)
    options.onUnleased?.(reason)
  }
  return {
    name: transport.name,
    closed: transport.closed,
    exec: (argv, signal) => transport.exec(argv, signal),
    listen: (address, signal) => transport.listen(address, signal),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    async dial(address, signal) {
      const root = rootOf(transport)
      const far = await farSideOf(root, signal).catch((error: unknown) => {
        // A broken connection or a cancelled dial is no reason to go on without a lease.
        if (!(error instanceof HopError) || error.code === 'lost') throw error
        return unleased(error.message)
      })
      if (far === undefined) return transport.dial(address, signal)
      const token = `breakwater-${randomBytes(9).toString('base64url')}`
      const words = options.lastWords?.(address)
      const relay = relayCommand(far, address, token, words?.bytes)
      const watch = watchdogCommand(far, leaseMs / 1000)
      if (relay === undefined || watch === undefined) {
        unleased(relay === undefined ? `nothing there can reach ${addressText(address)}` : 'no shell there can wait')
        return transport.dial(address, signal)
      }
      const watchdog = Watchdog.of(root, leaseMs, heartbeatMs)
      try {
        return await watchdog.dial({ transport, watch, relay, token, script: words?.script }, signal)
      } catch (error) {
        if (!(error instanceof HopError) || error.code !== 'command') throw withAddress(error, address)
        // MaxSessions: forwards do not count as sessions.
        unleased(error.message)
        return transport.dial(address, signal)
      }
    },
  }
}

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
  if (watch === undefined) return { possible: false, detail: `no shell there can wait (found: ${tools || 'only sh'})` }
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

interface LeasedDial {
  readonly transport: Transport
  readonly watch: readonly [string, ...string[]]
  readonly relay: readonly [string, ...string[]]
  readonly token: string
  readonly script: string | undefined
}

/** One watchdog process there, for all relays of one connection, from the first dial to the end of the last stream. */
class Watchdog {
  static readonly #all = new WeakMap<Transport, Map<string, Watchdog>>()

  static of(root: Transport, leaseMs: number, heartbeatMs: number): Watchdog {
    const those = Watchdog.#all.get(root) ?? new Map<string, Watchdog>()
    Watchdog.#all.set(root, those)
    const key = `${leaseMs}/${heartbeatMs}`
    const forget = (): void => {
      if (those.get(key) === watchdog) those.delete(key)
    }
    const watchdog = those.get(key) ?? new Watchdog(root, { leaseMs, heartbeatMs, forget })
    those.set(key, watchdog)
    return watchdog
  }

  readonly #root: Transport
  readonly #leaseMs: number
  readonly #heartbeatMs: number
  /** From then on nobody is given this one any more: it is ending, and what it says is about its own relays only. */
  readonly #forget: () => void
  readonly #relays = new Map<number, Duplex>()
  #starting = 0
  #channel: Promise<Duplex> | undefined

  private constructor(
    root: Transport,
    options: { readonly leaseMs: number; readonly heartbeatMs: number; readonly forget: () => void },
  ) {
    this.#root = root
    this.#leaseMs = options.leaseMs
    this.#heartbeatMs = options.heartbeatMs
    this.#forget = options.forget
  }

  async dial(dial: LeasedDial, signal: AbortSignal): Promise<Duplex> {
    this.#starting++
    const opened = new AbortController()
    try {
      // In one flight: the watchdog needs the relay's PID only to register it.
      const relay = this.#startRelay(dial, AbortSignal.any([signal, opened.signal]))
      this.#channel ??= this.#start(dial.watch)
      const [channel, { stream, pid }] = await Promise.all([abortable(this.#channel, signal), relay]).catch(
        async (error: unknown) => {
          opened.abort(error)
          void relay.then(({ stream }) => stream.destroy()).catch(() => {})
          throw error
        },
      )
      if (channel.destroyed) {
        stream.destroy()
        throw channel.errored ?? this.#lost('the watchdog there has ended')
      }
      // socat and nc say who they are before they connect.
      if (stream.destroyed) throw endedAtOnce(this.#root.name, stream.errored)
      this.#relays.set(pid, stream)
      channel.write(`+ ${pid} ${dial.token} ${oneLine(dial.script ?? '')}\n`)
      // Like a TCP socket: when the debugger closes, the relay must see our end too, or it would stay.
      stream.allowHalfOpen = false
      stream.once('close', () => {
        if (this.#relays.get(pid) === stream) this.#relays.delete(pid)
        channel.write(`- ${pid}\n`)
        this.#rest()
      })
      return stream
    } finally {
      this.#starting--
      this.#rest()
    }
  }

  async #startRelay(dial: LeasedDial, signal: AbortSignal): Promise<{ readonly stream: Duplex; readonly pid: number }> {
    const stream = await dial.transport.exec(dial.relay, signal)
    const pid = await readPid(this.#root.name, stream, signal, START_MS)
    return { stream, pid }
  }

  /** Ends the watchdog when it has nothing to watch. */
  #rest(): void {
    if (this.#starting > 0 || this.#relays.size > 0) return
    this.#forget()
    void this.#channel?.then((idle) => idle.end()).catch(() => {})
  }

  #start(watch: readonly [string, ...string[]]): Promise<Duplex> {
    const never = new AbortController().signal
    const channel = (async () => {
      const opened = await this.#root.exec(watch, never)
      await readPid(this.#root.name, opened, never, START_MS)
      this.#beat(opened)
      return opened
    })()
    channel.catch(this.#forget)
    return channel
  }

  #beat(channel: Duplex): void {
    let heardMs = performance.now()
    channel.on('data', () => {
      heardMs = performance.now()
    })
    const timer = setInterval(() => {
      const silentMs = performance.now() - heardMs
      if (silentMs <= this.#leaseMs) return void channel.write('h\n')
      const lost = this.#lost(`no answer for ${Math.round(silentMs / 1000)} s`)
      channel.destroy(lost)
      // The keepalive would know later, and until then whoever attaches again would be given this connection.
      this.#root.fail?.(lost)
    }, this.#heartbeatMs)
    channel.once('close', () => {
      clearInterval(timer)
      this.#forget()
      // Whoever ended it: without it nothing there is watched, and relays that it knew are being ended.
      const error = channel.errored instanceof HopError ? channel.errored : this.#lost('the watchdog there has ended')
      for (const stream of this.#relays.values()) stream.destroy(error)
    })
  }

  #lost(what: string): HopError {
    return new HopError(this.#root.name, 'lost', `the tunnel is lost: ${what}`, 'Check the network, then attach again.')
  }
}

function endedAtOnce(hop: string, cause: Error | null): HopError {
  const advice = 'Start the debugger in the program, or check its address as seen from that machine.'
  return new HopError(
    hop,
    'unreachable',
    cause?.message ?? 'it closed at once',
    advice,
    cause === null ? {} : { cause },
  )
}

/** The watchdog reads lines. A script of more than one is an error of the caller's. */
function oneLine(script: string): string {
  if (/[\r\n]/.test(script)) throw new TypeError('last words must be one line of shell')
  return script
}
