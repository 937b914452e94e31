import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { reasonOf } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import { Scope } from '../lib/scope.ts'
import { AcceptQueue } from './accept.ts'
import { Children } from './child.ts'
import { HopError } from './transport.ts'
import type { Address, HopCode, Listener, Transport } from './transport.ts'

/** `127.0.0.1:5678`, `[::1]:5678` or a path, for messages. */
export function addressText(address: Address): string {
  if ('path' in address) return address.path
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** True for names and addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Whether what listens there is on the machine that the daemon runs on, as far as the way tells. */
export function isHere(transport: Pick<Transport, 'name'>, address: Address): boolean {
  return transport.name === 'direct' && ('path' in address || isLoopback(address.host))
}

/**
 * The machine that the daemon runs on, and what its network reaches without help.
 * @param options.connectTimeoutMs how long one dial may take; 10 s by default.
 */
export function direct(options: { readonly connectTimeoutMs?: number } = {}): Transport {
  const hop = 'direct'
  const connectTimeoutMs = options.connectTimeoutMs ?? 10_000
  const gone = deferred<Error | undefined>()
  const scope = new Scope()
  const children = new Children(hop)
  const sockets = new Set<net.Socket>()
  scope.add(() => children.end())
  scope.add(() => sockets.forEach((socket) => socket.destroy()))
  return {
    name: hop,
    closed: gone.promise,
    async dial(address, signal) {
      if (scope.ended) throw new HopError(hop, 'lost', 'the transport was closed', '')
      const socket = await dialTcp(hop, address, connectTimeoutMs, signal)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    exec: (argv, signal) => children.start(argv, signal),
    async listen(address, signal) {
      const listener = await listenLoopback(hop, address, signal)
      scope.use(listener)
      return listener
    },
    async [Symbol.asyncDispose]() {
      await scope[Symbol.asyncDispose]()
      gone.resolve(undefined)
    },
  }
}

/** A link that loses everything is noticed some 15 s after its last sign of life: libuv then probes ten times, a second apart. */
const KEEPALIVE_DELAY_MS = 5_000

/** Connects with TCP_NODELAY. Rejects with HopError (`unreachable`, `timeout`) or the signal's reason. */
export async function dialTcp(
  hop: string,
  address: Address,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<net.Socket> {
  if (signal.aborted) throw reasonOf(signal)
  const socket = net.connect('path' in address ? { path: address.path } : { ...address, noDelay: true })
  // For as long as it lives: an error that nobody waits for is told by 'close' too and must not end the daemon.
  socket.on('error', () => {})
  const stop = new AbortController()
  const onAbort = (): void => stop.abort(reasonOf(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  const late = new HopError(
    hop,
    'timeout',
    `${addressText(address)} did not answer within ${timeoutMs / 1000} s`,
    'Check the address, and whether a firewall drops the packets.',
  )
  const timer = setTimeout(() => stop.abort(late), timeoutMs)
  try {
    await once(socket, 'connect', { signal: stop.signal })
    socket.setKeepAlive(true, KEEPALIVE_DELAY_MS)
    return socket
  } catch (error) {
    socket.destroy()
    throw stop.signal.aborted ? reasonOf(stop.signal) : dialError(hop, address, error as NodeJS.ErrnoException)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

const DIAL_ERRORS: Readonly<Record<string, readonly [HopCode, string, string]>> = {
  ECONNREFUSED: ['unreachable', 'nothing listens there', 'Start the debugger in the program, or check host and port.'],
  ENOTFOUND: ['unreachable', 'the name is not known', 'Check the host name.'],
  EAI_AGAIN: ['unreachable', 'the name server does not answer', 'Check the host name and the network.'],
  EHOSTUNREACH: ['unreachable', 'no route to the host', 'Check the address and the network.'],
  ENETUNREACH: ['unreachable', 'no route to the network', 'Check the address and the network.'],
  ETIMEDOUT: ['timeout', 'no answer', 'Check the address, and whether a firewall drops the packets.'],
  ENOENT: ['unreachable', 'no such socket', 'Check the path.'],
  EACCES: ['unreachable', 'permission denied', 'Check who may open the socket.'],
}

function dialError(hop: string, address: Address, error: NodeJS.ErrnoException): HopError {
  const known = DIAL_ERRORS[error.code ?? '']
  const [code, why, advice] = known ?? ['unreachable', error.message, 'Check the address and the network.']
  return new HopError(hop, code, `cannot connect to ${addressText(address)}: ${why}`, advice, { cause: error })
}

async function listenLoopback(
  hop: string,
  address: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Listener> {
  if (signal.aborted) throw reasonOf(signal)
  if (!isLoopback(address.host)) {
    const advice = 'Listen on 127.0.0.1: an open port would be a way around the policy for everybody else.'
    throw new HopError(hop, 'unsupported', `${address.host} is not a loopback address`, advice)
  }
  const queue = new AcceptQueue()
  const open = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    queue.push(socket)
  })
  server.listen(address.port, address.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'the port is in use' : message
    const text = `cannot listen on ${addressText(address)}: ${why}`
    throw new HopError(hop, 'unreachable', text, 'Choose another port, or 0 for any.', { cause: error })
  }
  return {
    port: (server.address() as AddressInfo).port,
    accept: (accepting): Promise<Duplex> => queue.accept(accepting),
    async [Symbol.asyncDispose]() {
      queue.close(new HopError(hop, 'lost', 'no longer listening', ''))
      for (const socket of open) socket.destroy()
      if (server.listening) await new Promise((resolve) => server.close(resolve))
    },
  }
}
