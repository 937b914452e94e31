import { existsSync } from 'node:fs'
import t from 'tap'
import { childrenIn } from '../../src/backend/cdp/processes.ts'
import { Client } from '../support/client.ts'
import { opener } from '../support/cdpSession.ts'
import { until } from '../support/debuggee.ts'
import { nodeVersions, startNode } from '../support/node.ts'
import { startRealDaemon } from '../support/realDaemon.ts'

const family = `
const { Worker, isMainThread, workerData, threadId } = require('node:worker_threads')
const { fork } = require('node:child_process')
function task(n) {
  const doubled = n * 2
  if (n < 4) console.log('worker', threadId, 'at', n) // WORK
  return doubled
}
if (process.argv[2] === 'child') {
  let n = 0
  setInterval(() => {
    n += 1
    if (n < 3) console.log('child at', n)
    answer(n)
  }, 50)
} else if (!isMainThread) {
  task(1) // FIRST
  setInterval(() => task(workerData), 50)
} else {
  let n = 0
  new Worker(__filename, { workerData: 7, name: 'packer' })
  process.on('SIGUSR2', () => new Worker(__filename, { workerData: 8 }))
  process.on('SIGHUP', () => fork(__filename, ['child'], { execArgv: ['--inspect=127.0.0.1:0'] }))
  setInterval(() => {
    n += 1
    console.log('tick', n) // TICK
  }, 50)
}
function answer(n) {
  return n + 1 // CHILD
}
`

