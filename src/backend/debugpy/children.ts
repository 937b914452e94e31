import type { DebugProtocol } from '@vscode/debugprotocol'
import type { BackendContext } from '../backend.ts'
import { reasonOf } from '../../lib/abort.ts'
import { deferred } from '../../lib/deferred.ts'
import type { OpenChild, Upstream } from './connection.ts'
import { attachArguments } from './quirks.ts'

/** How long one child may take to be let go: it is a dial and five round trips. All are let go at once. */
const releaseMs = 4_000

/**
 * Child processes. While a session is attached, each of them (subprocess, multiprocessing, os.fork) waits before its
 * first line until somebody attaches to it, and goes on waiting when the parent's session ends (both versions).
 */
export class Children {
  readonly #open: OpenChild
  readonly #context: BackendContext
  readonly #waiting = new Map<number, () => Promise<void>>()

  constructor(open: OpenChild, context: BackendContext) {
    this.#open = open
    this.#context = context
  }

  /** A child waits. debugpy announces one again to a session that comes later. */
  announce(process: number): void {
    if (this.#waiting.has(process)) return
    let released: Promise<void> | undefined
    const release = (): Promise<void> => {
      released ??= this.#release(process).finally(() => this.#waiting.delete(process))
      return released
    }
    this.#waiting.set(process, release)
    this.#context.child({ name: `Process ${process}`, process, release })
  }

  /** None may be left waiting by the end of the session. One that another session has taken refuses, and is left. */
  async releaseAll(): Promise<void> {
    await Promise.allSettled([...this.#waiting.values()].map((release) => release()))
  }

  async #release(process: number): Promise<void> {
    // Not the session's signal: this is done when the session has ended.
    const signal = AbortSignal.timeout(releaseMs)
    let upstream: Upstream | undefined
    try {
      upstream = await this.#open(process, signal)
      await letGo(upstream, process, signal)
    } catch (error) {
      // Already debugged by its own session, or gone: then it does not wait. Anything else is worth a line.
      this.#context.log.debug({ err: error, process }, 'a child process was not let go')
    } finally {
      upstream?.close()
    }
  }
}

/** Attaches and leaves, so that the child runs on without a debugger. */
async function letGo(upstream: Upstream, process: number, signal: AbortSignal): Promise<void> {
  const ready = deferred<boolean>()
  upstream.onEvent((event) => {
    if (event === 'initialized') ready.resolve(true)
    // There is no such child any more; a `configurationDone` would now end the adapter (both versions).
    else if (event === 'terminated') ready.resolve(false)
  })
  const attached = upstream.request('attach', attachArguments({}, true, process), signal)
  attached.catch((error: Error) => ready.reject(error))
  signal.addEventListener('abort', () => ready.reject(reasonOf(signal)), { once: true })
  if (!(await ready.promise)) return
  // All three in one flight: each is a round trip while the child waits.
  await Promise.all([
    upstream.request('configurationDone', {}, signal),
    attached,
    upstream.request('disconnect', { terminateDebuggee: false } satisfies DebugProtocol.DisconnectArguments, signal),
  ])
}
