import type { Address, Transport } from '../../transport/transport.ts'
import { addressText } from '../../transport/direct.ts'
import { dialer, discover } from './discovery.ts'
import type { InspectorTarget } from './wire.ts'

/** What is at that end of the way. */
export interface Probed {
  /** Node's version without its `v`; undefined where it does not tell. */
  readonly version: string | undefined
  /** What can be debugged there: of a Node one, itself. */
  readonly targets: readonly InspectorTarget[]
}

/**
 * Asks an inspector who it is, over HTTP only: no debugger is attached. Rejects with `notThisDebugger` where something
 * else answers, or nothing does, and with a HopError where there is no way.
 */
export async function probe(transport: Transport, address: Address, signal: AbortSignal): Promise<Probed> {
  const { version, targets } = await discover(dialer(transport, address), addressText(address), signal)
  return { version: /^node\.js\/v(.+)$/.exec(version.browser)?.[1], targets }
}
