/** One SSH host with all that its connection needs, resolved from `~/.ssh/config` (`config/sshConfig.ts`) or written by hand. */
export interface SshHost {
  /** As the user wrote it, without user and port: `prod-1`. */
  readonly alias: string
  readonly hostName: string
  readonly port: number
  readonly user: string
  /** The host to go through (ProxyJump), itself resolved; undefined for a direct connection. */
  readonly via: SshHost | undefined
  readonly identityFiles: readonly IdentityFile[]
  /** Path of the agent's socket; undefined when there is none or the config says `none`. */
  readonly agentSocket: string | undefined
  /** Only the agent's keys that are named by `identityFiles` are offered. */
  readonly identitiesOnly: boolean
  readonly certificateFiles: readonly string[]
  /** The files that say which host keys are trusted, in order; the first is named in advice. */
  readonly knownHostsFiles: readonly string[]
  /** The name that is looked up there instead of host name and port (HostKeyAlias). */
  readonly hostKeyAlias: string | undefined
  /** Undefined: {@link KEEPALIVE_INTERVAL_MS}. It can't be switched off. */
  readonly keepaliveIntervalMs: number | undefined
  /** Unanswered keepalives after which the connection counts as lost; undefined: {@link KEEPALIVE_COUNT_MAX}. */
  readonly keepaliveCountMax: number | undefined
  /** For the TCP connection, and again for the login; undefined: {@link CONNECT_TIMEOUT_MS}. */
  readonly connectTimeoutMs: number | undefined
  /** What of the user's config is not honoured, each a whole sentence for the user to see once. */
  readonly warnings: readonly string[]
}

export interface IdentityFile {
  readonly path: string
  /** Named in the config; a default one that does not exist is no fault. */
  readonly explicit: boolean
}

/** Our defaults: a dead link is noticed after 20 s (5 s, and three answers missed). ssh itself sends no keepalive by default. */
export const KEEPALIVE_INTERVAL_MS = 5_000
export const KEEPALIVE_COUNT_MAX = 3
export const CONNECT_TIMEOUT_MS = 15_000

/** The hop as users know it: `ssh deploy@prod-1`. */
export function hopName(host: SshHost): string {
  return `ssh ${host.user}@${host.alias}`
}

/** `host` or `[host]:port`, as known_hosts and ssh write it. */
export function hostPort(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`
}

/** How long a link may be silent before it is taken as lost: ssh2 waits one interval more than it counts. */
export function silentMs(host: SshHost): number {
  const count = host.keepaliveCountMax ?? KEEPALIVE_COUNT_MAX
  return (host.keepaliveIntervalMs ?? KEEPALIVE_INTERVAL_MS) * (count + 1)
}
