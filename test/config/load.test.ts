import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { adHocTarget } from '../../src/config/resolve.ts'
import { ConfigError, defaultConfig, loadConfig, parseConfig } from '../../src/config/load.ts'
import { findToken } from '../../src/config/tokens.ts'
import { defaultSettings } from '../../src/policy/settings.ts'
import { bad, good } from './examples.ts'

const env = { XDG_RUNTIME_DIR: '/run/user/7', BREAKWATER_TOKEN: 'correct-horse-battery', SHORT: 'abc' }
const around = { env, homedir: '/home/me', cwd: '/work', uid: 7 }

/** Right in its form, and yet not to be used. */
const mismatched: Readonly<Record<string, string>> = {
  'not YAML': 'listen: { tcp: 127.0.0.1:1\ntargets:\n',
  'a key twice': 'log: { level: info }\nsessions: 1\nlog: { level: debug }\n',
  'a tab': 'listen:\n\ttcp: 4711\n',
  'two documents': 'sessions: 1\n---\nsessions: 2\n',
  'a tag': 'sessions: !!js/function "x"\n',
  'an unset variable': 'sessions: 1\naudit: { file: "${NOWHERE}/audit" }\nlog: { level: ${LEVEL} }\n',
  'a variable in a key': 'targets: { ${WHERE:-a}: { backend: debugpy, at: 1 } }\n',
  'an alias bomb': `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${'*a, '.repeat(20)}]\nc: &c [${'*b, '.repeat(20)}]\nd: [${'*c, '.repeat(20)}]\n`,
  'open to the world without a token': 'listen: { tcp: 0.0.0.0:4711 }\n',
  'no door': 'listen: { tcp: off, unix: off }\n',
  'an origin with a path': 'listen: { origins: [https://example.org/debug] }\n',
  'a long socket path': `listen: { unix: /run/${'x'.repeat(100)}.sock }\n`,
  'an unknown policy': 'policies: { production: {} }\ntargets: { t: { backend: debugpy, at: 1, policy: prodution } }\n',
  'a policy that lies': 'policies: { inspect: { mode: control } }\n',
  'an endless pause': 'policies: { p: { mode: inspect, pauseMax: off } }\n',
  'redaction off': 'policies: { p: { redact: off } }\n',
  'idle over session': 'policies: { p: { session: 5m, idle: 10m } }\n',
  'session over a day': 'policies: { p: { session: 9h } }\n',
  'a lease with no ssh': 'targets: { t: { backend: debugpy, at: 1, lease: 30s } }\n',
  'waiting where others reach': 'targets: { t: { backend: debugpy, listen: 0.0.0.0:5678 } }\n',
  'waiting behind a command': 'targets: { t: { backend: debugpy, listen: 5678, via: [docker, exec, -i, a] } }\n',
  'a start for debugpy': 'targets: { t: { backend: debugpy, at: 1, start: { pid: 1 } } }\n',
  'a start behind a stream': 'targets: { t: { backend: node, command: [nc, a, "1"], start: { pid: 1 } } }\n',
  'waiting for Node': 'targets: { t: { backend: node, listen: 9229 } }\n',
  'no place of Node': 'targets: { t: { backend: node } }\n',
  'waiting for Delve': 'targets: { t: { backend: delve, listen: 2345 } }\n',
  'no place of Delve': 'targets: { t: { backend: delve } }\n',
  'a start of Delve behind a stream': 'targets: { t: { backend: delve, command: [nc, a, "1"], start: { pid: 1 } } }\n',
  'a dlv for Node': 'targets: { t: { backend: node, at: 1, start: { pid: 1, dlv: /usr/bin/dlv } } }\n',
  'a short token': 'auth: { tokens: [{ name: me, env: SHORT }] }\n',
  'a token of nobody': 'auth: { tokens: [{ name: me, env: NOBODY }] }\n',
  'one token for two': 'auth: { tokens: [{ name: a, env: BREAKWATER_TOKEN }, { name: b, env: BREAKWATER_TOKEN }] }\n',
  'three at once': 'sesions: 1\ntargets:\n  t: { backend: gdb, at: 1 }\n  u: { backend: debugpy, at: 1, sssh: x }\n',
}

