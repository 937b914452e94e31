import { probe } from '../backend/cdp/probe.ts'
import { findProcess, recipeText, start } from '../backend/cdp/start.ts'
import type { InspectorTarget } from '../backend/cdp/wire.ts'
import type { TargetConfig } from '../config/config.ts'
import { nobodyListens } from '../session/starting.ts'
import { sleep } from '../lib/abort.ts'
import { HopError, type Address } from '../transport/transport.ts'
import type { Step } from './doctor.ts'
import { readAll } from './doctorPaths.ts'
import { closedPort, opened, type Opener, type StartHops } from './doctorStart.ts'

const maxTableBytes = 4 * 1024 * 1024

export interface NodeHops extends StartHops {
  readonly address: Address
  /** The address, for messages. */
  readonly where: string
}

/**
 * The inspector's port, opened where that is wanted, and who answers there: what can be debugged, if there is anything.
 * Rejects where a hop fails.
 */
export async function* tryInspector(
  hops: NodeHops,
  entering: (hop: string) => void,
): AsyncGenerator<Step, InspectorTarget | undefined> {
  const { transport, address, where, signal } = hops
  const ask = () => probe(transport, address, signal)
  const first = await ask().catch((error: unknown) => {
    const closed = nobodyListens(error)
    if (closed === undefined) throw error
    return closed
  })
  let found = first
  if (first instanceof HopError) {
    const step = await closedPort(hops, first, openerOf(hops.target), howToOpen)
    yield step
    if (!hops.start || step.outcome !== 'ok') return undefined
    found = await opened(ask, signal)
  }
  if (found instanceof HopError) throw found
  yield { hop: 'port', outcome: 'ok', detail: `${where} is open` }
  entering('debugger')
  const { version, targets } = found
  const [program] = targets
  const what = program === undefined ? 'nothing to debug' : `${program.title} (${program.url || program.type})`
  if (version === undefined || program?.type !== 'node') {
    const advice = "It speaks Node's protocol and is no Node: what works on it was not tried."
    yield { hop: 'debugger', outcome: 'warning', detail: `an inspector answers: ${what}`, advice }
  } else yield { hop: 'debugger', outcome: 'ok', detail: `Node ${version} answers: ${what}` }
  const others = await clientsAt(hops)
  if (others > 0) {
    const many = others === 1 ? 'another client is' : `${others} other clients are`
    const detail = `${many} connected to it, which may be a session of Breakwater too`
    const advice = 'Node lets several in: each sees the stops of all, and whoever continues does so for all.'
    yield { hop: 'debugger', outcome: 'warning', detail, advice }
  }
  return program
}

/** What the target's `start` would do about a closed inspector. */
function openerOf({ start: recipe }: TargetConfig): Opener | undefined {
  if (recipe === undefined || recipe.kind === 'attach') return undefined
  return {
    start: (way, signal) => start(recipe, way, signal),
    would: async (way, signal) =>
      recipe.kind === 'command'
        ? `run: ${recipeText(recipe)}`
        : `send SIGUSR1 to process ${await findProcess(recipe, way, signal)}`,
  }
}

const howToOpen = `A Node that runs opens its inspector on SIGUSR1, at 127.0.0.1:9229 or where --inspect-port says:
  kill -USR1 PID, as the program's user, on its machine; in a container: docker exec NAME kill -USR1 1
Breakwater does that itself where the target has start: { pidFile: /run/app.pid } (or pid, process, or a command).
A Node that starts has it with: node --inspect=127.0.0.1:9229`

/** How many hold a connection to the port, by the kernel's table; 0 where that cannot be read. */
async function clientsAt({ target, transport, address, signal }: NodeHops): Promise<number> {
  const here = 'host' in address && /^(127\.|localhost$|::1$)/.test(address.host)
  if (!here || target.way.kind === 'command') return 0
  try {
    const table = 'cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; exit 0'
    let least = Infinity
    // Our own have just been closed, which the other end may not know yet.
    for (let tries = 0; tries < 4 && least > 0; tries++) {
      if (tries > 0) await sleep(200, signal)
      const text = await readAll(await transport.exec(['sh', '-c', table], signal), maxTableBytes)
      least = Math.min(least, connectionsTo(text, address.port))
    }
    return least
  } catch (error) {
    // Nothing can be run there: that was told with the lease, and it is no fault of the debugger.
    if (error instanceof HopError) return 0
    throw error
  }
}

/** Established connections whose local end is that port, in the form of Linux's `/proc/net/tcp`. */
export function connectionsTo(table: string, port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return table.split('\n').filter((line) => new RegExp(`^\\s*\\d+: [0-9A-F]+:${wanted} [0-9A-F:]+ 01 `).test(line))
    .length
}
