import t, { type Test } from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SshPool } from '../../src/transport/sshPool.ts'
import type { SshHost } from '../../src/transport/sshHost.ts'
import { HopError } from '../../src/transport/transport.ts'
import { startRelay } from '../support/relay.ts'
import { makeKey, makeNetwork, sshHost, startSshd, temporaryFolder } from '../support/sshd.ts'
import type { Sshd, SshdOptions } from '../support/sshd.ts'

const never = new AbortController().signal
const root = process.getuid?.() === 0

interface Bench {
  readonly dir: string
  readonly sshd: Sshd
  readonly pool: SshPool
  /** Knows the host key, and has the key that may log in. */
  readonly host: (fields?: Partial<SshHost>) => SshHost
}

function pool(t: Test, options: Partial<ConstructorParameters<typeof SshPool>[0]> = {}): SshPool {
  const made = new SshPool({ files: { readFile }, backoffMs: 1, ...options })
  t.teardown(() => made[Symbol.asyncDispose]())
  return made
}

async function bench(t: Test, options: SshdOptions = {}): Promise<Bench> {
  const dir = temporaryFolder(t, 'ssh')
  const authorized = [makeKey(join(dir, 'id')), ...(options.authorized ?? [])]
  const sshd = await startSshd(t, { ...options, authorized })
  const known = Object.values(sshd.hostKeys).map((key) => `[${sshd.host}]:${sshd.port} ${key}\n`)
  writeFileSync(join(dir, 'known_hosts'), known.join(''))
  const host = (fields: Partial<SshHost> = {}): SshHost =>
    sshHost(sshd, {
      identityFiles: [{ path: join(dir, 'id'), explicit: true }],
      knownHostsFiles: [join(dir, 'known_hosts')],
      ...fields,
    })
  return { dir, sshd, pool: pool(t), host }
}

async function failure(promise: Promise<unknown>): Promise<HopError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof HopError) return error
    throw error
  }
  throw new Error('it did not fail')
}

async function closed(stream: Duplex): Promise<Error | undefined> {
  stream.resume()
  if (!stream.closed) await once(stream, 'close', {}).catch(() => {})
  return stream.errored ?? undefined
}

async function echoServer(t: Test, path?: string): Promise<{ port: number; open: Set<net.Socket> }> {
  const open = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.pipe(socket)
  })
  server.listen(...((path === undefined ? [0, '127.0.0.1'] : [path]) as [number, string]))
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: path === undefined ? (server.address() as AddressInfo).port : 0, open }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function roundTrip(stream: Duplex, sent: string | Buffer): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  const onData = (chunk: Buffer): void => {
    parts.push(chunk)
    length += chunk.length
  }
  stream.on('data', onData)
  stream.write(sent)
  await until('it came back', () => length >= Buffer.byteLength(sent))
  stream.off('data', onData)
  return Buffer.concat(parts)
}

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

