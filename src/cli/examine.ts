import type { Config, TargetConfig } from '../config/config.ts'
import { resolveSshHost } from '../config/sshConfig.ts'
import { sshName } from '../config/values.ts'
import { DapError } from '../dap/errors.ts'
import type { Log } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import { Scope } from '../lib/scope.ts'
import { probe } from '../backend/debugpy/probe.ts'
import { checkSsh } from '../transport/check.ts'
import { command, streamCommand } from '../transport/command.ts'
import { addressText, direct } from '../transport/direct.ts'
import { SshPool } from '../transport/sshPool.ts'
import { HopError, type Address, type Transport } from '../transport/transport.ts'
import { openLog } from '../telemetry/log.ts'
import { readFile } from 'node:fs/promises'
import { sshConfigFiles } from './daemon.ts'
import { targetPlace } from './describe.ts'
import { examineDelve } from './doctorDelve.ts'
import { tryInspector } from './doctorNode.ts'
import { checkSources } from './doctorSources.ts'
import { checkPaths } from './doctorPaths.ts'
import type { Step } from './doctor.ts'
import type { Io } from './io.ts'

/** Ends at the first hop that fails: what lies behind it cannot be known. */
export async function* examine(
  target: TargetConfig,
  config: Config,
  io: Io,
  options: { readonly start: boolean },
): AsyncGenerator<Step, void> {
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
    const entering = (next: string): void => void (hop = next)
    const hops = { target, transport, log, signal, ...options }
    const project = { cwd: io.cwd, configFile: config.file }
    if (target.backend === 'node') {
      yield* examineNode({ ...hops, ...project }, entering)
      return
    }
    if (target.backend === 'delve') {
      yield* examineDelve({ ...hops, ...project, ...placeOf(target, transport) }, entering)
      return
    }
    yield* tryDebugger(hops, entering)
    hop = 'paths'
    yield* checkPaths(target, transport, io.cwd, signal)
  } catch (error) {
    if (!(error instanceof Stopped)) yield failure(hop, error)
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

/** A hop has failed and has been told: nothing behind it can be tried. */
class Stopped extends Error {}

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
  const sshHost = await resolveSshHost(sshName(way.destination), sshConfigFiles(io))
  const checks = checkSsh(sshHost, readFile, signal)
  for (let check = await checks.next(); !check.done; check = await checks.next()) {
    const { hop, what, outcome, detail, advice } = check.value
    if (what === 'lease' && target.leaseMs === undefined) continue
    // Each host on the way has its own steps: its name says which one this is.
    yield { hop: what, outcome, detail: `${hop}: ${detail}`, ...present({ advice: advice || undefined }) }
    if (outcome === 'failed') throw new Stopped()
  }
  const pool = scope.use(new SshPool({ files: { readFile } }))
  return scope.use(await pool.acquire(sshHost, signal))
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

/** A command that is the stream has no address of its own. */
const stream = { host: 'stream', port: 0 }

function placeOf({ address }: TargetConfig, transport: Transport): { address: Address; where: string } {
  return { address: address ?? stream, where: address === undefined ? transport.name : addressText(address) }
}

interface Hops {
  readonly target: TargetConfig
  readonly transport: Transport
  readonly log: Log
  readonly start: boolean
  readonly signal: AbortSignal
}

async function* examineNode(
  hops: Hops & { readonly cwd: string; readonly configFile: string | undefined },
  entering: (hop: string) => void,
): AsyncGenerator<Step, void> {
  const place = placeOf(hops.target, hops.transport)
  const program = yield* tryInspector({ ...hops, ...place }, entering)
  if (program !== undefined) yield* checkSources({ ...hops, ...place }, program, entering)
}

async function* tryDebugger(hops: Hops, entering: (hop: string) => void): AsyncGenerator<Step, void> {
  const { target, transport, log, signal } = hops
  const { address, where } = placeOf(target, transport)
  const dialed = await transport.dial(address, signal)
  // Some ways can only try: that nobody listens is then seen as the stream's error, by the debugger's hello.
  yield ok('port', `${where} is open`)
  entering('debugger')
  const { version } = await probe(dialed, where, log, signal)
  yield ok('debugger', `${target.backend} ${version ?? 'of unknown version'} answers`)
}

function failure(hop: string, error: unknown): Step {
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
