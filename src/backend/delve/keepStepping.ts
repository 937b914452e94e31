import type { Duplex } from 'node:stream'
import { abortable } from '../../lib/abort.ts'

/** What a session of Delve's own DAP side says, from its beginning to its end. */
const session = [
  ['initialize', { adapterID: 'go' }],
  ['attach', { mode: 'remote', stopOnEntry: true }],
  ['configurationDone', {}],
  ['disconnect', { terminateDebuggee: false }],
] as const

/** A stopped program answers in milliseconds. */
const limitMs = 5_000

/**
 * Over JSON-RPC a log point that is met in a step, and a halt in its midst, end the step; there is no request to change
 * that. A session of Delve's own DAP switches it on for all, at its `configurationDone` (1.20.2, 1.27.2:
 * `KeepSteppingBreakpoints`). So one is had and given up again, over a connection of its own: only while the program is
 * stopped, since it halts it, and only of a Delve that serves several clients, since it ends one that serves a single one.
 */
export async function keepStepping(stream: Duplex): Promise<void> {
  const messages = session.map(([command, args], index) => {
    const body = JSON.stringify({ seq: index + 1, type: 'request', command, arguments: args })
    return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  })
  // Nothing of it is read: it closes the connection when it is done.
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  stream.on('error', () => {})
  stream.resume()
  stream.once('end', () => stream.destroy())
  stream.write(messages.join(''))
  try {
    // To its end also where ours comes: what was said is read, and would halt a program that has been let go.
    await abortable(closed, AbortSignal.timeout(limitMs))
  } finally {
    stream.destroy()
  }
}
