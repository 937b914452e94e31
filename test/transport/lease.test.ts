import t, { type Test } from 'tap'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { leaseReport, leased } from '../../src/transport/lease.ts'
import { SshPool } from '../../src/transport/sshPool.ts'
import type { HopError, Transport } from '../../src/transport/transport.ts'
import { startRelay } from '../support/relay.ts'
import type { Relay } from '../support/relay.ts'
import { makeKey, sshHost, startSshd, temporaryFolder } from '../support/sshd.ts'
import type { Sshd } from '../support/sshd.ts'

// Most of the time is spent waiting for leases to end.
t.jobs = 6

const never = new AbortController().signal
const tools = resolve(import.meta.dirname, '../../.tools')

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 40_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

interface Debugger {
  readonly port: number
  readonly open: Set<net.Socket>
  /** All that was ever said to it. */
  heard: string
  /** When the last connection closed. */
  closedMs: number
}

/** Stands for a debugger: echoes, and knows who is connected. */
async function startDebugger(t: Test, path?: string): Promise<Debugger> {
  const open = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.on('data', (chunk) => {
      self.heard = (self.heard + chunk.toString('latin1')).slice(-10_000)
    })
    socket
      .on('error', () => {})
      .on('close', () => {
        open.delete(socket)
        self.closedMs = performance.now()
      })
    socket.pipe(socket)
  })
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const self: Debugger = { port: path ? 0 : (server.address() as AddressInfo).port, open, heard: '', closedMs: 0 }
  return self
}

async function echo(stream: Duplex, sent: Buffer): Promise<boolean> {
  const parts: Buffer[] = []
  let length = 0
  const onData = (chunk: Buffer): void => {
    parts.push(chunk)
    length += chunk.length
  }
  stream.on('data', onData).write(sent)
  await until('it came back', () => length >= sent.length)
  stream.off('data', onData)
  return Buffer.concat(parts).equals(sent)
}

async function closed(stream: Duplex): Promise<Error | undefined> {
  stream.resume()
  if (!stream.closed) await once(stream, 'close', {}).catch(() => {})
  return stream.errored ?? undefined
}

/** Processes with this word in their environment: what we left at the far side. */
function processesOf(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) return []
        return [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 150)]
      } catch {
        return []
      }
    })
}

interface Far {
  readonly transport: Transport
  readonly relay: Relay
  readonly sshd: Sshd
  readonly mark: string
  readonly dir: string
}

/** A far side that has only these programs, behind a relay and a real sshd. */
async function farSide(
  t: Test,
  programs: Readonly<Record<string, string>> | undefined,
  config: string[] = [],
): Promise<Far> {
  const dir = temporaryFolder(t, 'lease')
  const sshd = await startSshd(t, { authorized: [makeKey(join(dir, 'id'))], config })
  const relay = await startRelay(t, { to: sshd })
  const name = `[${sshd.host}]:${sshd.port}`
  writeFileSync(join(dir, 'known_hosts'), `${name} ${sshd.hostKeys['ed25519']}\n`)
  const host = sshHost(relay, {
    hostKeyAlias: name,
    identityFiles: [{ path: join(dir, 'id'), explicit: true }],
    knownHostsFiles: [join(dir, 'known_hosts')],
  })
  const pool = new SshPool({ files: { readFile } })
  t.teardown(() => pool[Symbol.asyncDispose]())
  const ssh = await pool.acquire(host, never)
  const mark = `BREAKWATER_TEST=${randomBytes(8).toString('hex')}`
  const bin = join(dir, 'bin')
  mkdirSync(bin)
  for (const [program, path] of Object.entries(programs ?? {})) symlinkSync(path, join(bin, program))
  const environment = ['env', '-i', mark, `LD_LIBRARY_PATH=${tools}/openssh/usr/lib/x86_64-linux-gnu`] as const
  const path = programs === undefined ? '/usr/local/bin:/usr/bin:/bin' : bin
  const transport: Transport = {
    ...ssh,
    exec: (argv, signal) => ssh.exec([...environment, `PATH=${path}`, ...argv], signal),
  }
  return { transport, relay, sshd, mark, dir }
}

