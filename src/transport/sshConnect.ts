import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Client, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2'
import { reasonOf } from '../lib/abort.ts'
import { fingerprint, hostKeyAlgorithms, hostKeyRefusal, judgeHostKey, parseKnownHosts } from './knownHosts.ts'
import type { KnownHostsLine } from './knownHosts.ts'
import { planAuth } from './sshAuth.ts'
import type { AuthPlan, ReadFile } from './sshAuth.ts'
import { CONNECT_TIMEOUT_MS, KEEPALIVE_COUNT_MAX, KEEPALIVE_INTERVAL_MS, hopName } from './sshHost.ts'
import type { SshHost } from './sshHost.ts'
import { HopError } from './transport.ts'

/** What a connection reads from this machine. */
export interface SshFiles {
  readonly readFile: ReadFile
  /** Called when the host's key was found to be known, before the login; again at each new key exchange. */
  readonly onHostKey?: (line: KnownHostsLine, fingerprint: string) => void
}

/** An SSH client that is logged in. Rejects with HopError, or the signal's reason; then `sock` is destroyed. */
export async function connectClient(
  host: SshHost,
  sock: Duplex,
  files: SshFiles,
  signal: AbortSignal,
): Promise<Client> {
  try {
    const known = await readKnownHosts(host, files.readFile)
    const auth = await planAuth(host, files.readFile)
    if (signal.aborted) throw reasonOf(signal)
    return await handshake(host, sock, { known, auth, onHostKey: files.onHostKey }, signal)
  } catch (error) {
    sock.destroy()
    throw error
  }
}

/** Rejects with HopError `config` if a file is there but can't be read: a host may be marked as revoked in it. */
export async function readKnownHosts(host: SshHost, readFile: ReadFile): Promise<KnownHostsLine[]> {
  const lines: KnownHostsLine[] = []
  for (const file of host.knownHostsFiles) {
    try {
      lines.push(...parseKnownHosts((await readFile(file)).toString('utf8'), file))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ENOTDIR') continue
      throw new HopError(hopName(host), 'config', `cannot read ${file}: ${message}`, 'Make it readable.', {
        cause: error,
      })
    }
  }
  return lines
}

async function handshake(
  host: SshHost,
  sock: Duplex,
  plan: { readonly known: readonly KnownHostsLine[]; readonly auth: AuthPlan; onHostKey: SshFiles['onHostKey'] },
  signal: AbortSignal,
): Promise<Client> {
  const { known, auth } = plan
  // What ended before ssh2 listens, it never hears of: it would wait for its whole time limit.
  if (sock.destroyed || sock.readableEnded) throw handshakeError(host, sock.errored ?? undefined, auth)
  const client = new ssh2.Client()
  let refusal: HopError | undefined
  const methods = auth.methods.values()
  const config: ConnectConfig = {
    sock,
    username: host.user,
    readyTimeout: host.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    keepaliveInterval: host.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS,
    keepaliveCountMax: host.keepaliveCountMax ?? KEEPALIVE_COUNT_MAX,
    algorithms: { serverHostKey: hostKeyAlgorithms(known, host) as ServerHostKeyAlgorithm[] },
    hostVerifier: (key: Buffer): boolean => {
      const verdict = judgeHostKey(known, host, key)
      refusal = hostKeyRefusal(host, key, verdict)
      if (verdict.kind === 'known') plan.onHostKey?.(verdict.line, fingerprint(key))
      return refusal === undefined
    },
    authHandler: (_left, _partial, next) => {
      const { value, done } = methods.next()
      // ssh2 takes `false` for "no more", which its types don't say.
      next(done === true ? (false as unknown as 'none') : value)
    },
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(reasonOf(signal))
      signal.addEventListener('abort', onAbort, { once: true })
      const settle = (done: () => void): void => {
        signal.removeEventListener('abort', onAbort)
        done()
      }
      client.on('ready', () => settle(resolve))
      client.on('error', (error: Error & { readonly level?: string }) => {
        // An agent that fails is not the end: the next key is tried, and the plan remembers why.
        if (error.level === 'agent') return
        settle(() => reject(refusal ?? handshakeError(host, error, auth)))
      })
      client.on('close', () => settle(() => reject(refusal ?? handshakeError(host, undefined, auth))))
      client.connect(config)
    })
  } catch (error) {
    client.destroy()
    throw error
  }
  // The listeners of the handshake stay: they keep a late 'error' from being unhandled and settle nothing any more.
  return client
}

function handshakeError(
  host: SshHost,
  error: (Error & { readonly level?: string }) | undefined,
  auth: AuthPlan,
): HopError {
  // The host before this one broke, and is named.
  if (error instanceof HopError) return error
  const hop = hopName(host)
  const options = error === undefined ? {} : { cause: error }
  const said = error?.message ?? 'the far side closed the connection'
  if (error?.level === 'client-authentication') return auth.refusal(undefined)
  if (/too many authentication failures/i.test(said)) {
    return auth.refusal('sshd stopped after too many keys: name the right one with IdentityFile and IdentitiesOnly')
  }
  if (error?.level === 'client-timeout') {
    const text = `no SSH handshake within ${(host.connectTimeoutMs ?? CONNECT_TIMEOUT_MS) / 1000} s`
    return new HopError(hop, 'timeout', text, 'Check that an sshd answers at this port.', options)
  }
  if (error?.level === 'handshake' && /no matching/i.test(said)) {
    return new HopError(
      hop,
      'unsupported',
      said,
      'The server offers nothing that ssh2 can do; it may be too old.',
      options,
    )
  }
  const advice = `Check that ${host.hostName} port ${host.port} is an sshd and lets this machine in.`
  return new HopError(hop, 'lost', `the connection ended before the login: ${said}`, advice, options)
}
