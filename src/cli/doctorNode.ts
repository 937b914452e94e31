import { probe } from '../backend/cdp/probe.ts'
import { findProcess, recipeText, start, type StartRecipe } from '../backend/cdp/start.ts'
import type { InspectorTarget } from '../backend/cdp/wire.ts'
import type { TargetConfig } from '../config/config.ts'
import { nobodyListens } from '../session/starting.ts'
import { sleep } from '../lib/abort.ts'
import { direct } from '../transport/direct.ts'
import { HopError, type Address, type Transport } from '../transport/transport.ts'
import type { Step } from './doctor.ts'
import { readAll } from './doctorPaths.ts'

const opensWithinMs = 5_000
const retryMs = 100
const maxTableBytes = 4 * 1024 * 1024

export interface NodeHops {
  readonly target: TargetConfig
  readonly transport: Transport
  readonly address: Address
  /** The address, for messages. */
  readonly where: string
  /** What the configuration says of a closed port is done, and not only told. */
  readonly start: boolean
  readonly signal: AbortSignal
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
    const { outcome, ...step } = await closedPort(hops, first)
    yield { hop: 'port', outcome, ...step }
    if (!hops.start || outcome !== 'ok') return undefined
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

async function closedPort(hops: NodeHops, closed: HopError): Promise<Omit<Step, 'hop'>> {
  const { target, transport } = hops
  const recipe = target.start
  const detail = `${closed.message} (at ${closed.hop})`
  if (recipe === undefined) return { outcome: 'failed', detail, advice: howToOpen(closed) }
  const way = target.way.kind === 'command' ? direct() : transport
  try {
    return await withRecipe(recipe, hops, way, detail)
  } catch (error) {
    if (!(error instanceof HopError)) throw error
    return { outcome: 'failed', detail: `${detail}, and start does not help: ${error.message}`, advice: error.advice }
  }
}

async function withRecipe(
  recipe: StartRecipe,
  { target, start: now, signal }: NodeHops,
  way: Transport,
  detail: string,
): Promise<Omit<Step, 'hop'>> {
  if (now) return { outcome: 'ok', detail: `${detail}; ${await start(recipe, way, signal)}` }
  const text =
    recipe.kind === 'command'
      ? `run: ${recipeText(recipe)}`
      : `send SIGUSR1 to process ${await findProcess(recipe, way, signal)}`
  const advice = `Attaching would ${text}\n'breakwater doctor ${target.name} --start' does that now; the port then stays open until the program ends.`
  return { outcome: 'warning', detail: `${detail}; the target says how to open it`, advice }
}

function howToOpen({ advice }: HopError): string {
  return `${advice}
A Node that runs opens its inspector on SIGUSR1, at 127.0.0.1:9229 or where --inspect-port says:
  kill -USR1 PID, as the program's user, on its machine; in a container: docker exec NAME kill -USR1 1
Breakwater does that itself where the target has start: { pidFile: /run/app.pid } (or pid, process, or a command).
A Node that starts has it with: node --inspect=127.0.0.1:9229`
}

async function opened<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endMs = performance.now() + opensWithinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (nobodyListens(error) === undefined || performance.now() > endMs) throw error
    }
    await sleep(retryMs, signal)
  }
}

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
