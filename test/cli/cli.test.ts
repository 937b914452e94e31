import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { prepareSocketFolder } from '../../src/cli/socketFolder.ts'
import { table, visible } from '../../src/lib/terminal.ts'
import { nearest } from '../../src/lib/nearest.ts'
import { CliHome } from '../support/cli.ts'

const yaml = `
policies: { staging: { session: 1h, pauseMax: 20s } }
targets:
  orders: { backend: debugpy, at: 5678, ssh: deploy@prod-1, policy: staging, paths: { /app: . } }
  billing: { backend: debugpy, at: /run/debug.sock, via: [docker, exec, -i, billing] }
`

void t.test('usage: every wrong command line ends with 2 and says what would be right', async (t) => {
  const home = new CliHome(t, yaml)
  const wrong: [string[], RegExp][] = [
    [[], /a command is missing\nBreakwater: one/],
    [['chekc'], /there is no command 'chekc'\nDid you mean 'check'\?/],
    [['check', '--jsn'], /'check' has no option '--jsn'\nDid you mean '--json'\?/],
    [['check', '--json=yes'], /'--json' takes no value/],
    [['check', '--config'], /'--config' needs a value: --config FILE/],
    [['check', 'extra'], /'extra' is one word too many/],
    [['connect'], /'connect' needs TARGET/],
    [['sessions', 'stop', 'abc'], /'sessions stop' is not known/],
    [['serve', '--token', 'x'], /there is no --token: everybody on this machine can read a command line/],
    [['serve', '--token=x'], /Name a file \(mode 0600\)/],
    [['doctor', 'order', '-c', home.file], /there is no target 'order'\nDid you mean 'orders'\?/],
    [['connect', 'billings', '-c', home.file], /Did you mean 'billing'\?/],
    [['help', 'serv'], /Did you mean 'serve'\?/],
  ]
  for (const [args, message] of wrong) {
    const { code, stderr, stdout } = await home.inside(args)
    t.match({ code, stderr, stdout }, { code: 2, stderr: message, stdout: '' }, args.join(' ') || 'nothing')
  }
  t.match(await home.run(['chekc']), { code: 2, stderr: /Did you mean 'check'/, stdout: '' }, 'in a process of its own')
})

void t.test('help and version', async (t) => {
  const home = new CliHome(t)
  const { code, stdout } = await home.run(['--help'])
  t.equal(code, 0)
  for (const name of [
    'serve',
    'connect TARGET',
    'check',
    'targets',
    'sessions',
    'audit',
    'doctor TARGET',
    'demo',
    'version',
  ]) {
    t.match(stdout, new RegExp(`^  ${name} `, 'm'), `help names ${name}`)
  }
  t.match(await home.inside(['help', 'serve']), {
    code: 0,
    stdout: /^Usage: breakwater serve\n[^]*SIGHUP[^]*--config FILE/,
  })
  t.match(await home.inside(['sessions', '--help']), { code: 0, stdout: /^Usage: breakwater sessions \[end ID\]/ })
  t.match(await home.inside(['version']), { code: 0, stdout: /^breakwater \d+\.\d+\.\d+\n$/ })
  t.match(await home.run(['--version']), { code: 0, stdout: /^breakwater \d/ })
  t.match(JSON.parse((await home.run(['version', '--json'])).stdout), { version: /^\d/ })
})

void t.test('check says what a configuration means, or everything that is wrong with it', async (t) => {
  const home = new CliHome(t, yaml)
  const right = await home.with(['check'])
  t.equal(right.code, 0)
  t.match(right.stdout, /listens on +127\.0\.0\.1:4711, .*breakwater\.sock/)
  t.match(right.stdout, /orders +debugpy +127\.0\.0\.1:5678 +ssh deploy@prod-1 +staging +inspect/)
  t.match(right.stdout, /staging +inspect +1h +10m +20s +standard/)
  t.match(right.stdout, /The configuration is valid\.\n$/)
  // oxlint-disable-next-line no-control-regex -- that there is none is the point
  t.notMatch(right.stdout, /\u001b/, 'no colours for a pipe')
  const json = JSON.parse((await home.inside(['-c', home.file, 'check', '--json'])).stdout) as Record<string, unknown>
  t.match(json, { valid: true, file: home.file, adHoc: false, targets: [{ name: 'orders' }, { name: 'billing' }] })
  home.configure('sesions: 1\ntargets:\n  t: { backend: debugpy, at: 1, policy: prod }\n')
  const wrong = await home.with(['check'])
  t.match(wrong, {
    code: 78,
    stdout: '',
    stderr: /config\.yaml:1:1: .*\n    sesions: 1\n    \^{7}\n  Did you mean 'sessions'/,
  })
  const told = await home.inside(['-c', home.file, 'check', '--json'])
  t.equal(told.code, 78)
  t.match(JSON.parse(told.stdout), { valid: false, problems: [{ place: { line: 1, column: 1 } }] })
  t.match(await home.inside(['check', '--config', 'nowhere.yaml']), {
    code: 78,
    stderr: /there is no file '.*nowhere\.yaml'/,
  })
  const defaults = await home.inside(['check'])
  t.match(defaults, { code: 0, stdout: /none: the defaults stand/ })
})

