import type { DebugProtocol } from '@vscode/debugprotocol'
import type { LogLineListener } from './hidden.ts'

type Output = DebugProtocol.OutputEvent['body']

/** What one event carries at most, in characters. */
const batchMax = 64 * 1024

/** Log lines on their way to the client: those of one breakpoint that come together are one event. */
export class LogLines implements LogLineListener {
  readonly #emit: (output: Output) => void
  readonly #placeOf: (id: number) => Omit<Output, 'output'> | undefined
  #id = 0
  #text = ''
  #timer: NodeJS.Immediate | undefined

  constructor(emit: (output: Output) => void, placeOf: (id: number) => Omit<Output, 'output'> | undefined) {
    this.#emit = emit
    this.#placeOf = placeOf
  }

  line(id: number, text: string): void {
    if (id !== this.#id || this.#text.length > batchMax) this.flush()
    this.#id = id
    this.#text += `${text}\n`
    this.#timer ??= setImmediate(() => this.flush())
  }

  leftOut(count: number): void {
    this.flush()
    const output = `${count} lines of log points were left out: they came faster than the connection to the program carries.\n`
    this.#emit({ category: 'console', output })
  }

  /** Before anything that must come after the lines that are there. */
  flush(): void {
    clearImmediate(this.#timer)
    this.#timer = undefined
    if (this.#text === '') return
    const output = this.#text
    this.#text = ''
    this.#emit({ category: 'stdout', ...this.#placeOf(this.#id), output })
  }
}
