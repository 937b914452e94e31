import { sleep } from '../lib/abort.ts'
import { HopError } from '../transport/transport.ts'

/** A debugger that was told to listen does so within milliseconds, if it does at all. */
const listensWithinMs = 5_000
const retryMs = 100

export interface Starting {
  /** Makes the debugger listen, and says what was done for that. */
  start(): Promise<string>
  /** Told once, when that was done. */
  started(how: string): void
  /** What to do where nothing listens all the same. */
  readonly advice: string
  readonly signal: AbortSignal
}

/** Attaches; where nothing listens, what the configuration says is done about it, once, and it is tried again. */
export async function attachStarting<T>(attach: () => Promise<T>, starting: Starting | undefined): Promise<T> {
  try {
    return await attach()
  } catch (error) {
    if (starting === undefined || !nobodyListens(error)) throw error
  }
  const { signal } = starting
  const how = await starting.start()
  starting.started(how)
  const endMs = performance.now() + listensWithinMs
  for (;;) {
    try {
      return await attach()
    } catch (error) {
      const failed = nobodyListens(error)
      if (failed === undefined) throw error
      if (performance.now() > endMs) throw stillClosed(failed, how, starting.advice)
    }
    await sleep(retryMs, signal)
  }
}

function stillClosed({ hop, code, message }: HopError, how: string, advice: string): HopError {
  return new HopError(hop, code, `${how}, and still: ${message}`, advice)
}

/** Some ways can only try: then a stream that fails at once is all that can be seen of a closed port. */
export function nobodyListens(error: unknown): HopError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (!(at instanceof HopError)) continue
    // With a cause, the command itself could not be started.
    return at.code === 'unreachable' || (at.code === 'command' && at.cause === undefined) ? at : undefined
  }
  return undefined
}
