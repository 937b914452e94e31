import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { abortable, reasonOf, sleep } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import { AcceptQueue } from './accept.ts'
import { Tail, ended } from './child.ts'
import { addressText, isLoopback } from './direct.ts'
import { HopStream } from './hopStream.ts'
import { connectClient } from './sshConnect.ts'
import type { SshFiles } from './sshConnect.ts'
import { hopName, silentMs } from './sshHost.ts'
import type { SshHost } from './sshHost.ts'
import { HopError } from './transport.ts'
import type { Address, Listener, Transport } from './transport.ts'

/** How long the other side may take to answer our goodbye. */
const GOODBYE_MS = 1_000

type Opened = (error: Error | undefined, channel: ClientChannel) => void

/**
 * One SSH connection to one host; every stream is a channel of it. `sock` leads there: a TCP socket, or a stream
 * through the host before it. Rejects with HopError (`hostKey`, `auth`, `config`, `timeout`, `lost`, `unsupported`).
 * No port of ours is ever opened.
 */
export async function connectSsh(
  host: SshHost,
  sock: Duplex,
  files: SshFiles,
  signal: AbortSignal,
): Promise<Transport> {
  const client = await connectClient(host, sock, files, signal)
  return new SshConnection(host, client, sock)
}

class SshConnection implements Transport {
  readonly name: string
  readonly #gone = deferred<Error | undefined>()
  readonly closed = this.#gone.promise
  readonly #client: Client
  readonly #sock: Duplex
  readonly #streams = new Set<HopStream>()
  readonly #listeners = new Map<number, AcceptQueue>()
  /** Rejects, for whoever is opening something, when the connection ends. */
  readonly #ended = deferred<never>()
  #failure: HopError | undefined
  #closing = false

  constructor(host: SshHost, client: Client, sock: Duplex) {
    this.name = hopName(host)
    this.#client = client
    this.#sock = sock
    let cause: Error | undefined
    client.on('error', (error: Error) => {
      cause ??= error
    })
    client.on('close', () => this.#end(lostError(this.name, cause, silentMs(host))))
    client.on('tcp connection', (details, accept, reject) => {
      const queue = this.#listeners.get(details.destPort)
      if (queue === undefined) reject()
      else queue.push(this.#stream(accept(), { exec: false }))
    })
    // It may have broken between 'ready' and here, one microtask later.
    if (sock.destroyed) this.#end(lostError(this.name, cause, silentMs(host)))
  }

  async dial(address: Address, signal: AbortSignal): Promise<Duplex> {
    const channel = await this.#open(signal, (opened) => {
      // sshd logs the source address; it has no other use.
      if ('path' in address) this.#client.openssh_forwardOutStreamLocal(address.path, opened)
      else this.#client.forwardOut('127.0.0.1', 0, address.host, address.port, opened)
    }).catch((error: unknown) => {
      throw dialError(this.name, address, error)
    })
    return this.#stream(channel, { exec: false })
  }

  async exec(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<Duplex> {
    const command = shellQuote(argv)
    const channel = await this.#open(signal, (opened) => this.#client.exec(command, opened)).catch((error: unknown) => {
      throw execError(this.name, argv[0], error)
    })
    return this.#stream(channel, { exec: true, program: argv[0] })
  }

  async listen(address: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<Listener> {
    if (!isLoopback(address.host)) {
      const advice = 'Listen on 127.0.0.1 of the far side: any other port would be open to its whole network.'
      throw new HopError(this.name, 'unsupported', `${address.host} is not a loopback address`, advice)
    }
    const bound = deferred<number>()
    this.#guard(signal)
    this.#client.forwardIn(address.host, address.port, (error, port) => {
      if (error != null) return bound.reject(listenError(this.name, address, error))
      if (signal.aborted) this.#unlisten(address.host, port)
      else this.#listeners.set(port, new AcceptQueue())
      bound.resolve(port)
    })
    const port = await this.#race(bound.promise, signal)
    const queue = this.#listeners.get(port)
    if (queue === undefined) throw reasonOf(signal)
    return {
      port,
      accept: (accepting) => queue.accept(accepting),
      [Symbol.asyncDispose]: async () => {
        queue.close(new HopError(this.name, 'lost', 'no longer listening', ''))
        if (this.#listeners.delete(port)) this.#unlisten(address.host, port)
      },
    }
  }

  fail(error: HopError): void {
    this.#end(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing) {
      this.#closing = true
      for (const stream of this.#streams) stream.destroy()
      this.#client.end()
    }
    const patience = new AbortController()
    await Promise.race([this.closed, sleep(GOODBYE_MS, patience.signal).catch(() => {})])
    patience.abort()
    this.#sock.destroy()
    this.#end(new HopError(this.name, 'lost', 'the connection was closed', ''))
  }

  #end(failure: HopError): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    for (const stream of this.#streams) stream.destroy(failure)
    for (const queue of this.#listeners.values()) queue.close(failure)
    this.#listeners.clear()
    this.#ended.reject(failure)
    this.#sock.destroy()
    this.#gone.resolve(this.#closing ? undefined : failure)
  }

  #guard(signal: AbortSignal): void {
    if (signal.aborted) throw reasonOf(signal)
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing) throw new HopError(this.name, 'lost', 'the connection is being closed', '')
  }

  #race<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    return abortable(Promise.race([promise, this.#ended.promise]), signal)
  }

  async #open(signal: AbortSignal, request: (opened: Opened) => void): Promise<ClientChannel> {
    this.#guard(signal)
    const channel = deferred<ClientChannel>()
    let wanted = true
    // ssh2 throws "Not connected" from the call itself while the socket is already half closed.
    request((error, opened) => {
      if (error != null) return channel.reject(error)
      // Nobody waits for it any more: close it, or it would count against sshd's MaxSessions.
      if (wanted) channel.resolve(opened)
      else opened.on('error', () => {}).destroy()
    })
    try {
      return await this.#race(channel.promise, signal)
    } catch (error) {
      wanted = false
      // Opened in the very moment in which we gave up.
      void channel.promise.then((late) => void late.on('error', () => {}).destroy()).catch(() => {})
      throw error
    }
  }

  #stream(channel: ClientChannel, kind: { readonly exec: boolean; readonly program?: string }): HopStream {
    const tail = new Tail()
    channel.stderr.on('data', (chunk: Buffer) => tail.add(chunk))
    const stream = new HopStream(
      { input: channel, output: channel, close: () => void channel.destroy() },
      { allowHalfOpen: kind.exec },
    )
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    channel.on('close', (code?: number | null, signalName?: string) => {
      if (!kind.exec || code === 0) return stream.finish()
      const advice = `Run it by hand on the far side to see what is wrong: ${kind.program ?? ''}`
      stream.finish(new HopError(this.name, 'command', `${kind.program} ${ended(code, signalName, tail)}`, advice))
    })
    return stream
  }

  #unlisten(host: string, port: number): void {
    try {
      this.#client.unforwardIn(host, port, () => {})
    } catch {
      // Not connected any more: then sshd does not listen any more either.
    }
  }
}

