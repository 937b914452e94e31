import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseDelve, parseListener } from '../../src/backend/delve/listener.ts'
import { delveSays } from '../../src/backend/delve/start.ts'
import { CliHome } from '../support/cli.ts'
import { Client, look, refusal } from '../support/client.ts'
import { freePort, RunningProgram, until } from '../support/debuggee.ts'
import { delveVersions, startGo, type RunningGo } from '../support/delve.ts'
import { buildGo } from '../support/goBuild.ts'
import { startRealDaemon } from '../support/realDaemon.ts'
import { startProd } from '../support/sshd.ts'

const [newest, old] = delveVersions
const nobody = 65534
const through = `via: [sh, -c, 'exec "$@"', sh]`

/** Ends with the test, also where another fails to start. */
async function started(t: { teardown(end: () => unknown): void }, starting: Promise<RunningGo>): Promise<RunningGo> {
  const program = await starting
  t.teardown(() => program.end())
  return program
}

/** Asks a Delve over a connection of its own, which then closes. */
async function version(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  socket.write('{"method":"RPCServer.GetVersion","params":[{}],"id":1}\n')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString()
}

void t.test('doctor: a Delve for many is asked who it is, and how the files here are its own', async (t) => {
  const [shop, trimmed, held] = await Promise.all([
    started(t, startGo(newest, 'shop')),
    started(t, startGo(newest, 'shop', { trimpath: true })),
    started(t, startGo(old, 'shop', { start: 'exec-held' })),
  ])
  const home = new CliHome(t)
  const folder = dirname(shop.file)
  const there = join(home.folder, 'project/shop')
  mkdirSync(there, { recursive: true })
  writeFileSync(join(there, 'main.go'), readFileSync(shop.file))
  writeFileSync(join(there, 'main_test.go'), 'package main\n')
  home.configure(`targets:
  guessed: { backend: delve, at: ${shop.port} }
  mapped: { backend: delve, at: ${shop.port}, ${through}, paths: { ${folder}: project/shop } }
  wrong: { backend: delve, at: ${shop.port}, paths: { /app: /nowhere } }
  trimmed: { backend: delve, at: ${trimmed.port}, paths: { /app/shop: project/shop } }
  held: { backend: delve, at: ${held.port} }
  elsewhere: { backend: delve, at: "192.0.2.1:2345" }
  command: { backend: delve, command: [nc, 127.0.0.1, "${shop.port}"] }
`)
  const doctor = async (name: string, expected = 0) => {
    const { code, stdout } = await home.inside(['-c', home.file, 'doctor', name])
    t.equal(code, expected, stdout)
    return stdout
  }
  const guessed = await doctor('guessed')
  t.match(guessed, /✓ port .* is open: .*dlv attach \d+ --headless .*\(process \d+\)/)
  t.match(
    guessed,
    new RegExp(
      `✓ debugger +Delve 1\\.\\d+\\.\\d+ answers: the program \\(attached, process ${shop.pid}\\) runs, and is of go1\\.`,
    ),
  )
  t.match(guessed, /✓ paths +the program has \d+ sources, its own module is \S+; .*held for some milliseconds/)
  t.match(guessed, /✓ paths +none are set; .*project is taken for .*end alike and no other file does/)
  t.match(
    await doctor('mapped'),
    new RegExp(`✓ paths +${folder} is .*project/shop: ${shop.file} is .*project/shop/main\\.go`),
  )
  t.match(await doctor('wrong'), /! paths +\/app is \/nowhere, but no script or source of the program is below \/app/)
  t.match(
    await doctor('trimmed'),
    /✓ paths +\/app\/shop is .*project\/shop: .*\/app is taken for example\.com\/harbour of the program/,
  )
  t.match(
    await doctor('held'),
    /✓ debugger +Delve 1\.20\.\d answers: the program \(started by it, .*\) is stopped, and is of go1\.19/,
  )
  t.equal(held.ticks(), 0, 'and is left stopped')
  t.match(await doctor('elsewhere'), /! port +.* is not tried, since 192\.0\.2\.1 is another machine/)
  t.match(
    await doctor('command'),
    /! port +.*behind a command it cannot be seen who listens\n.*dead after its first client/,
  )

  const other = net.connect(shop.port, '127.0.0.1')
  await once(other, 'connect')
  t.match(await doctor('guessed'), /! debugger +another client is connected[^]*✓ paths +are not looked at/)
  other.destroy()
  await Promise.all([shop.runsOn(), trimmed.runsOn()])
})

