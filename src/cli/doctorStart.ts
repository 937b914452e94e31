import type { TargetConfig } from '../config/config.ts'
import { nobodyListens } from '../session/starting.ts'
import { sleep } from '../lib/abort.ts'
import { direct } from '../transport/direct.ts'
import { HopError, type Transport } from '../transport/transport.ts'
import type { Step } from './doctor.ts'

const opensWithinMs = 5_000
const retryMs = 100

export interface StartHops {
  readonly target: TargetConfig
  readonly transport: Transport
  /** What the configuration says of a closed port is done, and not only told. */
  readonly start: boolean
  readonly signal: AbortSignal
}

/** What the target's `start` does. */
export interface Opener {
  /** What attaching would do, as the end of a sentence: nothing is done. */
  would(way: Transport, signal: AbortSignal): Promise<string>
  /** Does it, and says what was done. */
  start(way: Transport, signal: AbortSignal): Promise<string>
}

/** What is told of a port that is closed, after doing what the target says about it where that is wanted. */
export async function closedPort(
  { target, transport, start: now, signal }: StartHops,
  closed: HopError,
  opener: Opener | undefined,
  howToOpen: string,
): Promise<Step> {
  const hop = 'port'
  const detail = `${closed.message} (at ${closed.hop})`
  if (opener === undefined) return { hop, outcome: 'failed', detail, advice: `${closed.advice}\n${howToOpen}`.trim() }
  // A command that is the stream runs nothing at its far end.
  const way = target.way.kind === 'command' ? direct() : transport
  try {
    if (now) return { hop, outcome: 'ok', detail: `${detail}; ${await opener.start(way, signal)}` }
    const advice = `Attaching would ${await opener.would(way, signal)}\n'breakwater doctor ${target.name} --start' does that now; the port then stays open until the program ends.`
    return { hop, outcome: 'warning', detail: `${detail}; the target says how to open it`, advice }
  } catch (error) {
    if (!(error instanceof HopError)) throw error
    const why = `${detail}, and start does not help: ${error.message}`
    return { hop, outcome: 'failed', detail: why, advice: error.advice }
  }
}

/** Asks until somebody listens. */
export async function opened<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const endMs = performance.now() + opensWithinMs
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (nobodyListens(error) === undefined || performance.now() > endMs) throw error
    }
    await sleep(retryMs, signal)
  }
}
