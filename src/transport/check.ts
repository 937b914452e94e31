import type { Duplex } from 'node:stream'
import { addressText, dialTcp } from './direct.ts'
import { leaseReport } from './lease.ts'
import { connectSsh } from './ssh.ts'
import type { ReadFile } from './sshAuth.ts'
import { CONNECT_TIMEOUT_MS, hopName } from './sshHost.ts'
import type { SshHost } from './sshHost.ts'
import { HopError } from './transport.ts'
import type { Transport } from './transport.ts'

/** One thing tried on the way, for `doctor`. */
export interface HopCheck {
  readonly hop: string
  readonly what: 'ssh config' | 'machine' | 'host key' | 'ssh key' | 'lease'
  /** A warning does not keep the target from being used. */
  readonly outcome: 'ok' | 'warning' | 'failed'
  readonly detail: string
  readonly advice?: string
}

/**
 * Tries each hop to `host` in turn, with connections of its own, and ends at the first that fails; true if none did.
 * Everything is closed again when the generator ends. Throws nothing but the signal's reason. The debugger's port is
 * not tried here: a client that comes and goes at once ends some debuggers.
 */
export async function* checkSsh(
  host: SshHost,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<HopCheck, boolean> {
  const route: SshHost[] = []
  for (let next: SshHost | undefined = host; next !== undefined; next = next.via) route.unshift(next)
  const open: Transport[] = []
  try {
    for (const hop of route) {
      yield* describe(hop)
      const transport = yield* checkHop(hop, open.at(-1), readFile, signal)
      if (transport === undefined) return false
      open.push(transport)
    }
    const last = open.at(-1)
    return last !== undefined && (yield* checkLease(last, signal))
  } finally {
    for (const transport of open.toReversed()) await transport[Symbol.asyncDispose]()
  }
}

function* describe(host: SshHost): Generator<HopCheck> {
  const hop = hopName(host)
  const detail = `${host.user}@${host.hostName} port ${host.port}`
  yield { hop, what: 'ssh config', outcome: 'ok', detail }
  for (const warning of host.warnings) yield { hop, what: 'ssh config', outcome: 'warning', detail: warning }
}

function failed(hop: string, what: HopCheck['what'], error: unknown, signal: AbortSignal): HopCheck {
  if (signal.aborted || !(error instanceof HopError)) throw error
  const detail = error.hop === hop ? error.message : `${error.hop}: ${error.message}`
  return { hop, what, outcome: 'failed', detail, advice: error.advice }
}

async function* checkHop(
  host: SshHost,
  before: Transport | undefined,
  readFile: ReadFile,
  signal: AbortSignal,
): AsyncGenerator<HopCheck, Transport | undefined> {
  const hop = hopName(host)
  const address = { host: host.hostName, port: host.port }
  let sock: Duplex
  try {
    sock =
      before === undefined
        ? await dialTcp(hop, address, host.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, signal)
        : await before.dial(address, signal)
  } catch (error) {
    yield failed(hop, 'machine', error, signal)
    return undefined
  }
  const through = before === undefined ? '' : ` through ${before.name}`
  yield { hop, what: 'machine', outcome: 'ok', detail: `${addressText(address)} answers${through}` }
  let key: HopCheck | undefined
  const files = {
    readFile,
    onHostKey: (line: { readonly file: string; readonly line: number }, fingerprint: string): void => {
      key ??= { hop, what: 'host key', outcome: 'ok', detail: `${fingerprint} is known (${line.file}:${line.line})` }
    },
  }
  try {
    const transport = await connectSsh(host, sock, files, signal)
    if (key !== undefined) yield key
    yield { hop, what: 'ssh key', outcome: 'ok', detail: `is accepted, logged in as ${host.user}` }
    return transport
  } catch (error) {
    if (key !== undefined) yield key
    const what = error instanceof HopError && error.code === 'hostKey' ? 'host key' : 'ssh key'
    yield failed(hop, what, error, signal)
    return undefined
  }
}

async function* checkLease(transport: Transport, signal: AbortSignal): AsyncGenerator<HopCheck, true> {
  const hop = transport.name
  try {
    const { possible, detail } = await leaseReport(transport, signal)
    yield possible ? { hop, what: 'lease', outcome: 'ok', detail } : unleased(hop, detail)
  } catch (error) {
    yield unleased(hop, failed(hop, 'lease', error, signal).detail)
  }
  return true
}

function unleased(hop: string, detail: string): HopCheck {
  const advice =
    'Streams are not leased: when the tunnel goes silent, the debugger only sees it when sshd does. Set ClientAliveInterval in its sshd_config.'
  return { hop, what: 'lease', outcome: 'warning', detail, advice }
}
