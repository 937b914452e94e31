import t, { type Test } from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { checkSsh } from '../../src/transport/check.ts'
import type { HopCheck } from '../../src/transport/check.ts'
import { command, streamCommand } from '../../src/transport/command.ts'
import { direct, dialTcp } from '../../src/transport/direct.ts'
import { HopStream } from '../../src/transport/hopStream.ts'
import { globMatches } from '../../src/lib/glob.ts'
import { judgeHostKey, parseKnownHosts } from '../../src/transport/knownHosts.ts'
import { bench, closed, echoServer, failure, never, roundTrip, until } from '../support/sshBench.ts'
import { descendants, freePort, sshHost, temporaryFolder } from '../support/sshd.ts'
import { PassThrough } from 'node:stream'

const alive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

void t.test('direct', async (t) => {
  const here = direct()
  const dir = temporaryFolder(t, 'direct')
  const { port, open } = await echoServer(t)
  const stream = await here.dial({ host: '127.0.0.1', port }, never)
  t.equal(String(await roundTrip(stream, 'hello')), 'hello')
  const path = join(dir, 'socket')
  await echoServer(t, path)
  t.equal(String(await roundTrip(await here.dial({ path }, never), 'unix')), 'unix')

  const refused = await failure(here.dial({ host: '127.0.0.1', port: await freePort() }, never))
  t.match(refused, {
    hop: 'direct',
    code: 'unreachable',
    message: /nothing listens there/,
    advice: /Start the debugger/,
  })
  const unknown = await failure(here.dial({ host: 'no-such-host.invalid', port: 1 }, never))
  t.match(unknown, { code: 'unreachable', message: /no-such-host\.invalid:1: the name/ })
  t.match(await failure(here.dial({ path: join(dir, 'none') }, never)), {
    code: 'unreachable',
    message: /no such socket/,
  })
  t.match(await failure(dialTcp('hop', { host: '127.0.0.1', port: await silentPort(t) }, 300, never)), {
    code: 'timeout',
    message: /did not answer within 0\.3 s/,
  })
  const abort = new AbortController()
  const dialling = here.dial({ host: 'no-such-host.invalid', port: 1 }, abort.signal)
  abort.abort(new Error('the client left'))
  await t.rejects(dialling, { message: 'the client left' })
  await t.rejects(here.dial({ host: '127.0.0.1', port }, abort.signal), { message: 'the client left' })
  await t.rejects(here.exec(['true'], abort.signal), { message: 'the client left' })

  t.equal(await text(await here.exec(['printf', '%s|', '$HOME', "a'b"], never)), "$HOME|a'b|", 'no shell')
  const failed = await here.exec(['sh', '-c', 'echo out; echo broken >&2; exit 4'], never)
  await t.rejects(text(failed), { code: 'command', message: 'sh exited with 4: broken' })
  t.match(await failure(here.exec(['no-such-program'], never)), { code: 'command', message: /command not found/ })

  t.equal((await failure(here.listen({ host: '0.0.0.0', port: 0 }, never))).code, 'unsupported')
  const listener = await here.listen({ host: '127.0.0.1', port: 0 }, never)
  t.match(await failure(here.listen({ host: '127.0.0.1', port: listener.port }, never)), { message: /in use/ })
  const first = net.connect(listener.port, '127.0.0.1')
  const accepted = await listener.accept(never)
  first.write('it is me')
  t.equal(String((await once(accepted, 'data'))[0]), 'it is me')
  const left = new AbortController()
  const waiting = listener.accept(left.signal)
  left.abort(new Error('no longer'))
  await t.rejects(waiting, { message: 'no longer' })
  const second = net.connect(listener.port, '127.0.0.1')
  second.write('2')
  t.equal(String((await once(await listener.accept(never), 'data'))[0]), '2', 'the aborted accept took nothing')

  const cat = await here.exec(['cat'], never)
  await here[Symbol.asyncDispose]()
  t.equal(await here.closed, undefined)
  await closed(cat)
  await until('every connection is closed', () => open.size === 0)
  t.match(await failure(here.dial({ host: '127.0.0.1', port }, never)), { code: 'lost' })
  t.match(await failure(here.exec(['true'], never)), { code: 'lost' })
  first.destroy()
  second.destroy()
})

/** A port whose queue of connections is full: like a firewall, the kernel drops what comes. */
async function silentPort(t: Test): Promise<number> {
  const script =
    'import socket,time;s=socket.socket();s.bind(("127.0.0.1",0));s.listen(0);print(s.getsockname()[1],flush=True);time.sleep(60)'
  const server = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = Number(String((await once(server.stdout, 'data'))[0]))
  const fill = net.connect(port, '127.0.0.1').on('error', () => {})
  await once(fill, 'connect')
  t.teardown(() => {
    fill.destroy()
    server.kill('SIGKILL')
  })
  return port
}

