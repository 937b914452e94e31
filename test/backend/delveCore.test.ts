import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CliHome } from '../support/cli.ts'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startDelve, startGo, type DelveVersion } from '../support/delve.ts'
import { opener, type Attached } from '../support/delveSession.ts'
import { buildGo } from '../support/goBuild.ts'
import { FakeDelve, stateOf } from '../support/fakeDelve.ts'

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
/** Where the machine hands core files to a program, or puts them elsewhere, none is found. */
const lacksCores = /[|/%]/.test(pattern) && `core files go to '${pattern}'`

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-core-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What is left of a program that panics: written by the kernel, as GOTRACEBACK=crash has it. */
async function dead(t: Test, version: DelveVersion): Promise<{ binary: string; core: string; file: string }> {
  const folder = folderOf(t)
  const { binary, file } = await buildGo(version.go, 'crash', {})
  writeFileSync(join(folder, 'error'), '')
  const child = spawn('sh', ['-c', 'ulimit -c unlimited && exec "$0"', binary], {
    cwd: folder,
    env: { PATH: process.env['PATH'], GOTRACEBACK: 'crash' },
    stdio: 'ignore',
  })
  t.same(await once(child, 'exit'), [null, 'SIGABRT'])
  // Some kernels put the number behind it.
  const [name] = [pattern, `${pattern}.${child.pid!}`].filter((one) => one !== '' && existsSync(join(folder, one)))
  return { binary, core: join(folder, name ?? pattern), file }
}

function lineOf(file: string, mark: string): number {
  return (
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(`// ${mark}`)) + 1
  )
}

/** What Delve itself has written of a program at a breakpoint. */
async function dumped(t: Test, version: DelveVersion): Promise<{ binary: string; core: string; line: number }> {
  const core = join(folderOf(t), 'dump')
  const shop = await startGo(version, 'shop', { start: 'exec-held' })
  t.teardown(() => shop.end())
  const line = shop.line('AFTER')
  await askDelve(shop.port, 'CreateBreakpoint', { Breakpoint: { name: 'here', file: shop.file, line } })
  await askDelve(shop.port, 'Command', { name: 'continue' })
  await askDelve(shop.port, 'DumpStart', { Destination: core })
  await until('Delve has written it', async () => {
    const { State } = (await askDelve(shop.port, 'DumpWait', { Wait: 100_000_000 })) as { State: { Dumping: boolean } }
    return !State.Dumping
  })
  await shop.end()
  return { binary: shop.binary, core, line }
}

function said(session: Attached): string {
  const bodies = session.seen.filter(({ event }) => event === 'output').map(({ body }) => body as { output: string })
  return bodies.map(({ output }) => output).join('')
}

/** The frame of that name on any goroutine, and what its variables are. */
async function look(session: Attached, name: string) {
  const { threads } = await session.ask('threads', undefined)
  for (const { id } of threads) {
    const { stackFrames } = await session.ask('stackTrace', { threadId: id })
    const frame = stackFrames.find((one) => one.name === name)
    if (frame !== undefined) return { threads, frame, locals: await session.locals(frame.id) }
  }
  throw new Error(`no goroutine is in ${name}: ${threads.map((one) => one.name).join(', ')}`)
}

