import { once } from 'node:events'
import net from 'node:net'
import { basename, dirname } from 'node:path'
import t from 'tap'
import { Client, look } from './support/client.ts'
import { debugpyVersions, freePort, startPython, tickingProgram, until } from './support/debugpy.ts'
import { cutConnections, FarHost, knownLine, listeningPorts, logins, portsAround } from './support/farHost.ts'

/** Starts a child whenever the file `start` appears. */
const family = `
import os, sys, subprocess, time
def child():
    answer = 6 * 7
    print('child', answer, flush=True)  # CHILD
if sys.argv[1:] == ['child']:
    child()
else:
    n = 0
    while True:
        n += 1
        print('tick', n, flush=True)
        time.sleep(0.05)
        if os.path.exists('start'):
            os.remove('start')
            subprocess.run([sys.executable, '-Xfrozen_modules=off', __file__, 'child'])
`

void t.test('behind a jump host', async (t) => {
  t.setTimeout(300_000)
  const far = await FarHost.start(t)
  const netns = far.network.innerNetns
  const [newest, old] = debugpyVersions
  const [orders, billing, parent] = await Promise.all([
    startPython(newest, tickingProgram, { netns }),
    startPython(old, tickingProgram, { netns }),
    startPython(newest, family, { netns }),
  ])
  t.teardown(() => Promise.all([orders, billing, parent].map((program) => program.end())))
  const stranger = 'Host stranger\n  HostName HOST\n  Port PORT\n  ProxyJump jump\n  UserKnownHostsFile /dev/null\n'
  far.addHost(stranger.replace('HOST', far.inner.host).replace('PORT', String(far.inner.port)))
  const connectPort = await freePort()
  far.home.configure(`
listen: { tcp: 127.0.0.1:0, unix: daemon.sock }
audit: { file: audit.jsonl }
policies: { dev: { mode: control, evaluate: 9s, request: 9s } }
targets:
  orders:    { backend: debugpy, at: ${orders.port}, ssh: inner, paths: { ${dirname(orders.file)}: /project } }
  billing:   { backend: debugpy, at: ${billing.port}, ssh: inner, policy: dev }
  parent:    { backend: debugpy, at: ${parent.port}, ssh: inner }
  comes:     { backend: debugpy, listen: 127.0.0.1:${connectPort}, ssh: inner }
  strangers: { backend: debugpy, at: ${orders.port}, ssh: stranger }
`)
  const { cli, port } = await far.home.serve()
  const local = `/project/${basename(orders.file)}`

  await t.test('the program is not to be reached without it', async (t) => {
    for (const host of ['127.0.0.1', far.inner.host]) {
      const socket = net.connect({ host, port: orders.port, timeout: 500 })
      const [failed] = await Promise.race([
        once(socket, 'connect').then(() => ['connected']),
        once(socket, 'timeout').then(() => ['timeout']),
        once(socket, 'error') as Promise<[Error]>,
      ]).catch((error: Error) => [error])
      socket.destroy()
      t.not(failed, 'connected', host)
    }
  })

  await t.test("an editor's session, its paths mapped; two sessions share one SSH connection", async (t) => {
    const client = await Client.connect(port)
    await client.attach({ target: 'orders' }, (c) => c.break(local, orders.line('BREAK')))
    const { threadId = 0 } = await client.event('stopped')
    const { frame, locals } = await look(client, threadId)
    t.equal(frame.source?.path, local)
    t.match(locals, { doubled: /^\d+$/, n: /^\d+$/ })
    const evaluated = await client.request('evaluate', { expression: 'n * 2 == doubled', frameId: frame.id })
    t.match(evaluated, { result: 'True' })
    const other = await Client.connect(port)
    await other.attach({ target: 'billing' }, (c) => c.break(billing.file, billing.line('BREAK')))
    await other.event('stopped')
    t.equal(logins(far.jump), 1, 'one connection to the jump host')
    t.equal(logins(far.inner), 1, 'and one through it')
    t.strictSame(listeningPorts(cli), [port], 'no port is opened for it')
    t.notMatch(client.output(), /No lease/)
    await client.request('next', { threadId })
    t.match(await client.event('stopped'), { reason: 'step' })
    await Promise.all([client.disconnect(), other.disconnect()])
    await Promise.all([orders.runsOn(), billing.runsOn()])
  })

  await t.test('a child comes as a session of its own, through the same tunnel', async (t) => {
    const client = await Client.connect(port)
    const offered = new Promise<Record<string, unknown>>((resolve) => {
      client.onReverse = async ({ command, arguments: args }) => {
        if (command === 'startDebugging') resolve((args as { configuration: Record<string, unknown> }).configuration)
      }
    })
    await client.attach({ target: 'parent' }, undefined, { supportsStartDebuggingRequest: true })
    await parent.touch('start')
    const configuration = await offered
    t.match(configuration, { request: 'attach', debugServer: port, target: { name: 'parent' } })
    const child = await Client.connect(port)
    await child.attach(configuration, (c) => c.break(parent.file, parent.line('CHILD')))
    const { threadId = 0 } = await child.event('stopped')
    t.match((await look(child, threadId)).locals, { answer: '42' })
    await child.request('continue', { threadId })
    await parent.printed(/^child 42/)
    await child.event('terminated')
    child.connection.close()
    await client.disconnect()
    await parent.runsOn()
    t.equal(logins(far.inner), 1)
  })

  await t.test('a program that connects to us: debugpy --connect, through a remote forward', async (t) => {
    const client = await Client.connect(port)
    const attached = client.attach({ target: 'comes' }, (c) => c.break('/none.py', 1))
    await until('the far side listens', () => portsAround(far.inner.pid).includes(connectPort))
    const program = await startPython(newest, tickingProgram, { netns, connectTo: connectPort })
    t.teardown(() => program.end())
    await attached
    await client.break(program.file, program.line('BREAK'))
    const { threadId = 0 } = await client.event('stopped')
    t.match((await look(client, threadId)).locals, { doubled: /^\d+$/ })
    t.strictSame(listeningPorts(cli), [port], 'the port is there, not here')
    await client.disconnect()
    await program.runsOn()
    await until('it is given back', () => !portsAround(far.inner.pid).includes(connectPort))
  })

  await t.test('an unknown host key is refused, with the line to add', async (t) => {
    const client = await Client.connect(port)
    const refused = await client.attach({ target: 'strangers' }).then(
      () => 'attached',
      (error: Error) => error.message,
    )
    t.match(refused, /ssh .*stranger/)
    t.match(refused, /SHA256:/)
    t.ok(refused.includes(knownLine(far.inner).trim()), `the line to add: ${refused}`)
    client.connection.close()
  })

  await t.test('the tunnel drops in the middle, and a new attach reconnects', async (t) => {
    const [client, other] = [await Client.connect(port), await Client.connect(port)]
    await client.attach({ target: 'orders' }, (c) => c.break(local, orders.line('BREAK')))
    await client.event('stopped')
    await other.attach({ target: 'billing' }, (c) => c.break(billing.file, billing.line('BREAK')))
    const { threadId = 0 } = await other.event('stopped')
    const { frame } = await look(other, threadId)
    const expression = "print('evaluating') or __import__('time').sleep(1)"
    const from = billing.lines.length
    const pending = other.request('evaluate', { expression, frameId: frame.id, context: 'repl' }).then(
      () => 'answered',
      (error: Error) => error.message,
    )
    await Promise.race([billing.printed(/evaluating/, from), other.event('output', (e) => /evaluating/.test(e.output))])
    cutConnections(far.inner)
    t.match(await pending, /lost at ssh root@inner/, 'what was asked fails, the hop named')
    for (const each of [client, other]) {
      await each.event('terminated')
      t.match(each.output('stderr'), /The session has ended: The connection was lost at ssh root@inner/)
      each.connection.close()
    }
    await Promise.all([orders.runsOn(20), billing.runsOn(20)])
    const again = await Client.connect(port)
    await again.attach({ target: 'orders' }, (c) => c.break(local, orders.line('BREAK')))
    await again.event('stopped')
    t.equal(logins(far.inner), 2, 'a new connection')
    await again.disconnect()
    await orders.runsOn()
  })

  await t.test('kill -9: the program runs on, and nothing of ours is left', async (t) => {
    const client = await Client.connect(port)
    await client.attach({ target: 'orders' }, (c) => c.break(local, orders.line('BREAK')))
    await client.event('stopped')
    t.ok(far.leftovers().length >= 2, 'a relay and a watchdog')
    const since = performance.now()
    cli.signal('SIGKILL')
    await orders.runsOn(20)
    t.comment(`kill -9: 20 ticks of 50 ms after ${Math.round(performance.now() - since)} ms`)
    await until(`nothing is left: ${far.leftovers().join('\n')}`, () => far.leftovers().length === 0)
    t.comment(`kill -9: nothing is left after ${Math.round(performance.now() - since)} ms`)
    t.equal(client.events.filter((event) => event.event === 'terminated').length, 0)
    const { port: next } = await far.home.serve()
    const again = await Client.connect(next)
    await again.attach({ target: 'orders' })
    await orders.runsOn(20)
    t.notOk(again.events.some((event) => event.event === 'stopped'))
    await again.disconnect()
  })
})