async function told(file: string, text: string): Promise<string> {
  try {
    await parseConfig(file, text, around)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'no error'
}

void t.test('every wrong configuration is told with its line, its column and what to do', async (t) => {
  let story = ''
  for (const [name, text] of Object.entries({ ...mismatched, ...bad })) {
    story += `## ${name}\n${await told('config.yaml', text)}\n\n`
  }
  t.notMatch(story, /no error|Invalid input|correct-horse/, 'each is refused, in our own words, without a secret')
  const golden = new URL('errors.golden.txt', import.meta.url)
  if (process.env['UPDATE'] === '1') await writeFile(golden, story)
  t.equal(story, await readFile(golden, 'utf8'))
})

void t.test('every default is filled in', async (t) => {
  const config = defaultConfig(around)
  t.match(config, {
    file: undefined,
    listen: { tcp: { host: '127.0.0.1', port: 4711 }, unix: '/run/user/7/breakwater.sock', origins: [] },
    adHoc: true,
    audit: { kind: 'file', path: '/home/me/.local/state/breakwater/audit.jsonl' },
    log: { level: 'info' },
    sessions: 1024,
  })
  t.strictSame([...config.policies.keys()], ['observe', 'inspect', 'control'])
  t.strictSame(config.policies.get('inspect'), defaultSettings('inspect'))
  t.strictSame(config.policies.get('control'), defaultSettings('control'))
  const noRuntimeFolder = defaultConfig({ ...around, env: {} })
  t.equal(noRuntimeFolder.listen.unix, '/tmp/breakwater-7/breakwater.sock')
})

void t.test('a whole file becomes a whole configuration', async (t) => {
  const config = await parseConfig('/etc/breakwater/config.yaml', good['every key']!, around)
  t.match(config, { adHoc: true, audit: { kind: 'stdout' }, log: { level: 'debug' }, sessions: 10 })
  t.match(config.listen, { tcp: { host: '::1', port: 4711 }, unix: undefined, origins: ['https://debug.example.org'] })
  t.strictSame(config.policies.get('dev'), {
    mode: 'control',
    time: {
      connectMs: 500,
      requestMs: 9_000,
      evaluateMs: 2_500,
      pauseMaxMs: Infinity,
      idleMs: 5_400_000,
      sessionMs: 28_800_000,
      warnMs: [600_000, 300_000, 30_000],
    },
    limits: {
      frames: 10,
      children: 20,
      depth: 3,
      stringLength: 65_536,
      replyBytes: 8 * 1024 * 1024,
      outputPerSecond: 100,
      breakpoints: 5,
      sessions: 1,
    },
    redact: { level: 'standard', names: ['iban'], types: ['Wallet'] },
    breakpoints: { ratePerSecond: 0.5, maxHits: 10, sample: 0.5 },
  })
  t.match(config.targets.get('a'), { address: { path: '/run/debug.sock' }, way: { kind: 'direct' }, policy: 'inspect' })
  const b = config.targets.get('b')
  t.match(b, { address: { host: '127.0.0.1', port: 0 }, listen: true, leaseMs: 30_000 })
  t.strictSame(b?.way, { kind: 'ssh', destination: { host: 'prod-1', port: 2222 } })
  t.strictSame(b?.options, { justMyCode: false, django: true })
  const c = config.targets.get('c')
  t.strictSame(c?.way, { kind: 'command', argv: ['nc', '-U', '/run/debug.sock'] })
  t.equal(c?.address, undefined)
  t.strictSame(c?.paths, [
    { remote: '/app', local: '/home/me/app' },
    { remote: '/lib', local: '/home/me/lib' },
  ])
  t.equal(c?.settings, config.policies.get('dev'))
  t.equal(c?.leaseMs, undefined, 'a stream of its own has no far side for a lease')
  const start = (name: string) => config.targets.get(name)?.start
  t.strictSame(start('d'), { kind: 'signal', by: 'pidFile', what: '/run/orders.pid' })
  t.strictSame(start('e'), { kind: 'signal', by: 'pid', what: '1' })
  t.strictSame(start('f'), { kind: 'command', argv: ['docker', 'kill', '-s', 'USR1', 'checkout'] })
  t.strictSame(start('g'), { kind: 'signal', by: 'process', what: 'node /app/server.js' })
  t.strictSame(start('h'), { kind: 'attach', by: 'process', what: '/srv/shop/shop', dlv: '/opt/go/bin/dlv' })
  t.strictSame(start('i'), { kind: 'attach', by: 'pid', what: '1', dlv: 'dlv' })
  t.strictSame(start('j'), { kind: 'command', argv: ['systemctl', 'start', 'dlv@shop'] })
  t.equal(start('a'), undefined)
  const maps = { maps: ['/etc/breakwater/maps', '/home/me/maps', '/srv/maps'] }
  t.strictSame(config.targets.get('e')?.options, maps, 'folders of ours start at the file')
  t.match(config.targets.get('g')?.options, { asyncStacks: 32, smartStep: false, workers: false, reconnect: 30_000 })
  const leases = 'a: { backend: debugpy, at: 1, ssh: x }\n  b: { backend: debugpy, at: 1, via: [y] }\n'
  const off = '  c: { backend: debugpy, at: 1, ssh: x, lease: off }\n  d: { backend: debugpy, at: 1 }\n'
  const { targets } = await parseConfig('/c.yaml', `targets:\n  ${leases}${off}`, around)
  t.strictSame(
    [...targets.values()].map((target) => target.leaseMs),
    [10_000, 10_000, undefined, undefined],
    'a lease unless it is off, wherever there is a link to lose',
  )
  const design = await parseConfig('/c.yaml', good['the one of the design']!, around)
  t.equal(design.listen.unix, '/run/user/7/breakwater.sock', 'a variable stands unquoted in a flow map')
  t.match(design.targets.get('orders-api')?.way, { kind: 'ssh', destination: { user: 'deploy', host: 'prod-1' } })
  t.equal(design.adHoc, false, 'a file turns ad hoc targets off')
  t.match(design.warnings, [/orders-api.*observe/])
  const variables = await parseConfig('/c.yaml', good['variables in every kind of value']!, around)
  t.match(variables, { adHoc: true, sessions: 12 })
  const short = await parseConfig('/c.yaml', 'policies: { p: { session: 90s } }', around)
  t.match(short.policies.get('p')?.time, { idleMs: 90_000, warnMs: [60_000] }, 'what is not written follows')
})

void t.test('variables bring no YAML of their own, and can be written literally', async (t) => {
  const hostile = { ...around, env: { ...env, EVIL: 'x, stdout: true }\nadHoc: true' } }
  const config = await parseConfig('/c.yaml', 'audit: { file: /a/${EVIL} }', hostile)
  t.equal(config.adHoc, false)
  t.match(config.audit, { kind: 'file', path: '/a/x, stdout: true }\nadHoc: true' })
  const literal = await parseConfig('/c.yaml', 'audit: { file: "/a/$${EVIL}" }', hostile)
  t.match(literal.audit, { path: '/a/${EVIL}' })
})

void t.test('files: where they are looked for, and what they must be', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-config-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const home = { ...around, homedir: folder, cwd: folder, env: { ...env } as Record<string, string> }
  t.equal((await loadConfig(undefined, home)).file, undefined, 'no file, the defaults')
  await mkdir(join(folder, '.config/breakwater'), { recursive: true })
  await writeFile(join(folder, '.config/breakwater/config.yaml'), 'sessions: 3\n')
  t.equal((await loadConfig(undefined, home)).sessions, 3)
  await writeFile(join(folder, 'other.yaml'), 'sessions: 4\n')
  home.env['BREAKWATER_CONFIG'] = 'other.yaml'
  t.equal((await loadConfig(undefined, home)).sessions, 4)
  await writeFile(join(folder, 'third.yaml'), 'sessions: 5\n')
  t.equal((await loadConfig('third.yaml', home)).sessions, 5)
  const fails = (path: string, message: RegExp) =>
    t.rejects(loadConfig(path, home), { name: 'ConfigError', message }, String(message))
  await fails('missing.yaml', /there is no file/)
  await fails(folder, /is a folder; name the file in it/)
  await writeFile(join(folder, 'latin1.yaml'), Buffer.from('# one\n# caf\xe9\n', 'latin1'))
  await fails('latin1.yaml', /is not UTF-8 text, from line 2 on/)
  await writeFile(join(folder, 'huge.yaml'), Buffer.alloc(1024 * 1024 + 1, '#'))
  await fails('huge.yaml', /has 1048577 bytes; a configuration has 1048576 at most/)
  await promisify(execFile)('mkfifo', [join(folder, 'pipe.yaml')])
  await fails('pipe.yaml', /is not a regular file/)
  await chmod(join(folder, 'third.yaml'), 0o666)
  t.match((await loadConfig('third.yaml', home)).warnings, [/Everybody on this machine can change/])
})

