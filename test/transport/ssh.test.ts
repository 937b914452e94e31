import t from 'tap'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startRelay } from '../support/relay.ts'
import { bench, closed, echoServer, failure, never, pool, root, roundTrip, until } from '../support/sshBench.ts'
import { makeNetwork, startSshd, temporaryFolder } from '../support/sshd.ts'

void t.test('dial, exec and listen through a real sshd', async (t) => {
  const { pool, host, dir } = await bench(t)
  const ssh = await pool.acquire(host(), never)
  t.equal(ssh.name, `ssh ${host().user}@inner`)

  const { port, open } = await echoServer(t)
  const stream = await ssh.dial({ host: '127.0.0.1', port }, never)
  t.equal(String(await roundTrip(stream, 'hello')), 'hello')
  const big = randomBytes(8 * 1024 * 1024)
  const back = roundTrip(stream, big)
  t.ok((await back).equals(big), '8 MiB there and back, past every window')
  stream.end()
  t.equal(await closed(stream), undefined)
  await until('the far connection is closed', () => open.size === 0)

  const early = await ssh.dial({ host: '127.0.0.1', port }, never)
  await until('connected', () => open.size === 1)
  early.destroy()
  await until('destroy() closes the channel', () => open.size === 0)

  const path = join(dir, 'socket')
  await echoServer(t, path)
  const local = await ssh.dial({ path }, never)
  t.equal(String(await roundTrip(local, 'unix')), 'unix')
  local.destroy()

  const words = ["it's", '$HOME', 'a b', '*', '', 'back\\slash', '"quoted"', 'new\nline', '-n']
  const echo = await ssh.exec(['printf', '<%s>', ...words], never)
  t.equal(await text(echo), words.map((word) => `<${word}>`).join(''), 'argv arrives as it was')
  const cat = await ssh.exec(['cat'], never)
  cat.end(big)
  t.equal((await text(cat)).length, big.toString().length)

  const failed = await ssh.exec(['sh', '-c', 'echo out; echo oops >&2; exit 3'], never)
  t.equal(await text(failed).catch((error: unknown) => (error as Error).message), 'sh exited with 3: oops')
  t.match(failed.errored, { code: 'command', hop: ssh.name })
  const missing = await ssh.exec(['no-such-program'], never)
  t.match(await closed(missing), { code: 'command', message: /exited with 127: .*not found/ })

  const listener = await ssh.listen({ host: '127.0.0.1', port: 0 }, never)
  t.ok(listener.port > 0)
  const program = net.connect(listener.port, '127.0.0.1')
  const accepted = await listener.accept(never)
  program.write('debugpy here')
  t.equal(String((await once(accepted, 'data'))[0]), 'debugpy here')
  const waiting = failure(listener.accept(never))
  await listener[Symbol.asyncDispose]()
  t.equal((await waiting).code, 'lost')
  program.destroy()
  let listening = true
  while (listening) {
    const again = net.connect(listener.port, '127.0.0.1').on('error', () => {})
    listening = await once(again, 'connect').then(
      () => true,
      () => false,
    )
    again.destroy()
  }
  t.pass('the port there is closed')
  t.equal((await failure(ssh.listen({ host: '0.0.0.0', port: 0 }, never))).code, 'unsupported')

  const nobody = await failure(ssh.dial({ host: '127.0.0.1', port: 1 }, never))
  t.match(nobody, { code: 'unreachable', hop: ssh.name, message: /127\.0\.0\.1:1 from there: Connection refused/ })
  const abort = new AbortController()
  abort.abort(new Error('the client left'))
  await t.rejects(ssh.dial({ host: '127.0.0.1', port }, abort.signal), { message: 'the client left' })
  await ssh[Symbol.asyncDispose]()
  t.equal(await ssh.closed, undefined)
})

