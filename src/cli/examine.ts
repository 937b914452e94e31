import type { Config, TargetConfig } from '../config/config.ts'
import { resolveSshHost } from '../config/sshConfig.ts'
import { DapError } from '../dap/errors.ts'
import type { Log } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import { Scope } from '../lib/scope.ts'
import { probe } from '../backend/debugpy/probe.ts'
import { command, streamCommand } from '../transport/command.ts'
import { addressText, direct } from '../transport/direct.ts'
import { SshPool } from '../transport/sshPool.ts'
import type { SshHost } from '../transport/sshHost.ts'
import { HopError, type HopCode, type Transport } from '../transport/transport.ts'
import { openLog } from '../telemetry/log.ts'
import { readFile } from 'node:fs/promises'
import { sshConfigFiles } from './daemon.ts'
import { targetPlace } from './describe.ts'
import { checkPaths } from './doctorPaths.ts'
import type { Step } from './doctor.ts'
import type { Io } from './io.ts'

/** The debuggers' own hello, by the backend's name. */
const probes = { debugpy: probe } as const

/** Ends at the first hop that fails: what lies behind it cannot be known. */
export async function* examine(target: TargetConfig, config: Config, io: Io): AsyncGenerator<Step, void> {
  const scope = new Scope()
  const log = openLog('silent', io.stderr)
  // One budget for the whole way, as an attach would have it.
  const signal = AbortSignal.timeout(target.settings.time.connectMs * 2)
  let hop = 'config'
  try {
    const { at, through } = targetPlace(target)
    const way = through === '-' ? '' : ` through ${through}`
    yield ok(
      'config',
      `${target.backend} at ${at}${way}, policy ${target.policy}, from ${config.file ?? 'the defaults'}`,
    )
    if (target.settings.mode === 'observe') yield notYet(target)
    hop = target.way.kind === 'ssh' ? 'ssh config' : 'port'
    const transport = yield* reach(target, io, scope, signal)
    hop = 'port'
    if (target.listen) {
      yield await tryListening(target, transport, signal)
      return
    }
    yield* tryDebugger(target, transport, log, signal, (next) => (hop = next))
    hop = 'paths'
    yield* checkPaths(target, transport, io.cwd, signal)
  } catch (error) {
    yield failure(hop, error)
  } finally {
    await scope[Symbol.asyncDispose]()
  }
}

function ok(hop: string, detail: string): Step {
  return { hop, outcome: 'ok', detail }
}

function notYet({ policy }: TargetConfig): Step {
  const advice = 'Attaching will be refused: use a policy with the mode inspect or control.'
  return {
    hop: 'policy',
    outcome: 'warning',
    detail: `'${policy}' has the mode observe, which this version has not yet`,
    advice,
  }
}

/** The steps of a login, in their order: the one that failed tells how far it came. */
const sshSteps = ['machine', 'host key', 'ssh key'] as const
const failedAt: Partial<Record<HopCode, (typeof sshSteps)[number]>> = { hostKey: 'host key', auth: 'ssh key' }

async function* reach(
  target: TargetConfig,
  io: Io,
  scope: Scope,
  signal: AbortSignal,
): AsyncGenerator<Step, Transport> {
  const { way } = target
  if (way.kind === 'direct') return scope.use(direct())
  if (way.kind === 'via') return scope.use(command(way.argv))
  if (way.kind === 'command') return scope.use(streamCommand(way.argv))
  const { user, host, port } = way.destination
  const name = `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`
  const sshHost = await resolveSshHost(name, sshConfigFiles(io))
  yield ok('ssh config', `${name} is ${wayText(sshHost)}`)
  for (const warning of sshHost.warnings) yield { hop: 'ssh config', outcome: 'warning', detail: warning }
  const pool = scope.use(new SshPool({ files: { readFile } }))
  try {
    const transport = scope.use(await pool.acquire(sshHost, signal))
    for (const step of sshSteps)
      yield ok(step, { machine: 'answers', 'host key': 'is known', 'ssh key': 'is accepted' }[step])
    return transport
  } catch (error) {
    const failed = (error instanceof HopError ? failedAt[error.code] : undefined) ?? 'machine'
    for (const step of sshSteps.slice(0, sshSteps.indexOf(failed)))
      yield ok(step, step === 'machine' ? 'answers' : 'is known')
    throw new FailedHop(failed, error)
  }
}

/** The host and those on the way to it, nearest first. */
function wayText({ user, hostName, port, via }: SshHost): string {
  const here = `${user}@${hostName}:${port}`
  return via === undefined ? here : `${here}, by way of ${wayText(via)}`
}

/** An error with the hop that it belongs to, where that is known better inside. */
class FailedHop extends Error {
  readonly hop: string

  constructor(hop: string, cause: unknown) {
    super(hop, { cause })
    this.hop = hop
  }
}

async function tryListening({ address }: TargetConfig, transport: Transport, signal: AbortSignal): Promise<Step> {
  if (address === undefined || 'path' in address) return ok('port', 'is not tried')
  const listener = await transport.listen(address, signal)
  await listener[Symbol.asyncDispose]()
  return ok(
    'port',
    `${addressText({ host: address.host, port: listener.port })} can be listened at; the program connects to it`,
  )
}

async function* tryDebugger(
  target: TargetConfig,
  transport: Transport,
  log: Log,
  signal: AbortSignal,
  entering: (hop: string) => void,
): AsyncGenerator<Step, void> {
  const address = target.address ?? { host: 'stream', port: 0 }
  const where = target.address === undefined ? transport.name : addressText(address)
  const stream = await transport.dial(address, signal)
  // Some ways can only try: that nobody listens is then seen as the stream's error, by the debugger's hello.
  yield ok('port', `${where} is open`)
  entering('debugger')
  const { version } = await probes[target.backend](stream, where, log, signal)
  yield ok('debugger', `${target.backend} ${version ?? 'of unknown version'} answers`)
}

function failure(hop: string, error: unknown): Step {
  if (error instanceof FailedHop) return failure(error.hop, error.cause)
  if (error instanceof HopError) {
    return {
      hop,
      outcome: 'failed',
      detail: `${error.message} (at ${error.hop})`,
      ...present({ advice: error.advice || undefined }),
    }
  }
  if (error instanceof DapError) return { hop, outcome: 'failed', detail: error.message }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return {
      hop,
      outcome: 'failed',
      detail: 'no answer in time',
      advice: 'Look whether a firewall drops packets on the way.',
    }
  }
  throw error
}
