import { dapError } from '../../dap/errors.ts'
import { sleep } from '../../lib/abort.ts'
import { addressText } from '../../transport/direct.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import { DelveConnection, DelveError, notDelve } from './connection.ts'
import type { Facts } from './parts.ts'
import type { Links } from './program.ts'
import { continuesWithinMs, firstAnswerMs } from './quirks.ts'
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
  const where = addressText(address)
  const dial = (): ReturnType<typeof transport.dial> => transport.dial(address, signal)
  const open = async (): Promise<DelveConnection> =>
    new DelveConnection(await dial(), { where, log, readOnly: guard.readOnly })
  const main = await open()
  try {
    const first = await greet(main, where, signal)
    const { multiclient } = first
    const control = multiclient ? await open() : main
    const state = multiclient && !first.state.Running ? await foundHeld(control, signal) : first.state
    return {
      links: { main, control, fresh: multiclient ? open : undefined, roundTripMs: first.roundTripMs },
      facts: { ...first.facts, wasRunning: state.Running },
      state: state.Running ? undefined : state,
      dial,
    }
  } catch (error) {
    await main.close()
    throw error
  }
}

/** A Delve that was started a moment ago with --continue has yet to do that, as a client of its own. */
async function foundHeld(control: DelveConnection, signal: AbortSignal): Promise<DebuggerState> {
  await sleep(continuesWithinMs, signal)
  const { State } = await control.ask('State', { NonBlocking: true }, { signal })
  return State
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

/** `Go cmd/compile go1.26.8` is `go1.26.8`; empty for a program without debug information, and for one that runs. */
export function goVersionIn(text = ''): string {
  return /\bgo\d\S*/.exec(text)?.[0] ?? ''
}

function greeted(error: unknown, where: string): unknown {
  if (!(error instanceof DelveError)) return error
  const exited = /^Process \d+ has exited with status/.test(error.message)
  if (exited) return dapError('programEnded', {}, { cause: error })
  if (error.method === 'SetApiVersion') return notDelve(where, `it refuses version 2 of its API (${error.message})`)
  return dapError('debuggerFailed', { message: `Delve at ${where} says: ${error.message}` }, { cause: error })
}
