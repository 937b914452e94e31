import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import type { SshHost } from '../../src/transport/sshHost.ts'

/** A real OpenSSH sshd of our own: as root, on a free port, with keys made for it. */
export interface Sshd {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** `ssh-ed25519 AAAA…` of each host key, by type. */
  readonly hostKeys: Readonly<Record<string, string>>
  /** What it has logged so far. */
  log(): string
  /** Ends it and every connection it has; `kill` is without a word. */
  stop(name?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface SshdOptions {
  /** Lines of sshd_config, before ours (the first value of a keyword counts). */
  readonly config?: readonly string[]
  readonly hostKeyTypes?: readonly ('ed25519' | 'ecdsa' | 'rsa')[]
  readonly host?: string
  readonly port?: number
  /** A network namespace of {@link makeNetwork}. */
  readonly netns?: string
  /** Public keys that may log in as root. */
  readonly authorized?: readonly string[]
  /** Start with these host keys (of another one's `dir`). */
  readonly dir?: string
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: { teardown: (end: () => void) => void }, name = 'sshd'): string {
  const folder = mkdtempSync(join(tmpdir(), `breakwater-${name}-`))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes a key pair; returns the public line. */
export function makeKey(path: string, options: { readonly type?: string; readonly passphrase?: string } = {}): string {
  const { type = 'ed25519', passphrase = '' } = options
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'breakwater-test', '-f', path])
  return readFileSync(`${path}.pub`, 'utf8').trim()
}

export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = net.createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

function sshdPath(): string {
  const tools = resolve(import.meta.dirname, '../../.tools/openssh/usr/sbin/sshd')
  const found = [process.env['BREAKWATER_SSHD'], tools, '/usr/sbin/sshd'].find((path) => path && existsSync(path))
  if (found === undefined) throw new Error('no sshd: run test/support/install.sh')
  return found
}

/** What the package's own set-up would make: sshd drops its rights to this user, into this folder. */
function preparePrivilegeSeparation(): void {
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  if (!/^sshd:/m.test(readFileSync('/etc/passwd', 'utf8'))) {
    execFileSync('useradd', ['--system', '--home-dir', '/run/sshd', '--shell', '/usr/sbin/nologin', 'sshd'])
  }
}

export async function startSshd(
  t: { teardown: (end: () => void | Promise<void>) => void },
  options: SshdOptions = {},
): Promise<Sshd> {
  preparePrivilegeSeparation()
  const { host = '127.0.0.1', hostKeyTypes = ['ed25519'] } = options
  const port = options.port ?? (await freePort())
  const dir = options.dir ?? temporaryFolder(t)
  const hostKeys: Record<string, string> = {}
  for (const type of hostKeyTypes) {
    const path = join(dir, `host_${type}`)
    const line = existsSync(path) ? readFileSync(`${path}.pub`, 'utf8').trim() : makeKey(path, { type })
    hostKeys[type] = line.split(' ').slice(0, 2).join(' ')
  }
  writeFileSync(join(dir, 'authorized_keys'), (options.authorized ?? []).join('\n') + '\n', { mode: 0o600 })
  const config = [
    ...(options.config ?? []),
    ...hostKeyTypes.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
    `ListenAddress ${host}:${port}`,
    `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
    'PidFile none',
    'UsePAM no',
    // A login shell of sshd's reads ~/.bashrc: whatever the developer has there is slow, and not what we test.
    `SetEnv HOME=${dir}`,
    'StrictModes no',
    'UseDNS no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // DEBUG would also write to the stderr of what is run there.
    'LogLevel VERBOSE',
  ]
  const file = join(dir, 'sshd_config')
  writeFileSync(file, config.join('\n') + '\n')
  const path = sshdPath()
  // It must end with the test run, also when that is killed at its time limit.
  const bound = existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []
  const inside = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns]
  const argv = [...inside, ...bound, path, '-D', '-e', '-f', file]
  const root = resolve(path, '../../..')
  const libraries = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu'].map((each) =>
    join(root, each),
  )
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe'],
    // libwrap, which the package needs and not every machine has, lies beside it.
    env: { ...process.env, ...(root === '/' ? {} : { LD_LIBRARY_PATH: libraries.join(':') }) },
  })
  const log = await untilListening(child)
  const stop = async (name: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> => {
    const sessions = descendants(child.pid!)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(name)
      await once(child, 'exit')
    }
    for (const pid of sessions) signal(pid, name)
  }
  t.teardown(() => stop('SIGKILL'))
  return { host, port, pid: child.pid!, hostKeys, log, stop }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended by itself.
  }
}

async function untilListening(child: ChildProcess): Promise<() => string> {
  let text = ''
  await new Promise<void>((done, fail) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-1_000_000)
      if (text.includes('Server listening on')) done()
    })
    child.once('exit', (code) => fail(new Error(`sshd ended with ${code}: ${text}`)))
    child.once('error', fail)
  })
  return () => text
}

/** A real sshd, which the ssh of this home folder knows as `prod`. */
export async function startProd(t: Parameters<typeof startSshd>[0], home: string): Promise<void> {
  mkdirSync(join(home, '.ssh'))
  const { host, port, hostKeys } = await startSshd(t, { authorized: [makeKey(join(home, '.ssh/id_ed25519'))] })
  writeFileSync(
    join(home, '.ssh/config'),
    `Host prod\n  HostName ${host}\n  Port ${port}\n  User root\n  IdentityAgent none\n`,
  )
  writeFileSync(join(home, '.ssh/known_hosts'), `[${host}]:${port} ${hostKeys['ed25519']}\n`)
}

/** All processes below `pid`, from /proc. */
export function descendants(pid: number): number[] {
  let children: number[]
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
  return children.flatMap((child) => [child, ...descendants(child)])
}

/** An SshHost for it, as the config would resolve it; the known_hosts file is written by the test. */
export function sshHost(sshd: Pick<Sshd, 'host' | 'port'>, fields: Partial<SshHost> = {}): SshHost {
  return {
    alias: 'inner',
    hostName: sshd.host,
    port: sshd.port,
    user: userInfo().username,
    via: undefined,
    identityFiles: [],
    agentSocket: undefined,
    identitiesOnly: false,
    certificateFiles: [],
    knownHostsFiles: [],
    hostKeyAlias: undefined,
    keepaliveIntervalMs: undefined,
    keepaliveCountMax: undefined,
    connectTimeoutMs: undefined,
    warnings: [],
    ...fields,
  }
}

export interface Network {
  readonly jumpNetns: string
  readonly innerNetns: string
  /** Reachable from here. */
  readonly jumpHost: string
  /** Reachable from the jump host only. */
  readonly innerHost: string
}

/** here <-> jump <-> inner, as two network namespaces; we have no route to inner. */
export function makeNetwork(t: { teardown: (end: () => void) => void }): Network {
  const id = `${process.pid.toString(36)}`
  const third = process.pid % 200
  const [jump, inner] = [`bwj${id}`, `bwi${id}`]
  const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => {
    for (const name of [jump, inner]) {
      try {
        // The veth pairs go with their namespaces.
        ip('netns', 'del', name)
      } catch {
        // Setting it up failed before it was made.
      }
    }
  })
  ip('netns', 'add', jump)
  ip('netns', 'add', inner)
  ip('link', 'add', `a${id}`, 'type', 'veth', 'peer', 'name', `b${id}`, 'netns', jump)
  ip('-n', jump, 'link', 'add', `c${id}`, 'type', 'veth', 'peer', 'name', `d${id}`, 'netns', inner)
  ip('addr', 'add', `10.213.${third}.1/30`, 'dev', `a${id}`)
  ip('link', 'set', `a${id}`, 'up')
  ip('-n', jump, 'addr', 'add', `10.213.${third}.2/30`, 'dev', `b${id}`)
  ip('-n', jump, 'addr', 'add', `10.214.${third}.1/30`, 'dev', `c${id}`)
  ip('-n', inner, 'addr', 'add', `10.214.${third}.2/30`, 'dev', `d${id}`)
  for (const [netns, ...links] of [
    [jump, 'lo', `b${id}`, `c${id}`],
    [inner, 'lo', `d${id}`],
  ] as const) {
    for (const link of links) ip('-n', netns, 'link', 'set', link, 'up')
  }
  return { jumpNetns: jump, innerNetns: inner, jumpHost: `10.213.${third}.2`, innerHost: `10.214.${third}.2` }
}
