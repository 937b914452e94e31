import { DapError, dapError } from '../../dap/errors.ts'
import { abortable } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import { runThere } from '../../transport/farProcess.ts'
import { HopError, type Transport } from '../../transport/transport.ts'
import type { DelveProgram, Links } from './program.ts'
import { beatMs, silentMs, unheededMs } from './quirks.ts'
import { lookRead } from './reads.ts'
import { isNoProcess } from './states.ts'

export interface PulseParts {
  readonly program: Pick<DelveProgram, 'stop' | 'halts'>
  readonly links: Links
  /** Which Delve, for errors: `ssh root@shop 127.0.0.1:2345`. */
  readonly where: string
  /** Whether the program is dead, as its machine says; rejects where that cannot be known. */
  readonly isDead: (signal: AbortSignal) => Promise<boolean>
  readonly note: (text: string) => void
  readonly log: Log
}

/**
 * What Delve does not tell is asked for, every few seconds:
 *
 * - **A program that was killed while it was held** (a liveness probe, a service manager): Delve does not notice, and says of
 *   everything that there is no such process (1.20.2, 1.27.2).
 * - **A program that was killed in the moment of a stop**: Delve waits for it for ever, tells that it runs, and answers
 *   no halt (6 of 150 that were killed over a breakpoint whose condition was false, 1.27.2; 1.20.2 too). Seen from its machine.
 * - **A Delve that is frozen**, or whose way is silent: only when a new connection is not answered either it is given up.
 *   One that is busy with a long request, or in 1.20.2 with a halt, is silent on one connection only.
 */
export class Pulse {
  readonly #own: PulseParts
  readonly #over = new AbortController()
  /** Since when the beat is owed. */
  #owedMs: number | undefined
  /** When a new connection was last answered. */
  #aliveMs = -Infinity
  #isAsking = false
  #isLooking = false
  #toldOf: number | undefined

  constructor(own: PulseParts) {
    this.#own = own
  }

  begin(): void {
    const timer = setInterval(() => this.#beat(), beatMs)
    timer.unref()
    this.#over.signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    const { main, control } = this.#own.links
    main.refused = (error) => {
      if (isNoProcess(error)) void this.#look()
    }
    void Promise.race([main.closed, control.closed]).then(() => this.end())
  }

  end(): void {
    this.#over.abort()
  }

  #beat(): void {
    const { program, links } = this.#own
    void this.#heed(program.halts.unheededSinceMs)
    if (this.#owedMs !== undefined) return void this.#listen(this.#owedMs)
    this.#owedMs = performance.now()
    const answer =
      // Without the lock, so that it is answered while the program runs.
      program.stop === undefined
        ? links.control.ask('IsMulticlient', {}, { limitMs: Infinity })
        : links.main.ask(...lookRead, { limitMs: Infinity })
    const answered = (): void => void (this.#owedMs = undefined)
    answer.then(answered, answered)
  }

  /** Delve has said that there is no such process. A thread that has just ended is none either: only twice it is so. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await this.#own.links.main.ask(...lookRead, { limitMs: Infinity })
    } catch (error) {
      if (isNoProcess(error)) this.#giveUp(dead(this.#own.where))
    } finally {
      this.#isLooking = false
    }
  }

  /** A beat is owed. */
  async #listen(owedMs: number): Promise<void> {
    const { links, program, where, log } = this.#own
    const silent = performance.now() - Math.max(owedMs, this.#aliveMs)
    if (this.#isAsking || silent < silentMs) return
    if (links.fresh === undefined) {
      // Whatever is asked of a held program keeps the only connection busy.
      if (program.stop === undefined && silent > 2 * silentMs) this.#giveUp(frozen(where, silent))
      return
    }
    this.#isAsking = true
    try {
      await this.#askAnew(links.fresh)
      this.#aliveMs = performance.now()
    } catch (error) {
      log.info({ err: error }, 'a Delve is silent')
      const isKnown = !(error instanceof HopError) || error.code === 'timeout' || error.code === 'unreachable'
      if (isKnown && this.#owedMs === owedMs) this.#giveUp(frozen(where, performance.now() - owedMs))
    } finally {
      this.#isAsking = false
    }
  }

  async #askAnew(fresh: NonNullable<Links['fresh']>): Promise<void> {
    const limit = AbortSignal.any([this.#over.signal, AbortSignal.timeout(silentMs)])
    const opening = fresh()
    try {
      const connection = await abortable(opening, limit)
      await connection.ask('IsMulticlient', {}, { signal: limit, limitMs: Infinity })
    } finally {
      opening.then(
        (connection) => connection.close(),
        () => {},
      )
    }
  }

  async #heed(sinceMs: number | undefined): Promise<void> {
    const { isDead, note, where, log } = this.#own
    if (sinceMs === undefined || sinceMs === this.#toldOf || performance.now() - sinceMs < unheededMs) return
    this.#toldOf = sinceMs
    try {
      if (await isDead(this.#over.signal)) return this.#giveUp(dead(where))
    } catch (error) {
      log.info({ err: error }, 'whether the program is dead could not be seen')
    }
    if (!this.#over.signal.aborted)
      note('Delve does not halt the program. Is it in a call of the kernel that does not end, or dead (ps)?')
  }

  #giveUp(error: Error): void {
    if (this.#over.signal.aborted) return
    this.end()
    this.#own.links.main.fail(error)
  }
}

export function dead(where: string): Error {
  const message = `The program behind Delve at ${where} is dead: it was killed while Delve held it, which Delve does not notice. End that dlv (kill -9), and start the program and a dlv for it again.`
  return new DapError('programEnded', message)
}

function frozen(where: string, silent: number): Error {
  const seconds = Math.round(silent / 1_000)
  const why = `Delve at ${where} has not answered for ${seconds} s, on a new connection neither. Is its process stopped (ps), or its machine`
  return dapError('debuggerGone', { why })
}

const script = [
  'IFS= read -r pid; test -r /proc/self/status || exit',
  '{ while read -r key state; do test "$key" != State: || echo "breakwater $state"; done; } 2>/dev/null </proc/$pid/status || echo breakwater gone',
].join('; ')

/** As its machine says; rejects where that cannot be asked. */
export async function isDeadThere(pid: number, transport: Transport, signal: AbortSignal): Promise<boolean> {
  const said = await runThere(['sh', '-c', script], `${pid}\n`, transport, signal)
  return /^breakwater (?:Z|X|gone)/m.test(said)
}