void t.test('the schema is printed, also into a pipe that closes early', async (t) => {
  const home = new CliHome(t)
  const schema = JSON.parse((await home.inside(['check', '--schema'])).stdout) as { title: string }
  t.equal(schema.title, 'Breakwater configuration')
  const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
  const script = `set -o pipefail; ${process.execPath} ${main} check --schema | head -c 10`
  t.match(await promisify(execFile)('bash', ['-c', script]), { stdout: '{\n  "$sche', stderr: '' })
})

void t.test('a configuration that may not be read ends with 77', async (t) => {
  const home = new CliHome(t, yaml)
  chmodSync(home.folder, 0o755)
  chmodSync(home.file, 0o600)
  const { code, stderr } = await home.with(['check'], { uid: 65_534 })
  t.match({ code, stderr }, { code: 77, stderr: /cannot be read: permission denied/ })
})

void t.test('targets, for people and for programs', async (t) => {
  const home = new CliHome(t, yaml)
  const { stdout } = await home.with(['targets'])
  t.equal(
    stdout,
    [
      'TARGET   BACKEND  AT               THROUGH                 POLICY   MODE',
      'orders   debugpy  127.0.0.1:5678   ssh deploy@prod-1       staging  inspect',
      'billing  debugpy  /run/debug.sock  docker exec -i billing  inspect  inspect',
      '',
    ].join('\n'),
  )
  t.match(JSON.parse((await home.inside(['-c', home.file, 'targets', '--json'])).stdout), {
    adHoc: false,
    targets: [{ name: 'orders', mode: 'inspect', paths: [{ remote: '/app', local: '.' }] }, { name: 'billing' }],
  })
})

void t.test('sessions without a daemon', async (t) => {
  const home = new CliHome(t)
  t.match(await home.run(['sessions']), { code: 69, stderr: /no daemon answers at '.*breakwater\.sock'\nStart one/ })
  t.match(await home.inside(['sessions', 'end', 'abc']), { code: 69 })
  writeFileSync(join(home.folder, 'file'), '')
  t.match(await home.inside(['sessions', '--socket', join(home.folder, 'file')]), { code: 69 })
})

void t.test('a socket folder in /tmp must be ours alone', async (t) => {
  const folder = join('/tmp', `breakwater-folder-${process.pid}`)
  const home = new CliHome(t)
  const uid = process.getuid!()
  const socket = join(home.folder, 'a/b.sock')
  await prepareSocketFolder(socket, uid)
  await t.rejects(prepareSocketFolder(socket, uid + 1), { code: 77, message: /is not a private folder of this user/ })
  chmodSync(join(home.folder, 'a'), 0o755)
  await t.rejects(prepareSocketFolder(socket, uid), { code: 77 })
  mkdirSync(folder, { mode: 0o700 })
  t.teardown(() => promisify(execFile)('rmdir', [folder]))
  await prepareSocketFolder(join(folder, 'x.sock'), uid)
})

void t.test('what comes from elsewhere does not steer the terminal', (t) => {
  t.equal(visible('a\u001b[31mb\u202ec\n'), 'a·[31mb·c·')
  t.equal(table(['A', 'B'], [['long one', '\u0007']]), 'A         B\nlong one  ·')
  t.end()
})

void t.test('near misses', (t) => {
  t.equal(nearest('sesion', ['session', 'sessions', 'idle']), 'session')
  t.equal(nearest('pause_max', ['pauseMax', 'pause']), 'pauseMax')
  t.equal(nearest('lisetn', ['listen']), 'listen', 'two letters that changed places')
  t.equal(nearest('banana', ['listen', 'auth']), undefined)
  t.equal(nearest('x'.repeat(100_000), ['listen']), undefined)
  t.end()
})
