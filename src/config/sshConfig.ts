import { patternListMatches } from '../lib/glob.ts'
import type { IdentityFile, SshHost } from '../transport/sshHost.ts'
import { HopError } from '../transport/transport.ts'
import { SshConfigReader, configFault } from './sshConfigFile.ts'
import type { SshConfigFiles, SshConfigLine } from './sshConfigFile.ts'

export type { SshConfigFiles } from './sshConfigFile.ts'

/** Hosts on the way to one host; a loop would have no end, and ssh itself just hangs in it. */
const JUMPS_MAX = 8

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519']

/**
 * What `~/.ssh/config` (then `/etc/ssh/ssh_config`) says of `name` (`[user@]host[:port]`, also `ssh://…`), as ssh
 * itself would read it, with the hosts on the way. Rejects with HopError `config`, naming file and line, where an
 * answer would need a command to be run (`Match exec`, `ProxyCommand`): they are never run.
 */
export async function resolveSshHost(name: string, files: SshConfigFiles): Promise<SshHost> {
  return resolveHost(parseDestination(name), new SshConfigReader(files), files, [])
}

interface Destination {
  readonly user: string | undefined
  readonly host: string
  readonly port: number | undefined
}

function parseDestination(text: string, line?: SshConfigLine): Destination {
  const match =
    /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^:\s/@]+|[0-9a-f:]+:[0-9a-f:]*))(?::(\d{1,5}))?\/?$/i.exec(text)
  const host = match?.[2] ?? match?.[3]
  const port = match?.[4] === undefined ? undefined : Number(match[4])
  // A leading '-' is how options are smuggled into ssh; no host has it.
  if (match === null || host === undefined || host.startsWith('-') || (port !== undefined && !isPort(port))) {
    const what = `"${text}" is not [user@]host[:port]`
    if (line !== undefined) throw configFault(line, what, 'Correct it.')
    throw new HopError('ssh config', 'config', what, 'Write a host of your ~/.ssh/config, or user@host:port.')
  }
  return { user: match[1], host, port }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

/** The values that count for one host: the first of each keyword, and all of those that add up. */
class Values {
  readonly #first = new Map<string, SshConfigLine>()
  readonly #all = new Map<string, SshConfigLine[]>()

