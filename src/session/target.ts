import { dirname, isAbsolute, resolve } from 'node:path'
import type { Address, Transport } from '../transport/transport.ts'
import type { BackendKind } from '../backend/backend.ts'
import type { PolicySettings } from '../policy/settings.ts'
import type { PathMapping } from './sources.ts'

/** A name in the configuration, resolved: which debugger, how to reach it, under which policy. */
export interface Target {
  readonly name: string
  readonly kind: BackendKind
  readonly policy: string
  readonly settings: PolicySettings
  readonly address: Address
  /** The program connects to us at `address`. */
  readonly listen: boolean
  readonly paths: readonly PathMapping[]
  readonly options: Readonly<Record<string, unknown>>
  /** Opens the way, or joins one that is open; `note` is told what the user should know about it. */
  open(signal: AbortSignal, note: (sentence: string) => void): Promise<Transport>
  readonly starter?: Starter
}

/** How the program's debugger is made to listen where it does not. */
export interface Starter {
  /** Says in a sentence what was done for that. */
  start(transport: Transport, signal: AbortSignal): Promise<string>
  /** What to do where nothing listens all the same. */
  readonly advice: string
}

/** What the attach arguments say about the target: our own keys, all of them under `target` and `token`. */
export interface TargetRequest {
  /** A name, or an ad-hoc description; undefined if the arguments name none. */
  readonly target: unknown
  /** A child process of the target. */
  readonly process: number | undefined
  /** The client's project folder: what relative local paths of the target are relative to. */
  readonly root: string | undefined
}

export function targetRequest(args: { readonly target?: unknown }): TargetRequest {
  const { target } = args
  if (typeof target !== 'object' || target === null) return { target, process: undefined, root: undefined }
  const { process, root, ...rest } = target as Record<string, unknown>
  return {
    target: typeof rest['name'] === 'string' && Object.keys(rest).length === 1 ? rest['name'] : rest,
    process: typeof process === 'number' ? process : undefined,
    root: typeof root === 'string' ? root : undefined,
  }
}

/**
 * Local paths of the configuration made absolute: against the client's own root where it says one, else against the
 * folder of the configuration file, as in every configuration file.
 */
export function absolutePaths(
  paths: readonly PathMapping[],
  root: string | undefined,
  configFile: string | undefined,
): PathMapping[] {
  const base = root ?? (configFile === undefined ? undefined : dirname(configFile))
  return paths.map(({ remote, local }) => ({
    remote,
    local: isAbsolute(local) || /^[a-zA-Z]:[\\/]/.test(local) ? local : joined(base, local),
  }))
}

function joined(base: string | undefined, local: string): string {
  if (base === undefined) return resolve(local)
  // A Windows client's root is joined in its own way: this daemon may run elsewhere.
  if (/^([a-zA-Z]:[\\/]|\\\\)/.test(base))
    return local === '.' ? base : `${base.replace(/[\\/]+$/, '')}\\${local.replace(/^\.\//, '')}`
  return resolve(base, local)
}
