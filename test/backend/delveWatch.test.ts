import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { join, resolve } from 'node:path'
import { lastWordsScript } from '../../src/backend/delve/lastWords.ts'
import { leased } from '../../src/transport/lease.ts'
import { SshPool } from '../../src/transport/sshPool.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startGo, type RunningGo } from '../support/delve.ts'
import { attachTo } from '../support/delveSession.ts'
import { startRelay, type Relay } from '../support/relay.ts'
import { makeKey, sshHost, startSshd, temporaryFolder } from '../support/sshd.ts'

// Much of the time is spent waiting for leases to end.
t.jobs = 4

const lostSession = resolve(import.meta.dirname, '../support/delveLost.ts')

const tools = resolve(import.meta.dirname, '../../.tools')
const busybox = `${tools}/far/bin/busybox`
const sleep = '/usr/bin/sleep'

/** What the far side has, and its `sh`. */
const farSides: Readonly<Record<string, readonly [sh: string, programs: Readonly<Record<string, string>>]>> = {
  python3: ['/usr/bin/dash', { python3: '/usr/bin/python3' }],
  bash: ['/usr/bin/bash', { bash: '/usr/bin/bash' }],
  socat: ['/usr/bin/dash', { socat: `${tools}/far/usr/bin/socat`, sleep }],
  nc: ['/usr/bin/dash', { nc: `${tools}/far/bin/nc.openbsd`, sleep }],
  busybox: [busybox, { busybox, sleep: busybox }],
}

const prefix = 'bw01234567'

interface Breakpoint {
  readonly id: number
  readonly name?: string
  readonly WatchExpr?: string
}

interface State {
  readonly Running: boolean
}

/** Says what a session says and is silent then, as behind a tunnel that is lost: its connection stays. */
class LostSession {
  readonly #socket: net.Socket
  #answers = ''

