import { DapError, dapError } from '../../dap/errors.ts'
import { sleep } from '../../lib/abort.ts'
import { addressText } from '../../transport/direct.ts'
import type { Address, Transport } from '../../transport/transport.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import { DelveConnection, DelveError, notDelve } from './connection.ts'
import { goVersionIn } from './goVersion.ts'
import type { Facts } from './parts.ts'
import type { Links } from './program.ts'
import { dead } from './pulse.ts'
import { continuesWithinMs, firstAnswerMs, freshMs, seenWithinMs } from './quirks.ts'
import { lookRead } from './reads.ts'
import { exitIn, isNoProcess } from './states.ts'
import type { DebuggerState } from './wire.ts'

/** What one Delve is, and the ways to it. */
export interface Connected {
  readonly links: Links
  readonly facts: Facts
  /** Undefined while the program runs. */
  readonly state: DebuggerState | undefined
  /** A stream of its own, for what is no JSON-RPC. */
  readonly dial: () => ReturnType<BackendContext['transport']['dial']>
}

/**
 * Connects and asks only what Delve answers while the program runs. Nothing is closed again before something is known: a
 * Delve that serves a single client is dead after its first.
 */
export async function connect(options: BackendOptions, context: BackendContext): Promise<Connected> {
  const { transport, signal, log, guard } = context
  const { address } = options
  let isDelve = false
  const where = placeOf(transport, address)
  const dial = (): ReturnType<typeof transport.dial> => transport.dial(address, signal)
  const open = async (by: AbortSignal): Promise<DelveConnection> =>
    new DelveConnection(await transport.dial(address, by), { where, log, readOnly: guard.readOnly, isDelve })
  const opened: DelveConnection[] = []
  const keep = (connection: DelveConnection): DelveConnection => {
    opened.push(connection)
    return connection
  }
  const main = keep(await open(signal))
  try {
    const first = await greet(main, where, signal)
    isDelve = true
    const { multiclient } = first
    const control = multiclient ? keep(await open(signal)) : main
    const state = multiclient && !first.state.Running ? await foundHeld(control, signal) : first.state
    if (!state.Running) await seenAlive(main, where, signal)
    // Not with the session's signal: its end is halted too.
    const fresh = (): Promise<DelveConnection> => open(AbortSignal.timeout(freshMs))
    return {
      links: { main, control, fresh: multiclient ? fresh : undefined, roundTripMs: first.roundTripMs },
      facts: { ...first.facts, wasRunning: state.Running, ...(await versionOf(main, first.facts, state, signal)) },
      state: state.Running ? undefined : state,
      dial,
    }
  } catch (error) {
    await Promise.all(opened.map((connection) => connection.close()))
    throw error
  }
}

/** Which Delve, with its hop, for errors: `127.0.0.1:2345`, `ssh root@shop 127.0.0.1:2345`. */
export function placeOf({ name }: Pick<Transport, 'name'>, address: Address): string {
  return name === 'direct' ? addressText(address) : `${name} ${addressText(address)}`
}

/**
 * Delve does not notice when a program is killed while it is held, and goes on to tell of its last stop. One that others
 * have let run meanwhile answers at its next stop only: that is not waited for.
 */
async function seenAlive(main: DelveConnection, where: string, signal: AbortSignal): Promise<void> {
  const given = new AbortController()
  const look = main.ask(...lookRead, { signal, limitMs: Infinity })
  try {
    await Promise.race([look, sleep(seenWithinMs, given.signal)])
  } catch (error) {
    if (isNoProcess(error)) throw dead(where)
    // In Delve's words: a program of which nothing has run yet has no stack.
    if (!(error instanceof DelveError)) throw error
  } finally {
    look.catch(() => {})
    given.abort()
  }
}

/** A Delve that was started a moment ago with --continue has yet to do that, as a client of its own. */
async function foundHeld(control: DelveConnection, signal: AbortSignal): Promise<DebuggerState> {
  await sleep(continuesWithinMs, signal)
  const { State } = await control.ask('State', { NonBlocking: true }, { signal })
  return State
}

/** It may have stopped between two questions: only of a stopped program Delve tells it. */
async function versionOf(
  main: DelveConnection,
  { targetGoVersion }: Facts,
  { Running }: DebuggerState,
  signal: AbortSignal,
): Promise<Pick<Facts, 'targetGoVersion'>> {
  if (Running || targetGoVersion !== '') return { targetGoVersion }
  const { TargetGoVersion } = await main.ask('GetVersion', {}, { signal })
  return { targetGoVersion: goVersionIn(TargetGoVersion) }
}

interface Greeting {
  readonly multiclient: boolean
  readonly state: DebuggerState
  readonly facts: Facts
  readonly roundTripMs: number
}

/** One flight. Also what asks a Delve for `doctor`. */
export async function greet(main: DelveConnection, where: string, signal: AbortSignal): Promise<Greeting> {
  const options = { signal, limitMs: firstAnswerMs }
  const startedMs = performance.now()
  try {
    // An old Delve serves version 1 until it is told; the newest has no other than 2.
    const set = main.ask('SetApiVersion', { APIVersion: 2 }, options)
    const version = main.ask('GetVersion', {}, options)
    const multi = main.ask('IsMulticlient', {}, options)
    const attached = main.ask('AttachedToExistingProcess', {}, options)
    const now = main.ask('State', { NonBlocking: true }, options)
    main.shun()
    const answers = Promise.all([version, multi, attached, now])
    answers.catch(() => {})
    await set
    const roundTripMs = performance.now() - startedMs
    const [{ DelveVersion, Backend, ...rest }, { IsMulticlient }, { Answer }, { State }] = await answers
    const { TargetGoVersion, MinSupportedVersionOfGo: min, MaxSupportedVersionOfGo: max } = rest
    const backend = Backend ?? ''
    const facts: Facts = {
      // `Version: 1.27.2\nBuild: …`
      version: /^Version: (\S+)/.exec(DelveVersion)?.[1] ?? DelveVersion,
      backend,
      targetGoVersion: goVersionIn(TargetGoVersion),
      goVersions: min === undefined || max === undefined ? undefined : { min, max },
      multiclient: IsMulticlient,
      attached: Answer,
      recorded: backend === 'rr',
      wasRunning: State.Running,
      pid: State.Pid === undefined || State.Pid === 0 ? undefined : State.Pid,
    }
    return { multiclient: IsMulticlient, state: State, facts, roundTripMs }
  } catch (error) {
    throw greeted(error, where)
  }
}

function greeted(error: unknown, where: string): unknown {
  if (!(error instanceof DelveError)) return error
  if (exitIn(error.message) !== undefined) {
    const message = `The program behind Delve at ${where} has ended (${error.message}). Start it again, and a dlv for it.`
    return new DapError('programEnded', message, { cause: error })
  }
  if (error.method === 'SetApiVersion') return notDelve(where, `it refuses version 2 of its API (${error.message})`)
  return dapError('debuggerFailed', { message: `Delve at ${where} says: ${error.message}` }, { cause: error })
}
