import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { resolveSshHost } from '../../src/config/sshConfig.ts'
import type { SshConfigFiles } from '../../src/config/sshConfig.ts'
import { hopName } from '../../src/transport/sshHost.ts'
import type { SshHost } from '../../src/transport/sshHost.ts'
import { HopError } from '../../src/transport/transport.ts'
import { temporaryFolder } from '../support/sshd.ts'

const realFiles = (userConfig: string): SshConfigFiles => ({
  home: homedir(),
  user: userInfo().username,
  env: { SSH_AUTH_SOCK: '/run/agent', HERE: '/srv' },
  readFile,
  userConfig,
  systemConfig: undefined,
})

/** Files in memory, with a home at /home/ann. */
const memoryFiles = (files: Record<string, string>): SshConfigFiles => ({
  home: '/home/ann',
  hostname: 'laptop.example.org',
  uid: 1000,
  user: 'ann',
  env: { SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys' },
  readFile: async (path) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return text
  },
  readDir: async (path) => [
    ...new Set(
      Object.keys(files)
        .filter((file) => file.startsWith(`${path}/`))
        .map((file) => file.slice(path.length + 1).split('/')[0]!),
    ),
  ],
})

const withConfig = (config: string, more: Record<string, string> = {}): SshConfigFiles =>
  memoryFiles({ '/home/ann/.ssh/config': config, ...more })

async function refusal(name: string, files: SshConfigFiles): Promise<HopError> {
  try {
    await resolveSshHost(name, files)
  } catch (error) {
    if (error instanceof HopError) return error
    throw error
  }
  throw new Error(`${name} was resolved`)
}

const route = (host: SshHost): string[] => [
  ...(host.via === undefined ? [] : route(host.via)),
  `${host.user}@${host.hostName}:${host.port}`,
]

/** What `ssh -G` says, in our words. */
function askSsh(file: string, name: string): Record<string, string | string[]> {
  const expanded = (path: string): string => path.replace(/^~/, homedir())
  const destination = /^(?:(.*)@)?(.*?)(?::(\d+))?$/.exec(name)!
  const words = [...(destination[1] ? ['-l', destination[1]] : []), ...(destination[3] ? ['-p', destination[3]] : [])]
  const text = execFileSync('ssh', ['-G', '-F', file, ...words, destination[2]!], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const all = text.split('\n').map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)] as const)
  const of = (key: string): string[] => all.filter(([name]) => name === key).map(([, value]) => value)
  const one = (key: string): string => of(key)[0] ?? ''
  return {
    host: one('hostname'),
    port: one('port'),
    user: one('user'),
    identities: of('identityfile')
      .map(expanded)
      .filter((path) => !/_sk$|_xmss$|_dsa$/.test(path)),
    known: [...one('userknownhostsfile').split(' '), ...one('globalknownhostsfile').split(' ')]
      .filter((path) => path !== 'none')
      .map(expanded),
    alias: one('hostkeyalias'),
    only: one('identitiesonly'),
    jump: one('proxyjump'),
    interval: one('serveraliveinterval'),
    count: one('serveralivecountmax'),
    timeout: one('connecttimeout').replace('none', '0'),
  }
}

function inSshsWords(host: SshHost): Record<string, string | string[]> {
  return {
    host: host.hostName,
    port: String(host.port),
    user: host.user,
    identities: host.identityFiles.map((file) => file.path),
    known: [...host.knownHostsFiles],
    alias: host.hostKeyAlias ?? '',
    only: host.identitiesOnly ? 'yes' : 'no',
    jump: host.via === undefined ? '' : host.via.alias,
    interval: String((host.keepaliveIntervalMs ?? 0) / 1000),
    count: String(host.keepaliveCountMax ?? 3),
    timeout: String((host.connectTimeoutMs ?? 0) / 1000),
  }
}

