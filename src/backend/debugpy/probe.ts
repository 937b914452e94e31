import type { Duplex } from 'node:stream'
import type { Log } from '../../lib/log.ts'
import { Upstream } from './connection.ts'

/** What is at that end of the stream. */
export interface Probed {
  /** The debugger's version; undefined when it does not tell. */
  readonly version: string | undefined
}

/**
 * Asks a debugpy who it is, and leaves. It only says hello: an `attach` would take the place of the one session there
 * can be, and a `configurationDone` without one ends debugpy's adapter (notes/debugpy.md, finding 4). Rejects with
 * `notThisDebugger` where something else answers, or nothing does.
 */
export async function probe(stream: Duplex, where: string, log: Log, signal: AbortSignal): Promise<Probed> {
  const upstream = new Upstream(stream, where, log)
  await upstream.initialize({ adapterID: 'debugpy' }, true, signal)
  upstream.close()
  await upstream.closed
  return { version: upstream.version }
}
