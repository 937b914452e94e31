import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { connectionsTo } from '../../src/cli/doctorNode.ts'
import { CliHome } from '../support/cli.ts'
import { Client, refusal } from '../support/client.ts'
import { freePort, until } from '../support/debuggee.ts'
import { nodeVersions, startNode, tickingProgram } from '../support/node.ts'
import { startRealDaemon } from '../support/realDaemon.ts'
import { startProd } from '../support/sshd.ts'

void t.test('doctor: an inspector that is closed, how it is opened, and who is at it then', async (t) => {
  const port = await freePort()
  const id = `orders-${process.pid}`
  const options = { inspect: 'signal', port, args: [`${id}-a`] } as const
  const program = await startNode(nodeVersions[0], tickingProgram, options)
  t.teardown(() => program.end())
  // Takes the signal as a Node does, and is another program.
  const other = await startNode(nodeVersions[0], tickingProgram, { ...options, port: 0, args: [`${id}-b`] })
  t.teardown(() => other.end())
  const shell = spawn('sleep', ['600'], { stdio: 'ignore' })
  t.teardown(() => shell.kill('SIGKILL'))
  await Promise.all([program.runsOn(1), other.runsOn(1)])
  const home = new CliHome(t)
  const pidFile = join(home.folder, 'orders.pid')
  writeFileSync(pidFile, `  ${program.pid}\n`)
  const through = `via: [sh, -c, 'exec "$@"', sh]`
  home.configure(`targets:
  plain: { backend: node, at: ${port} }
  file: { backend: node, at: ${port}, start: { pidFile: ${pidFile} } }
  noFile: { backend: node, at: ${port}, start: { pidFile: ${pidFile}.old } }
  words: { backend: node, at: ${port}, ${through}, start: { process: ${id}-a } }
  many: { backend: node, at: ${port}, start: { process: ${id} } }
  none: { backend: node, at: ${port}, start: { process: ${id}-c } }
  deaf: { backend: node, at: ${port}, start: { pid: ${shell.pid!} } }
  gone: { backend: node, at: ${port}, start: { pid: 4194303 } }
  wrong: { backend: node, at: ${port}, start: [kill, -USR1, "${other.pid}"] }
  fails: { backend: node, at: ${port}, start: [sh, -c, echo nobody is there >&2; exit 3] }
`)
  const doctor = (name: string, ...more: string[]) => home.inside(['-c', home.file, 'doctor', name, ...more])
  t.match(await doctor('plain'), {
    code: 69,
    stdout: /✗ port +.*nothing listens there[^]*SIGUSR1[^]*kill -USR1 PID[^]*start: \{[^]*node --inspect=127/,
  })
  const told = /! port +.*nothing listens there.*\n.*would send SIGUSR1 to process (\d+)\n.*doctor \w+ --start/
  for (const name of ['file', 'words']) {
    const { code, stdout } = await doctor(name)
    t.equal(code, 0, stdout)
    t.equal(told.exec(stdout)?.[1], String(program.pid), name)
  }
  t.match(await doctor('noFile'), { code: 69, stdout: /✗ port .*orders\.pid\.old cannot be read/ })
  t.match(await doctor('many', '--start'), { code: 69, stdout: /✗ port .*2 processes have .*\d+, \d+/ })
  t.match(await doctor('none', '--start'), { code: 69, stdout: /no process that takes SIGUSR1 has '.*-c'/ })
  t.match(await doctor('deaf', '--start'), { code: 69, stdout: /does not take SIGUSR1, which would end it/ })
  t.equal(shell.exitCode ?? shell.signalCode, null, 'it lives: nothing was sent to it')
  t.match(await doctor('gone', '--start'), { code: 69, stdout: /there is no process 4194303/ })
  t.match(await doctor('fails', '--start'), { code: 69, stdout: /sh exited with 3: nobody is there/ })
  t.match(await doctor('wrong'), { code: 0, stdout: /Attaching would run: kill -USR1 \d+/ })
  t.notOk(
    [...program.lines, ...other.lines].some((line) => line.startsWith('Debugger')),
    'nothing was opened yet',
  )

  t.match(await doctor('words', '--start'), {
    code: 0,
    stdout: /SIGUSR1 was sent to process \d+\n✓ port .* is open\n✓ debugger +Node \d+\.\d+\.\d+ answers: .*program\.js/,
  })
  await program.listens()
  t.equal(program.port, port)
  t.notMatch((await doctor('plain')).stdout, /connected to it/)
  const held = net.connect(port, '127.0.0.1')
  await once(held, 'connect')
  t.match(await doctor('plain'), { code: 0, stdout: /! debugger +another client is connected/ })
  held.destroy()
  await program.runsOn()
})

void t.test('doctor: source maps and paths of what the program has loaded', async (t) => {
  const loads = `require('./broken.js')\nrequire('./plain.js')\n${tickingProgram}`
  const broken = 'exports.answer = 42\n//# sourceMappingURL=nowhere.js.map\n'
  const files = { 'program.js': loads, 'broken.js': broken, 'plain.js': 'exports.x = 1\n' }
  const [compiled, plain] = await Promise.all([
    startNode(nodeVersions[0], tickingProgram, { typescript: true, map: 'elsewhere' }),
    startNode(nodeVersions[0], files),
  ])
  t.teardown(() => Promise.all([compiled.end(), plain.end()]))
  const home = new CliHome(t)
  const { folder } = compiled
  home.configure(`targets:
  without: { backend: node, at: ${compiled.port}, paths: { ${folder}/out: ${folder}/out, /app: . } }
  private: { backend: node, at: ${compiled.port}, options: { maps: [${folder}/maps] }, paths: { ${folder}: /nowhere } }
  broken: { backend: node, at: ${plain.port}, via: [sh, -c, 'exec "$@"', sh], paths: { ${plain.folder}: ${plain.folder} } }
  off: { backend: node, at: ${plain.port}, options: { sourceMaps: false } }
`)
  const doctor = async (name: string) => {
    const { code, stdout } = await home.inside(['-c', home.file, 'doctor', name])
    t.equal(code, 0, stdout)
    return stdout
  }
  const without = await doctor('without')
  t.match(without, /✓ maps +no script names one \(\d+ loaded\)/)
  t.match(
    without,
    /✓ paths .*\/out is .*: .*program\.js is .*program\.js\n! paths +\/app is .*no script or source .*below \/app/,
  )
  const found = await doctor('private')
  t.match(
    found,
    /✓ maps .*out\/program\.js: .*maps\/program\.js\.map.*, 1 source, such as .*src\/program\.ts \(\/nowhere\//,
  )
  t.match(found, /! paths .*there is no \/nowhere\//)
  const missing = await doctor('broken')
  t.match(
    missing,
    /! maps .*broken\.js: the source map .*nowhere\.js\.map.* no such file\n[^]*options: \{ maps: \[FOLDER\] \}/,
  )
  t.match(missing, /✓ paths /)
  t.match(await doctor('off'), /✓ maps +off, by sourceMaps: false/)
  await Promise.all([compiled.runsOn(), plain.runsOn()])
})

void t.test('connections are counted in the form of /proc/net/tcp', (t) => {
  const line = (local: string, far: string, state: string) =>
    `   1: ${local} ${far} ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1 0 20 4 30 10 -1\n`
  const table = [
    '  sl  local_address rem_address   st\n',
    line('0100007F:240D', '00000000:0000', '0A'),
    line('0100007F:240D', '0100007F:9C40', '01'),
    line('0100007F:9C40', '0100007F:240D', '01'),
    line('0100007F:240D', '0100007F:9C41', '06'),
    line('00000000000000000000000001000000:240D', '00000000000000000000000001000000:9C42', '01'),
  ]
  t.equal(connectionsTo(table.join(''), 9229), 2)
  t.equal(connectionsTo('', 9229), 0)
  t.end()
})

void t.test('a closed inspector is opened at attach, through ssh and here, where the target says how', async (t) => {
  const ports = [await freePort(), await freePort()] as const
  const id = `checkout-${process.pid}`
  const programs = await Promise.all(
    ports.map((port, i) =>
      startNode(nodeVersions[0], tickingProgram, { inspect: 'signal', port, args: [`${id}-${i}`] }),
    ),
  )
  t.teardown(() => Promise.all(programs.map((program) => program.end())))
  await Promise.all(programs.map((program) => program.runsOn(1)))
  const home = new CliHome(t)
  await startProd(t, home.folder)
  const daemon = await startRealDaemon(t, {
    home: home.folder,
    yaml: `targets:
  far: { backend: node, at: ${ports[0]}, ssh: prod, start: { process: ${id}-0 } }
  here: { backend: node, at: ${ports[1]}, start: [kill, -USR1, "${programs[1]!.pid}"] }
  closed: { backend: node, at: ${await freePort()}, start: { process: ${id}-0 } }
  plain: { backend: node, at: ${await freePort()} }
adHoc: true
`,
  })
  for (const [name, program] of [
    ['far', programs[0]!],
    ['here', programs[1]!],
  ] as const) {
    const client = await Client.connect(daemon.port)
    await client.attach({ target: name })
    const note = new RegExp(`\\[breakwater\\] The debugger did not listen: .*USR1.*${program.pid}`)
    await client.until('the console says what was done', 30_000, () => note.test(client.output()))
    t.match(await client.request('threads', undefined), { threads: [{ id: 1 }] })
    await client.disconnect()
    await program.runsOn()
    const line = daemon.audit.find(({ kind, why }) => kind === 'change' && String(why).includes(String(program.pid)))
    t.match(line, { target: name, command: 'attach', outcome: 'allowed' }, 'the audit has it as a change')
  }
  const opened = daemon.audit.filter(({ kind }) => kind === 'change').length
  const again = await Client.connect(daemon.port)
  await again.attach({ target: 'far' })
  await again.disconnect()
  t.equal(daemon.audit.filter(({ kind }) => kind === 'change').length, opened, 'an open one is left alone')

  // It is given up later than an attach is answered, so the console has it.
  t.match(
    await refusal(daemon, 'closed'),
    /SIGUSR1 was sent to process \d+, and still: .*nothing listens there.*--inspect-port/,
  )
  t.match(await refusal(daemon, 'plain'), /nothing listens there/)
  const adHoc = { backend: 'node', at: ports[0], start: ['kill', '-USR1', String(programs[0]!.pid)] }
  t.match(await refusal(daemon, adHoc), /has no 'start'/, 'a client names no command')
  await until('the audit has both failures', () => daemon.audit.filter((l) => l.outcome === 'failed').length >= 2)
})
