import { request as httpRequest } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { WebSocket } from 'ws'
import type { PolicySettings } from '../src/policy/settings.ts'
import { Client } from './support/client.ts'
import type { TestDaemon } from './support/daemon.ts'
import { FakeDebugger } from './support/fakeBackend.ts'
import { daemonWith } from './support/fakeDaemon.ts'

void t.test('tokens: asked for over TCP and WebSocket, and compared; the unix socket is its owner’s', async (t) => {
  const token = 'correct-horse-battery-staple'
  const yaml = 'auth: { tokens: [{ name: alice, env: TOKEN }] }'
  const daemon = await daemonWith(t, new FakeDebugger(), 'control', (s) => s, { yaml, env: { TOKEN: token } })
  for (const wrong of [undefined, '', 'wrong', `${token}x`]) {
    const client = await Client.connect(daemon.port)
    await client.initialize()
    const args = { target: 'shop', ...(wrong === undefined ? {} : { token: wrong }) }
    await t.rejects(client.request('attach', args as object), { message: /token is missing or wrong/ })
    client.connection.close()
  }
  t.equal(daemon.audit.filter((l) => l['code'] === 'badToken' && l.outcome === 'refused').length, 4, 'on record')
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'shop', token })
  t.match(daemon.sessions.facts(), [{ identity: 'alice' }])
  await client.disconnect()
  const local = await Client.connect(daemon.unix)
  await local.attach({ target: 'shop' })
  t.match(daemon.sessions.facts(), [{ identity: 'local', peer: 'unix' }])
  await local.disconnect()
  const refused = new WebSocket(`ws://127.0.0.1:${daemon.port}/dap`, { headers: { authorization: 'Bearer nope' } })
  t.match(await new Promise((resolve) => refused.on('error', resolve)), { message: /401/ })
  const web = await webClient(daemon.port, { authorization: `Bearer ${token}` })
  t.match(await web.ask('initialize', { adapterID: 'x' }), { success: true })
  t.match(await web.ask('attach', { target: 'shop' }), { success: true })
  t.match(daemon.sessions.facts(), [{ identity: 'alice' }])
  web.socket.close()
})

async function webClient(port: number, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/dap`, { headers })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  let seq = 0
  const messages: Record<string, unknown>[] = []
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Record<string, unknown>))
  const ask = async (command: string, args: object): Promise<Record<string, unknown>> => {
    const mine = ++seq
    socket.send(JSON.stringify({ seq: mine, type: 'request', command, arguments: args }))
    for (;;) {
      const answer = messages.find((m) => m['request_seq'] === mine)
      if (answer !== undefined) return answer
      await delay(5)
    }
  }
  return { socket, ask, messages }
}

void t.test('WebSocket: the path, the Origin, one message a frame, and what breaks that', async (t) => {
  const yaml = '  , origins: [https://ok.example] }\nadHoc: true'
  const daemon = await daemonWith(t, new FakeDebugger(), 'control', (s) => s, { yaml })
  for (const [path, origin, code] of [
    ['/other', undefined, 404],
    ['/dap', 'https://evil.example', 403],
    ['/dap', 'null', 403],
  ] as const) {
    const socket = new WebSocket(`ws://127.0.0.1:${daemon.port}${path}`, origin === undefined ? {} : { origin })
    t.match(await new Promise((resolve) => socket.on('error', resolve)), { message: new RegExp(String(code)) })
  }
  const good = await webClient(daemon.port, { origin: 'https://ok.example' })
  t.match(await good.ask('initialize', { adapterID: 'x' }), { success: true })
  good.socket.close()
  for (const bad of ['{', '[]', Buffer.from('{"seq":1,"type":"event"}')]) {
    const web = await webClient(daemon.port)
    web.socket.send(bad)
    const [code, reason] = await new Promise<[number, Buffer]>((resolve) =>
      web.socket.on('close', (c, r) => resolve([c, r])),
    )
    t.equal(code, 1007)
    t.match(reason.toString(), /was not understood/)
  }
})

function http(
  daemon: TestDaemon,
  method: string,
  path: string,
  over: 'tcp' | 'unix',
): Promise<{ status: number; text: string }> {
  const where = over === 'unix' ? { socketPath: daemon.unix } : { host: '127.0.0.1', port: daemon.port }
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...where, method, path }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode!, text }))
    })
    request.on('error', reject).end()
  })
}

void t.test('the daemon’s own HTTP is on the unix socket only', async (t) => {
  const daemon = await daemonWith(t, new FakeDebugger())
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'shop' })
  const { status, text } = await http(daemon, 'GET', '/sessions', 'unix')
  t.equal(status, 200)
  const [session] = (JSON.parse(text) as { sessions: { id: string }[] }).sessions
  t.match(session, { target: 'shop', state: 'running', peer: /^127/ })
  t.equal((await http(daemon, 'GET', '/sessions', 'tcp')).status, 426, 'not over TCP')
  t.equal((await http(daemon, 'DELETE', '/sessions/00000000', 'unix')).status, 404)
  t.equal((await http(daemon, 'DELETE', `/sessions/${session!.id}`, 'unix')).status, 204)
  await client.event('terminated')
  t.match(client.output('stderr'), /ended by the operator/)
  await client.disconnect()
})

void t.test('limits of sessions: for a target, and for the daemon', async (t) => {
  const one = (s: PolicySettings): PolicySettings => ({ ...s, limits: { ...s.limits, sessions: 1 } })
  const daemon = await daemonWith(t, new FakeDebugger(), 'control', one, { yaml: 'sessions: 3' })
  const first = await Client.connect(daemon.port)
  await first.attach({ target: 'shop' })
  const second = await Client.connect(daemon.port)
  await second.initialize()
  await t.rejects(second.request('attach', { target: 'shop' } as object), { message: /1 sessions already/ })
  const third = await Client.connect(daemon.port)
  await third.attach({ target: 'other' })
  const fourth = await Client.connect(daemon.port)
  await t.rejects(fourth.initialize(), { code: 'connectionClosed' })
  await first.disconnect()
  await third.disconnect()
})
