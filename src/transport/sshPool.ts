import type { Duplex } from 'node:stream'
import { abortable, sleep } from '../lib/abort.ts'
import { dialTcp } from './direct.ts'
import { lend } from './lend.ts'
import { connectSsh } from './ssh.ts'
import type { SshFiles } from './sshConnect.ts'
import { CONNECT_TIMEOUT_MS, hopName } from './sshHost.ts'
import type { SshHost } from './sshHost.ts'
import { HopError } from './transport.ts'
import type { Transport } from './transport.ts'

export interface SshPoolOptions {
  readonly files: SshFiles
  /** How long an SSH connection stays open after its last user; 30 s by default. */
  readonly lingerMs?: number
  /** Wait before the second attempt to reach a host that failed; doubled for each further one. 500 ms by default. */
  readonly backoffMs?: number
  /** The longest such wait; 10 s by default: somebody waits for the attach. */
  readonly backoffMaxMs?: number
  readonly log?: (message: string) => void
}

/** How long failures are remembered after the wait that they caused. */
const FORGET_MS = 60_000

/** What we know of one host. */
interface Entry {
  connection: Promise<Transport> | undefined
  /** Ends the attempt when nobody waits for it any more. */
  attempt: AbortController | undefined
  users: number
  linger: NodeJS.Timeout | undefined
  failures: number
  /** `performance.now()` before which no new attempt is made. */
  notBeforeMs: number
}

/**
 * SSH connections, one for each host however many sessions use it, and one for each host on the way. The state of a
 * host that can't be reached outlives its connections: new attempts wait longer and longer, until one succeeds.
 */
export class SshPool implements AsyncDisposable {
  readonly #options: SshPoolOptions
  readonly #entries = new Map<string, Entry>()
  readonly #ended = new AbortController()

  constructor(options: SshPoolOptions) {
    this.#options = options
  }

  /**
   * The connection to `host`, shared. Disposing what is returned gives it back; its `closed` settles when the
   * connection is gone. Rejects with the HopError of the hop that failed.
   */
  async acquire(host: SshHost, signal: AbortSignal): Promise<Transport> {
    if (this.#ended.signal.aborted) throw new HopError(hopName(host), 'lost', 'the daemon is ending', '')
    const entry = this.#entry(host)
    entry.users++
    clearTimeout(entry.linger)
    try {
      entry.connection ??= this.#connect(host, entry)
      const connection = await abortable(entry.connection, signal)
      return lend(connection, () => this.#release(host, entry))
    } catch (error) {
      this.#release(host, entry)
      throw error
    }
  }

  /** Ends all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new HopError('ssh', 'lost', 'the daemon is ending', ''))
    const open = [...this.#entries.values()].map(async (entry) => {
      clearTimeout(entry.linger)
      const connection = await entry.connection?.catch(() => undefined)
      await connection?.[Symbol.asyncDispose]()
    })
    this.#entries.clear()
    await Promise.all(open)
  }

  #entry(host: SshHost): Entry {
    const key = JSON.stringify(host)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#prune()
      entry = {
        connection: undefined,
        attempt: undefined,
        users: 0,
        linger: undefined,
        failures: 0,
        notBeforeMs: 0,
      }
      this.#entries.set(key, entry)
    }
    return entry
  }

  /** Forgets hosts that nobody uses and whose last failure is no longer of interest: clients may name any. */
  #prune(): void {
    for (const [key, entry] of this.#entries) {
      const idle = entry.users === 0 && entry.connection === undefined
      if (idle && performance.now() > entry.notBeforeMs + FORGET_MS) this.#entries.delete(key)
    }
  }

  #release(host: SshHost, entry: Entry): void {
    if (--entry.users > 0) return
    // Nobody waits: an attempt still under way is of no use.
    if (entry.attempt !== undefined) {
      entry.attempt.abort(new HopError(hopName(host), 'lost', 'nobody waits for the connection any more', ''))
      entry.attempt = undefined
      // Whoever comes next must not join what is being given up.
      entry.connection = undefined
    }
    if (entry.connection === undefined) return
    const idle = entry.connection
    entry.linger = setTimeout(() => {
      if (entry.connection === idle) entry.connection = undefined
      void idle.then((connection) => connection[Symbol.asyncDispose]()).catch(() => {})
    }, this.#options.lingerMs ?? 30_000)
    // An idle connection must not keep the daemon from ending.
    entry.linger.unref()
  }

  #connect(host: SshHost, entry: Entry): Promise<Transport> {
    const attempt = new AbortController()
    entry.attempt = attempt
    const signal = AbortSignal.any([attempt.signal, this.#ended.signal])
    const forget = (): void => {
      if (entry.connection === connection) entry.connection = undefined
    }
    const connection = (async () => {
      try {
        await this.#backoff(host, entry, signal)
        const transport = await this.#reach(host, signal)
        entry.failures = 0
        entry.notBeforeMs = 0
        void transport.closed.then((error) => {
          forget()
          if (error !== undefined) this.#failed(entry)
        })
        return transport
      } catch (error) {
        forget()
        // What we refused ourselves (a host key, a key file) is no load on the host: a corrected try goes at once.
        const ours = error instanceof HopError && (error.code === 'hostKey' || error.code === 'config')
        if (!signal.aborted && !ours) this.#failed(entry)
        throw error
      } finally {
        if (entry.attempt === attempt) entry.attempt = undefined
      }
    })()
    return connection
  }

  #failed(entry: Entry): void {
    const { backoffMs = 500, backoffMaxMs = 10_000 } = this.#options
    const wait = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(entry.failures, 16))
    entry.failures++
    // Jitter of half the time: hundreds of sessions that lose one host must not come back in step.
    entry.notBeforeMs = performance.now() + wait * (0.5 + Math.random() / 2)
  }

  async #backoff(host: SshHost, entry: Entry, signal: AbortSignal): Promise<void> {
    const waitMs = entry.notBeforeMs - performance.now()
    if (waitMs <= 0) return
    this.#options.log?.(`${hopName(host)}: next attempt in ${Math.ceil(waitMs)} ms (after ${entry.failures} failures)`)
    await sleep(waitMs, signal)
  }

  async #reach(host: SshHost, signal: AbortSignal): Promise<Transport> {
    if (host.via === undefined) {
      const sock = await dialTcp(
        hopName(host),
        { host: host.hostName, port: host.port },
        host.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        signal,
      )
      return connectSsh(host, sock, this.#options.files, signal)
    }
    const jump = await this.acquire(host.via, signal)
    try {
      const sock: Duplex = await jump.dial({ host: host.hostName, port: host.port }, signal)
      const connection = await connectSsh(host, sock, this.#options.files, signal)
      // The jump host is ours for as long as the connection through it lives.
      void connection.closed.then(() => jump[Symbol.asyncDispose]())
      return connection
    } catch (error) {
      await jump[Symbol.asyncDispose]()
      throw error
    }
  }
}
