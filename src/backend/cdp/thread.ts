import type { Debugger } from 'node:inspector'
import type { CdpSession } from './connection.ts'
import type { Frame, Script, Stop, Thread } from './parts.ts'
import { Scripts } from './scripts.ts'

/** Who is told what a thread does. */
export interface ThreadOwner {
  nextId(): number
  /** In the turn in which the event came. */
  paused(stop: Stop): void
  /** It runs; `asked` if it was us who let it. */
  resumed(thread: DebugThread, asked: boolean): void
  scriptRemoved(script: Script): void
}

/** What lets a thread run. */
export type Run = 'resume' | 'stepOver' | 'stepInto' | 'stepOut'

/** One V8 of the program and whether it is stopped. */
export class DebugThread implements Thread {
  readonly id: number
  readonly name: string
  readonly cdp: CdpSession
  readonly scripts: Scripts
  readonly #owner: ThreadOwner
  #stop: Stop | undefined
  /** Ways to run that were asked for and that V8 has not confirmed. */
  #confirming = 0

  constructor(id: number, name: string, cdp: CdpSession, owner: ThreadOwner) {
    this.id = id
    this.name = name
    this.cdp = cdp
    this.#owner = owner
    this.scripts = new Scripts(cdp, (script) => owner.scriptRemoved(script))
    cdp.on('Debugger.paused', (event) => this.#onPaused(event))
    cdp.on('Debugger.resumed', () => this.#onResumed())
  }

  get stop(): Stop | undefined {
    return this.#stop
  }

  /**
   * Lets a stopped thread run. Nobody waits for V8's answer: a step is answered before its stop, and its frames are void
   * from now on.
   */
  run(how: Run, params?: object): void {
    if (this.#stop === undefined) return
    this.#stop = undefined
    this.#confirming += 1
    this.cdp.send(`Debugger.${how}`, params)
  }

  #onPaused(event: Debugger.PausedEventDataType): void {
    this.#confirming = 0
    const frames: Frame[] = []
    const stop: Stop = { thread: this, event, frames }
    for (const [index, callFrame] of event.callFrames.entries()) {
      frames.push({ id: this.#owner.nextId(), stop, index, callFrame })
    }
    this.#stop = stop
    this.#owner.paused(stop)
  }

  #onResumed(): void {
    if (this.#confirming > 0) {
      this.#confirming -= 1
      return
    }
    if (this.#stop === undefined) return
    this.#stop = undefined
    this.#owner.resumed(this, false)
  }
}
