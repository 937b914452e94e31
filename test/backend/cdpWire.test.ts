import net from 'node:net'
import t from 'tap'
import { dialer, discover, openInspector } from '../../src/backend/cdp/discovery.ts'
import { watchSilence } from '../../src/backend/cdp/silence.ts'
import { direct } from '../../src/transport/direct.ts'
import { opener, silentLog } from '../support/cdpSession.ts'
import { until } from '../support/debuggee.ts'
import { FakeInspector } from '../support/fakeInspector.ts'
import { nodeVersions, startNode } from '../support/node.ts'
import { startRelay } from '../support/relay.ts'

const location = { scriptId: '7', lineNumber: 3, columnNumber: 2 }
const frame = {
  callFrameId: 'f0',
  functionName: 'work',
  location,
  functionLocation: location,
  url: '',
  scopeChain: [],
  this: { type: 'undefined' },
}
const paused = { callFrames: [frame], reason: 'other', hitBreakpoints: [] }
const script = {
  scriptId: '7',
  url: 'file:///app/a.js',
  startLine: 0,
  startColumn: 0,
  endLine: 9,
  endColumn: 0,
  executionContextId: 1,
  hash: 'h1',
  length: 100,
}

void t.test('a port that is no inspector', async (t) => {
  const attachTo = opener(t)
  const servers: net.Server[] = []
  const sockets: net.Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })
  const portOf = async (onSocket: (socket: net.Socket) => void): Promise<number> => {
    const server = net.createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      onSocket(socket)
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as net.AddressInfo).port
  }
  const refusal = { code: 'notThisDebugger', message: /inspector protocol/ }
  await t.rejects(attachTo(await portOf((socket) => socket.end())), refusal, 'hangs up')
  await t.rejects(
    attachTo(await portOf((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))),
    refusal,
    'another protocol',
  )
  const page = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'
  await t.rejects(attachTo(await portOf((socket) => socket.end(page))), refusal, 'a web server')
  const endless = (socket: net.Socket): void => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n')
    const timer = setInterval(() => socket.write('x'.repeat(200_000)), 1)
    socket.once('close', () => clearInterval(timer))
  }
  await t.rejects(attachTo(await portOf(endless)), refusal, 'an endless answer')
  const silent = new AbortController()
  const attaching = attachTo(await portOf(() => setImmediate(() => silent.abort(new Error('given up')))), {
    signal: silent.signal,
  })
  await t.rejects(attaching, { message: 'given up' }, 'who waits for one that says nothing can give up')
})