const plain = { grep: '/usr/bin/grep', cat: '/usr/bin/cat', tr: '/usr/bin/tr', sleep: '/usr/bin/sleep' }
const busybox = `${tools}/far/bin/busybox`
const farSides: Readonly<Record<string, readonly [Readonly<Record<string, string>>, RegExp]>> = {
  'python3 alone': [
    { sh: '/usr/bin/dash', grep: '/usr/bin/grep', python3: '/usr/bin/python3' },
    /relay by python3, watchdog by python3/,
  ],
  'bash alone': [{ ...plain, sh: '/usr/bin/bash', bash: '/usr/bin/bash' }, /relay by bash, watchdog by sh/],
  'socat, dash and bash': [
    { ...plain, sh: '/usr/bin/dash', socat: `${tools}/far/usr/bin/socat`, bash: '/usr/bin/bash' },
    /relay by socat, watchdog by bash/,
  ],
  'nc, dash and timeout': [
    { ...plain, sh: '/usr/bin/dash', nc: `${tools}/far/bin/nc.openbsd`, timeout: '/usr/bin/timeout' },
    /relay by nc, watchdog by sh/,
  ],
  'busybox alone': [
    { sh: busybox, busybox, grep: busybox, tr: busybox, sleep: busybox, cat: busybox },
    /relay by nc, watchdog by sh/,
  ],
  'everything of this machine': [{}, /relay by python3/],
}

for (const [what, [programs, report]] of Object.entries(farSides)) {
  void t.test(`leased: ${what}`, { buffered: true }, async (t) => {
    const { transport, relay, mark } = await farSide(t, Object.keys(programs).length === 0 ? undefined : programs)
    const unleased: string[] = []
    const far = leased(transport, { leaseMs: 4000, heartbeatMs: 500, onUnleased: (reason) => unleased.push(reason) })
    const { possible, detail } = await leaseReport(transport, never)
    t.ok(possible)
    t.match(detail, report)
    const target = await startDebugger(t)
    const address = { host: '127.0.0.1', port: target.port }

    const one = await far.dial(address, never)
    const two = await far.dial(address, never)
    t.ok(await echo(one, Buffer.from('hello')))
    // busybox's nc copies one direction at a time: more than the kernel keeps, both ways at once, and it waits for itself.
    const length = what.startsWith('busybox') ? 50_000 : 3_000_000
    t.ok(await echo(two, randomBytes(length)), 'much there and back')
    // Longer than the lease: the heartbeat keeps it.
    await new Promise((done) => setTimeout(done, 5000))
    t.ok(await echo(one, Buffer.from('still there')))

    one.end()
    await until('end() closes the connection there', () => target.open.size === 1)
    t.equal(await closed(one), undefined)
    for (const socket of target.open) {
      if (what.startsWith('nc')) socket.destroy()
      else socket.end()
    }
    if (what.startsWith('nc')) {
      // OpenBSD's nc keeps its half open until it has something to write.
      two.write('is somebody there?')
      two.write('no')
      await closed(two)
      t.pass('it ends')
    } else t.equal(await closed(two), undefined, 'when the debugger closes, the stream ends')
    await until('nothing is left there', () => processesOf(mark).length === 0)

    const three = await far.dial(address, never)
    t.ok(await echo(three, Buffer.from('three')))
    three.destroy()
    await until('destroy() closes the connection there', () => target.open.size === 0)
    await until('nothing is left there', () => processesOf(mark).length === 0)

    const nobody = far.dial({ host: '127.0.0.1', port: 1 }, never)
    if (/python3|bash/.test(detail.split(',')[0]!)) {
      await t.rejects(nobody, { code: 'unreachable', message: /cannot connect to 127\.0\.0\.1:1 from there/ })
    } else {
      // They say so when they like: before the dial is done, or after it.
      const error = await nobody.then(closed, (refused: unknown) => refused)
      t.match(error, { code: /unreachable|command/, message: /exited with 1/ })
    }

    const four = await far.dial(address, never)
    t.ok(await echo(four, Buffer.from('four')))
    const silentMs = performance.now()
    relay.silence()
    t.match(await closed(four), { code: 'lost', message: /the tunnel is lost: no answer for/ })
    t.comment(`our side knew after ${Math.round(performance.now() - silentMs)} ms (lease 4000, heartbeat 500)`)
    await until('starved, the watchdog closes the connection there', () => target.open.size === 0)
    t.comment(`the debugger saw the end after ${Math.round(target.closedMs - silentMs)} ms`)
    await until('nothing is left there', () => processesOf(mark).length === 0)
    t.strictSame(unleased, [])
  })
}