void t.test('tokens come from files of their owner, and are found by their digest', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-token-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const token = join(folder, 'token')
  const text = `auth: { tokens: [{ name: me, file: token }, { name: ci, env: BREAKWATER_TOKEN }] }`
  const load = () => parseConfig(join(folder, 'c.yaml'), text, around)
  await t.rejects(load(), { message: /there is no file.*\n.*\n.*\n.*Make one with/ })
  await writeFile(token, '  a-token-of-some-length\n', { mode: 0o644 })
  await t.rejects(load(), { message: /everybody on this machine can use[^]*chmod 600/ })
  await chmod(token, 0o600)
  const { tokens } = (await load()).auth
  t.equal(findToken(tokens, 'a-token-of-some-length')?.name, 'me')
  t.equal(findToken(tokens, 'correct-horse-battery')?.name, 'ci')
  t.equal(findToken(tokens, 'a-token-of-some-lengti'), undefined)
  t.equal(findToken(tokens, ''), undefined)
  t.notMatch(JSON.stringify(await load()), /a-token-of|correct-horse/)
  await writeFile(token, 'two words in-a-token-file')
  await t.rejects(load(), { message: /white space/ })
  await writeFile(token, '\n')
  await t.rejects(load(), { message: /the token is empty/ })
})

void t.test('a client describes a target, and can neither run a command nor choose its policy', (t) => {
  const config = defaultConfig(around)
  const target = adHocTarget({ backend: 'debugpy', at: 5678, ssh: 'me@box', paths: { '/app': '.' } }, config, around)
  t.match(target, { name: 'debugpy at 127.0.0.1:5678 on box', policy: 'inspect', settings: { mode: 'inspect' } })
  const refused = (value: unknown, message: RegExp) => t.throws(() => adHocTarget(value, config, around), { message })
  refused({ backend: 'debugpy', command: ['sh'] }, /has no 'command'|target.at/)
  refused({ backend: 'debugpy', at: 1, via: ['sh', '-c', 'id'] }, /has no 'via'/)
  refused({ backend: 'debugpy', at: 1, policy: 'control' }, /has no 'policy'/)
  refused({ backend: 'debugpy', at: 1, listen: 1 }, /has no 'listen'/)
  refused({ backend: 'debugpy', at: 1, ssh: '-oProxyCommand=id' }, /target\.ssh: a machine is expected/)
  refused({ backend: 'gdb', at: 1 }, /does not have the backend 'gdb' yet/)
  refused({ backend: 'node', at: 1, start: ['kill', '-USR1', '1'] }, /has no 'start'/)
  refused({ backend: 'delve', at: 1, start: { pid: 1, dlv: '/tmp/mine' } }, /has no 'start'/)
  refused({ backend: 'golang', at: 1 }, /no backend 'golang'; did you mean 'delve'/)
  refused({ backend: 'node', at: 1, options: { maps: ['/etc'] } }, /options\.maps: .* only its configuration may/)
  refused({ backend: 'debugpy', at: 1, options: { justMycode: true } }, /no option 'justMycode'.*justMyCode/)
  refused('orders', /target: keys and values are expected/)
  refused(null, /target: keys and values are expected/)
  t.end()
})
