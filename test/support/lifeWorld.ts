import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliHome, type Cli } from './cli.ts'
import type { TestDaemon } from './daemon.ts'
import type { Debuggee } from './debuggee.ts'
import type { LifeSubject } from './lifeSubjects.ts'
import { startRealDaemon } from './realDaemon.ts'
import { startRelay, type Relay } from './relay.ts'
import { descendants, makeKey, startSshd, type Sshd } from './sshd.ts'

export interface TestCase {
  teardown(end: () => unknown): void
}

/** The machine of the program, the ways to it, and daemons that know them. One for all cells of one subject. */
export class LifeWorld {
  readonly subject: LifeSubject
  readonly home: CliHome
  readonly sshd: Sshd
  /** In the way of the SSH host `quiet`. */
  readonly quiet: Relay
  /** Between the machine and the debugger of the targets called `spare`. */
  readonly near: Relay
  readonly yaml: string
  readonly daemon: TestDaemon
  /** Of the targets called `main`. */
  readonly main: Debuggee
  readonly #t: TestCase
  readonly #mark: string
  readonly #spare: { debuggee: Debuggee }

  private constructor(parts: Parts) {
    this.subject = parts.subject
    this.home = parts.home
    this.sshd = parts.sshd
    this.quiet = parts.quiet
    this.near = parts.near
    this.yaml = parts.yaml
    this.daemon = parts.daemon
    this.main = parts.main
    this.#t = parts.t
    this.#mark = parts.mark
    this.#spare = parts.spare
  }

  static async start(t: TestCase, subject: LifeSubject): Promise<LifeWorld> {
    const home = new CliHome(t)
    const mark = `BREAKWATER_TEST=${randomBytes(8).toString('hex')}`
    const main = await startLife(t, subject, home)
    const spare = { debuggee: main }
    const ssh = join(home.folder, '.ssh')
    mkdirSync(ssh, { mode: 0o700 })
    const sshd = await startSshd(t, {
      authorized: [makeKey(join(ssh, 'id_ed25519'))],
      config: [`SetEnv ${mark}`, 'MaxSessions 30'],
    })
    const quiet = await startRelay(t, { to: sshd })
    const near = await startRelay(t, {
      to: {
        host: '127.0.0.1',
        get port() {
          return spare.debuggee.port
        },
      },
    })
    writeFileSync(join(ssh, 'known_hosts'), `sshd-of-the-test ${sshd.hostKeys['ed25519']}\n`)
    const host = (name: string, port: number): string =>
      `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User root\n  HostKeyAlias sshd-of-the-test\n`
    writeFileSync(join(ssh, 'config'), host('far', sshd.port) + host('quiet', quiet.port))
    const yaml = configuration(subject, main.port, near.port)
    home.configure(
      `listen: { tcp: 127.0.0.1:0, unix: daemon.sock }\naudit: { file: audit.jsonl }\nlog: { level: debug }\n${yaml}`,
    )
    const daemon = await startRealDaemon(t, { home: home.folder, yaml })
    return new LifeWorld({ t, subject, home, sshd, quiet, near, yaml, daemon, main, spare, mark })
  }

  /** Another program, for ends that it does not survive; from now on the one of the targets called `spare`. */
  async useSpare(): Promise<Debuggee> {
    const { debuggee } = this.#spare
    if (debuggee !== this.main) await debuggee.end()
    this.#spare.debuggee = await startLife(this.#t, this.subject, this.home)
    return this.#spare.debuggee
  }

  useMain(): Debuggee {
    this.#spare.debuggee = this.main
    return this.main
  }

  /** From now on the line RARE is run, or it isn't. */
  set rare(wanted: boolean) {
    if (wanted) writeFileSync(rareFile(this.home), '')
    else rmSync(rareFile(this.home), { force: true })
  }

  /** All that this daemon has logged. */
  log(cli: Cli | undefined): string {
    return cli?.stderr ?? this.daemon.log.lines.map((line) => line.message).join('\n')
  }

  /** Each SSH connection that this sshd has: its processes, not those of what is run there. */
  connections(): number[] {
    return descendants(this.sshd.pid).filter((pid) => /^sshd(-session)?:/.test(commandLine(pid)))
  }

  /** What was started through SSH and is there still: relays, watchdogs. */
  leftovers(): string[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => environment(pid).includes(this.#mark))
      .map((pid) => `${pid} ${commandLine(Number(pid)).slice(0, 100)}`)
  }
}

interface Parts {
  readonly t: TestCase
  readonly subject: LifeSubject
  readonly home: CliHome
  readonly sshd: Sshd
  readonly quiet: Relay
  readonly near: Relay
  readonly yaml: string
  readonly daemon: TestDaemon
  readonly main: Debuggee
  readonly spare: { debuggee: Debuggee }
  readonly mark: string
}

/** `far` is a plain host; `quiet` can fall silent, with a lease of two seconds; `here` needs no SSH. */
function configuration({ backend, patience }: LifeSubject, mainPort: number, nearPort: number): string {
  const target = (name: string, way: string, policy: string): string =>
    [
      `  ${name}-main: { backend: ${backend}, at: ${mainPort}${way}, policy: ${policy} }\n`,
      `  ${name}-spare: { backend: ${backend}, at: ${nearPort}${way}, policy: ${policy} }\n`,
    ].join('')
  const each = (policy: string): string =>
    target(`far-${policy}`, ', ssh: far', policy) +
    target(`quiet-${policy}`, ', ssh: quiet, lease: 2s', policy) +
    target(`here-${policy}`, '', policy)
  const policies = [
    'look: { mode: inspect }',
    // Patience: these cells are about the ends, not about deadlines.
    `change: { mode: control, evaluate: ${patience}, request: ${patience} }`,
    'impatient: { mode: inspect, connect: 1s }',
    'brief: { mode: inspect, pauseMax: 1s }',
  ]
  return `policies: { ${policies.join(', ')} }\ntargets:\n${each('look')}${each('change')}${each('impatient')}${each('brief')}`
}

function rareFile(home: CliHome): string {
  return join(home.folder, 'rare')
}

async function startLife(t: TestCase, subject: LifeSubject, home: CliHome): Promise<Debuggee> {
  const debuggee = await subject.start(rareFile(home))
  t.teardown(() => debuggee.end())
  return debuggee
}

function environment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
