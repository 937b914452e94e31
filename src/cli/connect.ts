import { connect as connectSocket, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Config } from '../config/config.ts'
import { encodeFrame, FrameDecoder, streamWire, type Message } from '../dap/framing.ts'
import { deferred } from '../lib/deferred.ts'
import { didYouMean } from '../lib/nearest.ts'
import { openLog } from '../telemetry/log.ts'
import type { Command } from './args.ts'
import { CliError, exitCode, type ExitCode, type Io } from './io.ts'

export const connect: Command = {
  name: 'connect',
  operands: 'TARGET',
  minOperands: 1,
  maxOperands: 1,
  summary: 'speak DAP on stdin and stdout, for editors that start an adapter',
  details: `Uses the running daemon if there is one (over its unix socket), and else serves this one client by itself. Attach
arguments that name no target get TARGET.`,
  options: {},
  async run(args, { io, loadConfig }) {
    const target = args.positionals[0]!
    const config = await loadConfig()
    const daemon = config.listen.unix === undefined ? undefined : await dialDaemon(config.listen.unix)
    if (daemon !== undefined) return relay(daemon, target, io)
    if (!config.targets.has(target)) {
      const advice = didYouMean(target, [...config.targets.keys()], 'targets')
      throw new CliError(exitCode.usage, `there is no target '${target}'`, advice)
    }
    return serveStdio(config, target, io)
  },
}

/** The running daemon; undefined if there is none, or none of ours. */
function dialDaemon(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connectSocket(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

/** Passes everything on, and names the target in the attach request of a client that does not. */
function relay(daemon: Socket, target: string, io: Io): Promise<ExitCode> {
  const ended = deferred<ExitCode>()
  const decoder = new FrameDecoder((message) => void daemon.write(encodeFrame(withTarget(message, target, io.cwd))))
  daemon.removeAllListeners('error')
  daemon.on('error', (error) => {
    ended.reject(new CliError(exitCode.failed, `the connection to the daemon was lost: ${error.message}`))
  })
  daemon.on('close', () => ended.resolve(exitCode.ok))
  io.stdin.on('data', (chunk: Buffer) => {
    try {
      decoder.push(chunk)
    } catch (error) {
      daemon.destroy()
      ended.reject(new CliError(exitCode.failed, error instanceof Error ? error.message : String(error)))
    }
    if (daemon.writableNeedDrain) {
      io.stdin.pause()
      daemon.once('drain', () => io.stdin.resume())
    }
  })
  io.stdin.on('end', () => daemon.end())
  daemon.pipe(io.stdout, { end: false })
  return ended.promise
}

/** `root` is what relative local paths of the target start at: editors start an adapter in the project's folder. */
export function withTarget(message: Message, name: string, root: string): Message {
  const request = message as DebugProtocol.Request
  if (message.type !== 'request' || request.command !== 'attach') return message
  const args = (request.arguments ?? {}) as { target?: unknown }
  if (args.target !== undefined) return message
  return { ...request, arguments: { ...args, target: { name, root } } } as Message
}

/** No daemon runs: one session of our own, under the same policy and with the same audit. */
async function serveStdio(config: Config, target: string, io: Io): Promise<ExitCode> {
  const { openAudit, startSessions } = await daemonParts()
  // stdout is DAP's here, and editors show stderr as an error: only what matters goes there.
  const log = openLog(config.log.level === 'silent' ? 'silent' : 'warn', io.stderr)
  const auditTo = config.audit.kind === 'stdout' ? { kind: 'stream' as const, stream: io.stderr } : config.audit
  const audit = openAudit(auditTo)
  const { pool, sessions } = startSessions(config, io, log, audit)
  const wire = streamWire(Duplex.from({ readable: io.stdin, writable: io.stdout }), 'stdio')
  sessions.open(wire, { kind: 'stdio', peer: 'stdio', target, root: io.cwd })
  const stopped = deferred<undefined>()
  using _term = io.onSignal('SIGTERM', () => stopped.resolve(undefined))
  using _int = io.onSignal('SIGINT', () => stopped.resolve(undefined))
  using _hup = io.onSignal('SIGHUP', () => stopped.resolve(undefined))
  await Promise.race([wire.closed, stopped.promise])
  await sessions.drain('the adapter was stopped')
  await pool[Symbol.asyncDispose]()
  audit.close()
  return exitCode.ok
}

/** A function of its own: TypeScript 6.0.3 forgets to rewrite the `.ts` of an `import()` where there is a `using`. */
function daemonParts() {
  return import('./daemon.ts')
}
