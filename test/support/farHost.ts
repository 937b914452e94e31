import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliHome, type Cli } from './cli.ts'
import { descendants, makeKey, makeNetwork, startSshd, type Network, type Sshd } from './sshd.ts'

interface TestCase {
  teardown(end: () => void | Promise<void>): void
}

/** A machine that only its jump host reaches, as a user has both in `~/.ssh/config`; and a daemon as a process. */
export class FarHost {
  readonly network: Network
  readonly jump: Sshd
  readonly inner: Sshd
  readonly home: CliHome
  readonly mark: string

  private constructor(network: Network, jump: Sshd, inner: Sshd, home: CliHome, mark: string) {
    this.network = network
    this.jump = jump
    this.inner = inner
    this.home = home
    this.mark = mark
  }

  static async start(t: TestCase): Promise<FarHost> {
    const home = new CliHome(t)
    const ssh = join(home.folder, '.ssh')
    mkdirSync(ssh, { mode: 0o700 })
    const network = makeNetwork(t)
    const authorized = [makeKey(join(ssh, 'id_ed25519'))]
    const mark = `BREAKWATER_TEST=${randomBytes(8).toString('hex')}`
    const config = [`SetEnv ${mark}`]
    const jump = await startSshd(t, { authorized, host: network.jumpHost, netns: network.jumpNetns, config })
    const inner = await startSshd(t, { authorized, host: network.innerHost, netns: network.innerNetns, config })
    writeFileSync(join(ssh, 'known_hosts'), [jump, inner].map(knownLine).join(''))
    const host = (name: string, { host, port }: Sshd): string =>
      `Host ${name}\n  HostName ${host}\n  Port ${port}\n  User root\n`
    writeFileSync(join(ssh, 'config'), `${host('jump', jump)}${host('inner', inner)}  ProxyJump jump\n`)
    return new FarHost(network, jump, inner, home, mark)
  }

  addHost(text: string): void {
    appendFileSync(join(this.home.folder, '.ssh/config'), text)
  }

  /** What is or was started through these sshds. */
  leftovers(): string[] {
    return processes()
      .filter((pid) => contents(pid, 'environ').includes(this.mark))
      .map((pid) => `${pid} ${contents(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 100)}`)
  }
}

export function knownLine({ host, port, hostKeys }: Sshd): string {
  return `[${host}]:${port} ${hostKeys['ed25519']}\n`
}

/** The log-ins that it has seen. */
export function logins(sshd: Sshd): number {
  return sshd.log().split('Accepted publickey').length - 1
}

/** Ends its connections without a word; not what is run through them, that ends by itself. */
export function cutConnections(sshd: Sshd): void {
  const connections = descendants(sshd.pid).filter((pid) => /^sshd(-session)?:/.test(contents(String(pid), 'cmdline')))
  for (const pid of connections) process.kill(pid, 'SIGKILL')
}

/** The TCP ports that a process listens at. */
export function listeningPorts({ child }: Cli): number[] {
  const pid = String(child.pid)
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`))
  return listeners(pid)
    .filter(({ inode }) => links.includes(`socket:[${inode}]`))
    .map(({ port }) => port)
}

/** The TCP ports that anybody listens at in the network namespace of a process. */
export function portsAround(pid: number): number[] {
  return listeners(String(pid)).map(({ port }) => port)
}

function listeners(pid: string): { port: number; inode: string }[] {
  return [contents(pid, 'net/tcp'), contents(pid, 'net/tcp6')]
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[3] === '0A')
    .map((words) => ({ port: Number.parseInt(words[1]!.split(':')[1]!, 16), inode: words[9]! }))
}

function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function contents(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
