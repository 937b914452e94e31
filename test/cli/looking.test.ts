import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../support/client.ts'
import { CliHome } from '../support/cli.ts'
import { makeKey, startSshd } from '../support/sshd.ts'
import { debugpyVersions, startPython, tickingProgram, until } from '../support/debugpy.ts'

const listen = 'listen: { tcp: 127.0.0.1:0, unix: daemon.sock }\naudit: { file: audit.jsonl }\n'

void t.test('audit: filters, and follows the file through a rotation', async (t) => {
  const home = new CliHome(t, listen)
  const file = join(home.folder, 'audit.jsonl')
  t.match(await home.inside(['-c', home.file, 'audit']), { code: 69, stderr: /there is no audit at/ })
  const line = (fields: object) => JSON.stringify({ v: 1, time: '2026-11-24T10:00:00.000Z', session: 'ab', ...fields })
  const lines = [
    line({ kind: 'start', target: 'orders', identity: 'ada', client: 'vscode' }),
    line({
      kind: 'request',
      target: 'orders',
      identity: 'ada',
      command: 'evaluate',
      outcome: 'allowed',
      expression: 'x',
    }),
    line({
      kind: 'request',
      target: 'orders',
      identity: 'bob',
      command: 'setVariable',
      outcome: 'refused',
      rule: 'changesProgram',
    }),
    '{ broken',
    line({
      kind: 'end',
      target: 'billing',
      identity: 'bob',
      why: 'he left\u001b[2J',
      time: '2026-11-24T12:00:00.000Z',
    }),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const audit = async (...args: string[]) =>
    (await home.inside(['-c', home.file, 'audit', ...args])).stdout.trim().split('\n')
  t.equal((await audit()).length, 5)
  t.match(await audit('--outcome', 'refused'), [
    /ab {2}orders {2}bob {2}request {2}setVariable {2}refused {2}changesProgram$/,
  ])
  t.strictSame(await audit('--json', '--who', 'bob', '--rule', 'changesProgram'), [lines[2]])
  t.strictSame(await audit('--json', '--target', 'orders', '--last', '1'), [lines[2]])
  t.strictSame(await audit('--json', '--kind', 'start,end'), [lines[0], lines[4]])
  t.strictSame(await audit('--json', '--since', '2026-11-24T11:00:00Z'), [lines[4]])
  t.match(await audit('--kind', 'end'), [/why=he left·\[2J$/], 'the terminal is not steered')
  t.match((await audit())[3], /unreadable: \{ broken/)
  t.match(await home.inside(['-c', home.file, 'audit', '--since', 'yesterday']), { code: 2, stderr: /is not a time/ })
  t.match(await home.inside(['-c', home.file, 'audit', '--last', '0']), { code: 2 })
  const follower = home.start(['audit', '--follow', '--json', '--kind', 'start'])
  await until('the old lines are shown', () => follower.stdout.includes('ada'))
  writeFileSync(file, `${line({ kind: 'start', identity: 'eve' })}\n`)
  await until('what comes after a rotation is shown', () => follower.stdout.includes('eve'))
  follower.signal('SIGINT')
  t.match(await follower.ended, { code: 0, stderr: '' })
})

void t.test('doctor: a dead port, a wrong one, a silent one, a good one', async (t) => {
  const program = await startPython(debugpyVersions[0], tickingProgram)
  t.teardown(() => program.end())
  const home = new CliHome(t)
  const wrong = net.createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n'))
  const silent = net.createServer((socket) => socket.on('error', () => {}).resume())
  for (const server of [wrong, silent]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
  }
  const port = (server: net.Server) => (server.address() as AddressInfo).port
  const folder = program.file.replace(/\/[^/]*$/, '')
  home.configure(`targets:
  dead: { backend: debugpy, at: 1 }
  wrong: { backend: debugpy, at: ${port(wrong)} }
  silent: { backend: debugpy, at: ${port(silent)} }
  good: { backend: debugpy, at: ${program.port}, paths: { ${folder}: ${folder} } }
  watched: { backend: debugpy, at: ${program.port}, policy: observe }
  elsewhere: { backend: debugpy, at: ${program.port}, paths: { /nowhere: ${folder} } }
  through: { backend: debugpy, at: ${program.port}, via: [sh, -c, 'exec "$@"', sh], paths: { ${folder}: ${folder} } }
`)
  t.match(await home.with(['doctor', 'dead']), {
    code: 69,
    stdout: /✓ config[^]*✗ port +cannot connect to 127\.0\.0\.1:1: nothing listens there.*\n  \S/,
  })
  t.match(await home.inside(['-c', home.file, 'doctor', 'wrong']), {
    code: 69,
    stdout: /✓ port[^]*✗ debugger .*does not speak debugpy[^]*Check the port/,
  })
  t.match(await home.inside(['-c', home.file, 'doctor', 'silent']), { code: 69, stdout: /✓ port[^]*✗ debugger/ })
  const right = await home.with(['doctor', 'good'])
  t.match(right, { code: 0, stdout: /✓ debugger +debugpy \d+\.\d+[^]*✓ paths .*program\.py[^]*'good' can be debugged/ })
  t.match(await home.inside(['-c', home.file, 'doctor', 'watched']), {
    code: 0,
    stdout: /! policy [^]*'watched' is there, and cannot be debugged with its policy\.\n$/,
  })
  t.match(await home.inside(['-c', home.file, 'doctor', 'through']), { code: 0, stdout: /✓ paths .*program\.py/ })
  t.match(await home.inside(['-c', home.file, 'doctor', 'elsewhere']), {
    code: 69,
    stdout: /✗ paths .*there is no \/nowhere\/program\.py there/,
  })
  const json = JSON.parse((await home.inside(['-c', home.file, 'doctor', 'dead', '--json'])).stdout) as object
  t.match(json, {
    target: 'dead',
    reachable: false,
    steps: [
      { hop: 'config', outcome: 'ok' },
      { hop: 'port', outcome: 'failed', advice: String },
    ],
  })
  await program.runsOn()
  home.configure(`${listen}targets: { orders: { backend: debugpy, at: ${program.port} } }\n`)
  const { port: daemonPort } = await home.serve()
  const client = await Client.connect(daemonPort)
  await client.attach({ target: 'orders' }, (c) => c.break(program.file, program.line('BREAK')))
  await client.event('stopped')
  t.match(await home.with(['doctor', 'orders']), { code: 0 }, 'asking does not disturb a session')
  await client.request('next', { threadId: 1 })
  await client.event('stopped', ({ reason }) => reason === 'step')
  await client.disconnect()
})

void t.test('doctor through ssh: which step of the login fails, and what to do', async (t) => {
  const program = await startPython(debugpyVersions[0], tickingProgram)
  t.teardown(() => program.end())
  const folder = program.file.replace(/\/[^/]*$/, '')
  const home = new CliHome(t)
  mkdirSync(join(home.folder, '.ssh'))
  const key = join(home.folder, '.ssh/id_ed25519')
  const { host, port, hostKeys } = await startSshd(t, { authorized: [makeKey(key)] })
  home.configure(`targets:
  far: { backend: debugpy, at: ${program.port}, ssh: prod, paths: { ${folder}: ${folder} } }
  other: { backend: debugpy, at: 1, ssh: prod }
`)
  const inside = (name: string) => home.inside(['-c', home.file, 'doctor', name])
  const ssh = (more: string) =>
    writeFileSync(
      join(home.folder, '.ssh/config'),
      `Host prod\n  HostName ${host}\n  Port ${port}\n  User root\n  IdentityAgent none\n${more}`,
    )
  const known = join(home.folder, '.ssh/known_hosts')
  ssh('')
  const unknown = await inside('far')
  t.match(unknown, {
    code: 69,
    stdout: /✓ ssh config +.*prod: root@127\.0\.0\.1 port \d+\n✓ machine +.*answers\n✗ host key /,
  })
  t.match(unknown.stdout, /SHA256:[^]*\[127\.0\.0\.1\]:\d+ ssh-ed25519 AAAA/, 'the fingerprint, and the line to add')
  writeFileSync(known, `[${host}]:${port} ${hostKeys['ed25519']}\n`)
  t.match(await inside('far'), {
    code: 0,
    stdout: /✓ ssh key +.*is accepted[^]*✓ lease [^]*✓ debugger +debugpy[^]*✓ paths .*program\.py/,
  })
  t.match(await inside('other'), { code: 69, stdout: /✓ ssh key[^]*✗ port / })
  makeKey(join(home.folder, '.ssh/stranger'))
  ssh(`  IdentityFile ${join(home.folder, '.ssh/stranger')}\n  IdentitiesOnly yes\n`)
  t.match(await inside('far'), { code: 69, stdout: /✓ host key +.*is known.*\n✗ ssh key / })
  ssh('  ProxyCommand evil\n')
  t.match(await inside('far'), { code: 69, stdout: /✗ ssh config .*config:6: / })
  await program.runsOn()
})

void t.test('the demo tells its whole story with nothing but Node', async (t) => {
  const home = new CliHome(t)
  const { code, stdout, stderr } = await home.run(['demo', '--once', '--port', '0'], { env: { PATH: '/nowhere' } })
  t.equal(code, 0, stderr)
  t.match(
    stdout,
    /breakpoint set\n +stopped \(breakpoint\)[^]*totalOf .*orders\.ts:\d+\n/,
    'by the source, through its map',
  )
  t.match(stdout, /order: .*\n[^]*number: .*= \d+\n[^]*name: .*= '?Ada|name: .*= '?Grace/, 'locals as a tree')
  t.notMatch(stdout, /sk-demo|4111 1111|5500 0000/, 'secrets are hidden')
  t.match(stdout, /order\.lines\.length \* 2 \+ 1\n +7/)
  t.match(stdout, /total = 0\n +Refused by the rule/)
  t.match(stdout, /order\.total\n(?! +\d)/, 'a getter is not run')
  t.match(stdout, /order\.lines\.pop\(\)\n +Refused by the rule/)
  t.match(stdout, /if order\.number % 3 === 0: .*\n +(Ada|Grace) orders 3 articles\n +(Ada|Grace) orders 3 articles\n/)
  t.match(stdout, /: it goes on/)
  t.match(stdout, /request {2}setVariable {2}refused/)
  t.match(stdout, /\n {2}end /)
})

void t.test('the demo in Python tells the same and leaves nothing behind', async (t) => {
  const home = new CliHome(t)
  const { code, stdout, stderr } = await home.run(['demo', '--python', '--once', '--port', '0'], {
    env: { PYTHONPATH: debugpyVersions[0].folder },
  })
  t.equal(code, 0, stderr)
  t.match(stdout, /stopped \(breakpoint\)[^]*total_of .*orders\.py:\d+/)
  t.match(stdout, /order: Order = .*\n +number: int = \d+\n +customer: dict/, 'locals as a tree')
  t.notMatch(stdout, /sk-demo|4111 1111|5500 0000/, 'secrets are hidden')
  t.match(stdout, /len\(order\.lines\) \* 2 \+ 1\n +7/)
  t.match(stdout, /total = 0\n +Refused by the rule/)
  t.match(stdout, /order\.lines\.clear\(\)\n +Refused by the rule/)
  t.match(stdout, /: it goes on/)
  t.match(stdout, /request {2}setVariable {2}refused/)
  t.match(stdout, /\n {2}end /)
  t.match(stdout, /if order\.number % 3 == 0: .*\n +(Ada|Grace) orders 3 articles\n +(Ada|Grace) orders 3 articles\n/)
  const nothing = await home.run(['demo', '--python', '--once'], { env: { PATH: '/nowhere' } })
  t.match(nothing, { code: 69, stderr: /needs a Python 3 with debugpy[^]*pip install debugpy --target/ })
})

void t.test('the demo stays up with the configuration of four editors until Ctrl-C', async (t) => {
  const home = new CliHome(t)
  const demo = home.start(['demo', '--port', '0'])
  await until('the demo stays up', () => demo.stdout.includes('Ctrl-C'))
  const port = Number(/in front of it, at 127\.0\.0\.1:(\d+)/.exec(demo.stdout)?.[1])
  for (const form of [
    `"debugServer": ${port}`,
    `port = ${port} }`,
    `:debugServer ${port}`,
    `host "127.0.0.1" port ${port}`,
  ]) {
    t.ok(demo.stdout.includes(form), form)
  }
  const client = await Client.connect(port)
  await client.attach({ target: 'orders' })
  demo.signal('SIGINT')
  await client.event('terminated')
  t.match(await demo.ended, { code: 0, stderr: '' })
})
