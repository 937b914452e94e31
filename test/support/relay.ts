import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'

/** A TCP relay of ours in the way of a connection, to make the faults of networks. */
export interface Relay {
  readonly host: string
  readonly port: number
  /** Connections so far. */
  readonly accepted: () => number
  /** From now on nothing passes, in neither direction, and nobody is told: no FIN, no RST. */
  silence(): void
  /** The connections that it has are silent for ever, as after a router's restart; new ones pass. */
  forget(): void
  /** Passes on what was kept back, and all that comes. */
  resume(): void
  /** Ends all connections; `rst` is a reset, `fin` an orderly end. */
  cut(how: 'rst' | 'fin'): void
  close(): Promise<void>
}

export interface RelayOptions {
  readonly to: { readonly host: string; readonly port: number }
  /** Added to each round trip: half of it in each direction. */
  readonly rttMs?: number
}

/** One direction: chunks leave in their order, each not before its time. */
class Lane {
  readonly #out: net.Socket
  readonly #delayMs: number
  readonly #kept: (Buffer | null)[] = []
  #silent = false

  constructor(input: net.Socket, out: net.Socket, delayMs: number) {
    this.#out = out
    this.#delayMs = delayMs
    input.on('data', (chunk: Buffer) => this.#later(chunk))
    input.on('end', () => this.#later(null))
  }

  #later(chunk: Buffer | null): void {
    if (this.#delayMs === 0) this.#pass(chunk)
    else setTimeout(() => this.#pass(chunk), this.#delayMs)
  }

  #pass(chunk: Buffer | null): void {
    if (this.#silent) this.#kept.push(chunk)
    else if (chunk === null) this.#out.end()
    else this.#out.write(chunk)
  }

  set silent(silent: boolean) {
    this.#silent = silent
    if (!silent) for (const chunk of this.#kept.splice(0)) this.#pass(chunk)
  }
}

export async function startRelay(
  t: { teardown: (end: () => Promise<void>) => void },
  options: RelayOptions,
): Promise<Relay> {
  const lanes = new Set<Lane>()
  const sockets = new Set<net.Socket>()
  let silent = false
  let accepted = 0
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    accepted++
    const far = net.connect({ ...options.to, noDelay: true, allowHalfOpen: true })
    const delayMs = (options.rttMs ?? 0) / 2
    const both = [new Lane(near, far, delayMs), new Lane(far, near, delayMs)]
    const isSilent = (): boolean => silent || !both.some((lane) => lanes.has(lane))
    for (const lane of both) {
      lane.silent = silent
      lanes.add(lane)
    }
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      // While it is silent an end is not passed on either.
      socket.on('error', () => isSilent() || other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        if (!isSilent()) other.destroySoon()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((done) => server.close(done))
  }
  t.teardown(close)
  const setSilent = (value: boolean): void => {
    silent = value
    for (const lane of lanes) lane.silent = value
  }
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    accepted: () => accepted,
    silence: () => setSilent(true),
    forget: () => {
      for (const lane of lanes) lane.silent = true
      lanes.clear()
    },
    resume: () => setSilent(false),
    cut: (how) => {
      for (const socket of sockets) {
        if (how === 'rst') socket.resetAndDestroy()
        else socket.end()
      }
    },
    close,
  }
}
