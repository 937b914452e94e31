import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Redactor } from './redactor.ts'

/** Of an unfinished line: longer than any name with its `=`, and than most keys. */
const carriedMax = 2_048

/**
 * Output comes in pieces: Python's `print('password:', p)` writes four. So each piece is looked at together with what
 * came before it on the same line. What of a secret was shown before it could be recognised cannot be called back.
 */
export class OutputLines {
  readonly #redactor: Redactor
  readonly #unfinished = new Map<string, string>()

  constructor(redactor: Redactor) {
    this.#redactor = redactor
  }

  redact(body: DebugProtocol.OutputEvent['body']): DebugProtocol.OutputEvent['body'] {
    const category = body.category ?? 'console'
    const before = this.#unfinished.get(category) ?? ''
    const output = this.#redactor.continued(before, body.output)
    const written = before + body.output
    const last = written.slice(written.lastIndexOf('\n') + 1).slice(-carriedMax)
    if (last === '') this.#unfinished.delete(category)
    else if (this.#unfinished.size < 16 || this.#unfinished.has(category)) this.#unfinished.set(category, last)
    if (output === body.output && !('data' in body)) return body
    const shown = { ...body, output }
    // It is for telemetry; nobody knows what is in it.
    delete (shown as { data?: unknown }).data
    return shown
  }
}
