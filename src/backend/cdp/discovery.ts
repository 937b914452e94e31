import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { dapError, type DapError } from '../../dap/errors.ts'
import { reasonOf } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import type { Address, Transport } from '../../transport/transport.ts'
import { HopError } from '../../transport/transport.ts'
import { Inspector } from './connection.ts'
import { parseTargets, parseVersion, type InspectorTarget, type InspectorVersion } from './wire.ts'

/** The list of a process is a few hundred bytes; of a browser some thousand. */
const answerMaxBytes = 1024 * 1024
/** An inspector answers from a thread of its own, also while the program is held or busy. */
const answeringMs = 8_000

export interface Discovered {
  readonly version: InspectorVersion
  readonly targets: readonly InspectorTarget[]
}

/** Opens a stream to the inspector's port. */
export type Dial = (signal: AbortSignal) => Promise<Duplex>

export function dialer(transport: Transport, address: Address): Dial {
  return (signal) => transport.dial(address, signal)
}

/** Asks an inspector who it is and what it has. Rejects with `notThisDebugger` where something else answers, or none. */
export async function discover(dial: Dial, where: string, signal: AbortSignal): Promise<Discovered> {
  const [version, list] = await Promise.all([
    get(dial, '/json/version', where, signal),
    get(dial, '/json/list', where, signal),
  ])
  const parsed = parseVersion(version)
  const targets = parseTargets(list)
  if (parsed === undefined || targets === undefined) throw notInspector(where, 'its answer to /json/version is another')
  return { version: parsed, targets }
}

/** The conversation with the process behind the port: `targets[0]`, of which Node has exactly one. */
export async function openInspector(
  dial: Dial,
  target: InspectorTarget,
  where: string,
  log: Log,
  signal: AbortSignal,
): Promise<Inspector> {
  const inspector = new Inspector(await dial(signal), target.path, where, log)
  await inspector.opened(signal)
  return inspector
}

export function notInspector(where: string, problem: string, cause?: unknown): DapError {
  const advice = "Check the port: Node says it as 'Debugger listening on ws://127.0.0.1:9229/…' (--inspect, SIGUSR1)."
  return dapError(
    'notThisDebugger',
    { where, protocol: "Node's inspector protocol", problem: problem.replace(/\.$/, ''), advice },
    cause === undefined ? {} : { cause },
  )
}

async function get(dial: Dial, path: string, where: string, outer: AbortSignal): Promise<string> {
  const stream = await dial(outer)
  // The way has limits of its own: only the answer is timed here.
  const signal = AbortSignal.any([outer, AbortSignal.timeout(answeringMs)])
  try {
    return await answerOf(stream, path, signal)
  } catch (error) {
    if (outer.aborted) throw reasonOf(outer)
    if (signal.aborted) throw notInspector(where, `it did not answer within ${answeringMs / 1000} s`)
    // The stream broke on the way: that is the way's failure, and not another debugger.
    if (error instanceof HopError) throw error
    throw notInspector(where, problemOf(error), error)
  } finally {
    stream.destroy()
  }
}

/** `http` words an early end as 'socket hang up'. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' ? 'it closed the connection before it answered' : error.message
}

function answerOf(stream: Duplex, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({
      path,
      // Node refuses a Host that is a name (DNS rebinding).
      headers: { host: '127.0.0.1', connection: 'close' },
      createConnection: () => stream as never,
      signal,
    })
    // The stream itself knows better how it ended.
    asked.once('error', (error) => reject(stream.errored instanceof HopError ? stream.errored : error))
    asked.once('response', (response) => {
      const parts: Buffer[] = []
      let length = 0
      response.on('data', (part: Buffer) => {
        length += part.length
        if (length > answerMaxBytes) return void asked.destroy(new Error('its answer is endless'))
        parts.push(part)
      })
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode } = response
        if (statusCode !== 200) return reject(new Error(`it answered ${path} with HTTP status ${statusCode}`))
        resolve(Buffer.concat(parts).toString())
      })
    })
    asked.end()
  })
}
