import type { Duplex } from 'node:stream'
import { deferred } from '../lib/deferred.ts'
import type { Listener, Transport } from './transport.ts'

const roots = new WeakMap<Transport, Transport>()

/** The connection behind a lent transport; the transport itself if it is not lent. */
export function rootOf(transport: Transport): Transport {
  return roots.get(transport) ?? transport
}

/** The same connection in the hands of one user: it can end its own streams and listeners, and give it back once. */
export function lend(connection: Transport, giveBack: () => void): Transport {
  const returned = deferred<Error | undefined>()
  const streams = new Set<Duplex>()
  const listeners = new Set<Listener>()
  let given = false
  const own = (stream: Duplex): Duplex => {
    if (given) stream.destroy()
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
    return stream
  }
  const lent: Transport = {
    name: connection.name,
    closed: Promise.race([connection.closed, returned.promise]),
    dial: async (address, signal) => own(await connection.dial(address, signal)),
    exec: async (argv, signal) => own(await connection.exec(argv, signal)),
    listen: async (address, signal) => {
      const listener = await connection.listen(address, signal)
      listeners.add(listener)
      if (given) await listener[Symbol.asyncDispose]()
      return listener
    },
    async [Symbol.asyncDispose]() {
      if (given) return
      given = true
      for (const stream of streams) stream.destroy()
      for (const listener of listeners) await listener[Symbol.asyncDispose]()
      giveBack()
      returned.resolve(undefined)
    },
  }
  roots.set(lent, rootOf(connection))
  return lent
}