void t.test('a command', async (t) => {
  const { port, open } = await echoServer(t)
  // As `docker exec -i NAME` does: what is to be run is appended.
  const there = command(['env', 'WHERE=there'])
  t.equal(there.name, 'env WHERE=there')
  t.equal(await text(await there.exec(['sh', '-c', 'echo $WHERE'], never)), 'there\n')
  const stream = await there.dial({ host: '127.0.0.1', port }, never)
  t.equal(String(await roundTrip(stream, 'hello')), 'hello')
  for (const socket of open) socket.end()
  t.equal(await closed(stream), undefined, 'the debugger closed')
  const second = await there.dial({ host: '127.0.0.1', port }, never)
  second.end()
  t.equal(await closed(second), undefined, 'we closed')
  await until('no connection is left', () => open.size === 0)
  t.match(await failure(there.dial({ host: '127.0.0.1', port: await freePort() }, never)), { code: 'unreachable' })
  t.match(await failure(there.listen({ host: '127.0.0.1', port: 0 }, never)), { code: 'unsupported' })

  const plain = streamCommand(['sh', '-c', 'echo ready; cat'])
  const talk = await plain.dial({ host: 'ignored', port: 1 }, never)
  t.equal(String((await once(talk, 'data'))[0]), 'ready\n')
  t.equal(String(await roundTrip(talk, 'echo')), 'echo')
  t.match(await failure(plain.exec(['true'], never)), { code: 'unsupported' })
  const early = await streamCommand(['sh', '-c', 'echo no such pod >&2; exit 1']).dial({ path: '' }, never)
  t.match(await closed(early), { code: 'command', message: 'sh exited with 1: no such pod', advice: /Run it by hand/ })
  t.match(await failure(command(['no-such-docker', 'exec']).dial({ path: '' }, never)), { code: 'command' })
  t.match(await failure(command(['false']).dial({ host: 'a', port: 1 }, never)), {
    message: /no shell can be run there/,
  })

  // One that ignores SIGTERM, with a child that does too.
  const stubborn = command(['sh', '-c'], { killAfterMs: 200 })
  const held = await stubborn.exec(['trap "" TERM; sleep 1000 & echo $$ $!; while :; do wait; done'], never)
  const pids = String((await once(held, 'data'))[0])
    .trim()
    .split(' ')
    .map(Number)
  t.ok(pids.every(alive))
  await stubborn[Symbol.asyncDispose]()
  await until('SIGKILL after the bound, for the child too', () => !pids.some(alive))
  await Promise.all([there, plain].map((transport) => transport[Symbol.asyncDispose]()))
  await until('no process of ours is left', () => descendants(process.pid).filter(alive).length === 0)
})

void t.test('a stream keeps what came before the end', async (t) => {
  const far = { input: new PassThrough(), output: new PassThrough(), close: () => {} }
  const stream = new HopStream(far, { allowHalfOpen: true })
  far.input.write('first')
  await until('it is there', () => stream.readableLength > 0)
  stream.finish(new Error('broken'))
  t.equal(stream.destroyed, false)
  await t.rejects(text(stream), { message: 'broken' })
  stream.write('late')
  stream.destroy(new Error('again'))

  const stuck = { input: new PassThrough(), output: new PassThrough({ highWaterMark: 1 }), close: () => {} }
  const writer = new HopStream(stuck, { allowHalfOpen: false })
  const written = new Promise((done) => writer.write(Buffer.alloc(100_000), done))
  writer.destroy(new Error('lost'))
  t.match(await written, { message: 'lost' }, 'a write that never went out is answered')
})

void t.test('known_hosts: pure', (t) => {
  t.ok(globMatches('*a*b?', 'xxaxxbb'))
  t.notOk(globMatches('a*b', 'a*c'))
  t.ok(globMatches(`${'*a'.repeat(50)}*`, 'a'.repeat(5000)), 'no backtracking')
  t.notOk(globMatches(`${'*a'.repeat(50)}*b`, 'a'.repeat(5000)))
  const lines = parseKnownHosts('|1|broken\n|1|a|b ssh-rsa AAAA\n@revoked x\n # c\n\r\nh ssh-rsa AAAA\r\n', 'f')
  t.strictSame(
    lines.map((line) => line.line),
    [2, 6],
  )
  const host = sshHost({ host: 'H', port: 22 })
  t.equal(judgeHostKey(lines, host, Buffer.from('AAAA', 'base64')).kind, 'known')
  t.equal(judgeHostKey(lines, host, Buffer.alloc(0)).kind, 'unknown', 'garbage for a key')
  t.end()
})

void t.test('check, for doctor', async (t) => {
  const { host, dir } = await bench(t)
  const check = async (fields: object): Promise<HopCheck[]> => {
    const steps: HopCheck[] = []
    for await (const step of checkSsh(host({ warnings: ['strict is not honoured'], ...fields }), readFile, never)) {
      steps.push(step)
    }
    return steps
  }
  const said = (steps: HopCheck[]): string[] => steps.map((step) => `${step.what} ${step.outcome}`)
  const start = ['ssh config ok', 'ssh config warning', 'machine ok']
  const good = await check({})
  t.strictSame(said(good), [...start, 'host key ok', 'ssh key ok', 'lease ok'])
  t.match(good[3]?.detail, /^SHA256:\S+ is known \(.*known_hosts:1\)$/)
  t.match(good[5]?.detail, /relay by \w+, watchdog by \w+/)
  t.strictSame(said(await check({ port: 1 })), ['ssh config ok', 'ssh config warning', 'machine failed'])
  t.strictSame(said(await check({ knownHostsFiles: [] })), [...start, 'host key failed'])
  t.strictSame(said(await check({ user: 'nobody-here' })), [...start, 'host key ok', 'ssh key failed'])
  writeFileSync(join(dir, 'garbage'), 'x')
  const noKey = await check({ identityFiles: [{ path: join(dir, 'garbage'), explicit: true }] })
  t.match(noKey.at(-1), { what: 'ssh key', outcome: 'failed', advice: /is not a private key/ })
  const jumped = await check({ via: host({ alias: 'bastion' }) })
  t.strictSame(said(jumped).slice(0, 4), ['ssh config ok', 'machine ok', 'host key ok', 'ssh key ok'])
  t.match(jumped.at(-1)?.hop, /@inner$/)
})
