import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { deferred } from '../../src/lib/deferred.ts'
import { AuditLog } from '../../src/policy/audit.ts'
import { HopError } from '../../src/transport/transport.ts'
import { Client } from '../support/client.ts'
import { FakeDebugger } from '../support/fakeBackend.ts'
import { daemonWith } from '../support/fakeDaemon.ts'

void t.test('from initialize to disconnect, each in its order', async (t) => {
  const fake = new FakeDebugger()
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  const capabilities = await client.initialize()
  t.match(capabilities, { supportsConfigurationDoneRequest: true, supportsCancelRequest: true })
  t.same(client.events, [], 'nothing before the answer to initialize')
  await client.request('attach', { target: 'shop' } as object)
  t.same(
    client.events.map((e) => e.event),
    ['capabilities', 'initialized'],
  )
  t.match(client.events[0]?.body, {
    capabilities: { supportsConditionalBreakpoints: true, supportsSetVariable: true, supportsStepBack: false },
  })
  t.same(await client.break('/home/me/app/a.py', 3), { breakpoints: [{ id: 2, verified: true, line: 3 }] })
  t.match(fake.calls.at(-1)?.arguments, { source: { path: '/app/a.py' } })
  await client.request('configurationDone', {})
  fake.context.emit('stopped', { reason: 'breakpoint', threadId: 1, allThreadsStopped: true })
  await client.event('stopped')
  const { stackFrames } = (await client.request('stackTrace', { threadId: 1 }))!
  t.equal(stackFrames[0]?.source?.path, '/home/me/app/a.py')
  t.not(stackFrames[0]?.id, 5, 'ids are our own')
  t.match(daemon.sessions.facts(), [
    { target: 'shop', mode: 'control', identity: 'local', client: 'test', state: 'paused' },
  ])
  await client.request('goto', { threadId: 1, targetId: 1 })
  await t.rejects(client.request('scopes', { frameId: stackFrames[0]!.id }), { message: /the program has run since/ })
  fake.context.emit('stopped', { reason: 'goto', threadId: 1, allThreadsStopped: true })
  await client.event('stopped')
  await client.request('next', { threadId: 1 })
  await t.rejects(client.request('scopes', { frameId: stackFrames[0]!.id }), { message: /the program has run since/ })
  await t.rejects(client.request('stackTrace', { threadId: 1 }), { code: 'notStopped' })
  await client.disconnect()
  t.same(fake.story.slice(0, 2), ['attaching', 'attached'])
  t.equal(fake.story.at(-1), 'detached')
  t.same(daemon.sessions.facts(), [])
  t.match(daemon.audit[0], { kind: 'start', target: 'shop' })
  t.match(daemon.audit.at(-1), { kind: 'end', why: /disconnected/ })
})

void t.test('requests in the wrong state, unknown ones and wrong types are refused and change nothing', async (t) => {
  const fake = new FakeDebugger()
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  await t.rejects(client.request('threads', undefined), { message: /first request must be 'initialize'/ })
  await client.initialize()
  await t.rejects(client.initialize(), { message: /initialized already/ })
  await t.rejects(client.request('next', { threadId: 1 }), { message: /'attach' comes first/ })
  await t.rejects(client.request('launch', {}), { message: /starts none/ })
  await t.rejects(client.request('nonsense' as 'threads', undefined), { message: /does not know/ })
  await t.rejects(client.request('evaluate', { expression: 5 } as never), { message: /expected string/ })
  const attached = client.request('attach', { target: 'shop' } as object)
  await attached
  await t.rejects(client.request('attach', {}), { message: /attached already/ })
  await client.request('configurationDone', {})
  await t.rejects(client.request('configurationDone', {}), { message: /done already/ })
  await t.rejects(client.request('stepInTargets', { frameId: 1 }), { code: 'notStopped' })
  await client.request('next', { threadId: 1 })
  t.same(await client.request('continue', { threadId: 1 }), { allThreadsContinued: true }, 'a step never fails')
  t.notOk(fake.story.includes('next'), 'and a running program is not stepped')
  await t.rejects(client.request('readMemory', { memoryReference: '0', count: 1 }), {
    message: /cannot do 'readMemory'/,
  })
  t.match(await client.request('threads', undefined), { threads: [{ id: 1 }] })
  await client.disconnect()
})