  constructor(t: Test, port: number) {
    this.#socket = net.connect(port, '127.0.0.1').setEncoding('utf8')
    this.#socket.on('data', (text: string) => (this.#answers += text)).on('error', () => {})
    t.teardown(() => this.#socket.destroy())
  }

  say(method: string, argument: unknown): void {
    this.#socket.write(JSON.stringify({ method: `RPCServer.${method}`, params: [argument], id: 1 }))
  }

  end(): void {
    this.#socket.destroy()
  }

  async answered(count: number): Promise<void> {
    await until(`${count} answers, there are: ${this.#answers}`, () => this.#answers.split('\n').length > count)
  }
}

async function runs(debuggee: RunningGo): Promise<boolean> {
  const { State } = (await askDelve(debuggee.port, 'State', { NonBlocking: true })) as { State: State }
  return State.Running
}

/** Never a second halt while the first may still come: it would stop a later run. */
async function halted(debuggee: RunningGo): Promise<void> {
  while (await runs(debuggee)) {
    // Its answer may never come (1.20.2), and it is lost where it overtakes a continue.
    askDelve(debuggee.port, 'Command', { name: 'halt' }).catch(() => {})
    const startedMs = performance.now()
    await until('halted', async () => performance.now() - startedMs > 5_000 || !(await runs(debuggee)))
  }
}

async function ours(debuggee: RunningGo): Promise<string[]> {
  await halted(debuggee)
  const { Breakpoints } = (await askDelve(debuggee.port, 'ListBreakpoints', {})) as { Breakpoints: Breakpoint[] }
  return Breakpoints.filter(({ id }) => id > 0).map(({ name, WatchExpr }) => name || (WatchExpr ?? ''))
}

async function run(t: Test, name: string, script: string): Promise<void> {
  const [sh, programs] = farSides[name]!
  const bin = join(temporaryFolder(t, 'words'), 'bin')
  mkdirSync(bin)
  for (const [program, path] of Object.entries(programs)) symlinkSync(path, join(bin, program))
  const words = sh === busybox ? ['sh', '-c', script] : ['-c', script]
  const env = { PATH: bin, LD_LIBRARY_PATH: `${tools}/openssh/usr/lib/x86_64-linux-gnu` }
  const startedMs = performance.now()
  const child = spawn(sh, words, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 0)
  if (said !== '') t.comment(said)
  t.comment(`${name}: ${Math.round(performance.now() - startedMs)} ms`)
}

interface Situation {
  prepare(session: LostSession, debuggee: RunningGo): Promise<void>
}

function create(session: LostSession, debuggee: RunningGo, name: string, mark: string, more = {}): void {
  const Breakpoint = { name, file: debuggee.file, line: debuggee.line(mark), ...more }
  session.say('CreateBreakpoint', { Breakpoint })
}

/** All begin with a program that is held. */
const situations = {
  'at a breakpoint of ours': {
    async prepare(session, debuggee) {
      create(session, debuggee, `${prefix}n1`, 'BREAK')
      create(session, debuggee, `${prefix}n2`, 'RARE')
      create(session, debuggee, 'theirs', 'Only called')
      session.say('Command', { name: 'continue' })
      await session.answered(4)
      session.say('CreateWatchpoint', { Scope: { GoroutineID: -1, Frame: 0 }, Expr: 'doubled', Type: 2 })
      await session.answered(5)
    },
  },
  'running, with reads written ahead': {
    async prepare(session, debuggee) {
      create(session, debuggee, `${prefix}n7`, 'RARE')
      create(session, debuggee, 'theirs', 'Only called')
      session.say('Command', { name: 'continue' })
      session.say('Stacktrace', { Id: -1, Depth: 20 })
      session.say('ListGoroutines', { Start: 0, Count: 100 })
      await session.answered(2)
      await until('it runs', () => runs(debuggee))
    },
  },
  'over a hot line whose condition is false, two resumes pending': {
    async prepare(session, debuggee) {
      create(session, debuggee, `${prefix}n1`, 'HOT', { Cond: 'n < 0' })
      create(session, debuggee, 'theirs', 'Only called')
      session.say('Command', { name: 'continue' })
      session.say('Command', { name: 'continue' })
      await session.answered(2)
      await until('it runs', () => runs(debuggee))
    },
  },
  'in a step': {
    async prepare(session, debuggee) {
      create(session, debuggee, `${prefix}n1`, 'BREAK')
      create(session, debuggee, 'theirs', 'Only called')
      session.say('Command', { name: 'continue' })
      await session.answered(3)
      session.say('ClearBreakpoint', { Name: `${prefix}n1` })
      create(session, debuggee, `${prefix}n1`, 'HOT')
      await session.answered(5)
      session.say('Command', { name: 'stepOut' })
      await session.answered(6)
    },
  },
} satisfies Readonly<Record<string, Situation>>

const all = Object.keys(situations) as (keyof typeof situations)[]
const [stopped, , hot] = all as [keyof typeof situations, unknown, keyof typeof situations]
const told: Readonly<Record<string, readonly (keyof typeof situations)[]>> = {
  python3: all,
  bash: all,
  socat: [hot],
  nc: [hot],
  busybox: [stopped],
}

for (const version of delveVersions) {
  void t.test(`said to Delve ${version.name}`, { buffered: true }, async (t) => {
    const debuggee = await startGo(version, 'life')
    t.teardown(() => debuggee.end())
    const address = { host: '127.0.0.1', port: debuggee.port }
    const script = lastWordsScript(address, prefix, true)
    for (const [name, which] of Object.entries(told)) {
      for (const what of which) {
        await halted(debuggee)
        const session = new LostSession(t, debuggee.port)
        await situations[what].prepare(session, debuggee)
        await run(t, name, script)
        t.ok(await runs(debuggee), `${name}, ${what}: it runs`)
        await debuggee.runsOn()
        t.strictSame(await ours(debuggee), ['theirs'], 'nothing of ours is left')
        await askDelve(debuggee.port, 'ClearBreakpoint', { Name: 'theirs' })
        session.end()
      }
    }

    const held = new LostSession(t, debuggee.port)
    create(held, debuggee, `${prefix}n1`, 'RARE')
    await held.answered(1)
    await run(t, 'python3', lastWordsScript(address, prefix, false))
    t.notOk(await runs(debuggee), 'held by somebody before we came: left so')
    t.strictSame(await ours(debuggee), [])

    create(held, debuggee, `${prefix}n1`, 'RARE')
    create(held, debuggee, 'bw89abcdefn1', 'BREAK')
    await held.answered(3)
    await run(t, 'bash', script)
    t.notOk(await runs(debuggee), 'held, and a later session is there: a stop is its own')
    t.strictSame(await ours(debuggee), ['bw89abcdefn1'])
    await run(t, 'bash', lastWordsScript(address, 'bw89abcdef', true))
    await debuggee.runsOn()

    process.kill(debuggee.pid, 'SIGKILL')
    await until('it is gone', () => debuggee.state() === undefined || debuggee.state() === 'Z')
    await run(t, 'python3', script)
    await debuggee.delve.kill()
    for (const name of ['bash', 'busybox']) await run(t, name, script)
  })
}

for (const version of delveVersions) {
  void t.test(`watched, Delve ${version.name}`, { buffered: true }, async (t) => {
    const debuggee = await startGo(version, 'life')
    t.teardown(() => debuggee.end())
    const mark = `BREAKWATER_TEST=${randomBytes(8).toString('hex')}`
    const free = async (how: string): Promise<void> => {
      await until('all has been said', () => processesOf(mark).length === 0)
      const left = async (): Promise<string[]> => {
        const names = await ours(debuggee)
        new LostSession(t, debuggee.port).say('Command', { name: 'continue' })
        return names
      }
      await debuggee.runsOn()
      await until(`${how}: nothing is left`, async () => (await left()).length === 0)
      await debuggee.runsOn()
      t.pass(`${how}: it runs, and nothing of ours is in it`)
    }

    const { transport, relay } = await farSide(t, mark)
    for (const [how, lose] of [
      ['silent', () => relay.silence()],
      ['cut', () => relay.cut('rst')],
    ] as const) {
      const session = await attachTo(debuggee.port, {
        transport: leased(await transport(), { leaseMs: 4000, relays: 2 }),
      })
      await session.configure(debuggee, 'BREAK', 'RARE')
      await session.stopped()
      lose()
      await session.backend.closed
      await session.end()
      await free(how)
      relay.resume()
    }

    const child = spawn(
      process.execPath,
      [
        ...process.execArgv,
        lostSession,
        debuggee.port,
        debuggee.file,
        debuggee.line('BREAK'),
        debuggee.line('RARE'),
      ].map(String),
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, BREAKWATER_TEST: mark.split('=')[1] } },
    )
    t.teardown(() => child.kill('SIGKILL'))
    const [ready] = (await once(child.stdout, 'data')) as [Buffer]
    t.match(String(ready), /ready/)
    t.notOk(await runs(debuggee), 'it is held')
    child.kill('SIGKILL')
    await free('killed')
  })
}

/** What was left at the far side, and whatever that has started. */
function processesOf(mark: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark)
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

/** A real sshd behind a relay. */
async function farSide(
  t: Test,
  mark: string,
): Promise<{ readonly transport: () => Promise<Transport>; readonly relay: Relay }> {
  const dir = temporaryFolder(t, 'watch')
  const sshd = await startSshd(t, { authorized: [makeKey(join(dir, 'id'))], config: [`SetEnv ${mark}`] })
  const relay = await startRelay(t, { to: sshd })
  const name = `[${sshd.host}]:${sshd.port}`
  writeFileSync(join(dir, 'known_hosts'), `${name} ${sshd.hostKeys['ed25519']}\n`)
  const host = sshHost(relay, {
    hostKeyAlias: name,
    identityFiles: [{ path: join(dir, 'id'), explicit: true }],
    knownHostsFiles: [join(dir, 'known_hosts')],
  })
  const pool = new SshPool({ files: { readFile } })
  t.teardown(() => pool[Symbol.asyncDispose]())
  return { transport: () => pool.acquire(host, new AbortController().signal), relay }
}
