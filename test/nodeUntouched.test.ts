import t, { type Test } from 'tap'
import { commands, type Command } from '../src/dap/protocol.ts'
import { movesOn } from '../src/dap/resuming.ts'
import { attachTo, breakable } from './support/cdpSession.ts'
import { Client } from './support/client.ts'
import { nodeVersions, startNode, type RunningNode } from './support/node.ts'
import { startRealDaemon } from './support/realDaemon.ts'

/**
 * What a session does to the program and to other sessions: nothing. Each of these is something that vscode-js-debug
 * was seen to do (notes/js-debug.md).
 */
const program = `
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const look = () => ({
  globals: Object.getOwnPropertyNames(globalThis),
  options: process.env.NODE_OPTIONS ?? 'none',
  environment: Object.keys(process.env).length,
  listeners: process.eventNames().length,
  required: Object.keys(require.cache).length,
})
function work(n) {
  const order = { number: n, name: 'tea' }
  return order // BREAK
}
let n = 0
setInterval(() => {
  n += 1
  work(n)
  console.log('tick', n)
  if (!fs.existsSync('look')) return
  fs.unlinkSync('look')
  console.log('program', JSON.stringify(look()))
  const child = spawnSync(process.execPath, ['-p', 'process.env.NODE_OPTIONS ?? "none"'], { encoding: 'utf8' })
  console.log('child', child.status, child.stdout.trim(), child.stderr.trim())
}, 20)
`

async function begin(t: Test, version = nodeVersions[0]): Promise<RunningNode> {
  const debuggee = await startNode(version, program)
  t.teardown(() => debuggee.end())
  return debuggee
}

const targetOf = ({ port }: RunningNode) => ({ backend: 'node', at: `127.0.0.1:${port}` })

/** What the program and a child that it starts say of themselves. */
async function says(debuggee: RunningNode): Promise<string[]> {
  const from = debuggee.lines.length
  await debuggee.touch('look')
  const [child] = await debuggee.printed(/^child .*/, from)
  const [own] = await debuggee.printed(/^program .*/, from)
  return [own, child]
}

async function stopped(t: Test, port: number, debuggee: RunningNode, mode = 'inspect'): Promise<[Client, number]> {
  const client = await Client.connect(port)
  t.teardown(() => client.connection.close())
  await client.attach({ target: mode }, (c) => c.break(debuggee.file, debuggee.line('BREAK')))
  const { threadId = 0 } = await client.event('stopped')
  return [client, threadId]
}

for (const version of nodeVersions) {
  void t.test(`Node ${version.name}: nothing is put into the program`, async (test) => {
    const t = test as Test
    const debuggee = await begin(t, version)
    const before = await says(debuggee)
    const daemon = await startRealDaemon(t, { yaml: 'adHoc: true' })
    const client = await Client.connect(daemon.port)
    const breakpoints = [{ line: debuggee.line('BREAK'), logMessage: 'order {order.name} of {n}' }]
    await client.attach({ target: targetOf(debuggee) }, (c) => c.break(debuggee.file, ...breakpoints))
    await client.until('the log point', 30_000, () => client.output().includes('order tea of'))
    const during = (await says(debuggee)).map((line) => line.replaceAll(/,"__breakwater\w*"/g, ''))
    t.same(during, before, 'but a name of ours while a log point is in it')
    t.notMatch(debuggee.lines.join('\n'), /order tea/, 'what is logged is not printed by the program')
    await client.request('disconnect', { terminateDebuggee: true })
    await debuggee.runsOn()
    t.same(await says(debuggee), before, 'nor after it, and it was asked to end')
  })
}