void t.test('words for the very connection', async (t) => {
  for (const programs of [farSides['python3 alone']![0], farSides['bash alone']![0]]) {
    const { transport, relay, mark } = await farSide(t, programs)
    const target = await startDebugger(t)
    const lastWords = (): Buffer => Buffer.from("$D#44 it's \\ 100%\n")
    const far = leased(transport, { leaseMs: 4000, lastWords })
    const stream = await far.dial({ host: '127.0.0.1', port: target.port }, never)
    t.ok(await echo(stream, Buffer.from('hello')))
    stream.end()
    await until('closed', () => target.open.size === 0)
    t.match(target.heard, "$D#44 it's \\ 100%\n", 'said at a normal end too')
    await until('nothing is left there', () => processesOf(mark).length === 0)

    target.heard = ''
    const again = await far.dial({ host: '127.0.0.1', port: target.port }, never)
    t.ok(await echo(again, Buffer.from('hello')))
    relay.cut('rst')
    t.match(await closed(again), { code: 'lost' })
    await until('closed', () => target.open.size === 0)
    t.match(target.heard, '$D#44')
    await until('nothing is left there', () => processesOf(mark).length === 0)
  }
})

for (const [what, [programs]] of Object.entries(farSides)) {
  void t.test(`words that wait there: ${what}`, { buffered: true }, async (t) => {
    const all = Object.keys(programs).length === 0 ? undefined : { ...programs, touch: '/usr/bin/touch' }
    const { transport, relay, mark, dir } = await farSide(t, all)
    const target = await startDebugger(t)
    const said = (name: string): boolean => readdirSync(dir).includes(name)
    /** Quotes, backslashes, a dollar, spaces at both ends: they come through as they are. */
    const words = (name: string): string =>
      `  x='it"s $HOME'; test "$x" = "it\\"s \\$HOME" && touch "${dir}/${name}"; false  `
    const far = leased(transport, { leaseMs: 4000, heartbeatMs: 500, relays: 1 })

    const one = await far.watch!(words('one'), never)
    const two = await far.watch!(words('two'), never)
    await one[Symbol.asyncDispose]()
    await one.say()
    await two.say()
    t.ok(said('two'), 'said when say() is done')
    await two.say()
    await until('nothing is left there', () => processesOf(mark).length === 0)
    t.notOk(said('one'), 'taken back')

    const address = { host: '127.0.0.1', port: target.port }
    const relayed = await far.dial(address, never)
    const forwarded = await far.dial(address, never)
    for (const stream of [relayed, forwarded]) t.ok(await echo(stream, Buffer.from('hello')))
    await far.watch!(words('three'), never)
    await far.watch!(words('four'), never)
    relay.silence()
    for (const stream of [relayed, forwarded]) t.match(await closed(stream), { code: 'lost' })
    await until('starved, the watchdog says all of them', () => said('three') && said('four'))
    await until('nothing is left there', () => processesOf(mark).length === 0)
    t.notOk(said('one'))
  })
}