void t.test('what sshd forbids is told as such', async (t) => {
  const { host, pool, sshd } = await bench(t, { config: ['AllowTcpForwarding no', 'MaxSessions 2', 'LogLevel DEBUG1'] })
  const ssh = await pool.acquire(host(), never)
  const { port } = await echoServer(t)
  const dial = await failure(ssh.dial({ host: '127.0.0.1', port }, never))
  t.match(dial, { code: 'unsupported', hop: ssh.name, advice: /AllowTcpForwarding/ })
  t.match(await failure(ssh.listen({ host: '127.0.0.1', port: 0 }, never)), {
    code: 'unsupported',
    advice: /PermitListen/,
  })
  const sessions = [await ssh.exec(['cat'], never), await ssh.exec(['cat'], never)]
  t.match(await failure(ssh.exec(['cat'], never)), { code: 'command', advice: /MaxSessions/ })
  sessions[0]!.destroy()
  await until('a session is free again', () => /channel 0: free/.test(sshd.log()))
  const again = await ssh.exec(['echo', 'again'], never)
  t.equal(await text(again), 'again\n', 'a destroyed stream gives its session back')
})

void t.test('through a jump host', { skip: !root && 'needs network namespaces' }, async (t) => {
  const network = makeNetwork(t)
  const jump = await bench(t, { host: network.jumpHost, netns: network.jumpNetns, config: ['LogLevel DEBUG1'] })
  const inner = await bench(t, { host: network.innerHost, netns: network.innerNetns })
  const via = jump.host({ alias: 'bastion' })
  const direct = await failure(inner.pool.acquire(inner.host({ connectTimeoutMs: 500 }), never))
  t.match(direct.code, /unreachable|timeout/, 'there is no other way to it')

  const all = jump.pool
  const ssh = await all.acquire(inner.host({ via }), never)
  t.match(await text(await ssh.exec(['ip', '-o', 'addr'], never)), network.innerHost, 'we are on the inner host')
  const second = await all.acquire(inner.host({ via }), never)
  t.match(await text(await second.exec(['echo', 'two'], never)), 'two')
  t.equal(jump.sshd.log().match(/Accepted publickey/g)?.length, 1, 'one connection to the jump host')
  t.equal(inner.sshd.log().match(/Accepted publickey/g)?.length, 1, 'one connection to the inner host')
  t.notMatch(jump.sshd.log(), /debug1: server_input_channel_open: ctype session/, 'no command runs on the jump host')

  const wrongInner = await failure(all.acquire(inner.host({ via, knownHostsFiles: via.knownHostsFiles }), never))
  t.match(wrongInner, { code: 'hostKey', hop: /@inner$/ }, 'the inner key is checked, and the hop named')
  const badJump = { ...via, knownHostsFiles: inner.host().knownHostsFiles }
  t.match(await failure(all.acquire(inner.host({ via: badJump }), never)), { code: 'hostKey', hop: /@bastion$/ })
  const closedPort = await failure(all.acquire(inner.host({ via, port: 1 }), never))
  t.match(closedPort, { code: 'unreachable', hop: /@bastion$/, message: /:1 from there: Connection refused/ })

  const stream = await ssh.exec(['cat'], never)
  await jump.sshd.stop('SIGKILL')
  t.match(await closed(stream), { code: 'lost', hop: /@bastion$/ }, 'the hop that broke is named')
  t.match(await ssh.closed, { code: 'lost', hop: /@bastion$/ })
})