void t.test('a client that vanishes disturbs nobody', async (test) => {
  const t = test as Test
  const [one, other] = [await begin(t), await begin(t)]
  const daemon = await startRealDaemon(t, {
    yaml: `targets: { one: { backend: node, at: ${one.port} }, other: { backend: node, at: ${other.port} } }`,
  })
  for (const vanish of ['end', 'resetAndDestroy', 'cut'] as const) {
    const [staying, threadId] = await stopped(t, daemon.port, other, 'other')
    const [leaving] = await stopped(t, daemon.port, one, 'one')
    // Its answers have nowhere to go.
    for (let i = 0; i < 20; i++) leaving.request('threads', undefined).catch(() => {})
    if (vanish === 'cut') leaving.socket.end('Content-Length: 100\r\n\r\n{"seq": 7')
    else leaving.socket[vanish]()
    await one.runsOn()
    const from = other.ticks()
    await staying.request('next', { threadId })
    await staying.event('stopped')
    t.equal(other.ticks(), from, 'the other program is still held')
    await staying.disconnect()
    await other.runsOn()
  }
})

void t.test('two clients look into one program, and one of them vanishes', async (test) => {
  const t = test as Test
  const debuggee = await begin(t)
  const daemon = await startRealDaemon(t, { yaml: `targets: { both: { backend: node, at: ${debuggee.port} } }` })
  const [leaving] = await stopped(t, daemon.port, debuggee, 'both')
  const staying = await Client.connect(daemon.port)
  await staying.attach({ target: 'both' })
  leaving.socket.resetAndDestroy()
  await debuggee.runsOn()
  await staying.break(debuggee.file, debuggee.line('BREAK'))
  const { threadId = 0 } = await staying.event('stopped', ({ reason }) => reason === 'breakpoint')
  t.ok(await staying.request('stackTrace', { threadId }), 'who stays can hold it again')
  await staying.disconnect()
  await debuggee.runsOn()
})

void t.test('every request is answered, while it runs and while it is held', async (test) => {
  const t = test as Test
  const debuggee = await begin(t)
  const daemon = await startRealDaemon(t, { yaml: `targets: { held: { backend: node, at: ${debuggee.port} } }` })
  const [client, threadId] = await stopped(t, daemon.port, debuggee, 'held')
  const ending: Command[] = [
    'initialize',
    'launch',
    'attach',
    'configurationDone',
    'disconnect',
    'terminate',
    'restart',
  ]
  // These let it run, and what comes after them is asked of a running program.
  const running = [...movesOn]
  const looking = commands.filter((command) => !ending.includes(command) && !running.includes(command))
  const ids = { threadId, frameId: 1, variablesReference: 1, expression: '1', text: 'a', column: 1, line: 1 }
  const args = { ...ids, source: { path: debuggee.file }, breakpoints: [], filters: [], names: [], dataId: 'a' }
  const answered = async (command: Command) =>
    client.request(command, args as never).then(
      () => 'yes',
      (error: Error) => (error.message === '' ? 'nothing is said' : 'refused'),
    )
  for (const command of [...looking, ...running, ...looking]) {
    t.match(await answered(command), /yes|refused/, command)
  }
  await client.disconnect()
  await debuggee.runsOn()
})

/** Does nothing but say so: the inspector of Node 20 and 22 can then lose the program with its client (quirks.ts). */
const talker = `
let n = 0
const loop = () => {
  n += 1
  console.log('tick', n)
  setImmediate(loop)
}
loop()
`

for (const version of nodeVersions) {
  void t.test(`Node ${version.name} logs all the time, and connections are lost`, async (t) => {
    const debuggee = await startNode(version, talker)
    t.teardown(() => debuggee.end())
    const heard = Number(version.name) >= 24
    for (let round = 0; round < 30; round++) {
      const way = breakable()
      const session = await attachTo(debuggee.port, { readOnly: true, transport: way.transport })
      await session.ask('configurationDone', undefined)
      if (heard && round === 0) await session.next('output')
      way.cut()
      await session.backend.closed
      if (!heard)
        t.notOk(
          session.seen.some(({ event }) => event === 'output'),
          'what is not safe to hear is not heard',
        )
      await session.end()
    }
    await debuggee.runsOn()
    t.pass('it lives')
  })
}
