import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import type { DebugProtocol } from '@vscode/debugprotocol'
import t, { type Test } from 'tap'
import { Connection } from '../../src/dap/connection.ts'
import { streamWire } from '../../src/dap/framing.ts'
import { debugpyVersions, startPython, tickingProgram, until } from '../support/debugpy.ts'
import { Client } from '../support/client.ts'
import { type Cli, CliHome } from '../support/cli.ts'
import { keptLog } from '../support/wires.ts'

const listen = 'listen: { tcp: 127.0.0.1:0, unix: daemon.sock }\naudit: { file: audit.jsonl }\n'

/** A real program, a daemon that knows it as `orders`, and what else the configuration says. */
async function world(t: Test, more = '', targetMore = '') {
  const program = await startPython(debugpyVersions[0], tickingProgram)
  t.teardown(() => program.end())
  const targets = `targets:\n  orders: { backend: debugpy, at: ${program.port}${targetMore} }\n`
  const yaml = `${listen}${more}${targets}`
  const home = new CliHome(t, yaml)
  return { program, home, yaml }
}

async function hold(port: number, program: Awaited<ReturnType<typeof startPython>>): Promise<Client> {
  const client = await Client.connect(port)
  await client.attach({ target: 'orders' }, (c) => c.break(program.file, program.line('BREAK')))
  await client.event('stopped')
  return client
}

void t.test('serve says where it listens; sessions lists and ends', async (t) => {
  const { program, home } = await world(t)
  const { cli, port } = await home.serve()
  t.equal(statSync(join(home.folder, 'daemon.sock')).mode & 0o777, 0o600)
  t.equal(cli.stdout, '', 'the log is on stderr')
  t.match(await home.with(['sessions']), { code: 0, stdout: 'No sessions.\n' })
  const client = await hold(port, program)
  const listed = await home.with(['sessions'])
  t.match(listed.stdout, /^ID +TARGET +MODE +WHO +CLIENT +FROM +SINCE +ENDS IN +STATE\n/)
  t.match(listed.stdout, /\n[0-9a-f]{8} +orders +inspect +local +test +127\.0\.0\.1:\d+ .* paused for \S+\n$/)
  const { sessions } = JSON.parse((await home.with(['sessions', '--json'])).stdout) as { sessions: { id: string }[] }
  t.match(sessions, [{ target: 'orders', backend: 'debugpy', state: 'paused', since: Number, endsAt: Number }])
  t.match(await home.with(['sessions', 'end', 'abcdef00']), { code: 1, stderr: /there is no session 'abcdef00'/ })
  t.match(await home.with(['sessions', 'end', sessions[0]!.id]), { code: 0, stdout: /is ended/ })
  await client.event('terminated')
  await program.runsOn()
  t.match(await home.with(['sessions']), { stdout: 'No sessions.\n' })
  const second = home.start(['serve'])
  t.match(await second.ended, { code: 69, stderr: /'.*daemon\.sock' is in use already/ }, 'one daemon, one socket')
  await client.connection.closed
})

void t.test('SIGHUP: whole or not at all', async (t) => {
  const { program, home, yaml } = await world(t)
  const { cli, port } = await home.serve()
  const reload = async (text: string, said: RegExp) => {
    const from = cli.stderr.length
    home.configure(text)
    cli.signal('SIGHUP')
    await cli.says(said, from)
    return cli.stderr.slice(from)
  }
  const targetsOf = async () => {
    const client = await Client.connect(port)
    await client.initialize()
    const message = await client.request('attach', { target: '?' } as never).then(
      () => 'attached',
      (error: Error) => error.message,
    )
    client.connection.close()
    return message
  }
  const bad = await reload(`${yaml}  billing: { backend: debugpy, at: 1, sssh: x }\n`, /not reloaded/)
  t.match(bad, /config\.yaml:5:\d+: 'targets\.billing' has no key 'sssh'/, 'the line is told')
  t.notMatch(await targetsOf(), /billing/, 'the old one stays')
  await reload(`${yaml}  billing: { backend: debugpy, at: 1 }\n`, /was reloaded/)
  t.match(await targetsOf(), /billing/, 'the new one counts')
  const moved = await reload(yaml.replace('daemon.sock', 'elsewhere.sock'), /was reloaded/)
  t.match(moved, /a change of 'listen' needs a restart/)
  const client = await hold(port, program)
  const tight = yaml
    .replace(/at: (\d+)/, 'at: $1, policy: short')
    .replace('targets:', 'policies: { short: { pauseMax: 1s } }\ntargets:')
  await reload(tight, /was reloaded/)
  await client.event('continued')
  // The line that says why may come after the event.
  await client.until('the reason', 30_000, () => /1 s|1s|pauseMax/.test(client.output()))
  t.pass('a running session gets the tighter limit')
  await client.disconnect()
})

