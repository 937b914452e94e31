import type { Duplex } from 'node:stream'
import { sleep } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import { greet } from './connect.ts'
import { DelveConnection } from './connection.ts'
import { goVersionOf, goVersionRead } from './goVersion.ts'
import type { Facts } from './parts.ts'
import { modinfoRead, SourcePaths } from './paths.ts'
import { parseModinfo, type BuildInfo } from './pathGuess.ts'
import type { DebuggerState } from './wire.ts'

const lookEveryMs = 20
const looksMax = 100

/** What the program was built from. */
export interface Built {
  readonly sources: readonly string[]
  readonly build: BuildInfo
  /** `go1.26.8`; empty without debug information, undefined where it could not be read. */
  readonly goVersion: string | undefined
  readonly pid: number
  /** Guesses like a session does; notes go nowhere. */
  readonly paths: SourcePaths
}

/** A Delve that is known to serve several clients, asked as one more of them. Nothing is set in it. */
export class DelveProbe {
  readonly facts: Facts
  #state: DebuggerState
  readonly #link: DelveConnection
  readonly #signal: AbortSignal

  private constructor(link: DelveConnection, greeted: Awaited<ReturnType<typeof greet>>, signal: AbortSignal) {
    this.#link = link
    this.#signal = signal
    this.facts = greeted.facts
    this.#state = greeted.state
  }

  get state(): DebuggerState {
    return this.#state
  }

  /** Asks only what is answered while the program runs. Rejects with `notThisDebugger` where something else answers. */
  static async open(stream: Duplex, where: string, log: Log, signal: AbortSignal): Promise<DelveProbe> {
    const link = new DelveConnection(stream, { where, log, readOnly: true })
    try {
      return new DelveProbe(link, await greet(link, where, signal), signal)
    } catch (error) {
      await link.close()
      throw error
    }
  }

  /** One that was started with --continue listens before it runs its program, and what is asked then waits for a stop. */
  async continued(): Promise<void> {
    if (!this.#state.Running && !this.#state.exited) this.#state = await this.#seenRunning()
  }

  /**
   * What Delve tells of a stopped program only: one that runs is held for some milliseconds, by a halt, the questions
   * and a continue that leave together, and is then seen running again. Never beside another client, whose stop it would be.
   */
  async built(): Promise<Built> {
    const link = this.#link
    const options = { signal: this.#signal }
    const ran = this.#state.Running
    if (ran) link.ask('Command', { name: 'halt' }, options).catch(() => {})
    const asked = Promise.all([
      link.ask('ListSources', { Filter: '' }, options),
      link.ask('Eval', modinfoRead, options).then(
        ({ Variable }) => parseModinfo(Variable?.value ?? ''),
        (): BuildInfo => ({}),
      ),
      goVersionOf(link.ask(...goVersionRead, options)),
      link.ask('ProcessPid', {}, options),
    ])
    asked.catch(() => {})
    // It is answered at the next stop, which is not waited for.
    if (ran) link.ask('Command', { name: 'continue' }, { limitMs: Infinity }).catch(() => {})
    const [{ Sources }, build, goVersion, { Pid }] = await asked
    if (ran) await this.#seenRunning()
    const sources = Sources ?? []
    const paths = new SourcePaths({
      sources: () => Promise.resolve(sources),
      build: () => Promise.resolve(build),
      note: () => {},
    })
    return { sources, build, goVersion, pid: Pid, paths }
  }

  async #seenRunning(): Promise<DebuggerState> {
    for (let look = 1; ; look++) {
      const { State } = await this.#link.ask('State', { NonBlocking: true }, { signal: this.#signal })
      if (State.Running || State.exited || look === looksMax) return State
      await sleep(lookEveryMs, this.#signal)
    }
  }

  async close(): Promise<void> {
    await this.#link.close()
  }
}