void t.test('words are said when the way ends, cut or given back', async (t) => {
  const { transport, relay, mark, dir } = await farSide(t, undefined)
  const said = (name: string): boolean => readdirSync(dir).includes(name)
  const given = leased(transport, { leaseMs: 4000 })
  await t.rejects(given.watch!('true\nfalse', never), TypeError, 'one line')
  await given.watch!(`touch "${dir}/back"`, never)
  await given.watch!(`touch "${dir}/cut"`, never)
  relay.cut('rst')
  await until('both were said', () => said('back') && said('cut'))
  await until('nothing is left there', () => processesOf(mark).length === 0)

  const none = await farSide(t, { ...plain, sh: '/usr/bin/dash' })
  await t.rejects(leased(none.transport).watch!('true', never), { code: 'unsupported' }, 'a shell that can not wait')
})

void t.test('where there is no shell, the dial is not leased and says so', async (t) => {
  for (const [config, reason] of [
    [['ForceCommand internal-sftp'], /no shell can be run there \(/],
    [
      ['ForceCommand echo "This account is currently not available."; exit 1'],
      /no shell can be run there \(.*exited with 1/,
    ],
    [['MaxSessions 0'], /sshd opens no further session/],
  ] as const) {
    const { transport } = await farSide(t, {}, [...config])
    const told: string[] = []
    const far = leased(transport, { onUnleased: (why) => told.push(why) })
    const target = await startDebugger(t)
    for (let times = 0; times < 2; times++) {
      const stream = await far.dial({ host: '127.0.0.1', port: target.port }, never)
      t.ok(await echo(stream, Buffer.from('hello')), 'a forward of sshd')
      stream.destroy()
    }
    t.match(told, [reason])
    t.equal(told.length, 1, 'told once')
  }
  const { transport } = await farSide(t, { ...plain, sh: '/usr/bin/dash' })
  const told: string[] = []
  const target = await startDebugger(t)
  const far = leased(transport, { onUnleased: (why) => told.push(why) })
  ;(await far.dial({ host: '127.0.0.1', port: target.port }, never)).destroy()
  t.match(told, [/nothing there can reach 127\.0\.0\.1/], 'a shell, but no tool')
})

void t.test('one watchdog for all on one connection; when sessions run out, forwards go on', async (t) => {
  const { transport, mark } = await farSide(t, undefined, ['MaxSessions 4'])
  const target = await startDebugger(t)
  const told: string[] = []
  const streams: Duplex[] = []
  for (let count = 0; count < 5; count++) {
    const far = leased(transport, { leaseMs: 4000, onUnleased: (why) => told.push(why) })
    streams.push(await far.dial({ host: '127.0.0.1', port: target.port }, never))
  }
  t.equal(target.open.size, 5)
  for (const stream of streams) t.ok(await echo(stream, Buffer.from('hello')))
  t.equal(told.length, 2, 'three relays and one watchdog')
  t.match(told[0], /MaxSessions|no further session/)
  await transport[Symbol.asyncDispose]()
  const errors = (await Promise.all(streams.map((stream) => closed(stream)))) as (HopError | undefined)[]
  t.strictSame(errors, [undefined, undefined, undefined, undefined, undefined], 'ended by us: no error')
  await until('closed', () => target.open.size === 0)
  await until('nothing is left there', () => processesOf(mark).length === 0)
})

void t.test('a unix socket, and a path', async (t) => {
  const { transport, dir } = await farSide(t, undefined)
  const path = join(dir, "it's, a: socket")
  await startDebugger(t, path)
  const stream = await leased(transport, { leaseMs: 4000 }).dial({ path }, never)
  t.ok(await echo(stream, Buffer.from('unix')))
  const socat = await farSide(t, farSides['socat, dash and bash']![0])
  const other = await leased(socat.transport, { leaseMs: 4000 }).dial({ path }, never)
  t.ok(await echo(other, Buffer.from('unix')), 'socat reads , and : only when escaped')
})