void t.test('reads config files as ssh -G does', async (t) => {
  const dir = temporaryFolder(t, 'config')
  mkdirSync(join(dir, 'conf.d'))
  writeFileSync(join(dir, 'conf.d/10-a.conf'), 'User from-a\nHost inc*\n  Port 2022\n')
  writeFileSync(join(dir, 'conf.d/20-b.conf'), 'Port 2033\nIdentityFile ~/.ssh/from_b\n')
  writeFileSync(join(dir, 'conf.d/.hidden.conf'), 'Port 1\n')
  writeFileSync(join(dir, 'never'), 'Host *\n  User never\n')
  const configs: Record<string, readonly [string, readonly string[]]> = {
    'patterns, first value wins, lists add up': [
      `# comment
Host prod-1 prod-? !prod-9
  HostName %h.example.org
  User=deploy
  IdentityFile ~/.ssh/prod
  ServerAliveInterval 7
Host "quoted" 10.0.*
  Port "2200"
  hostname  TEN.example.org
Host *
  IdentityFile "~/.ssh/with space"
  IdentityFile ~/.ssh/prod
  IdentitiesOnly yes
  User nobody
  ConnectTimeout 1m5
Host prod-1
  User too-late
  ServerAliveCountMax 9
`,
      ['prod-1', 'prod-9', 'prod-10', 'quoted', '10.0.0.1', 'ann@prod-1:99', 'PROD-1'],
    ],
    'Match host, user, originalhost, all, negation': [
      `Host a
  HostName b.example.org
Match host b.example.org
  User matched-host
Match originalhost a,x
  Port 3000
Match user matched-host
  HostKeyAlias the-alias
Match !host b.example.org
  ServerAliveCountMax 4
Match host *.org user matched-*
  ServerAliveInterval 11
Match all
  ConnectTimeout 3
  UserKnownHostsFile ~/.ssh/one /tmp/two
  GlobalKnownHostsFile none
`,
      ['a', 'x', 'c', 'root@a'],
    ],
    'Match final': [
      `Match final host real.example.org
  Port 4000
  IdentityFile ~/.ssh/final
Host short
  HostName real.example.org
  IdentityFile ~/.ssh/first
Host real.*
  User by-real-name
`,
      ['short', 'other', 'real.example.org'],
    ],
    'Include where it stands': [
      `Host in*
  Include ${dir}/conf.d/*.conf
  IdentityFile ~/.ssh/after
Host other
  Include ${dir}/never
  Port 5
Host nobody
  Include ${dir}/never
Include ${dir}/absent
Host *
  User last
`,
      ['include', 'in', 'other', 'third'],
    ],
    ProxyJump: [
      `Host inner
  ProxyJump bastion
Host direct
  ProxyJump none
Host *
  ServerAliveInterval 0
Host direct
  ProxyJump bastion
Host bastion
  HostKeyAlias B
`,
      ['inner', 'direct', 'bastion'],
    ],
  }
  for (const [what, [config, names]] of Object.entries(configs)) {
    const file = join(dir, 'config')
    writeFileSync(file, config)
    for (const name of names) {
      const host = await resolveSshHost(name, realFiles(file))
      t.strictSame(inSshsWords(host), askSsh(file, name), `${what}: ${name}`)
    }
  }
})

void t.test('jump hosts', async (t) => {
  const files = withConfig(`
Host inner
  HostName 10.0.0.9
  ProxyJump me@first:2201,second
Host second
  User two
  ProxyJump not-this-one
Host first
  ProxyJump zero
Host loop-a
  ProxyJump loop-b
Host loop-b
  ProxyJump loop-a
Host self
  ProxyJump self
Host v6
  ProxyJump [2001:db8::1]:2222
`)
  t.strictSame(
    route(await resolveSshHost('root@inner', files)),
    ['ann@zero:22', 'me@first:2201', 'two@second:22', 'root@10.0.0.9:22'],
    'each hop by itself; only the first of a list keeps its own ProxyJump, as with ssh -J',
  )
  t.strictSame(route(await resolveSshHost('v6', files)), ['ann@2001:db8::1:2222', 'ann@v6:22'])
  t.equal(hopName(await resolveSshHost('inner', files)), 'ssh ann@inner', 'the hop is named as the user wrote it')
  for (const name of ['loop-a', 'self']) {
    const error = await refusal(name, files)
    t.equal(error.code, 'config')
    t.match(error.message, /config:\d+: ProxyJump goes round/)
  }
})

