import type { BackendContext, BackendOptions } from '../backend.ts'
import { dapError } from '../../dap/errors.ts'
import { addressText } from '../../transport/direct.ts'
import type { Address } from '../../transport/transport.ts'
import type { CdpSession, Inspector } from './connection.ts'
import { dialer, discover, notInspector, openInspector } from './discovery.ts'
import { Processes } from './processes.ts'
import { silentMs } from './quirks.ts'
import { watchSilence } from './silence.ts'
import { Workers } from './workers.ts'

/** The way to one V8: the main thread of a process, or one of its workers. */
export interface Link {
  readonly inspector: Inspector
  /** What is debugged; for a worker a conversation inside the inspector's own. */
  readonly cdp: CdpSession
  readonly name: string
  readonly isWorker: boolean
  /** Of the process, on its machine; told by `Runtime.enable`, undefined where its inspector does not tell. */
  readonly pid: number | undefined
  readonly address: Address
  /** Its version, as `v20.20.2`. */
  readonly version: string
}

/**
 * `options.process` is one of the children that a session has offered: a worker's thread id, or the process id of a
 * child. Where both exist the worker is meant: process ids that small are those of a container's first processes.
 */
export async function connect(options: BackendOptions, context: BackendContext): Promise<Link> {
  const link = await connectMain(options.address, context)
  if (options.process === undefined) return link
  try {
    const worker = await workerOf(link, options.process, context)
    if (worker !== undefined) return worker
    const address = await childAddress(link, options.process, context)
    await link.inspector.close()
    if (address === undefined) throw dapError('programEnded', {})
    return await connectMain(address, context)
  } catch (error) {
    await link.inspector.close()
    throw error
  }
}

async function connectMain(address: Address, { transport, signal, log }: BackendContext): Promise<Link> {
  const where = addressText(address)
  const dial = dialer(transport, address)
  const { targets, version } = await discover(dial, where, signal)
  const [target] = targets
  if (target === undefined) throw notInspector(where, 'it has nothing to debug')
  const inspector = await openInspector(dial, target, where, log, signal)
  watchSilence(inspector, {
    afterMs: silentMs,
    answers: () => discover(dial, where, AbortSignal.timeout(silentMs)),
    log,
  })
  const { main } = inspector
  const link: Link & { pid: number | undefined } = {
    inspector,
    cdp: main,
    name: 'main',
    isWorker: false,
    pid: undefined,
    address,
    version: version.browser.replace(/^node\.js\//, ''),
  }
  main.on('Runtime.executionContextCreated', ({ context }) => {
    // `/usr/bin/node[4711]`; what is before it is the program's own to choose (`process.title`).
    const pid = /\[(\d+)\]$/.exec(context.name)?.[1]
    if (pid !== undefined) link.pid ??= Number(pid)
  })
  return link
}

async function workerOf(link: Link, id: number, { log, signal }: BackendContext): Promise<Link | undefined> {
  const workers = new Workers(link.inspector.main, log, () => {})
  await workers.enable(false, signal)
  const worker = workers.byId(id)
  return worker === undefined ? undefined : { ...link, cdp: worker.cdp, name: worker.name, isWorker: true }
}

/** Looked for anew: the session that offered it may be another daemon's, or over. */
async function childAddress(
  link: Link,
  pid: number,
  { transport, signal }: BackendContext,
): Promise<Address | undefined> {
  await link.inspector.main.request('Runtime.enable', undefined, signal)
  const processes = processesOf(link, { transport })
  if (processes === undefined) return undefined
  try {
    const child = (await processes.scan(signal)).find((found) => found.pid === pid)
    const host = 'host' in link.address ? link.address.host : '127.0.0.1'
    for (const port of child?.ports ?? []) {
      const address = { host, port }
      const isInspector = await discover(dialer(transport, address), addressText(address), signal).then(
        () => true,
        () => false,
      )
      if (isInspector) return address
    }
    return undefined
  } finally {
    processes.close()
  }
}

/** Undefined where the process is not known, or its inspector has no port. */
export function processesOf(link: Link, { transport }: Pick<BackendContext, 'transport'>): Processes | undefined {
  if (link.pid === undefined || link.isWorker || !('port' in link.address)) return undefined
  return new Processes(transport, link.pid, link.address.port)
}
