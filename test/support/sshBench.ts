import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Test } from 'tap'
import type { SshHost } from '../../src/transport/sshHost.ts'
import { SshPool } from '../../src/transport/sshPool.ts'
import { HopError } from '../../src/transport/transport.ts'
import { makeKey, sshHost, startSshd, temporaryFolder } from './sshd.ts'
import type { Sshd, SshdOptions } from './sshd.ts'

export const never = new AbortController().signal
export const root = process.getuid?.() === 0

export interface Bench {
  readonly dir: string
  readonly sshd: Sshd
  readonly pool: SshPool
  /** Knows the host key, and has the key that may log in. */
  readonly host: (fields?: Partial<SshHost>) => SshHost
}

export function pool(t: Test, options: Partial<ConstructorParameters<typeof SshPool>[0]> = {}): SshPool {
  const made = new SshPool({ files: { readFile }, backoffMs: 1, ...options })
  t.teardown(() => made[Symbol.asyncDispose]())
  return made
}

export async function bench(t: Test, options: SshdOptions = {}): Promise<Bench> {
  const dir = temporaryFolder(t, 'ssh')
  const authorized = [makeKey(join(dir, 'id')), ...(options.authorized ?? [])]
  const sshd = await startSshd(t, { ...options, authorized })
  const known = Object.values(sshd.hostKeys).map((key) => `[${sshd.host}]:${sshd.port} ${key}\n`)
  writeFileSync(join(dir, 'known_hosts'), known.join(''))
  const host = (fields: Partial<SshHost> = {}): SshHost =>
    sshHost(sshd, {
      identityFiles: [{ path: join(dir, 'id'), explicit: true }],
      knownHostsFiles: [join(dir, 'known_hosts')],
      ...fields,
    })
  return { dir, sshd, pool: pool(t), host }
}

export async function failure(promise: Promise<unknown>): Promise<HopError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof HopError) return error
    throw error
  }
  throw new Error('it did not fail')
}

export async function closed(stream: Duplex): Promise<Error | undefined> {
  stream.resume()
  if (!stream.closed) await once(stream, 'close', {}).catch(() => {})
  return stream.errored ?? undefined
}

export async function echoServer(t: Test, path?: string): Promise<{ port: number; open: Set<net.Socket> }> {
  const open = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.pipe(socket)
  })
  server.listen(...((path === undefined ? [0, '127.0.0.1'] : [path]) as [number, string]))
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: path === undefined ? (server.address() as AddressInfo).port : 0, open }
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 40_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export async function roundTrip(stream: Duplex, sent: string | Buffer): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  const onData = (chunk: Buffer): void => {
    parts.push(chunk)
    length += chunk.length
  }
  stream.on('data', onData)
  stream.write(sent)
  await until('it came back', () => length >= Buffer.byteLength(sent))
  stream.off('data', onData)
  return Buffer.concat(parts)
}