void t.test('doctor: what listens and is not for us is told without a connection to it', async (t) => {
  const [single, foreign, dap] = await Promise.all([
    started(t, startGo(newest, 'shop', { start: 'attach-held', single: true })),
    started(t, startGo(newest, 'shop', { start: 'exec', uid: nobody })),
    started(t, startGo(newest, 'shop', { start: 'dap' })),
  ])
  const seen: net.Socket[] = []
  const page = net.createServer((socket) => seen.push(socket)).listen(0, '127.0.0.1')
  await once(page, 'listening')
  t.teardown(() => page.close())
  const { port: pagePort } = page.address() as net.AddressInfo
  const home = new CliHome(t)
  const closed = await freePort()
  home.configure(`targets:
  single: { backend: delve, at: ${single.port} }
  foreign: { backend: delve, at: ${foreign.port} }
  dap: { backend: delve, at: ${dap.port} }
  page: { backend: delve, at: ${pagePort}, ${through} }
  closed: { backend: delve, at: ${closed} }
`)
  const doctor = async (name: string, expected: number) => {
    const { code, stdout } = await home.inside(['-c', home.file, 'doctor', name])
    t.equal(code, expected, stdout)
    return stdout
  }
  for (let again = 0; again < 2; again++) {
    t.match(await doctor('single', 0), /! debugger +it serves a single client .*\n.*Attaching works once.*runs on/)
  }
  t.match(
    await doctor('foreign', 69),
    /✗ debugger +it is user 65534's, and the way to it ends as user 0: Delve resets.*\n.*--only-same-user=false/,
  )
  t.match(
    await doctor('dap', 69),
    /✗ debugger +it is 'dlv dap', which speaks only the Debug Adapter Protocol[^]*--headless --accept-multiclient/,
  )
  t.match(await doctor('page', 69), /✗ debugger +\S+ \(process \d+\) listens at .*, which is no Delve/)
  t.strictSame(seen, [], 'nobody has connected')
  t.match(
    await doctor('closed', 69),
    /✗ port +.*nothing listens there[^]*dlv attach PID --headless[^]*start: \{ process:/,
  )
  t.match(await version(single.port), /"DelveVersion":"Version: 1\./, 'its one client may still come')
  await foreign.runsOn()
})

void t.test('a Delve is started where none listens, detached from the login that starts it', async (t) => {
  const { binary } = await buildGo(newest.go, 'shop', {})
  const home = new CliHome(t)
  const id = `orders-${process.pid}`
  const run = (...argv: [string, ...string[]]) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    t.teardown(() => child.kill('SIGKILL'))
    return { pid: child.pid!, ticks: () => text.split('\n').length }
  }
  const program = run(binary, id)
  const twin = run(binary, `${id}-b`)
  const shell = run('sleep', '600')
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const pidFile = join(home.folder, 'shop.pid')
  writeFileSync(pidFile, `${twin.pid}\n`)
  const script = join(home.folder, 'start.sh')
  writeFileSync(
    script,
    `#!/bin/sh\nexec ${newest.dlv} exec ${binary} --headless --accept-multiclient --api-version=2 --continue --listen=127.0.0.1:${ports[2]}\n`,
  )
  chmodSync(script, 0o755)
  await startProd(t, home.folder)
  const dlv = `dlv: ${newest.dlv}`
  home.configure(`targets:
  far: { backend: delve, at: ${ports[0]}, ssh: prod, start: { pidFile: ${pidFile}, ${dlv} } }
  words: { backend: delve, at: ${ports[1]}, start: { process: "${id} ", ${dlv} } }
  many: { backend: delve, at: ${ports[1]}, start: { process: "${id}", ${dlv} } }
  noGo: { backend: delve, at: ${ports[1]}, start: { pid: ${shell.pid}, ${dlv} } }
  noDlv: { backend: delve, at: ${ports[1]}, start: { pid: ${program.pid}, dlv: /nowhere/dlv } }
  twice: { backend: delve, at: ${ports[1]}, start: { pid: ${twin.pid}, ${dlv} } }
  script: { backend: delve, at: ${ports[2]}, start: [${script}] }
  fails: { backend: delve, at: ${ports[1]}, start: [sh, -c, echo it is not there >&2; exit 3] }
`)
  const doctor = async (expected: number, name: string, ...more: string[]) => {
    const { code, stdout } = await home.inside(['-c', home.file, 'doctor', name, ...more])
    t.equal(code, expected, stdout)
    return stdout
  }
  t.match(
    await doctor(0, 'words'),
    new RegExp(
      `! port .*\\n +Attaching would run: .*dlv attach ${program.pid} --headless .*--continue --listen=127\\.0\\.0\\.1:${ports[1]}\\n.*holds the program`,
    ),
  )
  t.match(await doctor(69, 'many', '--start'), /✗ port .*2 processes have .*: \d+, \d+/)
  t.match(await doctor(69, 'noGo', '--start'), /✗ port .*process \d+ is no Go program, so dlv was not attached/)
  t.match(await doctor(69, 'noDlv', '--start'), /✗ port .*there is no \/nowhere\/dlv there\n.*go install/)
  t.match(await doctor(69, 'fails', '--start'), /✗ port .*'sh' ended with 3: it is not there/)

  // They end what they have started, and let go what they were attached to.
  const delves: number[] = []
  t.teardown(() => delves.forEach((pid) => process.kill(pid, 'SIGTERM')))
  const startedBy = async (name: string) => {
    const said = await doctor(0, name, '--start')
    const pid = Number(/is open: .*\(process (\d+)\)/.exec(said)?.[1])
    t.ok(pid > 0, said)
    delves.push(pid)
    return { said, pid }
  }
  const far = await startedBy('far')
  t.match(
    far.said,
    new RegExp(`✓ port .*dlv attach ${twin.pid} was run, which held the program while Delve read[^]*✓ debugger +Delve`),
  )
  t.equal(sessionOf(far.pid), far.pid, 'it leads a session of its own, which no login ends')
  t.match(await version(ports[0]), /DelveVersion/, 'and is there after the login that started it')
  t.match(await doctor(69, 'twice', '--start'), /✗ port .*already being debugged by.*\n.*one debugger at a time/)
  const here = await startedBy('words')
  t.equal(sessionOf(here.pid), here.pid)
  const script_ = await startedBy('script')
  t.match(script_.said, /start\.sh was run\n✓ port [^]*started by it/)
  const from = program.ticks() + twin.ticks()
  await until('both run on', () => program.ticks() + twin.ticks() > from + 4)
  t.strictSame(
    readdirSync('/tmp').filter((name) => name.startsWith('breakwater-dlv.')),
    [],
    'nothing is left behind',
  )
})

void t.test('a Delve is started at attach, through ssh and here, where the target says how', async (t) => {
  const { binary, file } = await buildGo(newest.go, 'shop', {})
  const home = new CliHome(t)
  const id = `checkout-${process.pid}`
  const run = (word: string) => {
    const child = spawn(binary, [word], { stdio: ['ignore', 'pipe', 'pipe'] })
    const program = new RunningProgram({ child, file, text: readFileSync(file, 'utf8'), comment: '//', folder: '' })
    t.teardown(() => child.kill('SIGKILL'))
    return program
  }
  const programs = [run(`${id}-0`), run(`${id}-1`)] as const
  const ports = [await freePort(), await freePort(), await freePort()] as const
  await startProd(t, home.folder)
  const dlv = `dlv: ${newest.dlv}`
  const daemon = await startRealDaemon(t, {
    home: home.folder,
    yaml: `targets:
  far: { backend: delve, at: ${ports[0]}, ssh: prod, start: { process: ${id}-0, ${dlv} } }
  here: { backend: delve, at: ${ports[1]}, start: { pid: ${programs[1].pid}, ${dlv} } }
  taken: { backend: delve, at: ${ports[2]}, start: { process: ${id}-0, ${dlv} } }
  none: { backend: delve, at: ${ports[2]}, start: { process: ${id}-2, ${dlv} } }
  plain: { backend: delve, at: ${ports[2]} }
adHoc: true
`,
  })
  const delves: number[] = []
  t.teardown(() => delves.forEach((pid) => process.kill(pid, 'SIGTERM')))
  for (const [name, program] of [
    ['far', programs[0]],
    ['here', programs[1]],
  ] as const) {
    const client = await Client.connect(daemon.port)
    await client.attach({ target: name }, () => client.break(file, program.line('BREAK')))
    delves.push(tracerOf(program.pid))
    const note = new RegExp(`\\[breakwater\\] The debugger did not listen: .*dlv attach ${program.pid} was run`)
    await client.until('the console says what was done', 30_000, () => note.test(client.output()))
    t.match(await client.event('process'), { name: `go (process ${program.pid})` })
    const { threadId = 0 } = await client.event('stopped')
    const { frame, locals } = await look(client, threadId)
    t.match(frame, { name: 'main.order', line: program.line('BREAK') })
    t.match(locals, { amount: '0' })
    await client.break(file)
    await client.request('continue', { threadId })
    await client.disconnect()
    await program.runsOn()
    const line = daemon.audit.find(({ kind, why }) => kind === 'change' && String(why).includes(String(program.pid)))
    t.match(line, { target: name, command: 'attach', outcome: 'allowed' }, 'the audit has it as a change')
  }
  const started = daemon.audit.filter(({ kind }) => kind === 'change').length
  const again = await Client.connect(daemon.port)
  await again.attach({ target: 'far' })
  await again.disconnect()
  t.equal(daemon.audit.filter(({ kind }) => kind === 'change').length, started, 'one that is there is left alone')

  t.match(
    await refusal(daemon, 'taken'),
    /^'dlv attach \d+' has failed: .*already being debugged by .*one debugger at a time/,
  )
  t.match(await refusal(daemon, 'none'), /^No process that is a Go program has '.*-2'/)
  t.match(await refusal(daemon, 'plain'), /nothing listens there/)
  const adHoc = { backend: 'delve', at: ports[2], start: { pid: programs[0].pid } }
  t.match(await refusal(daemon, adHoc), /has no 'start'/, 'a client starts nothing')
  await programs[0].runsOn()
})

/** As the kernel has it: the process that leads the session. */
function sessionOf(pid: number): number {
  return Number(
    readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')[3],
  )
}

/** The Delve that a process is attached to. */
function tracerOf(pid: number): number {
  const field = (of: number, name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(`/proc/${of}/status`, 'latin1'))?.[1])
  // It is one of its threads.
  return field(field(pid, 'TracerPid'), 'Tgid')
}