/** Words for a POSIX shell at the far side: sshd hands one line to the user's shell. */
export function shellQuote(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}

/** Reasons of a refused channel: RFC 4254, section 5.1. */
const ADMINISTRATIVELY_PROHIBITED = 1
const CONNECT_FAILED = 2

/** Errors of ours (and abort reasons) pass as they are; what ssh2 says is worded. */
function reasonCode(error: unknown): number | undefined {
  const reason = (error as { readonly reason?: unknown }).reason
  return typeof reason === 'number' ? reason : undefined
}

function dialError(hop: string, address: Address, error: unknown): unknown {
  const target = addressText(address)
  const message = `cannot connect to ${target} from there`
  const reason = reasonCode(error)
  if (reason === ADMINISTRATIVELY_PROHIBITED) {
    const setting = 'path' in address ? 'AllowStreamLocalForwarding' : 'AllowTcpForwarding and PermitOpen'
    const advice = `Let sshd forward (${setting} in sshd_config), or give the target a lease, which needs only a shell.`
    return new HopError(hop, 'unsupported', `${message}: sshd does not allow forwarding`, advice, { cause: error })
  }
  if (reason === CONNECT_FAILED) {
    const advice = 'Start the debugger in the program, or check its address as seen from that machine.'
    const said = (error as Error).message.replace('(SSH) Channel open failure: ', '')
    return new HopError(hop, 'unreachable', `${message}: ${said || 'nothing listens there'}`, advice, { cause: error })
  }
  return channelError(hop, message, error)
}

function execError(hop: string, program: string, error: unknown): unknown {
  const message = `cannot run ${program} there`
  if (reasonCode(error) !== undefined) {
    const advice = 'sshd allows no more sessions on one connection: raise MaxSessions (10 by default) in sshd_config.'
    return new HopError(hop, 'command', `${message}: sshd opens no further session`, advice, { cause: error })
  }
  if ((error as Error).message === 'Unable to exec') {
    const advice = 'The account may not run commands there; a target without a lease needs none.'
    return new HopError(hop, 'command', `${message}: sshd refuses the command`, advice, { cause: error })
  }
  return channelError(hop, message, error)
}

function channelError(hop: string, message: string, error: unknown): unknown {
  const said = error instanceof Error ? error.message : String(error)
  if (reasonCode(error) !== undefined || said.startsWith('(SSH) Channel open failure')) {
    return new HopError(hop, 'unsupported', `${message}: ${said}`, 'See what sshd logs.', { cause: error })
  }
  if (said === 'Not connected' || said === 'No response from server') {
    return new HopError(hop, 'lost', 'the SSH connection broke', 'Attach again.', { cause: error })
  }
  return error
}

function listenError(hop: string, address: { readonly host: string; readonly port: number }, error: Error): HopError {
  const message = `cannot listen on ${addressText(address)} there`
  const advice =
    'Choose another port (0 for any), or let sshd forward: AllowTcpForwarding and PermitListen in sshd_config.'
  return new HopError(hop, 'unsupported', `${message}: sshd refuses it`, advice, { cause: error })
}

function lostError(hop: string, cause: Error | undefined, boundMs: number): HopError {
  // The host before this one broke, and is named.
  if (cause instanceof HopError) return cause
  const options = cause === undefined ? {} : { cause }
  if (cause?.message === 'Keepalive timeout') {
    const text = `no answer for ${boundMs / 1000} s: the SSH connection is taken as lost`
    return new HopError(hop, 'lost', text, 'Check the network, then attach again.', options)
  }
  const why = cause === undefined ? 'the far side closed it' : cause.message
  return new HopError(hop, 'lost', `the SSH connection broke: ${why}`, 'Attach again.', options)
}
