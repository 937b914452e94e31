import type { Child } from '../backend/backend.ts'
import { abortable } from '../lib/abort.ts'
import type { AttachmentParts } from './attachment.ts'

/** A client that took the offer connects within this time; else the child is let go: nobody holds a program by neglect. */
const takenWithinMs = 10_000
/** A reverse request never waits longer: some clients never answer one (notes/clients.md, 15). */
const answeredWithinMs = 5_000

/**
 * A child process waits for a debugger. Clients that can are asked to open a session for it, through the same daemon,
 * target and policy. For others it runs on at once, and the console says how to attach to it.
 */
export async function offerChild(
  child: Child,
  parts: AttachmentParts,
  note: (sentence: string) => void,
): Promise<void> {
  const { client, door, host, target, signal, attachArguments } = parts
  const configuration = {
    name: child.name,
    // nvim-dap's child never configures itself without a type (seen); some parents send none (vimspector).
    type: typeof attachArguments['type'] === 'string' ? attachArguments['type'] : 'breakwater',
    request: 'attach',
    target: childTarget(attachArguments['target'] ?? target.name, child.process),
    ...(typeof attachArguments['token'] === 'string' ? { token: attachArguments['token'] } : {}),
    ...(door.port === undefined ? {} : { debugServer: door.port }),
  }
  // Over a unix socket nvim-dap can open no second session (seen), and over WebSocket nothing says where to connect.
  const canOffer = client.supportsStartDebuggingRequest === true && (door.port !== undefined || door.kind === 'stdio')
  const { token: _, ...shown } = configuration
  if (!canOffer) {
    await child.release()
    note(`Child process ${child.process} (${child.name}) runs on. To debug it, attach with ${JSON.stringify(shown)}`)
    return
  }
  const taken = host.childAwaited(target.name, child.process, takenWithinMs, signal)
  try {
    const offer = { request: 'attach', configuration } as const
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answeredWithinMs)])
    await abortable(parts.connection.request('startDebugging', offer, limit), limit)
  } catch (error) {
    parts.log.info({ err: error, process: child.process }, 'the client did not take the child process')
  }
  if (await taken) return
  await child.release()
  if (!signal.aborted) note(`Nobody attached to child process ${child.process} (${child.name}); it runs on.`)
}

function childTarget(target: unknown, process: number): object {
  return typeof target === 'object' && target !== null ? { ...target, process } : { name: target, process }
}
