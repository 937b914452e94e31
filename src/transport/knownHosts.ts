import { createHash, createHmac } from 'node:crypto'
import { patternListMatches } from '../lib/glob.ts'
import { HopError } from './transport.ts'
import { hopName, hostPort } from './sshHost.ts'
import type { SshHost } from './sshHost.ts'

/**
 * The format is that of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Pure: whoever calls has read the files.
 *
 * Host certificates: ssh2 (1.17) cannot negotiate a `*-cert-v01@openssh.com` host key, so a server that has one shows
 * us its plain key instead. A `@cert-authority` line therefore never makes a host known to us; it is named in the
 * refusal, together with the line for the plain key.
 */
export interface KnownHostsLine {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly marker: 'cert-authority' | 'revoked' | undefined
  readonly names: string
  readonly type: string
  /** The key in base64, as written. */
  readonly key: string
}

/** Lines that can't be read are skipped, as ssh does: they can only make fewer hosts known. */
export function parseKnownHosts(text: string, file: string): KnownHostsLine[] {
  const lines: KnownHostsLine[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const words = raw.trim().split(/[ \t]+/)
    if (words[0] === '' || words[0]?.startsWith('#')) continue
    const mark = words[0]?.startsWith('@') === true ? words.shift()?.slice(1) : undefined
    if (mark !== undefined && mark !== 'cert-authority' && mark !== 'revoked') continue
    const [names, type, key] = words
    if (names === undefined || type === undefined || key === undefined) continue
    lines.push({ file, line: index + 1, marker: mark, names, type, key })
  }
  return lines
}

/** Whether the line is about `name` (`host` or `[host]:port`, lower case). */
export function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|')) {
    const [, version, salt, hash] = names.split('|')
    if (version !== '1' || salt === undefined || hash === undefined) return false
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
  }
  return patternListMatches(names.toLowerCase().split(','), name)
}

export type KeyVerdict =
  | { readonly kind: 'known'; readonly line: KnownHostsLine }
  | { readonly kind: 'revoked'; readonly line: KnownHostsLine }
  /** Lines that name the host with another key of the same type. */
  | { readonly kind: 'changed'; readonly lines: readonly KnownHostsLine[] }
  /** Nothing of this type; `others` are lines for the host that don't help (other types, a certificate authority). */
  | { readonly kind: 'unknown'; readonly others: readonly KnownHostsLine[] }

/** The names under which a host is looked up; the second one (without the port) only ever confirms a key. */
function lookupNames(host: SshHost): readonly [string, string | undefined] {
  if (host.hostKeyAlias !== undefined) return [host.hostKeyAlias.toLowerCase(), undefined]
  const plain = host.hostName.toLowerCase()
  return [hostPort(plain, host.port), host.port === 22 ? undefined : plain]
}

/** The type that a key blob says it is (RFC 4253, section 6.6). */
export function keyType(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0
  return key.subarray(4, 4 + length).toString('latin1')
}

export function judgeHostKey(lines: readonly KnownHostsLine[], host: SshHost, key: Buffer): KeyVerdict {
  const [name, withoutPort] = lookupNames(host)
  const text = key.toString('base64')
  const about = lines.filter((line) => namesMatch(line.names, name))
  const aboutPlain = withoutPort === undefined ? [] : lines.filter((line) => namesMatch(line.names, withoutPort))
  const isKey = (line: KnownHostsLine): boolean => line.key === text
  const revoked = [...about, ...aboutPlain].find((line) => line.marker === 'revoked' && isKey(line))
  if (revoked !== undefined) return { kind: 'revoked', line: revoked }
  const plain = about.filter((line) => line.marker === undefined)
  const known = plain.find(isKey)
  if (known !== undefined) return { kind: 'known', line: known }
  const sameType = plain.filter((line) => line.type === keyType(key))
  if (sameType.length > 0) return { kind: 'changed', lines: sameType }
  // ssh does the same ("found matching key w/out port"): a host known at port 22 is itself at another port.
  const knownPlain = aboutPlain.find((line) => line.marker === undefined && isKey(line))
  if (knownPlain !== undefined) return { kind: 'known', line: knownPlain }
  return { kind: 'unknown', others: about.filter((line) => line.marker !== 'revoked') }
}

/** In order of preference, as ssh2 1.17 supports them. `ssh-rsa` (SHA-1) is last: servers from before 2017 have no other. */
const HOST_KEY_ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
}

/**
 * The host key algorithms to offer: those of the keys we know come first, else a server with several keys would show
 * one that we don't know.
 */
export function hostKeyAlgorithms(lines: readonly KnownHostsLine[], host: SshHost): string[] {
  const [name, withoutPort] = lookupNames(host)
  const typesOf = (wanted: string): string[] =>
    lines.filter((line) => line.marker === undefined && namesMatch(line.names, wanted)).map((line) => line.type)
  let types = typesOf(name)
  if (types.length === 0 && withoutPort !== undefined) types = typesOf(withoutPort)
  const order = new Set([...types, ...Object.keys(HOST_KEY_ALGORITHMS)])
  return [...order].flatMap((type) => HOST_KEY_ALGORITHMS[type] ?? [])
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** Why this key is refused, with all that the user needs to decide; undefined if it is known. */
export function hostKeyRefusal(host: SshHost, key: Buffer, verdict: KeyVerdict): HopError | undefined {
  const [name] = lookupNames(host)
  const type = keyType(key)
  const file = host.knownHostsFiles[0] ?? '~/.ssh/known_hosts'
  const shown = `the ${type} key of ${name} has the fingerprint ${fingerprint(key)}`
  const add = `${name} ${type} ${key.toString('base64')}`
  const places = (lines: readonly KnownHostsLine[]): string =>
    lines.map((line) => `${line.file}:${line.line}`).join(', ')
  switch (verdict.kind) {
    case 'known':
      return undefined
    case 'revoked': {
      const advice = `Do not connect. The key is marked @revoked at ${places([verdict.line])}.`
      return new HopError(hopName(host), 'hostKey', `revoked host key: ${shown}`, advice)
    }
    case 'changed': {
      const advice =
        `Somebody may be listening in, or the host was set up anew. If its owner confirms the fingerprint, ` +
        `remove the old key at ${places(verdict.lines)} and add this line to ${file}: ${add}`
      return new HopError(hopName(host), 'hostKey', `the host key has changed: ${shown}`, advice)
    }
    case 'unknown': {
      const looked = host.knownHostsFiles.join(', ')
      const authorities = verdict.others.filter((line) => line.marker === 'cert-authority')
      const others = verdict.others.filter((line) => line.marker === undefined)
      const aside =
        authorities.length > 0
          ? ` The @cert-authority at ${places(authorities)} can't be used: host certificates are not supported by ssh2.`
          : others.length > 0
            ? ` Known are keys of other types (${others.map((line) => line.type).join(', ')}) at ${places(others)}.`
            : ''
      const advice = `Confirm the fingerprint with the host's owner, then add this line to ${file}: ${add}`
      return new HopError(hopName(host), 'hostKey', `unknown host key (looked in ${looked}): ${shown}.${aside}`, advice)
    }
  }
}