void t.test('an attach that fails says at which hop, and leaves nothing', async (t) => {
  const fake = new FakeDebugger()
  fake.attachError = new HopError('ssh deploy@prod-1', 'auth', 'no key was accepted', 'Add a key.')
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  await client.initialize()
  await t.rejects(client.request('attach', { target: 'shop' } as object), {
    message: 'No key was accepted (at ssh deploy@prod-1). Add a key.',
  })
  await client.request('disconnect', {})
  await client.connection.closed
  const other = await Client.connect(daemon.port)
  await other.initialize()
  await t.rejects(other.request('attach', { target: 'shpo' } as object), { message: /There is no target 'shpo'/ })
  other.connection.close()
  t.same(daemon.sessions.facts(), [])
  t.match(daemon.audit, [
    {
      kind: 'request',
      command: 'attach',
      outcome: 'failed',
      target: 'shop',
      code: 'hopFailed',
      error: /No key was accepted/,
    },
    { kind: 'request', command: 'attach', outcome: 'failed', target: 'shpo', code: 'unknownTarget' },
  ])
  t.equal(daemon.audit.length, 2, 'and no end of a session that never began')
})

void t.test('a slow attach is answered early and goes on; its failure then ends the session with a word', async (t) => {
  for (const fails of [false, true]) {
    const fake = new FakeDebugger()
    const gate = deferred<void>()
    fake.gate = gate.promise
    if (fails) fake.attachError = new HopError('direct', 'timeout', 'no answer', 'Look.')
    const daemon = await daemonWith(t, fake)
    const client = await Client.connect(daemon.port)
    await client.initialize({ supportsProgressReporting: true })
    await client.request('attach', { target: 'shop' } as object)
    t.same(fake.story, ['attaching'], 'answered before it is done')
    await client.event('progressStart', (body) => body.cancellable === true)
    await t.rejects(client.request('threads', undefined), { message: /still attaching/ })
    t.match(daemon.sessions.facts(), [{ state: 'attaching' }])
    gate.resolve()
    await client.event('progressEnd')
    if (!fails) {
      await client.event('initialized')
      await client.disconnect()
    } else {
      await client.event('terminated')
      t.match(client.output('stderr'), /The session has ended: No answer\. Look\.\n/)
      await client.disconnect()
    }
  }
})

void t.test('cancelling the progress gives the attach up', async (t) => {
  const fake = new FakeDebugger()
  fake.gate = new Promise(() => {})
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  await client.initialize({ supportsProgressReporting: true })
  const attach = client.request('attach', { target: 'shop' } as object)
  const { progressId } = await client.event('progressStart')
  await client.request('cancel', { progressId })
  await t.rejects(attach, { message: 'cancelled' })
  await client.disconnect()
})

void t.test(
  'a client that vanishes while attaching, running, stopped or in a request: the debugger is let go',
  async (t) => {
    for (const when of ['attaching', 'running', 'stopped', 'in evaluate'] as const) {
      for (const how of ['FIN', 'RST', 'half a message'] as const) {
        const fake = new FakeDebugger()
        const gate = deferred<void>()
        if (when === 'attaching') fake.gate = gate.promise
        fake.answers.evaluate = () => new Promise(() => {})
        const daemon = await daemonWith(t, fake)
        const client = await Client.connect(daemon.port)
        if (when === 'attaching') {
          await client.initialize()
          client.request('attach', { target: 'shop' } as object).catch(() => {})
          while (fake.story.length === 0) await delay(5)
        } else {
          await client.attach({ target: 'shop' })
          if (when !== 'running') {
            fake.context.emit('stopped', { reason: 'breakpoint', threadId: 1, allThreadsStopped: true })
            await client.event('stopped')
          }
          if (when === 'in evaluate') client.request('evaluate', { expression: 'x' }).catch(() => {})
        }
        if (how === 'FIN') client.socket.end()
        else if (how === 'RST') client.socket.resetAndDestroy()
        else {
          client.socket.end('Content-Length: 100\r\n\r\n{"seq"')
        }
        gate.resolve()
        while (!fake.story.includes('detached')) await delay(5)
        t.pass(`${when}, ${how}`)
        while (daemon.sessions.facts().length > 0) await delay(5)
      }
    }
  },
)

