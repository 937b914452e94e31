import type { BackendKind } from '../backend/backend.ts'
import { nodeKind } from '../backend/cdp/backend.ts'
import * as node from '../backend/cdp/start.ts'
import { debugpyKind } from '../backend/debugpy/backend.ts'
import { delveKind } from '../backend/delve/backend.ts'
import * as delve from '../backend/delve/start.ts'
import type { BackendName, Config, Surroundings, TargetConfig, WayConfig } from '../config/config.ts'
import { adHocTarget } from '../config/resolve.ts'
import { sshName } from '../config/values.ts'
import { resolveSshHost, type SshConfigFiles } from '../config/sshConfig.ts'
import type { Capabilities } from '../dap/call.ts'
import { dapError } from '../dap/errors.ts'
import { nearest } from '../lib/nearest.ts'
import { capabilityMask } from '../policy/readOnly.ts'
import { command, streamCommand } from '../transport/command.ts'
import { direct } from '../transport/direct.ts'
import { leased } from '../transport/lease.ts'
import type { SshPool } from '../transport/sshPool.ts'
import type { Address, Transport } from '../transport/transport.ts'
import { usualCapabilities } from './capabilities.ts'
import type { Starter, Target } from './target.ts'

/** Every backend by the name it has in the configuration. */
const kinds: Readonly<Record<BackendName, BackendKind>> = {
  debugpy: debugpyKind,
  node: nodeKind,
  delve: delveKind,
}

/** The beats of a lease: three may be lost before it ends. */
const beatsPerLease = 4

/**
 * The streams to Delve that last as long as the session: its others are short, and would be sessions of sshd for nothing.
 * By these a halt that was under way could arrive after all was undone; and a Delve with a single client goes with it.
 */
const lastingStreams = 2

/**
 * The lease between this process and the watchdog beside it, for debuggers that need one: only a frozen daemon waits for
 * it, the end of a killed one is seen at once.
 */
const directLeaseMs = 10_000

export interface TargetParts {
  readonly pool: SshPool
  readonly sshConfig: SshConfigFiles
  readonly surroundings: Surroundings
}

/** The targets of the configuration, each put together by hand: backend, way and policy. */
export class Targets {
  readonly #parts: TargetParts
  #config: Config
  #usual: Capabilities | undefined

  constructor(config: Config, parts: TargetParts) {
    this.#config = config
    this.#parts = parts
  }

  reload(config: Config): void {
    this.#config = config
    this.#usual = undefined
  }

  usualCapabilities(): Capabilities {
    this.#usual ??= this.#computeUsual()
    return this.#usual
  }

  #computeUsual(): Capabilities {
    const { targets, adHoc } = this.#config
    const configured = [...targets.values()].map((target) => ({
      kind: kinds[target.backend],
      mask: capabilityMask(target.settings.mode),
    }))
    const described = adHoc ? Object.values(kinds).map((kind) => ({ kind, mask: capabilityMask('inspect') })) : []
    return usualCapabilities([...configured, ...described])
  }

  /** A name, or a description where the configuration allows it. */
  resolve(target: unknown): Target {
    const config = typeof target === 'string' ? this.#named(target) : this.#described(target)
    const { mode } = config.settings
    if (mode === 'observe') throw dapError('modeNotAvailable', { target: config.name, mode })
    return this.#target(config)
  }

  #named(name: string): TargetConfig {
    const { targets } = this.#config
    const target = targets.get(name)
    if (target !== undefined) return target
    const near = nearest(name, [...targets.keys()])
    const known =
      targets.size === 0 ? 'The configuration has no targets.' : `There are: ${[...targets.keys()].join(', ')}.`
    throw dapError('unknownTarget', {
      target: name,
      advice: near === undefined ? known : `Did you mean '${near}'? ${known}`,
    })
  }

  #described(target: unknown): TargetConfig {
    const { adHoc, targets } = this.#config
    const command = 'attach'
    if (target === undefined) {
      const names = [...targets.keys()]
      const example = JSON.stringify(names[0] ?? { backend: 'node', at: '127.0.0.1:9229' })
      const there = names.length > 1 ? ` (there are: ${names.join(', ')})` : ''
      throw dapError('badArguments', { command, problem: `name the program, "target": ${example}${there}` })
    }
    if (!adHoc) throw dapError('adHocRefused', { targets: [...targets.keys()].join(', ') || 'none' })
    try {
      return adHocTarget(target, this.#config, this.#parts.surroundings)
    } catch (error) {
      throw dapError('badArguments', { command, problem: (error as Error).message.replace(/\.$/, '') })
    }
  }

  #target(config: TargetConfig): Target {
    const { name, backend, policy, settings, listen, paths, options } = config
    const starter = starterOf(config)
    return {
      name,
      kind: kinds[backend],
      policy,
      settings,
      address: addressOf(config),
      listen,
      paths,
      options,
      open: (signal, note) => this.#open(config, signal, note),
      ...(starter === undefined ? {} : { starter }),
    }
  }

  async #open(config: TargetConfig, signal: AbortSignal, note: (s: string) => void): Promise<Transport> {
    const { way, backend } = config
    const transport = await this.#way(way, signal)
    const { needsWatch = false } = kinds[backend]
    const isDirect = way.kind === 'direct'
    const leaseMs = isDirect && needsWatch ? directLeaseMs : config.leaseMs
    if (leaseMs === undefined || way.kind === 'command' || (isDirect && !needsWatch)) return transport
    return leased(transport, {
      leaseMs,
      heartbeatMs: leaseMs / beatsPerLease,
      ...(needsWatch ? { relays: isDirect ? 0 : lastingStreams } : {}),
      onUnleased: (reason) => note(`No lease on ${transport.name}: ${reason}`),
    })
  }

  async #way(way: WayConfig, signal: AbortSignal): Promise<Transport> {
    switch (way.kind) {
      case 'direct':
        return direct()
      case 'via':
        return command(way.argv)
      case 'command':
        return streamCommand(way.argv)
      case 'ssh': {
        const name = sshName(way.destination)
        return this.#parts.pool.acquire(await resolveSshHost(name, this.#parts.sshConfig), signal)
      }
    }
  }
}

/** A command that is the stream has no address of its own. */
function addressOf({ address }: TargetConfig): Address {
  return address ?? { host: 'stream', port: 0 }
}

function starterOf(config: TargetConfig): Starter | undefined {
  const { start: recipe, way, backend } = config
  if (recipe === undefined) return undefined
  // A command that is the stream runs nothing at its far end: what opens the port is a command of this machine.
  const there = (transport: Transport): Transport => (way.kind === 'command' ? direct() : transport)
  if (backend === 'delve' && recipe.kind !== 'signal') {
    const advice = delve.stillClosedAdvice
    return { start: (way, signal) => delve.start(recipe, addressOf(config), there(way), signal), advice }
  }
  if (recipe.kind === 'attach') return undefined
  return { start: (way, signal) => node.start(recipe, there(way), signal), advice: node.stillClosedAdvice }
}