void t.test('paths, agents, tokens', async (t) => {
  const files = withConfig(
    `
Host tokens
  HostName real
  IdentityFile %d/keys/%n-%h-%p-%r-%u-%i-%L-%l
  IdentityFile \${KEYS}/a#b
  CertificateFile ~/.ssh/cert.pub
  UserKnownHostsFile ~/.ssh/known-%k
  HostKeyAlias kay
Host none
  IdentityFile none
  IdentityAgent none
  UserKnownHostsFile none
Host variable
  IdentityAgent $KEYS
Host path
  IdentityAgent ~/agent.sock
Host unset
  IdentityFile \${NOT_SET}/x
Host token
  IdentityFile ~/%C
Match all
  Include more.d/*
`,
    { '/home/ann/.ssh/more.d/x': 'Host relative\n  Port 77', '/etc/ssh/ssh_config': 'Host *\n  Port 78\n  User sys' },
  )
  const tokens = await resolveSshHost('u@tokens:9', files)
  t.strictSame(tokens.identityFiles, [
    { path: '/home/ann/keys/tokens-real-9-u-ann-1000-laptop-laptop.example.org', explicit: true },
    { path: '/keys/a#b', explicit: true },
  ])
  t.strictSame(tokens.certificateFiles, ['/home/ann/.ssh/cert.pub'])
  t.equal(tokens.knownHostsFiles[0], '/home/ann/.ssh/known-kay')
  t.equal(tokens.agentSocket, '/run/agent')
  const none = await resolveSshHost('none', files)
  t.strictSame([none.identityFiles, none.agentSocket], [[], undefined])
  t.strictSame(none.knownHostsFiles, ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'])
  t.equal((await resolveSshHost('variable', files)).agentSocket, '/keys')
  t.equal((await resolveSshHost('path', files)).agentSocket, '/home/ann/agent.sock')
  t.match(await resolveSshHost('relative', files), { port: 77, user: 'sys' }, 'the system file comes last')
  t.match((await refusal('unset', files)).message, /\.ssh\/config:18: \$\{NOT_SET\} is not set/)
  t.match((await refusal('token', files)).message, /\.ssh\/config:20: %C is not supported/)
  const nothing = await resolveSshHost('host', memoryFiles({}))
  t.strictSame(
    nothing.identityFiles.map((file) => file.path),
    ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((key) => `/home/ann/.ssh/${key}`),
  )
  t.match(nothing, { hostName: 'host', port: 22, user: 'ann', keepaliveIntervalMs: undefined, warnings: [] })
})

void t.test('what would run a command, or weaken a check, is refused or said', async (t) => {
  const files = withConfig(`
Match host other exec "touch /tmp/breakwater-was-here"
  Port 1
Host exec
  User x
Match originalhost exec exec "touch /tmp/breakwater-was-here"
  Port 2
Host command
  ProxyCommand nc %h %p
Host jump-first
  ProxyJump none
  ProxyCommand nc %h %p
Host no-command
  ProxyCommand none
Match originalhost tagged tagged x
  Port 4
Host weak
  StrictHostKeyChecking no
  KnownHostsCommand /bin/false
Host port
  Port ssh
Host quote
  User "open
`)
  const exec = await refusal('exec', withConfig('Host exec\n  User x\nMatch originalhost exec exec "true"\n  Port 2\n'))
  t.equal(exec.code, 'config')
  t.match(exec.message, '/home/ann/.ssh/config:3: Match exec can')
  t.match((await refusal('weak', files)).message, '/home/ann/.ssh/config:23: a quote is not closed')
  const good = withConfig(String(await files.readFile('/home/ann/.ssh/config')).replace('"open', 'closed'))
  t.match((await refusal('exec', good)).message, ':6: Match exec')
  t.match((await refusal('command', good)).message, ':9: ProxyCommand is not supported')
  t.match((await refusal('tagged', good)).message, ':15: Match tagged can')
  t.match((await refusal('port', good)).message, ':21: "ssh" is not a port')
  t.equal((await resolveSshHost('jump-first', good)).via, undefined, 'the first of ProxyJump and ProxyCommand wins')
  t.equal((await resolveSshHost('no-command', good)).via, undefined)
  t.strictSame((await resolveSshHost('weak', good)).warnings, [
    '/home/ann/.ssh/config:18: StrictHostKeyChecking no is not honoured: host keys are always checked.',
    '/home/ann/.ssh/config:19: knownhostscommand is not honoured: it is not run; only the known_hosts files count.',
  ])
  for (const name of ['', 'a b', '-oProxyCommand=x', 'a:99999', 'user@', 'a/b']) {
    t.match((await refusal(name, memoryFiles({}))).message, 'is not [user@]host[:port]', name)
  }
  const denied = {
    ...memoryFiles({}),
    readFile: () => Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES' })),
  }
  t.match((await refusal('a', denied)).message, 'cannot read /home/ann/.ssh/config')
  const circle = withConfig('Include config\nPort 3\n')
  t.match((await refusal('a', circle)).message, /config:1: too many levels of Include/)
})
