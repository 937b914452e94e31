import type { Runtime } from 'node:inspector'
import type { BackendContext } from '../backend.ts'
import { dapError } from '../../dap/errors.ts'
import { abortable, sleep } from '../../lib/abort.ts'
import type { Link } from './connect.ts'
import type { CdpSession } from './connection.ts'
import type { Script, Stop } from './parts.ts'
import { enablingMs, exitCodeMs, exitCodeQuestion, leavingMs } from './quirks.ts'
import { Stepping, type SteppingOptions } from './stepping.ts'
import { DebugThread, type ThreadOwner } from './thread.ts'
import { Workers, type Worker } from './workers.ts'

export interface ProgramOwner extends ThreadOwner {
  readonly context: BackendContext
  readonly stepping: SteppingOptions
  /** Debug workers: as threads of this program, or offered to the client as sessions of their own. */
  readonly workers: 'threads' | 'offered' | 'no'
  /** Whether what the program says on its console is heard: see `losesPrograms` in quirks.ts. */
  hearsConsole(link: Link): boolean
  offerWorker(worker: Worker): void
  /** What else a thread needs before it may run, asked for in one flight behind `Debugger.enable`. */
  enable(thread: DebugThread): Promise<unknown>
  scriptAdded(script: Script, thread: DebugThread): void
  threadGone(thread: DebugThread): void
  /** The process ends, or has; its exit code is undefined where it cannot be known. Once, and not after `leave`. */
  ended(how: Error | { readonly exitCode: number | undefined }): void
}

const mainThread = 1

/** One process, from when its inspector has been reached until that is over. */
export class Program {
  readonly threads = new Map<number, DebugThread>()
  readonly link: Link
  readonly #owner: ProgramOwner
  readonly #workers: Workers | undefined
  /** V8 has repeated to us what happened before we came. */
  readonly #live = new WeakSet<DebugThread>()
  #mainContext: number | undefined
  #isConfigured = false
  #isOver = false

