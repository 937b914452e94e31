import type { Debugger } from 'node:inspector'
import type { Log } from '../../lib/log.ts'
import type { CdpSession } from './connection.ts'
import { DebuggerDomain } from './debuggerDomain.ts'
import type { Frame, Script, Stop, Thread } from './parts.ts'
import { Scripts } from './scripts.ts'
import type { Stepping } from './stepping.ts'

/** Who is told what a thread does. */
export interface ThreadOwner {
  nextId(): number
  /** In the turn in which the event came. */
  paused(stop: Stop): void
  /** It runs, and its frames and values are void; `asked` if it was us who let it. */
  resumed(thread: DebugThread, asked: boolean): void
  scriptRemoved(script: Script): void
}

/** What lets a thread run. */
export type Run = 'resume' | 'stepOver' | 'stepInto' | 'stepOut'

const runOf: Readonly<Record<'next' | 'stepIn' | 'stepOut', Run>> = {
  next: 'stepOver',
  stepIn: 'stepInto',
  stepOut: 'stepOut',
}

export interface ThreadFacts {
  readonly id: number
  readonly name: string
  readonly session: CdpSession
  readonly isWorker: boolean
}

/** One V8 of the program, and whether it is stopped. */
export class DebugThread implements Thread {
  readonly id: number
  readonly name: string
  readonly cdp: DebuggerDomain
  /** No main thread of a process. */
  readonly isWorker: boolean
  readonly scripts: Scripts
  readonly stepping: Stepping
  readonly #owner: ThreadOwner
  #stop: Stop | undefined
  /** Ways to run that were asked for and that V8 has not confirmed. */
  #confirming = 0
  #isPauseKept = false
  #isGone = false
  /** The client knows that it is stopped. */
  isShown = false

  constructor({ id, name, session, isWorker }: ThreadFacts, stepping: Stepping, owner: ThreadOwner, log: Log) {
    this.id = id
    this.name = name
    const cdp = (this.cdp = new DebuggerDomain(session, () => this.scripts.all, log))
    this.isWorker = isWorker
    this.stepping = stepping
    this.#owner = owner
    this.scripts = new Scripts(cdp, (script) => owner.scriptRemoved(script))
    void cdp.closed.then(() => (this.#isGone = true))
    cdp.on('Debugger.paused', (event) => this.#onPaused(event))
    cdp.on('Debugger.resumed', () => this.#onResumed())
    cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      this.scripts.contextDestroyed(executionContextId)
    })
  }

  get stop(): Stop | undefined {
    return this.#stop
  }

  /** A step of the client's; nothing where the thread runs. */
  step(asked: 'next' | 'stepIn' | 'stepOut', target?: Debugger.Location): void {
    const stop = this.#stop
    if (stop === undefined) return
    this.stepping.begin(asked, stop, target)
    this.run(runOf[asked])
  }

  /** The client is told of the stop, and no step or pause is under way any more. */
  show(): void {
    this.stepping.end()
    this.#isPauseKept = false
    this.isShown = true
  }

  continue(): void {
    this.stepping.end()
    this.run('resume')
  }

  /** At the next statement that it runs; a thread that is idle has none. */
  async pause(signal: AbortSignal): Promise<void> {
    if (this.isShown) return
    this.stepping.begin('pause')
    // V8 takes no notice of a pause while it is stopped, be it for a moment: it is asked for when it runs (20, 24).
    this.#isPauseKept = !this.#isGone && (this.#stop !== undefined || this.#confirming > 0)
    if (this.#isPauseKept) return
    await this.cdp.request('Debugger.pause', undefined, signal)
  }

  /** Rejects with CdpError where V8 cannot, and all is as before. */
  async restart({ stop, callFrame }: Frame, signal: AbortSignal): Promise<void> {
    this.stepping.begin('restart', stop)
    this.#confirming += 1
    const params = { callFrameId: callFrame.callFrameId, mode: 'StepInto' }
    try {
      await this.cdp.request('Debugger.restartFrame', params, signal)
    } catch (error) {
      this.#confirming = Math.max(0, this.#confirming - 1)
      this.stepping.end()
      throw error
    }
  }

  /**
   * Lets a stopped thread run. Nobody waits for V8's answer: a step is answered before its stop, and the frames are void
   * from now on.
   */
  run(how: Run): void {
    if (this.#stop === undefined) return
    this.#stop = undefined
    this.isShown = false
    this.#confirming += 1
    this.cdp.send(`Debugger.${how}`)
    this.#owner.resumed(this, true)
  }

  #onPaused(event: Debugger.PausedEventDataType): void {
    this.#confirming = 0
    this.#isPauseKept = false
    const frames: Frame[] = []
    const stop: Stop = { thread: this, event, frames }
    for (const [index, callFrame] of event.callFrames.entries()) {
      frames.push({ id: this.#owner.nextId(), stop, index, callFrame })
    }
    this.#stop = stop
    this.#owner.paused(stop)
  }

  #onResumed(): void {
    const asked = this.#confirming > 0
    if (asked) this.#confirming -= 1
    if (this.#isPauseKept && this.#confirming === 0) {
      this.#isPauseKept = false
      this.cdp.send('Debugger.pause')
    }
    if (this.#stop === undefined) return
    this.#stop = undefined
    if (!asked) this.stepping.end()
    this.#owner.resumed(this, asked)
    this.isShown = false
  }
}
