import type { PolicySettings } from '../policy/settings.ts'
import type { Address } from '../transport/transport.ts'
import type { HostPort, SshDestination } from './values.ts'

/** The daemon's configuration: every default filled in, every name resolved, every value checked. Never changed. */
export interface Config {
  /** The file it came from; undefined when there was none and the defaults stand. */
  readonly file: string | undefined
  /** Not wrong, but worth a word at the start: whole sentences. */
  readonly warnings: readonly string[]
  readonly listen: ListenConfig
  readonly auth: AuthConfig
  /** Clients may describe a target in their attach arguments; it is served under the policy `inspect`. */
  readonly adHoc: boolean
  /** By name; the built-in `observe`, `inspect` and `control` are always there. */
  readonly policies: ReadonlyMap<string, PolicySettings>
  readonly targets: ReadonlyMap<string, TargetConfig>
  readonly audit: AuditConfig
  readonly log: { readonly level: LogLevel }
  /** How many client connections the daemon takes at once, over all targets. */
  readonly sessions: number
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface ListenConfig {
  /** DAP and, under the path `/dap`, WebSocket. Port 0 takes any free one. */
  readonly tcp: HostPort | undefined
  /** Path of the unix socket: DAP, and HTTP for `breakwater sessions`. */
  readonly unix: string | undefined
  /** Values of `Origin` that a browser may come from. Clients that are no browser send none. */
  readonly origins: readonly string[]
}

export interface AuthConfig {
  /** Empty: nobody is asked, which is possible on loopback and the unix socket only. */
  readonly tokens: readonly TokenConfig[]
}

export interface TokenConfig {
  /** Who this is, in the audit and in `breakwater sessions`. */
  readonly name: string
  /** SHA-256 of the token. The token itself is not kept; digests are of one length, so they compare in constant time. */
  readonly digest: Buffer
}

export interface TargetConfig {
  /** `ad hoc` targets are called by what they are: `debugpy at 127.0.0.1:5678`. */
  readonly name: string
  readonly backend: BackendName
  /** Where the debugger is, as seen from the end of the way; undefined only for the way `command`. */
  readonly address: Address | undefined
  /** The program connects to `address` instead, and we wait for it there. */
  readonly listen: boolean
  readonly way: WayConfig
  /** Name of its policy, and what that says. */
  readonly policy: string
  readonly settings: PolicySettings
  /** Folders of the program and where the developer has them, which may be relative: a session knows to what. */
  readonly paths: readonly PathConfig[]
  /** Options of the backend, checked by its schema. */
  readonly options: Readonly<Record<string, unknown>>
  /** How the debugger's port is opened in the program when it is closed; undefined for not at all. */
  readonly start: StartConfig | undefined
  /** How long the far end lets a silent link hold the program; undefined for no lease. */
  readonly leaseMs: number | undefined
}

export type BackendName = 'debugpy' | 'node' | 'delve'

/** What is run on the machine of the program, by us and never by a client, so that its debugger listens. */
export type StartConfig =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  /** SIGUSR1 to the process that this finds: its number, the file that has it, or a part of its command line. */
  | { readonly kind: 'signal'; readonly by: 'pid' | 'pidFile' | 'process'; readonly what: string }
  /** `dlv attach` to such a process; `dlv` is the program there, by its path or by a name in its PATH. */
  | { readonly kind: 'attach'; readonly by: 'pid' | 'pidFile' | 'process'; readonly what: string; readonly dlv: string }

export interface PathConfig {
  readonly remote: string
  readonly local: string
}

/** How the machine of the program is reached. */
export type WayConfig =
  | { readonly kind: 'direct' }
  | { readonly kind: 'ssh'; readonly destination: SshDestination }
  /** A command that runs other commands there: `docker exec -i checkout`. */
  | { readonly kind: 'via'; readonly argv: readonly [string, ...string[]] }
  /** A command whose stdin and stdout are the debugger's stream. */
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }

export type AuditConfig = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'stdout' }

/** What the daemon and its commands know of where they run; `main.ts` takes it from `process`. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homedir: string
  readonly cwd: string
  readonly uid: number
}
