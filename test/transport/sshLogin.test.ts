import t from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { SshHost } from '../../src/transport/sshHost.ts'
import type { HopError } from '../../src/transport/transport.ts'
import { bench, failure, never, pool, root } from '../support/sshBench.ts'
import { makeKey, sshHost, temporaryFolder } from '../support/sshd.ts'

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

void t.test('what is not an sshd', async (t) => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1')
  const rude = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  const web = net
    .createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad\r\n\r\n'))
    .listen(0, '127.0.0.1')
  t.teardown(() => [silent, rude, web].forEach((server) => server.close()))
  for (const server of [silent, rude, web]) if (!server.listening) await once(server, 'listening')
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