void t.test('host keys', async (t) => {
  const { pool, host, dir, sshd } = await bench(t, { hostKeyTypes: ['rsa', 'ecdsa', 'ed25519'] })
  const file = join(dir, 'known')
  const name = `[${sshd.host}]:${sshd.port}`
  const attempt = async (lines: string, fields: Partial<SshHost> = {}): Promise<HopError | undefined> => {
    writeFileSync(file, lines)
    const strict = host({ knownHostsFiles: [join(dir, 'absent'), file], alias: lines.slice(0, 200), ...fields })
    try {
      await (await pool.acquire(strict, never))[Symbol.asyncDispose]()
      return undefined
    } catch (error) {
      return error as HopError
    }
  }
  const { rsa, ecdsa, ed25519 } = sshd.hostKeys
  const other = makeKey(join(dir, 'other')).split(' ').slice(0, 2).join(' ')
  for (const [what, lines] of Object.entries({
    'ed25519 only': `${name} ${ed25519}`,
    'rsa only: offered first': `${name} ${rsa}`,
    'ecdsa only: offered first': `${name} ${ecdsa}`,
    'several names, comment': `# x\n\nother,${name} ${ed25519} a comment\n`,
    wildcard: `[127.0.0.*]:* ${ed25519}`,
    'plain name, other port': `127.0.0.1 ${ed25519}`,
    'garbage around it': `nonsense\n@unknown-marker * ${other}\n${name} ${ed25519}\n${name}`,
    'one of two keys of a type': `${name} ${other}\n${name} ${ed25519}`,
  })) {
    t.equal(await attempt(lines), undefined, what)
  }
  writeFileSync(file, `${name} ${ed25519}\nplain.example.org ${ed25519}\n`)
  execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' })
  const hashed = readFileSync(file, 'utf8')
  t.match(hashed, /^\|1\|/)
  t.equal(await attempt(hashed), undefined, 'hashed by ssh-keygen')
  t.equal(await attempt(`the-alias ${ed25519}`, { hostKeyAlias: 'the-alias' }), undefined, 'HostKeyAlias')

  writeFileSync(join(dir, 'shown.pub'), `${ed25519}\n`)
  const fingerprint = execFileSync('ssh-keygen', ['-lf', join(dir, 'shown.pub')])
    .toString()
    .split(' ')[1]!
  const unknown = await attempt('')
  t.match(unknown, { code: 'hostKey', message: /^unknown host key \(looked in .*absent, .*known\)/ })
  t.match(unknown?.message, fingerprint, 'the fingerprint is what ssh-keygen prints')
  const line = /this line to (\S+): (.*)$/.exec(unknown!.advice)!
  t.equal(line[1], join(dir, 'absent'))
  t.equal(await attempt(line[2]!), undefined, 'the line that we say to add makes it known')

  const changed = await attempt(`# first\n${name} ${other}\n`)
  t.match(changed, { code: 'hostKey', message: /^the host key has changed/ })
  t.match(changed?.advice, new RegExp(`${file}:2 and add this line`))
  const negated = await attempt(`!${name},[127.0.0.1]:* ${ed25519}`)
  t.match(negated?.message, 'unknown host key', 'a negated name')
  const revoked = await attempt(`${name} ${ed25519}\n@revoked * ${ed25519}`)
  t.match(revoked, { code: 'hostKey', message: /^revoked host key/, advice: /known:2/ })
  const authority = await attempt(`@cert-authority * ${other}`)
  t.match(authority?.message, /@cert-authority at .*known:1 can't be used: host certificates are not supported/)
  const types = await attempt(`${name} ssh-dss AAAA`)
  t.match(types?.message, 'Known are keys of other types (ssh-dss)')
  if (root) t.match(await attempt('', { knownHostsFiles: [dir] }), { code: 'config', message: /cannot read/ })
})

void t.test('keys and agents', async (t) => {
  const dir = temporaryFolder(t, 'keys')
  const ids = Object.fromEntries(
    ['ed25519', 'rsa', 'ecdsa'].map((type) => [type, makeKey(join(dir, type), { type })]),
  ) as Record<string, string>
  const locked = makeKey(join(dir, 'locked'), { passphrase: 'secret' })
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PEM', '-N', 'secret', '-f', join(dir, 'pem')])
  makeKey(join(dir, 'stranger'))
  const { host, pool, sshd } = await bench(t, {
    authorized: [...Object.values(ids), locked],
    config: ['MaxAuthTries 3'],
  })
  const key = (name: string): Partial<SshHost> => ({ identityFiles: [{ path: join(dir, name), explicit: true }] })
  const login = async (fields: Partial<SshHost>): Promise<HopError | undefined> => {
    try {
      await (await pool.acquire(host(fields), never))[Symbol.asyncDispose]()
      return undefined
    } catch (error) {
      return error as HopError
    }
  }
  for (const type of Object.keys(ids)) t.equal(await login(key(type)), undefined, type)
  for (const name of ['locked', 'pem']) {
    const error = await login(key(name))
    t.equal(error?.code, 'auth')
    t.match(error?.advice, `The key file ${join(dir, name)} is encrypted`)
    t.match(error?.advice, `ssh-add ${join(dir, name)}`)
  }
  t.match(await login(key('absent')), { code: 'config', advice: /The key file .*absent does not exist/ })
  writeFileSync(join(dir, 'garbage'), 'not a key\n')
  t.match(await login(key('garbage')), { code: 'config', advice: /garbage is not a private key/ })
  t.match(await login(key('')), { code: 'config', advice: /can't be read/ })
  const nothing = await login({ identityFiles: [{ path: join(dir, 'absent'), explicit: false }] })
  t.match(nothing, { code: 'auth', message: 'there is no key to log in with' })
  const stranger = await login(key('stranger'))
  t.match(stranger, { code: 'auth', message: /none of our keys is accepted for/, hop: /^ssh .*@inner$/ })
  t.match(await login({ ...key('ed25519'), user: 'no-such-user' }), { code: 'auth', hop: 'ssh no-such-user@inner' })

  const socket = join(dir, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => agent.kill('SIGKILL'))
  await once(agent.stdout, 'data')
  const add = (path: string): void =>
    void execFileSync('ssh-add', [path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
  const withAgent = { identityFiles: [], agentSocket: socket }
  t.match(await login(withAgent), { code: 'auth', advice: /The agent at .* has no key/ })
  for (let index = 0; index < 4; index++) {
    makeKey(join(dir, `wrong${index}`))
    add(join(dir, `wrong${index}`))
  }
  // The encrypted key, as the user's agent would hold it.
  execFileSync('ssh-keygen', ['-q', '-p', '-P', 'secret', '-N', '', '-f', join(dir, 'locked')])
  add(join(dir, 'locked'))
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', join(dir, 'locked')])
  add(join(dir, 'rsa'))
  t.match(await login(withAgent), { code: 'auth', message: /too many keys/ }, 'sshd gives up after three wrong keys')
  t.equal(await login({ ...key('locked'), agentSocket: socket }), undefined, 'the named key is offered first')
  t.equal(await login({ ...key('rsa'), agentSocket: socket, identitiesOnly: true }), undefined, 'rsa by the agent')
  const only = await login({ ...key('garbage'), agentSocket: socket, identitiesOnly: true })
  t.match(only?.advice, 'has none of the configured keys (IdentitiesOnly)')
  copyFileSync(join(dir, 'locked.pub'), join(dir, 'public'))
  t.equal(await login({ ...key('public'), agentSocket: socket, identitiesOnly: true }), undefined, 'a public key file')
  t.equal(await login({ ...key('ed25519'), agentSocket: join(dir, 'no-agent') }), undefined, 'a dead agent, but a file')
  const dead = await login({ ...key('stranger'), agentSocket: join(dir, 'no-agent') })
  t.match(dead?.advice, /The agent at .*no-agent does not answer/)
  t.match(sshd.log(), /Accepted publickey/)
})

void t.test('SSH certificates are said to be unsupported', async (t) => {
  const dir = temporaryFolder(t, 'cert')
  makeKey(join(dir, 'ca'))
  makeKey(join(dir, 'user'))
  execFileSync('ssh-keygen', ['-q', '-s', join(dir, 'ca'), '-I', 'test', '-n', 'root', join(dir, 'user.pub')])
  const { host, pool } = await bench(t, { config: [`TrustedUserCAKeys ${join(dir, 'ca.pub')}`] })
  const fields = {
    identityFiles: [{ path: join(dir, 'user'), explicit: true }],
    certificateFiles: [join(dir, 'user-cert.pub')],
  }
  const error = await failure(pool.acquire(host(fields), never))
  t.match(error, { code: 'auth', advice: /SSH certificates can't be used \(.*user-cert\.pub\)/ })
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

void t.test('what is not an sshd', async (t) => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
  const rude = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  const web = net
    .createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad\r\n\r\n'))
    .listen(0, '127.0.0.1')
  t.teardown(() => [silent, rude, web].forEach((server) => server.close()))
  await Promise.all([silent, rude, web].map((server) => server.listening || once(server, 'listening')))
  const dir = temporaryFolder(t)
  makeKey(join(dir, 'id'))
  const attempt = (server: net.Server, fields: Partial<SshHost> = {}): Promise<HopError> => {
    const { port } = server.address() as AddressInfo
    const identityFiles = [{ path: join(dir, 'id'), explicit: true }]
    return failure(pool(t).acquire(sshHost({ host: '127.0.0.1', port }, { identityFiles, ...fields }), never))
  }
  t.match(await attempt(silent, { connectTimeoutMs: 300 }), {
    code: 'timeout',
    message: 'no SSH handshake within 0.3 s',
  })
  t.match(await attempt(rude), { code: 'lost', message: /ended before the login/ })
  t.match(await attempt(web), { code: 'lost', message: /ended before the login/ })
  t.match(await attempt(rude, { port: 1 }), {
    code: 'unreachable',
    hop: /^ssh .*@inner/,
    message: /nothing listens there/,
  })
  t.match(await attempt(rude, { hostName: 'no-such-host.invalid' }), { code: 'unreachable' })
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
