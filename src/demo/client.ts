import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Arguments, Body, EventName } from '../dap/call.ts'
import { Connection } from '../dap/connection.ts'
import { streamWire } from '../dap/framing.ts'
import type { Command, Events } from '../dap/protocol.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'

/** A DAP client that follows a script: what an editor does, without the editor. */
export class ScriptedClient {
  readonly #connection: Connection
  readonly #seen: { event: string; body: unknown }[] = []
  readonly #waiting = new Set<() => void>()
  #open = true

  /** Dials a daemon on this machine; rejects with the socket's error. */
  static async dial(port: number, log: Log): Promise<ScriptedClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.setNoDelay(true)
    return new ScriptedClient(socket, log)
  }

  private constructor(socket: Socket, log: Log) {
    const incoming = {
      request: () => Promise.reject(new Error('a scripted client answers nothing')),
      event: (event: string, body: unknown) => {
        this.#seen.push({ event, body })
        this.#look()
      },
    }
    this.#connection = new Connection(streamWire(socket, 'the daemon'), incoming, { log })
    void this.#connection.closed.then(() => {
      this.#open = false
      this.#look()
    })
  }

  request<C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> {
    // The connection's own signature also covers reverse requests, and cannot be narrowed to a generic command.
    return this.#connection.request(command, args as never) as Promise<Body<C>>
  }

  /** How many events have come: the place to wait from for what a request will cause. */
  get eventCount(): number {
    return this.#seen.length
  }

  /** The first event of that name from that place on; rejects after `limitMs`, or when the connection is closed. */
  async event<E extends EventName>(name: E, from = 0, limitMs = 20_000): Promise<Events[E]> {
    const [first] = await this.events(name, 1, from, () => true, limitMs)
    return first!
  }

  /** So many events of that name that fit. */
  async events<E extends EventName>(
    name: E,
    count: number,
    from: number,
    fits: (body: Events[E]) => boolean,
    limitMs = 20_000,
  ): Promise<Events[E][]> {
    const found = deferred<Events[E][]>()
    const look = (): void => {
      const named = this.#seen.slice(from).filter(({ event }) => event === name)
      const hits = named.map(({ body }) => body as Events[E]).filter(fits)
      if (hits.length >= count) found.resolve(hits.slice(0, count))
      else if (!this.#open) found.reject(new Error(`the connection was closed before '${name}' came`))
    }
    const timer = setTimeout(() => found.reject(new Error(`no '${name}' came within ${limitMs} ms`)), limitMs)
    this.#waiting.add(look)
    look()
    try {
      return await found.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(look)
    }
  }

  async close(): Promise<void> {
    this.#connection.close()
    await this.#connection.closed
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }
}