void t.test('a reload cannot take the token from an address that others reach', async (t) => {
  const env = { TOKEN: 'a-token-of-some-length' }
  const open = 'listen: { tcp: 0.0.0.0:0, unix: off }\naudit: { file: audit.jsonl }\n'
  const home = new CliHome(t, `${open}auth: { tokens: [{ name: me, env: TOKEN }] }\n`)
  const cli = home.start(['serve'], { env })
  await cli.says(/Breakwater listens/)
  home.configure(open.replace('0.0.0.0', '127.0.0.1'))
  cli.signal('SIGHUP')
  await cli.says(/was not reloaded: the daemon listens on 0\.0\.0\.0:0, and the new one has no auth\.tokens/)
  cli.signal('SIGINT')
  t.match(await cli.ended, { code: 0 }, 'SIGINT ends it cleanly too')
})

void t.test('SIGTERM: programs run on, clients are told, exit 0', async (t) => {
  const { program, home } = await world(t)
  const { cli, port } = await home.serve()
  const client = await hold(port, program)
  cli.signal('SIGTERM')
  await client.event('terminated')
  t.match(client.output(), /shutting down/)
  await program.runsOn()
  t.match(await cli.ended, { code: 0, stderr: /draining/ })
  t.throws(() => statSync(join(home.folder, 'daemon.sock')), { code: 'ENOENT' })
  const audit = await home.with(['audit', '--kind', 'start,end', '--json'])
  t.match(
    audit.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [{ kind: 'start' }, { kind: 'end' }],
  )
})

void t.test('a second SIGTERM ends at once', async (t) => {
  const { program, home } = await world(t)
  const { cli, port } = await home.serve()
  await hold(port, program)
  // A debugger that stands still cannot be detached from, so the drain has to wait for its bound.
  process.kill(-program.pid, 'SIGSTOP')
  cli.signal('SIGTERM')
  await cli.says(/draining/)
  cli.signal('SIGTERM')
  t.match(await cli.ended, { code: 1, stderr: /ending at once/ })
  process.kill(-program.pid, 'SIGCONT')
  await program.runsOn()
})

/** Speaks DAP to a command's stdin and stdout. */
function overStdio(cli: Cli): Connection {
  const stream = Duplex.from({ readable: cli.child.stdout!, writable: cli.child.stdin! })
  const incoming = { request: () => Promise.reject(new Error('no')) }
  return new Connection(streamWire(stream, 'connect'), incoming, { log: keptLog() })
}

async function debugOver(connection: Connection, args: object): Promise<void> {
  await connection.request('initialize', { adapterID: 'test', clientID: 'stdio' })
  const attached = connection.request('attach', args as DebugProtocol.AttachRequestArguments)
  await until('the session is attached', () =>
    connection.request('configurationDone', {}).then(
      () => true,
      () => false,
    ),
  )
  await attached
  const { threads } = (await connection.request('threads', undefined))!
  if (threads.length === 0) throw new Error('no threads')
}

void t.test('connect: through the daemon, and without one', async (t) => {
  const { program, home } = await world(t)
  const alone = home.start(['connect', 'orders'])
  const one = overStdio(alone)
  await debugOver(one, {})
  await one.request('disconnect', {})
  alone.child.stdin!.end()
  t.match(await alone.ended, { code: 0, stderr: '' })
  const { cli } = await home.serve()
  const relayed = home.start(['connect', 'orders'])
  const two = overStdio(relayed)
  await debugOver(two, {})
  t.match((await home.with(['sessions'])).stdout, /orders +inspect +local +stdio +unix/, 'the daemon has the session')
  relayed.child.kill('SIGKILL')
  await until('the daemon has no session', async () => (await home.with(['sessions'])).stdout === 'No sessions.\n')
  await program.runsOn()
  const unknown = overStdio(home.start(['connect', 'nothing']))
  await unknown.request('initialize', { adapterID: 'test' })
  await t.rejects(unknown.request('attach', {} as never), /There is no target 'nothing'/)
  cli.signal('SIGTERM')
  t.match(await cli.ended, { code: 0 })
})