  add(line: SshConfigLine): void {
    if (line.keyword === 'identityfile' || line.keyword === 'certificatefile') {
      const list = this.#all.get(line.keyword) ?? []
      // `Match final` reads everything twice.
      if (!list.some((other) => other.words[0] === line.words[0])) list.push(line)
      this.#all.set(line.keyword, list)
      return
    }
    // Whichever of the two comes first wins over both.
    const key = line.keyword === 'proxycommand' ? 'proxyjump' : line.keyword
    if (!this.#first.has(key)) this.#first.set(key, line)
  }

  line(keyword: string): SshConfigLine | undefined {
    return this.#first.get(keyword)
  }

  word(keyword: string): string | undefined {
    return this.#first.get(keyword)?.words[0]
  }

  list(keyword: string): readonly SshConfigLine[] {
    return this.#all.get(keyword) ?? []
  }
}

async function readValues(destination: Destination, reader: SshConfigReader, files: SshConfigFiles): Promise<Values> {
  const values = new Values()
  let wantFinal = false
  const pass = async (final: boolean): Promise<void> => {
    const subject = (): MatchSubject => ({
      original: destination.host,
      host: expandHostName(values.word('hostname'), destination.host),
      user: destination.user ?? values.word('user') ?? files.user,
      localUser: files.user,
      final,
    })
    await reader.walk(
      (line) => {
        if (line.keyword === 'host') return patternListMatches(line.words, final ? subject().host : destination.host)
        if (line.words.some((word) => /^!?final$/i.test(word))) wantFinal = true
        return matchMatches(line, subject())
      },
      (line) => values.add(line),
    )
  }
  await pass(false)
  if (wantFinal) await pass(true)
  return values
}

interface MatchSubject {
  readonly original: string
  readonly host: string
  readonly user: string
  readonly localUser: string
  readonly final: boolean
}

/** A `Match` line. Criteria are read from the left; one that we can't decide is a fault only if nothing before it said no. */
function matchMatches(line: SshConfigLine, subject: MatchSubject): boolean {
  const words = [...line.words]
  let result = true
  while (words.length > 0) {
    const word = words.shift() ?? ''
    const negated = word.startsWith('!')
    const criterion = (negated ? word.slice(1) : word).toLowerCase()
    let matches: boolean
    if (criterion === 'all') matches = true
    else if (criterion === 'final' || criterion === 'canonical') matches = subject.final
    else {
      const argument = words.shift()
      if (argument === undefined) throw configFault(line, `Match ${criterion} has no value`, 'Give it one.')
      const text = subjectOf(criterion, subject)
      if (text === undefined) {
        if (!result) continue
        const advice = 'It is not run. Put what it sets for this host into a Host block before it.'
        throw configFault(line, `Match ${criterion} can't be decided here`, advice)
      }
      matches = patternListMatches(argument.split(','), text)
    }
    if (matches === negated) result = false
  }
  return result
}

function subjectOf(criterion: string, subject: MatchSubject): string | undefined {
  switch (criterion) {
    case 'host':
      return subject.host
    case 'originalhost':
      return subject.original
    case 'user':
      return subject.user
    case 'localuser':
      return subject.localUser
    default:
      return undefined
  }
}

function expandHostName(hostName: string | undefined, original: string): string {
  return (hostName ?? '%h').replaceAll(/%[h%]/g, (token) => (token === '%h' ? original : '%')).toLowerCase()
}

async function resolveHost(
  destination: Destination,
  reader: SshConfigReader,
  files: SshConfigFiles,
  /** The hosts that are reached through this one, as `user@host:port`. */
  behind: readonly string[],
  /** The hosts before this one, when the host behind it named them all: then its own ProxyJump does not count. */
  before?: readonly Destination[],
): Promise<SshHost> {
  const values = await readValues(destination, reader, files)
  const portText = values.word('port')
  const port = destination.port ?? (portText === undefined ? 22 : Number(portText))
  if (!isPort(port)) throw configFault(values.line('port')!, `"${portText}" is not a port`, 'Write a number.')
  const hostName = expandHostName(values.word('hostname'), destination.host)
  const user = destination.user ?? values.word('user') ?? files.user
  const self = `${user}@${hostName}:${port}`
  const jump = values.line('proxyjump')
  if (behind.includes(self) || behind.length > JUMPS_MAX) {
    const route = [...behind, self].join(' through ')
    const advice = 'Give the jump host a Host block with: ProxyJump none'
    if (jump !== undefined) throw configFault(jump, `ProxyJump goes round: ${route}`, advice)
    throw new HopError('ssh config', 'config', `ProxyJump goes round: ${route}`, advice)
  }
  const jumps = before ?? jumpsOf(jump)
  const last = jumps.at(-1)
  const rest = jumps.slice(0, -1)
  const via =
    last === undefined
      ? undefined
      : await resolveHost(last, reader, files, [...behind, self], rest.length > 0 ? rest : undefined)
  const expand = expander({ destination, hostName, port, user, alias: values.word('hostkeyalias') }, files)
  return {
    alias: destination.host,
    hostName,
    port,
    user,
    via,
    ...identities(values, files, expand),
    knownHostsFiles: knownHostsFiles(values, files, expand),
    hostKeyAlias: values.word('hostkeyalias')?.toLowerCase(),
    keepaliveIntervalMs: secondsOf(values.line('serveraliveinterval')),
    keepaliveCountMax: countOf(values.line('serveralivecountmax')),
    connectTimeoutMs: secondsOf(values.line('connecttimeout')),
    warnings: warningsOf(values),
  }
}

function jumpsOf(line: SshConfigLine | undefined): Destination[] {
  if (line === undefined || line.words[0]?.toLowerCase() === 'none') return []
  if (line.keyword === 'proxycommand') {
    const advice = 'It is not run. Use ProxyJump, or a target with via: [command …].'
    throw configFault(line, 'ProxyCommand is not supported', advice)
  }
  return line.words
    .join(',')
    .split(',')
    .map((each) => parseDestination(each.trim(), line))
}

type Expand = (text: string, line: SshConfigLine) => string

/** `~`, `${NAME}` and `%` tokens as in ssh_config(5), TOKENS; those that say more about this machine than we are told are refused. */
function expander(
  host: { destination: Destination; hostName: string; port: number; user: string; alias: string | undefined },
  files: SshConfigFiles,
): Expand {
  const tokens: Readonly<Record<string, string | undefined>> = {
    '%': '%',
    d: files.home,
    h: host.hostName,
    i: files.uid === undefined ? undefined : String(files.uid),
    k: host.alias ?? host.destination.host,
    L: files.hostname?.split('.')[0],
    l: files.hostname,
    n: host.destination.host,
    p: String(host.port),
    r: host.user,
    u: files.user,
  }
  return (text, line) => {
    const path = text === '~' || text.startsWith('~/') ? files.home + text.slice(1) : text
    return path
      .replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
        const value = files.env[name]
        if (value === undefined)
          throw configFault(line, `\${${name}} is not set`, 'Set it where the daemon is started.')
        return value
      })
      .replaceAll(/%(.?)/g, (token, name: string) => {
        const value = tokens[name]
        if (value === undefined) throw configFault(line, `${token} is not supported`, 'Write the path in full.')
        return value
      })
  }
}