void t.test('a connection that breaks, and the next one', async (t) => {
  const { host, pool, sshd, dir } = await bench(t)
  const { port } = await echoServer(t)
  const [one, two] = await Promise.all([pool.acquire(host(), never), pool.acquire(host(), never)])
  t.equal(sshd.log().match(/Accepted publickey/g)?.length, 1, 'shared')
  const streams = [await one.dial({ host: '127.0.0.1', port }, never), await two.exec(['cat'], never)]
  const listener = await one.listen({ host: '127.0.0.1', port: 0 }, never)
  const accepting = failure(listener.accept(never))
  // Its answer never comes: the program of the forward is stopped by the kill.
  await sshd.stop('SIGKILL')
  for (const stream of streams) {
    t.match(await closed(stream), { code: 'lost', hop: one.name })
    stream.write('after the end')
    stream.destroy(new Error('again'))
  }
  t.equal((await accepting).code, 'lost')
  t.match(await one.closed, { code: 'lost' })
  t.match(await failure(one.dial({ host: '127.0.0.1', port }, never)), { code: 'lost' })
  t.match(await failure(two.exec(['true'], never)), { code: 'lost' })
  const down = await failure(pool.acquire(host(), never))
  t.match(down, { code: 'unreachable', message: /nothing listens there/ })

  const sshdDir = temporaryFolder(t)
  const again = await startSshd(t, {
    port: sshd.port,
    dir: sshdDir,
    authorized: [readFileSync(join(dir, 'id.pub'), 'utf8').trim()],
  })
  t.match(await failure(pool.acquire(host(), never)), { code: 'hostKey', message: /has changed/ }, 'another machine')
  writeFileSync(join(dir, 'known_hosts'), `[127.0.0.1]:${again.port} ${again.hostKeys['ed25519']}\n`)
  const back = await pool.acquire(host(), never)
  t.equal(await text(await back.exec(['echo', 'back'], never)), 'back\n')
  await Promise.all([one, two, back].map((each) => each[Symbol.asyncDispose]()))
})

void t.test('the pool: backoff, linger, and nobody waiting', async (t) => {
  const { host, sshd } = await bench(t)
  const said: string[] = []
  const patient = pool(t, { backoffMs: 40, backoffMaxMs: 100, lingerMs: 50, log: (line) => said.push(line) })
  const relay = await startRelay(t, { to: sshd })
  const through = host({
    hostName: relay.host,
    port: relay.port,
    hostKeyAlias: `[${sshd.host}]:${sshd.port}`,
  })
  const nowhere = host({ port: 1 })
  for (let attempt = 0; attempt < 4; attempt++) await failure(patient.acquire(nowhere, never))
  t.equal(said.length, 3, 'the first attempt goes at once, those after a failure wait')
  t.match(said[2], /next attempt in \d+ ms \(after 3 failures\)/)
  const first = await patient.acquire(through, never)
  t.equal(said.length, 3, 'another host has a state of its own')
  await first[Symbol.asyncDispose]()
  const second = await patient.acquire(through, never)
  t.equal(relay.accepted(), 1, 'kept for a moment after the last user')
  await second[Symbol.asyncDispose]()
  await until('closed after the linger', () => /Received disconnect|Connection closed/.test(sshd.log()))
  const third = await patient.acquire(through, never)
  t.equal(relay.accepted(), 2)
  relay.cut('rst')
  t.match(await third.closed, { code: 'lost' })
  await third[Symbol.asyncDispose]()

  relay.silence()
  const stop = new AbortController()
  const waiting = patient.acquire(through, stop.signal)
  await until('it tries', () => relay.accepted() === 3)
  stop.abort(new Error('the client left'))
  await t.rejects(waiting, { message: 'the client left' })
  relay.resume()
  const fourth = await patient.acquire(through, never)
  t.equal(await text(await fourth.exec(['echo', 'four'], never)), 'four\n')
})

void t.test('a silent link is noticed by the keepalive', async (t) => {
  const { host, pool, sshd } = await bench(t)
  const relay = await startRelay(t, { to: sshd, rttMs: 20 })
  const ssh = await pool.acquire(
    host({
      hostName: relay.host,
      port: relay.port,
      hostKeyAlias: `[${sshd.host}]:${sshd.port}`,
      keepaliveIntervalMs: 100,
      keepaliveCountMax: 2,
    }),
    never,
  )
  const stream = await ssh.exec(['cat'], never)
  t.equal(String(await roundTrip(stream, 'alive')), 'alive')
  relay.silence()
  const dialling = failure(ssh.exec(['true'], never))
  t.match(await closed(stream), { code: 'lost', message: /no answer for 0\.3 s/ })
  t.match(await dialling, { code: 'lost' })
})