void t.test('the debugger dies: pending requests fail, the client is told once, the connection ends', async (t) => {
  const fake = new FakeDebugger()
  fake.answers.evaluate = (call) =>
    new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason as Error)))
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'shop' })
  const asked = client.request('evaluate', { expression: 'x' })
  while (!fake.story.includes('evaluate')) await delay(5)
  fake.context.emit('exited', { exitCode: 0 })
  fake.context.emit('exited', { exitCode: 0 })
  fake.closed.resolve(new HopError('ssh a', 'lost', 'the link broke', 'Attach again.'))
  await t.rejects(asked, { message: /The session has ended: The connection was lost at ssh a: the link broke/ })
  await client.event('terminated')
  t.equal(client.events.filter((e) => e.event === 'exited').length, 1)
  t.match(client.output('stderr'), /the link broke/)
  await client.request('disconnect', {})
  await client.connection.closed
  t.notOk(
    client.events.some((e) => e.event === 'terminated'),
    'terminated once',
  )
})

void t.test('breakpoints never fail', async (t) => {
  const fake = new FakeDebugger()
  fake.answers.setBreakpoints = () => Promise.reject(new HopError('ssh a', 'lost', 'gone', ''))
  const daemon = await daemonWith(t, fake, 'inspect')
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'shop' })
  t.match(await client.break('/home/me/app/a.py', 1, 2), {
    breakpoints: [
      { verified: false, message: /gone/ },
      { verified: false, message: /gone/ },
    ],
  })
  fake.answers.setBreakpoints = () => Promise.reject(new TypeError('x'))
  await t.rejects(client.break('/home/me/app/a.py', 1), { message: /internal error/ }, 'but a bug is a bug')
  await client.disconnect()
})

void t.test('a drain: nobody new, programs let go, clients told', async (t) => {
  const fake = new FakeDebugger()
  const daemon = await daemonWith(t, fake)
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'shop' })
  fake.context.emit('stopped', { reason: 'breakpoint', threadId: 1, allThreadsStopped: true })
  const drained = daemon.server.drain()
  await client.event('terminated')
  t.match(client.output('stderr'), /the daemon is shutting down/)
  await drained
  t.equal(fake.story.at(-1), 'detached')
  await t.rejects(Client.connect(daemon.port), { code: 'ECONNREFUSED' })
})

void t.test('without an audit nobody debugs', async (t) => {
  const audit = AuditLog.open({ kind: 'file', path: '/dev/full' })
  const fake = new FakeDebugger()
  const daemon = await daemonWith(t, fake, 'control', (s) => s, { audit })
  const client = await Client.connect(daemon.port)
  await client.initialize()
  const asked = client.request('attach', { target: 'shop' } as object)
  await asked.catch(() => {})
  await client.until(
    'the end',
    30_000,
    () => client.events.some((e) => e.event === 'terminated') || client.output().includes('audit'),
  )
  while (fake.story.length > 0 && !fake.story.includes('detached')) await delay(5)
  const other = await Client.connect(daemon.port)
  await other.initialize()
  await t.rejects(other.request('attach', { target: 'other' } as object), { message: /audit cannot be written/ })
  other.connection.close()
  client.connection.close()
})

void t.test('children: offered to clients that can, told to the others, and let go when nobody comes', async (t) => {
  const fake = new FakeDebugger()
  const daemon = await daemonWith(t, fake)
  const released: number[] = []
  const child = (process: number) => ({
    name: `worker ${process}`,
    process,
    release: () => {
      released.push(process)
      return Promise.resolve()
    },
  })
  const plain = await Client.connect(daemon.port)
  await plain.attach({ target: 'shop', token: 'unused-secret-token' })
  fake.context.child(child(41))
  await plain.until('the word', 30_000, () => plain.output().includes('Child process 41'))
  t.same(released, [41])
  t.match(plain.output(), /"target":\{"name":"shop","process":41\}/)
  t.notMatch(plain.output(), /unused-secret-token/, 'no token in a console')
  await plain.disconnect()

  const able = await Client.connect(daemon.port)
  await able.attach({ target: 'shop', type: 'python' }, undefined, { supportsStartDebuggingRequest: true })
  const parent = fake.context
  parent.child(child(42))
  await able.until('the offer', 30_000, () => able.reverse.length === 1)
  const { configuration } = able.reverse[0]!.arguments as { configuration: Record<string, unknown> }
  t.same(configuration, {
    name: 'worker 42',
    type: 'python',
    request: 'attach',
    target: { name: 'shop', process: 42 },
    debugServer: daemon.port,
  })
  const second = await Client.connect(daemon.port)
  await second.attach(configuration)
  t.equal(fake.process, 42)
  able.onReverse = () => Promise.reject(new Error('no'))
  parent.child(child(43))
  await able.until('the word', 20_000, () => able.output().includes('Nobody attached to child process 43'))
  t.same(released, [41, 43], 'the child that was taken is not let go behind its session’s back')
  await second.disconnect()
  await able.disconnect()
})
