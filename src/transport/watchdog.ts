import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { deferred, type Deferred } from '../lib/deferred.ts'
import { readPid } from './farSide.ts'
import { HopError } from './transport.ts'
import type { Transport, Watch } from './transport.ts'

/** How long a relay or the watchdog may take to start and to connect. */
const START_MS = 15_000

/** How long words may take that are said while we wait for it. */
const SAY_MS = 15_000

type Command = readonly [string, ...string[]]

export interface LeasedDial {
  readonly transport: Transport
  readonly watch: Command
  readonly relay: Command
  readonly token: string
}

export interface WatchedWords {
  readonly watch: Command
  /** One line of POSIX shell. */
  readonly script: string
  /** The watchdog is gone, and has said them: what they undo is undone under our feet. */
  readonly lost: (error: HopError) => void
}

interface Words {
  readonly lost: (error: HopError) => void
  /** They are there: the watchdog has answered. */
  readonly heard: Deferred<void>
  readonly said: Deferred<void>
}

/** One watchdog process there, for all relays and words of one connection, from the first of them to the end of the last. */
export class Watchdog {
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
  readonly #words = new Map<number, Words>()
  #lastWords = 0
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
      const [channel, { stream, pid }] = await Promise.all([this.#started(dial.watch, signal), relay]).catch(
        async (error: unknown) => {
          opened.abort(error)
          void relay.then(({ stream }) => stream.destroy()).catch(() => {})
          throw error
        },
      )
      if (channel.destroyed) {
        stream.destroy()
        throw this.#endOf(channel)
      }
      // socat and nc say who they are before they connect.
      if (stream.destroyed) throw endedAtOnce(this.#root.name, stream.errored)
      this.#relays.set(pid, stream)
      channel.write(`+ ${pid} ${dial.token}\n`)
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

  async watch({ watch, script, lost }: WatchedWords, signal: AbortSignal): Promise<Watch> {
    const line = oneLine(script)
    this.#starting++
    try {
      const channel = await this.#started(watch, signal)
      if (channel.destroyed) throw this.#endOf(channel)
      const id = ++this.#lastWords
      const words: Words = { lost, heard: deferred(), said: deferred() }
      this.#words.set(id, words)
      channel.write(`! ${id} - ${line}\n`)
      const leave = (what: string): void => {
        if (!this.#words.has(id)) return
        channel.write(`${what} ${id}\n`)
        if (what === '.') this.#said(id)
      }
      await abortable(words.heard.promise, signal).catch((error: unknown) => {
        leave('.')
        throw error
      })
      if (channel.destroyed) throw this.#endOf(channel)
      return {
        say: async () => {
          leave('>')
          const timer = setTimeout(() => this.#said(id), SAY_MS)
          await words.said.promise
          clearTimeout(timer)
        },
        [Symbol.asyncDispose]: async () => leave('.'),
      }
    } finally {
      this.#starting--
      this.#rest()
    }
  }

  #said(id: number): void {
    this.#words.get(id)?.said.resolve()
    this.#words.delete(id)
    this.#rest()
  }

  async #startRelay(dial: LeasedDial, signal: AbortSignal): Promise<{ readonly stream: Duplex; readonly pid: number }> {
    const stream = await dial.transport.exec(dial.relay, signal)
    const pid = await readPid(this.#root.name, stream, signal, START_MS)
    return { stream, pid }
  }

  /** Ends the watchdog when it has nothing to watch. */
  #rest(): void {
    if (this.#starting > 0 || this.#relays.size > 0 || this.#words.size > 0) return
    this.#forget()
    void this.#channel?.then((idle) => idle.end()).catch(() => {})
  }

  #started(watch: Command, signal: AbortSignal): Promise<Duplex> {
    this.#channel ??= this.#start(watch)
    return abortable(this.#channel, signal)
  }

  #start(watch: Command): Promise<Duplex> {
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
    let rest = ''
    channel.on('data', (chunk: Buffer) => {
      heardMs = performance.now()
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const id = Number(line.slice(2))
        if (line.startsWith('w ')) this.#words.get(id)?.heard.resolve()
        if (line.startsWith('s ')) this.#said(id)
      }
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
      // Whoever ended it: without it nothing there is watched, and what it knew is being ended, or undone.
      const error = this.#endOf(channel)
      for (const stream of this.#relays.values()) stream.destroy(error)
      for (const { lost, heard, said } of this.#words.values()) {
        heard.resolve()
        said.resolve()
        lost(error)
      }
      this.#words.clear()
    })
  }

  #endOf(channel: Duplex): HopError {
    return channel.errored instanceof HopError ? channel.errored : this.#lost('the watchdog there has ended')
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