for (const version of nodeVersions.filter(({ path }) => existsSync(path))) {
  void t.test(`workers and child processes of node ${version.name}`, async (t) => {
    const open = opener(t)
    const debuggee = await startNode(version, family)
    t.teardown(() => debuggee.end())
    await debuggee.printed(/^worker 1 at 1/)

    await t.test('threads of the one session, for clients that open no other', async (t) => {
      const session = await open(debuggee.port)
      await session.configure(debuggee, 'WORK')
      const stop = await session.stopped()
      t.equal(stop.line, debuggee.line('WORK'))
      const { threads } = await session.ask('threads', undefined)
      t.same(threads, [
        { id: 1, name: 'main' },
        { id: 2, name: 'packer (worker 1)' },
      ])
      t.equal(stop.threadId, 2)
      await debuggee.runsOn()
      t.pass('the main thread runs on meanwhile')
      await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
      await session.ask('continue', { threadId: 2 })
      // A new one stops in its first line, before anything of it has run.
      await session.ask('setBreakpoints', {
        source: { path: debuggee.file },
        breakpoints: [{ line: debuggee.line('FIRST') }],
      })
      process.kill(debuggee.pid, 'SIGUSR2')
      const first = await session.stopped()
      t.equal(first.line, debuggee.line('FIRST'))
      t.not(first.threadId, 2)
      t.notOk(debuggee.lines.includes('worker 2 at 1'))
      await session.ask('disconnect', {})
      await debuggee.printed(/^worker 2 at 1/)
      t.pass('held by nobody after the end of the session')
    })

    await t.test('sessions of their own, through the daemon', async (t) => {
      const yaml = `targets: { shop: { backend: node, at: 127.0.0.1:${debuggee.port}, policy: control } }`
      const daemon = await startRealDaemon(t, { yaml })
      const parent = await Client.connect(daemon.port)
      await parent.attach({ target: 'shop', type: 'node' }, undefined, { supportsStartDebuggingRequest: true })
      await parent.until('the offers', 30_000, () => parent.reverse.length >= 2)
      const offers = parent.reverse.map(({ arguments: asked }) => asked as { configuration: { name: string } })
      const offer = offers.find(({ configuration }) => configuration.name === 'packer (worker 1)')!
      const child = await Client.connect(daemon.port)
      await child.attach(offer.configuration, () => child.break(debuggee.file, debuggee.line('WORK')))
      const { threadId = 0 } = await child.event('stopped')
      const { stackFrames } = (await child.request('stackTrace', { threadId }))!
      t.match(stackFrames[0], { name: 'task', line: debuggee.line('WORK') })
      const { scopes } = (await child.request('scopes', { frameId: stackFrames[0]!.id }))!
      const { variables } = (await child.request('variables', scopes[0]!))!
      t.ok(variables.length > 0, 'its values are shown')
      // Node 20 hands a worker only the low byte of each UTF-16 unit.
      const evaluated = { expression: '"\u2022…ü" + 1', frameId: stackFrames[0]!.id, context: 'watch' } as const
      t.match(await child.request('evaluate', evaluated), { result: "'\u2022…ü1'" })
      t.match(await child.request('threads', undefined), { threads: [{ name: 'packer (worker 1)' }] })
      await debuggee.runsOn()
      await child.disconnect()

      process.kill(debuggee.pid, 'SIGHUP')
      const named = (entry: (typeof parent.reverse)[number]): { name: string } =>
        (entry.arguments as { configuration: { name: string } }).configuration
      await parent.until('the child process', 45_000, () =>
        parent.reverse.some((r) => /process \d+/.test(named(r).name)),
      )
      const forked = parent.reverse.map(named).find(({ name }) => /process \d+/.test(name))!
      t.match(forked.name, /^program\.js \(process \d+\)$/)
      const grandchild = await Client.connect(daemon.port)
      await grandchild.attach(forked, () => grandchild.break(debuggee.file, debuggee.line('CHILD')))
      const { threadId: at = 0 } = await grandchild.event('stopped')
      const stack = (await grandchild.request('stackTrace', { threadId: at }))!
      t.match(stack.stackFrames[0], { name: 'answer', line: debuggee.line('CHILD') })
      await grandchild.disconnect()
      await parent.disconnect()
      await debuggee.runsOn()
    })

    await t.test('a worker that a session held is let go when the client vanishes', async (t) => {
      const session = await open(debuggee.port, {
        client: { adapterID: 'node', supportsStartDebuggingRequest: true },
      })
      await session.configure(debuggee)
      const known = session.children.length
      process.kill(debuggee.pid, 'SIGUSR2')
      // The child process that an earlier test has made may be offered in between.
      const offered = () => session.children.slice(known).find((child) => /^worker \d+$/.test(child.name))
      await until('the worker is offered', () => offered() !== undefined)
      const { process: id } = offered()!
      await session.end()
      await debuggee.printed(new RegExp(`^worker ${id} at 1`))
      t.pass('it runs')
    })
  })
}

void t.test('what a list of processes tells', (t) => {
  const lines = [
    'c 10 100 101 : node\t--inspect=127.0.0.1:9229\t/app/main.js\t',
    'c 11 200 : /usr/bin/node\t--inspect-port=9230\t/app/main.js\t',
    'c 12 300 : node\t--inspect=9229\t--inspect-port=9231\t/app/pool/worker.js\t',
    'c 13 400 500 : node\t--inspect=[::1]:0\tx.js\t',
    'c 14 600 : node\t/app/quiet.js\t--inspect=9300\t',
    'c 15 : node\t--inspect=9400\ty.js\t',
    'l 0100007F:240D 100',
    'l 0100007F:240F 300',
    'l 00000000:1F90 400',
    'l 0100007F:1F91 500',
    'l 0100007F:1F92 600',
    'nonsense',
  ]
  t.same(childrenIn(lines, 10, 9229), [
    { pid: 12, script: 'worker.js', ports: [9231] },
    { pid: 13, script: 'x.js', ports: [8080, 8081] },
  ])
  t.same(childrenIn(lines, 10, 9999), [], 'the pid is another process than the one that is spoken to')
  t.same(childrenIn(lines, 99, 9229), [])
  t.same(childrenIn([], 10, 9229), [])
  t.end()
})