for (const version of delveVersions) {
  void t.test(`a core file, Delve ${version.name}`, async (t) => {
    const attachTo = opener(t)

    /** Everything that is asked of a program is answered, or refused in words. */
    const staysThere = async (session: Attached, threadId: number): Promise<void> => {
      for (const command of ['continue', 'next', 'stepIn', 'stepOut'] as const) {
        await session.ask(command, { threadId })
        t.match(await session.next('stopped'), { reason: 'pause', text: /A core file does not run/ }, command)
      }
      t.match(said(session), /A core file does not run/)
      await session.ask('pause', { threadId })
      t.notOk(session.seen.some(({ event }) => event === 'exited' || event === 'terminated'))
      for (const absent of ['stepBack', 'reverseContinue', 'restart', 'setVariable', 'writeMemory'] as const) {
        t.equal(session.backend.handlers[absent], undefined, absent)
      }
      t.ok(session.backend.isRecord)
    }

    await t.test('of a program that has panicked', { skip: lacksCores }, async (t) => {
      const { binary, core, file } = await dead(t, version)
      const words = ['core', binary, core, '--headless', '--accept-multiclient', '--api-version=2']
      const delve = await startDelve(version, words, { folder: folderOf(t) })
      t.teardown(() => delve.kill())
      const session = await attachTo(delve.port)
      t.match(await session.next('process'), { name: /^go \(core of process \d+\)$/, isLocalProcess: false })
      const source = { path: file }
      const { breakpoints } = await session.ask('setBreakpoints', {
        source,
        breakpoints: [{ line: lineOf(file, 'FAIL') }],
      })
      t.match(breakpoints, [{ verified: false, message: /core file/ }])
      await session.ask('configurationDone', undefined)
      const { threadId = 0, ...stop } = await session.next('stopped')
      t.match(stop, { reason: 'entry', description: 'A core file' })
      const { frame, locals, threads } = await look(session, 'main.fail')
      t.match(frame, { source: { path: file }, line: lineOf(file, 'ERROR') })
      t.match(locals.get('reason'), { value: '"custom panic error"' })
      t.match(locals.get('how'), { value: '"error"' })
      t.match(
        threads.find(({ id }) => id === threadId),
        { name: /^\* \[Go 1\] main\.fail/ },
      )
      const { result } = await session.ask('evaluate', { expression: 'order.number + 1', frameId: frame.id })
      t.equal(result, '8')
      await t.rejects(session.ask('evaluate', { expression: 'call main.main()', frameId: frame.id, context: 'repl' }))
      t.equal(said(session), '', 'nothing to warn of')
      await staysThere(session, threadId)
      await session.end()
      const again = await attachTo(delve.port)
      await again.ask('configurationDone', undefined)
      await again.next('stopped')
      await look(again, 'main.fail')
    })

    await t.test("of Delve's own, for one client and in doctor", async (t) => {
      const { binary, core, line } = await dumped(t, version)
      const folder = folderOf(t)
      const words = ['core', binary, core, '--headless', '--api-version=2']
      const [single, shared] = await Promise.all([
        startDelve(version, words, { folder }),
        startDelve(version, [...words, '--accept-multiclient'], { folder }),
      ])
      t.teardown(() => Promise.all([single.kill(), shared.kill()]))
      const home = new CliHome(t)
      home.configure(`targets:
  single: { backend: delve, at: ${single.port} }
  shared: { backend: delve, at: ${shared.port} }
`)
      const doctor = async (name: string) => (await home.inside(['-c', home.file, 'doctor', name])).stdout
      t.match(await doctor('shared'), /✓ debugger +Delve 1\.\d+\.\d+ answers: the program \(a core file, process \d+\)/)
      t.match(
        await doctor('single'),
        /serves a single client .*\n +Attaching works once: its end is the end of this Delve\.\n/,
      )
      const session = await attachTo(single.port)
      await session.ask('configurationDone', undefined)
      const { threadId = 0 } = await session.next('stopped')
      const { frame, locals } = await look(session, 'main.order')
      t.match(frame, { line })
      t.match(locals.get('amount'), { value: '5' })
      t.match(said(session), /^\[breakwater\] This Delve serves one client, and ends with this session\.\n$/)
      await staysThere(session, threadId)
      await session.end()
      await until('that Delve has ended', () => single.isOver)
    })
  })
}

void t.test('only a recording runs backwards', async (t) => {
  // There is no rr here: that a Delve of one says so is all that can be shown.
  const attachTo = opener(t)
  const fake = await new FakeDelve().listen()
  t.teardown(() => fake.end())
  const version = { DelveVersion: 'Version: 1.27.2\nBuild: fake', APIVersion: 2, TargetGoVersion: 'go1.26.8' }
  fake.answers.set('GetVersion', () => ({ result: { ...version, Backend: 'rr' } }))
  const session = await attachTo(fake.port)
  await session.ask('configurationDone', undefined)
  const { threadId = 0 } = await session.next('stopped')
  for (const [command, granularity, word] of [
    ['stepBack', undefined, 'reverseNext'],
    ['stepBack', 'instruction', 'reverseNextInstruction'],
    ['reverseContinue', undefined, 'rewind'],
  ] as const) {
    fake.answers.set('Command', ({ argument }) =>
      argument['name'] === word ? { result: { State: stateOf() } } : undefined,
    )
    await session.ask(command, { threadId, ...(granularity === undefined ? {} : { granularity }) })
    await session.next('stopped')
    t.ok(fake.words().includes(word), word)
  }
  fake.answers.delete('Command')
  for (const version of delveVersions) {
    const go = await startGo(version, 'shop', { start: 'exec-held' })
    t.teardown(() => go.end())
    const plain = await attachTo(go.port)
    // Delve sets no program counter, and has no request that could be `goto`.
    for (const absent of ['stepBack', 'reverseContinue', 'goto', 'gotoTargets'] as const) {
      t.equal(plain.backend.handlers[absent], undefined, absent)
    }
    t.notOk(plain.backend.isRecord)
  }
})