void t.test('an inspector that is ill', async (t) => {
  const attachTo = opener(t)
  const fakes: FakeInspector[] = []
  t.teardown(() => Promise.all(fakes.map((fake) => fake.end())))
  const start = async (): Promise<FakeInspector> => {
    const fake = await new FakeInspector().listen()
    fakes.push(fake)
    return fake
  }

  await t.test('has nothing to debug', async (t) => {
    const fake = await start()
    fake.pages.set('/json/list', '[]')
    await t.rejects(attachTo(fake.port), { code: 'notThisDebugger', message: /nothing to debug/ })
    fake.pages.set('/json/list', '{"no": "list"}')
    await t.rejects(attachTo(fake.port), { code: 'notThisDebugger' })
    fake.pages.set('/json/list', '[{"webSocketDebuggerUrl": "no address"}, 7, null]')
    await t.rejects(attachTo(fake.port), { code: 'notThisDebugger' })
  })

  await t.test('stalls, and is given up', async (t) => {
    const fake = await start()
    fake.answers.set('Debugger.enable', () => undefined)
    const given = new AbortController()
    const attaching = attachTo(fake.port, { signal: given.signal })
    await until('it was asked', () => fake.asked.some(({ method }) => method === 'Debugger.enable'))
    given.abort(new Error('no longer wanted'))
    await t.rejects(attaching, { message: 'no longer wanted' })
  })

  await t.test('dies half way', async (t) => {
    const fake = await start()
    fake.answers.set('Debugger.enable', () => {
      fake.cut()
      return undefined
    })
    await t.rejects(attachTo(fake.port), { code: 'debuggerGone' })
    fake.answers.clear()
    fake.answers.set('Debugger.pause', () => {
      fake.cut()
      return undefined
    })
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    await t.rejects(session.ask('pause', { threadId: 1 }), { code: 'debuggerGone' })
    t.match(await session.backend.closed, { code: 'debuggerGone' })
    await session.end()
  })

  await t.test('says garbage, and goes on', async (t) => {
    const fake = await start()
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    for (const text of ['', '{', 'null', '[]', '7', '{"id":"x"}', '{"id":99999,"result":{}}', '{"method":7}']) {
      fake.send(text)
    }
    fake.event('Debugger.unheardOf', { a: 1 })
    fake.event('Debugger.resumed', {})
    fake.event('Debugger.paused', { ...paused, callFrames: [] })
    t.match(await session.next('stopped'), { threadId: 1 })
    t.same((await session.ask('stackTrace', { threadId: 1 })).stackFrames, [])
    fake.event('Debugger.resumed', {})
    await session.next('continued')
    fake.event('Debugger.paused', paused)
    await session.next('stopped')
    const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
    t.match(stackFrames, [{ name: 'work', line: 0, presentationHint: 'subtle' }], 'an unknown script')
    t.notOk(stackFrames[0]!.source)
  })

  await t.test('answers late, what nobody waits for any more', async (t) => {
    const fake = await start()
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    fake.answers.set('Debugger.pause', () => undefined)
    const cancelled = new AbortController()
    const asking = session.ask('pause', { threadId: 1 }, cancelled.signal)
    await until('it was asked', () => fake.asked.some(({ method }) => method === 'Debugger.pause'))
    cancelled.abort(new Error('cancelled'))
    await t.rejects(asking, { message: 'cancelled' })
    const { id } = fake.asked.find(({ method }) => method === 'Debugger.pause')!
    fake.send({ id, result: {} })
    fake.send({ id, result: {} })
    fake.event('Debugger.paused', paused)
    t.match(await session.next('stopped'), { reason: 'pause' })
  })

  await t.test('uses a script id again', async (t) => {
    const fake = await start()
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    fake.event('Debugger.scriptParsed', script)
    fake.event('Debugger.scriptParsed', { ...script, url: 'file:///app/b.js', hash: 'h2' })
    fake.event('Debugger.paused', paused)
    await session.next('stopped')
    const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
    t.match(stackFrames, [{ source: { path: '/app/b.js' }, line: 4, column: 3 }])
    const { sources } = await session.ask('loadedSources', undefined)
    t.same(
      sources.map(({ path }) => path),
      ['/app/b.js'],
    )
  })

  await t.test('leaves a frame as it was when V8 cannot restart it', async (t) => {
    const fake = await start()
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    fake.answers.set('Debugger.restartFrame', ({ id }) => ({
      text: JSON.stringify({ id, error: { code: -32000, message: 'Restarting frame failed' } }),
    }))
    fake.event('Debugger.paused', paused)
    await session.next('stopped')
    const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
    const [top] = stackFrames
    await t.rejects(session.ask('restartFrame', { frameId: top!.id }), { code: 'debuggerFailed', message: /cannot/ })
    t.same((await session.ask('stackTrace', { threadId: 1 })).stackFrames, stackFrames)
  })

  await t.test('is asked to debug only while there is something to stop for', async (t) => {
    const fake = await start()
    const searched: unknown[] = [{ lineNumber: 1, lineContent: '  debugger' }]
    fake.answers.set('Debugger.searchInContent', () => ({ result: { result: searched } }))
    fake.answers.set('Debugger.setBreakpointByUrl', () => ({ result: { breakpointId: 'b', locations: [] } }))
    const asked = (method: string) => fake.asked.filter((each) => each.method === `Debugger.${method}`).length
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    await until('it is switched off', () => asked('disable') === 1)
    fake.event('Runtime.consoleAPICalled', {
      type: 'log',
      args: [{ type: 'string', value: 'still heard' }],
      stackTrace: { callFrames: [] },
    })
    t.match(await session.next('output'), { output: 'still heard\n' })
    const source = { path: '/app/a.js' }
    await session.ask('setBreakpoints', { source, breakpoints: [{ line: 3 }] })
    t.equal(asked('enable'), 2)
    fake.event('Debugger.paused', paused)
    await session.next('stopped')
    await session.ask('setBreakpoints', { source, breakpoints: [] })
    t.equal(asked('disable'), 1)
    await session.ask('continue', { threadId: 1 })
    fake.event('Debugger.resumed', {})
    await session.ask('pause', { threadId: 1 })
    t.equal(asked('enable'), 2, 'stacks over await are still on')

    const other = await start()
    other.answers.set('Debugger.searchInContent', () => ({ result: { result: searched } }))
    const patient = await attachTo(other.port)
    other.event('Debugger.scriptParsed', script)
    await patient.ask('configurationDone', undefined)
    await until('its scripts are searched', () => other.asked.some(({ method }) => method.endsWith('searchInContent')))
    other.event('Debugger.paused', paused)
    t.match(await patient.next('stopped'), { reason: 'breakpoint' }, 'a debugger statement is to be heard of')
    t.notOk(other.asked.some(({ method }) => method === 'Debugger.disable'))
  })

  await t.test('does not answer when we leave', async (t) => {
    const fake = await start()
    const session = await attachTo(fake.port)
    await session.ask('configurationDone', undefined)
    fake.answers.set('Debugger.disable', () => undefined)
    await session.end()
    t.ok(fake.asked.some(({ method }) => method === 'Debugger.disable'))
    t.equal(await session.backend.closed, undefined)
  })
})

