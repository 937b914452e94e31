import type { Capabilities } from '../../dap/call.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import { addressText, Upstream, type Link } from './connection.ts'
import { waitForProgram } from './listening.ts'

export function connect(options: BackendOptions, context: BackendContext): Promise<Link> {
  return options.listen ? waitForProgram(options, context) : dialAdapter(options, context)
}

/** `python -m debugpy --listen`: one adapter serves the program and all its children on one port. */
async function dialAdapter(options: BackendOptions, context: BackendContext): Promise<Link> {
  const open = async (signal: AbortSignal): Promise<{ upstream: Upstream; capabilities: Capabilities }> => {
    const stream = await context.transport.dial(options.address, signal)
    const upstream = new Upstream(stream, addressText(options.address), context.log)
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
