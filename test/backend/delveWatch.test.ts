import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync } from 'node:fs'
import net from 'node:net'
import { join, resolve } from 'node:path'
import { lastWordsScript } from '../../src/backend/delve/lastWords.ts'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startGo, tellGo, type RunningGo } from '../support/delve.ts'
import { temporaryFolder } from '../support/sshd.ts'

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

  async answered(count: number): Promise<void> {
    await until(`${count} answers, there are: ${this.#answers}`, () => this.#answers.split('\n').length > count)
  }
}

async function runs(debuggee: RunningGo): Promise<boolean> {
  const { State } = (await askDelve(debuggee.port, 'State', { NonBlocking: true })) as { State: State }
  return State.Running
}

async function halted(debuggee: RunningGo): Promise<void> {
  await until('halted', async () => {
    if (!(await runs(debuggee))) return true
    // Its answer may never come (1.20.2).
    await Promise.race([
      askDelve(debuggee.port, 'Command', { name: 'halt' }),
      new Promise((done) => setTimeout(done, 500)),
    ])
    return false
  })
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

const situations: Readonly<Record<string, (session: LostSession, debuggee: RunningGo) => Promise<void>>> = {
  async 'at a breakpoint of ours'(session, debuggee) {
    const create = (name: string, mark: string, more = {}): void => {
      const Breakpoint = { name, file: debuggee.file, line: debuggee.line(mark), ...more }
      session.say('CreateBreakpoint', { Breakpoint })
    }
    create(`${prefix}n1`, 'BREAK')
    create(`${prefix}n2`, 'RARE')
    create('theirs', 'Only called')
    session.say('Command', { name: 'continue' })
    await session.answered(4)
    const Scope = { GoroutineID: -1, Frame: 0 }
    session.say('CreateWatchpoint', { Scope, Expr: 'doubled', Type: 2 })
    await session.answered(5)
  },
}

for (const version of delveVersions) {
  void t.test(`said to Delve ${version.name}`, async (t) => {
    const debuggee = await startGo(version, 'life')
    t.teardown(() => debuggee.end())
    const script = lastWordsScript({ host: '127.0.0.1', port: debuggee.port }, prefix, true)
    for (const name of Object.keys(farSides)) {
      for (const [what, prepare] of Object.entries(situations)) {
        await halted(debuggee)
        const session = new LostSession(t, debuggee.port)
        await prepare(session, debuggee)
        await run(t, name, script)
        t.ok(await runs(debuggee), `${name}, ${what}: it runs`)
        await debuggee.runsOn()
        t.strictSame(await ours(debuggee), ['theirs'])
        await askDelve(debuggee.port, 'ClearBreakpoint', { Name: 'theirs' })
      }
    }
    void tellGo
  })
}
