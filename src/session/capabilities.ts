import type { Backend, BackendKind } from '../backend/backend.ts'
import type { Capabilities } from '../dap/call.ts'
import { capabilityOf, type Command } from '../dap/protocol.ts'

/** Every switch a client may know, so that `capabilities` after `attach` can turn off what `initialize` had on. */
const switches = [...new Set(Object.values(capabilityOf))]

/** What we do ourselves for every backend. */
const own: Capabilities = { supportsConfigurationDoneRequest: true, supportsCancelRequest: true }

type Mask = (capabilities: Capabilities) => Capabilities

/**
 * What `initialize` declares, before the target is known: what the configured targets usually have together. A client
 * that ignores the `capabilities` event (dap-mode 0.7) keeps this set, and is refused what its target lacks.
 */
export function usualCapabilities(kinds: Iterable<{ kind: BackendKind; mask: Mask }>): Capabilities {
  const all: Record<string, unknown> = {}
  for (const { kind, mask } of kinds) {
    for (const [key, value] of Object.entries(mask(of(kind.usualCommands, kind.usualFeatures)))) {
      if (value !== false) all[key] ??= value
    }
  }
  return { ...all, ...own }
}

/** The exact set of an attached backend under its mode, each switch said on or off. */
export function exactCapabilities(backend: Backend, mask: Mask): Capabilities {
  const off = Object.fromEntries(switches.map((name) => [name, false]))
  return { ...off, ...mask(of(Object.keys(backend.handlers) as Command[], backend.features)), ...own }
}

function of(commands: readonly Command[], features: Capabilities): Capabilities {
  const names = commands.flatMap((command) => {
    const name = (capabilityOf as Partial<Record<Command, keyof Capabilities>>)[command]
    return name === undefined ? [] : [[name, true] as const]
  })
  return { ...Object.fromEntries(names), ...features }
}