void t.test('a Delve that does not know the Go of its program says so', async (t) => {
  const version: typeof old = { ...old, dlv: newest.dlv }
  const options = { start: 'exec-held', flags: ['--check-go-version=false'] } as const
  const aged = await started(t, startGo(version, 'shop', options))
  const home = new CliHome(t)
  home.configure(`targets: { aged: { backend: delve, at: ${aged.port} } }\n`)
  const { code, stdout } = await home.inside(['-c', home.file, 'doctor', 'aged'])
  t.equal(code, 0, stdout)
  t.match(stdout, /! debugger +this Delve knows Go 1\.\d+\S* to 1\.\d+\S*, and the program is of go1\.19/)
})

void t.test('command lines of Delve, and what the far side says', (t) => {
  const parsed = (line: string) => parseDelve(line.split(' '))
  const all = parsed(
    '/usr/bin/dlv exec ./app --headless --accept-multiclient --api-version=2 --only-same-user=false -- --headless=false',
  )
  t.match(all, { how: 'exec', headless: true, multiclient: true, continues: false, sameUserOnly: false, apiVersion: 2 })
  t.match(parsed('dlv attach 7 --headless --api-version 1'), { multiclient: false, sameUserOnly: true, apiVersion: 1 })
  t.match(parsed('dlv --headless=true --accept-multiclient=false core app core.1'), { how: 'core', multiclient: false })
  t.match(parsed('debugger exec ./app --headless --continue'), { headless: true, continues: true }, 'by another name')
  t.match(parsed('dlv-dap dap --listen=127.0.0.1:1'), { how: 'dap', headless: false })
  t.equal(parsed('node server.js --headless'), undefined)
  t.equal(parsed('python3 -m debugpy --listen 5678'), undefined)

  const said = 'Welcome!\nbreakwater self 1000\nbreakwater listener 1001 2\nbreakwater process 7\ndlv\u001fdap\u001f\n'
  t.strictSame(parseListener(said), {
    kind: 'listening',
    uid: 1001,
    ourUid: 1000,
    listener: { pid: 7, argv: ['dlv', 'dap'] },
    clients: 2,
  })
  t.match(parseListener('breakwater self 0\nbreakwater nobody\n'), { kind: 'nobody' })
  t.match(parseListener('breakwater noproc\n'), { kind: 'unknown' })
  t.match(parseListener('This account is not available.\n'), { kind: 'unknown' })
  t.match(parseListener('breakwater self 1\nbreakwater listener 0 0\n'), { listener: undefined })

  t.match(delveSays('API server listening at: …\nCould not attach to pid 7: current user does not own the process\n'), [
    /does not own/,
    /ptrace_scope.*SYS_PTRACE/,
  ])
  t.match(
    delveSays(
      'could not attach to pid 7: this could be caused by a kernel security setting, try writing "0" to …',
    )?.[1],
    /own user or root/,
  )
  t.match(
    delveSays("couldn't start listener: listen tcp 127.0.0.1:1: bind: address already in use")?.[1],
    /another port/,
  )
  t.match(
    delveSays('Version of Go is too old for this version of Delve (minimum supported version 1.25, …)')?.[1],
    /fits the program/,
  )
  t.equal(delveSays('something else'), undefined)
  t.end()
})