  constructor(link: Link, owner: ProgramOwner) {
    this.link = link
    this.#owner = owner
    const { inspector, cdp } = link
    inspector.main.on('NodeRuntime.waitingForDisconnect', () => void this.#exiting(inspector.main))
    void inspector.closed.then((error) => this.#over(error ?? dapError('programEnded', {})))
    if (link.isWorker) void cdp.closed.then(() => this.#workerEnded())
    else {
      cdp.on('Runtime.executionContextCreated', ({ context }) => {
        if ((context.auxData as { isDefault?: boolean } | undefined)?.isDefault === true)
          this.#mainContext ??= context.id
      })
      cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
        if (executionContextId === this.#mainContext) void this.#exiting(cdp)
      })
      if (owner.workers !== 'no') {
        this.#workers = new Workers(cdp, owner.context.log, (worker) => this.#workerCame(worker))
      }
    }
  }

  isLive(thread: DebugThread): boolean {
    return this.#live.has(thread)
  }

  /** In one flight: the answer to the last is behind everything that is loaded. */
  async attach(signal: AbortSignal): Promise<void> {
    const { inspector, cdp, name } = this.link
    const late = AbortSignal.timeout(enablingMs)
    const enabled = Promise.all([
      this.#add(mainThread, name, cdp),
      inspector.main.request('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }),
      this.#workers?.enable(true, signal),
    ])
    try {
      await abortable(enabled, AbortSignal.any([signal, late]))
    } catch (error) {
      if (signal.aborted || !late.aborted) throw error
      const why = `its inspector answers, but the program has not in ${enablingMs / 1000} s: it is held in something that is no JavaScript`
      throw dapError('debuggerGone', { why })
    }
  }

  /** Breakpoints are set: what waits for that may run. */
  configured(): void {
    this.#isConfigured = true
    for (const thread of this.threads.values()) this.#run(thread)
  }

  #run({ cdp }: DebugThread): void {
    cdp.send('Runtime.runIfWaitingForDebugger')
    cdp.mayIdle()
  }

  async #add(id: number, name: string, session: CdpSession): Promise<DebugThread> {
    const isWorker = this.link.isWorker || id !== mainThread
    const thread = new DebugThread(
      { id, name, session, isWorker },
      new Stepping(this.#owner.stepping),
      this.#owner,
      this.#owner.context.log,
    )
    const { cdp } = thread
    this.threads.set(id, thread)
    thread.scripts.onScript((script) => this.#owner.scriptAdded(script, thread))
    const runtime = cdp.request('Runtime.enable').then(() => this.#live.add(thread))
    // The contexts are known, and no more is wanted of it.
    const quiet = this.#owner.hearsConsole(this.link) ? undefined : cdp.request('Runtime.disable')
    await Promise.all([runtime, quiet, cdp.request('Debugger.enable', {}), this.#owner.enable(thread)])
    return thread
  }

  #workerCame(worker: Worker): void {
    const { context, workers } = this.#owner
    if (workers === 'offered') return this.#owner.offerWorker(worker)
    const id = mainThread + worker.id
    void worker.cdp.closed.then(() => this.#remove(id))
    this.#add(id, worker.name, worker.cdp).then(
      (thread) => this.#isConfigured && this.#run(thread),
      (error: unknown) => {
        // It has ended already; or else nobody may wait for us.
        context.log.debug({ err: error, worker: worker.id }, 'a worker is not debugged')
        worker.cdp.send('Runtime.runIfWaitingForDebugger')
      },
    )
    context.emit('thread', { reason: 'started', threadId: id })
  }

  #remove(id: number): void {
    const thread = this.threads.get(id)
    if (thread === undefined) return
    this.threads.delete(id)
    thread.scripts.clear()
    this.#owner.threadGone(thread)
  }

  /** The program is held by its inspector until we have gone, so there is one question, and not a long one. */
  async #exiting(cdp: CdpSession): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    const { inspector } = this.link
    const asked = cdp.request<{ readonly result: Runtime.RemoteObject }>('Runtime.evaluate', exitCodeQuestion).then(
      ({ result }) => (typeof result.value === 'number' ? result.value : undefined),
      // It is gone, as it wanted.
      () => undefined,
    )
    // Together in one flight the leave would overtake the answer: Node's inspector hangs up on a thread of its own.
    const exitCode = await Promise.race([asked, sleep(exitCodeMs).then(() => undefined)])
    await inspector.close()
    this.#owner.ended({ exitCode })
  }

  #workerEnded(): void {
    if (this.#isOver) return
    this.#over(dapError('programEnded', {}))
    void this.link.inspector.close()
  }

  #over(how: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.ended(how)
  }

  /** Everything of a process that has gone. */
  clear(): void {
    for (const id of this.threads.keys()) this.#remove(id)
  }

  /**
   * Takes everything out and lets the program run, in one flight, and closes the connection, which does the same once
   * more. `work` is what the other parts have in the program.
   */
  async leave(work: () => Promise<unknown>[], isOurs: (stop: Stop) => boolean): Promise<void> {
    const wasOver = this.#isOver
    this.#isOver = true
    if (!wasOver) {
      const late = new AbortController()
      this.#workers?.releaseAll()
      const flight = work()
      for (const { cdp, stop } of this.threads.values()) {
        // Before it runs: a connection that ends while V8 tells it of a console.log crashes the program (Node 20: a
        // SIGSEGV in consoleAPICalled, seen in 1 of 30 ends right after a resume).
        flight.push(cdp.request('Runtime.disable'))
        if (stop !== undefined && isOurs(stop)) flight.push(cdp.request('Debugger.resume'))
        flight.push(cdp.request('Debugger.disable'))
      }
      const timer = sleep(leavingMs, late.signal).catch(() => {})
      await Promise.race([Promise.allSettled(flight), timer, this.link.inspector.closed])
      late.abort()
    }
    await this.link.inspector.close()
  }
}
