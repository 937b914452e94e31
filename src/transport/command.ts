import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { deferred } from '../lib/deferred.ts'
import { Children } from './child.ts'
import { addressText } from './direct.ts'
import { readPid, relayCommand } from './farSide.ts'
import { farSideOf } from './lease.ts'
import { HopError } from './transport.ts'
import type { Address, Transport } from './transport.ts'

export interface CommandOptions {
  /** How long a command may take to end on SIGTERM before SIGKILL; 2 s by default. */
  readonly killAfterMs?: number
}

/** How long a relay may take to start: `kubectl exec` needs seconds. */
const START_MS = 30_000

/**
 * A machine that is reached by a command: `[docker, exec, -i, checkout]`, `[kubectl, exec, -i, pod, --]`. What is run
 * there is appended to it. To dial, it runs a relay there with what the far side has (python3, socat, bash or nc).
 */
export function command(argv: readonly [string, ...string[]], options: CommandOptions = {}): Transport {
  const hop = argv.join(' ')
  const children = new Children(hop, options.killAfterMs)
  const gone = deferred<Error | undefined>()
  const exec = (words: readonly [string, ...string[]], signal: AbortSignal): Promise<Duplex> =>
    children.start([...argv, ...words], signal)
  const transport: Transport = {
    name: hop,
    closed: gone.promise,
    exec,
    async dial(address, signal) {
      const far = await farSideOf(transport, signal)
      const relay = relayCommand(far, address, `breakwater-${randomBytes(9).toString('base64url')}`)
      if (relay === undefined) throw noRelay(hop, address)
      const stream = await exec(relay, signal)
      await readPid(hop, stream, signal, START_MS)
      stream.allowHalfOpen = false
      return stream
    },
    listen: () => Promise.reject(noListen(hop)),
    async [Symbol.asyncDispose]() {
      await children.end()
      gone.resolve(undefined)
    },
  }
  return transport
}

/**
 * A command whose stdin and stdout are the stream to the debugger already, such as `[socat, -, TCP:pod:5678]`. It is
 * run as it is, once for each dial; the address is not used.
 */
export function streamCommand(argv: readonly [string, ...string[]], options: CommandOptions = {}): Transport {
  const hop = argv.join(' ')
  const children = new Children(hop, options.killAfterMs)
  const gone = deferred<Error | undefined>()
  return {
    name: hop,
    closed: gone.promise,
    async dial(_address, signal) {
      const stream = await children.start(argv, signal)
      stream.allowHalfOpen = false
      return stream
    },
    async exec() {
      const advice = 'Write it as via: [command …], to which what is to be run is appended.'
      throw new HopError(hop, 'unsupported', 'this command is a stream, it can run nothing', advice)
    },
    listen: () => Promise.reject(noListen(hop)),
    async [Symbol.asyncDispose]() {
      await children.end()
      gone.resolve(undefined)
    },
  }
}

function noListen(hop: string): HopError {
  const advice = 'Let the debugger listen and attach to it, or use ssh.'
  return new HopError(hop, 'unsupported', 'a program can not connect to us through a command', advice)
}

function noRelay(hop: string, address: Address): HopError {
  const advice = 'It needs one of python3, socat, bash or nc; or give a command that is the stream itself.'
  return new HopError(hop, 'unsupported', `nothing there can connect to ${addressText(address)}`, advice)
}