void t.test('a link that goes silent is noticed, and a program that is only busy is none', async (t) => {
  const busy = `
let n = 0
setInterval(() => {
  n += 1
  console.log('tick', n)
}, 20)
process.once('SIGUSR2', () => {
  console.log('busy')
  // In JavaScript, and in Atomics.wait, V8 answers meanwhile.
  require('node:child_process').execSync('sleep 3')
  console.log('done')
})
`
  const debuggee = await startNode(nodeVersions[0], busy)
  t.teardown(() => debuggee.end())
  const relay = await startRelay(t, { to: { host: '127.0.0.1', port: debuggee.port } })
  const transport = direct()
  const { signal } = new AbortController()
  const where = `127.0.0.1:${relay.port}`
  const dial = dialer(transport, { host: '127.0.0.1', port: relay.port })
  const { targets } = await discover(dial, where, signal)
  const inspector = await openInspector(dial, targets[0]!, where, silentLog, signal)
  let asked = 0
  const answers = (): Promise<unknown> => {
    asked++
    return discover(dial, where, AbortSignal.timeout(500))
  }
  watchSilence(inspector, { afterMs: 400, answers, log: silentLog })
  await inspector.main.request('Runtime.evaluate', { expression: '1' })
  t.equal(inspector.silentMs, 0, 'nothing is owed')
  process.kill(debuggee.pid, 'SIGUSR2')
  await debuggee.printed(/^busy/)
  await inspector.main.request('Runtime.evaluate', { expression: '2' })
  await debuggee.printed(/^done/)
  t.ok(asked > 0, 'it was asked while it was busy, and has answered')
  relay.silence()
  const pending = inspector.main.request('Runtime.evaluate', { expression: '3' })
  await t.rejects(pending, { message: /it has not answered for \d+ s, and nobody answers at its port/ })
  t.match(await inspector.closed, { code: 'debuggerGone' })
  await debuggee.runsOn()
  await transport[Symbol.asyncDispose]()
})