function identities(
  values: Values,
  files: SshConfigFiles,
  expand: Expand,
): Pick<SshHost, 'identityFiles' | 'agentSocket' | 'identitiesOnly' | 'certificateFiles'> {
  const named = values.list('identityfile')
  const identityFiles: IdentityFile[] =
    named.length > 0
      ? named
          .filter((line) => line.words[0]?.toLowerCase() !== 'none')
          .map((line) => ({ path: expand(line.words[0] ?? '', line), explicit: true }))
      : DEFAULT_KEYS.map((key) => ({ path: `${files.home}/.ssh/${key}`, explicit: false }))
  return {
    identityFiles,
    agentSocket: agentSocket(values.line('identityagent'), files, expand),
    identitiesOnly: values.word('identitiesonly')?.toLowerCase() === 'yes',
    certificateFiles: values.list('certificatefile').map((line) => expand(line.words[0] ?? '', line)),
  }
}

function agentSocket(line: SshConfigLine | undefined, files: SshConfigFiles, expand: Expand): string | undefined {
  const word = line?.words[0]
  const fromEnvironment = (name: string): string | undefined => files.env[name] || undefined
  if (line === undefined || word === undefined || word === 'SSH_AUTH_SOCK') return fromEnvironment('SSH_AUTH_SOCK')
  if (word.toLowerCase() === 'none') return undefined
  if (/^\$\w+$/.test(word)) return fromEnvironment(word.slice(1))
  return expand(word, line)
}

function knownHostsFiles(values: Values, files: SshConfigFiles, expand: Expand): string[] {
  const of = (keyword: string, usual: readonly string[]): readonly string[] => {
    const line = values.line(keyword)
    if (line === undefined) return usual
    return line.words.filter((word) => word.toLowerCase() !== 'none').map((word) => expand(word, line))
  }
  const ssh = `${files.home}/.ssh`
  return [
    ...of('userknownhostsfile', [`${ssh}/known_hosts`, `${ssh}/known_hosts2`]),
    ...of('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
  ]
}

/** `30`, `1m30s`; 0, `none` and nothing are our default. */
function secondsOf(line: SshConfigLine | undefined): number | undefined {
  const text = line?.words[0]?.toLowerCase()
  if (line === undefined || text === undefined || text === 'none') return undefined
  if (!/^(\d{1,9}[smhdw]?)+$/.test(text)) throw configFault(line, `"${text}" is not a time`, 'Write seconds, or 1m30s.')
  const unit: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }
  let seconds = 0
  for (const [, digits, letter] of text.matchAll(/(\d+)([smhdw]?)/g))
    seconds += Number(digits) * (unit[letter ?? ''] ?? 1)
  // Node's timers end at 2^31 ms.
  return seconds === 0 ? undefined : Math.min(seconds * 1000, 2 ** 31 - 1)
}

function countOf(line: SshConfigLine | undefined): number | undefined {
  if (line === undefined) return undefined
  const count = Number(line.words[0])
  if (!Number.isInteger(count) || count < 0) throw configFault(line, `"${line.words[0]}" is not a number`, 'Write one.')
  // 0 lets ssh end at the first interval without an answer; ssh2 counts the same way.
  return count
}

/** Keywords that would change how a host is reached or trusted, and that we do not honour. */
const NOT_HONOURED: Readonly<Record<string, string>> = {
  certificatefile: 'SSH certificates are not supported; the plain key is offered.',
  knownhostscommand: 'it is not run; only the known_hosts files count.',
  pkcs11provider: 'keys on smart cards are used through an agent only.',
  proxyusefdpass: 'it needs a ProxyCommand, which is not run.',
}

function warningsOf(values: Values): string[] {
  const warnings: string[] = []
  const strict = values.line('stricthostkeychecking')
  if (strict !== undefined && /^(no|off|accept-new|false)$/i.test(strict.words[0] ?? '')) {
    const place = `${strict.file}:${strict.line}`
    warnings.push(`${place}: StrictHostKeyChecking ${strict.words[0]} is not honoured: host keys are always checked.`)
  }
  for (const [keyword, why] of Object.entries(NOT_HONOURED)) {
    const line = values.line(keyword) ?? values.list(keyword)[0]
    if (line === undefined || line.words[0]?.toLowerCase() === 'none') continue
    warnings.push(`${line.file}:${line.line}: ${keyword} is not honoured: ${why}`)
  }
  return warnings
}
