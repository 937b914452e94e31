import type { Capabilities } from '../../dap/call.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import { sleep } from '../../lib/abort.ts'
import { settleMs } from './quirks.ts'
import { addressText } from '../../transport/direct.ts'
import { Upstream, type Link } from './connection.ts'
import { waitForProgram } from './listening.ts'

export function connect(options: BackendOptions, context: BackendContext): Promise<Link> {
  return options.listen ? waitForProgram(options, context) : dialAdapter(options, context)
}

/** `python -m debugpy --listen`: one adapter serves the program and all its children on one port. */
async function dialAdapter(options: BackendOptions, context: BackendContext): Promise<Link> {
  const key = `${context.transport.name} ${addressText(options.address)}`
  const open = async (signal: AbortSignal): Promise<{ upstream: Upstream; capabilities: Capabilities }> => {
    await settled(key, signal)
    const stream = await context.transport.dial(options.address, signal)
    const upstream = new Upstream(stream, addressText(options.address), context.log)
    void upstream.closed.then(() => note(key))
    return { upstream, capabilities: await upstream.initialize(options.client, true, signal) }
  }
  const { upstream, capabilities } = await open(context.signal)
  return {
    upstream,
    capabilities,
    process: options.process,
    openChild: async (_, signal) => (await open(signal)).upstream,
    onChild() {},
    end: () => Promise.resolve(),
  }
}

/** When the last conversation with an adapter closed; shared by all sessions, because the adapter is. See settleMs. */
const closedAt = new Map<string, number>()

function note(key: string): void {
  closedAt.set(key, performance.now())
  // The latest are all that matter; a daemon that serves many programs must not keep each.
  if (closedAt.size > 1_000) for (const oldest of closedAt.keys()) return void closedAt.delete(oldest)
}

async function settled(key: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const waitMs = (closedAt.get(key) ?? -Infinity) + settleMs - performance.now()
    if (waitMs <= 0) return
    await sleep(waitMs, signal)
  }
}
