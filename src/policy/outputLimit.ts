import type { DebugProtocol } from '@vscode/debugprotocol'
import { Alarm } from '../lib/alarm.ts'
import type { PolicyContext } from './policy.ts'
import { say } from './refusal.ts'

/** Lines a second; more are dropped and counted, and the count is told when the second is over. */
export class OutputLimit {
  readonly #context: PolicyContext
  readonly #perSecond: number
  readonly #alarm = new Alarm(() => this.flush())
  #secondEndsMs = 0
  #lines = 0
  #dropped = 0
  /** Line ends in what was dropped: a print that came in two pieces is one line. */
  #droppedLines = 0

  constructor(context: PolicyContext, perSecond: number) {
    this.#context = context
    this.#perSecond = perSecond
  }

  passes({ output, category }: DebugProtocol.OutputEvent['body']): boolean {
    if (category === 'telemetry') return true
    const now = performance.now()
    if (now >= this.#secondEndsMs) {
      this.flush()
      this.#secondEndsMs = now + 1_000
      this.#lines = 0
    }
    const ends = lineEnds(output)
    // A piece of a line counts against the limit too, or a program that never ends one would have none.
    const lines = output.endsWith('\n') ? ends : ends + 1
    // A piece with more lines than a second may have still passes in a second of its own.
    if (this.#lines > 0 && this.#lines + lines > this.#perSecond) {
      if (this.#dropped === 0) this.#alarm.set(this.#secondEndsMs)
      this.#dropped += lines
      this.#droppedLines += ends
      return false
    }
    this.#lines += lines
    return true
  }

  /** Says what was dropped; also before the session ends. */
  flush(): void {
    if (this.#dropped === 0) return
    const lines = Math.max(1, this.#droppedLines)
    this.#dropped = 0
    this.#droppedLines = 0
    const { target } = this.#context
    say(this.#context, `${lines} lines of output were dropped: target '${target}' shows ${this.#perSecond} a second.`)
  }

  release(): void {
    this.#alarm.release()
  }
}

function lineEnds(text: string): number {
  let ends = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) ends++
  return ends
}
