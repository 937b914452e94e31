export * from './api.ts'
import type { In, Method, Word } from './api.ts'

/** An answer over this many bytes is not read into memory; a list of 10,000 goroutines has 8 MB. */
export const answerMaxBytes = 64 * 1024 * 1024

/** Delve answers with the id first: `{"id":7,"result":…` (Go's net/rpc/jsonrpc); this much is read of what is left out. */
const startBytes = 64

export type Answer =
  | { readonly id: number; readonly kind: 'result'; readonly result: unknown }
  /** Delve has no codes: its texts are all there is. */
  | { readonly id: number; readonly kind: 'error'; readonly message: string }
  | { readonly id: number; readonly kind: 'tooLarge'; readonly bytes: number }

/** JSON-RPC 1.0 with exactly one parameter, as Go's net/rpc/jsonrpc takes it. */
export function formatRequest<M extends Method>(id: number, method: M, argument: In<M>): string {
  return `{"method":"RPCServer.${method}","params":[${JSON.stringify(argument)}],"id":${id}}\n`
}

/** A text wherever Delve's requests have it. */
const texts: ReadonlySet<string> = new Set(['Cond', 'Expr', 'expr', 'file', 'Filter', 'Loc', 'Symbol', 'Value'])

/**
 * What in a request is not of the type that Delve reads, if anything: 1.20.2 answers nothing more on a connection that
 * such a one came on, and a client can send anything.
 */
export function misfit(value: unknown, key = ''): string | undefined {
  if (texts.has(key) && typeof value !== 'string') return `'${key}' is ${JSON.stringify(value)}, which is no text`
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? undefined : `'${key}' is ${value}, which is no whole number that Delve reads`
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [inner, part] of Object.entries(value)) {
    const problem = part === undefined ? undefined : misfit(part, Array.isArray(value) ? key : inner)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Undefined for what is no answer. */
export function parseAnswer(line: string): Answer | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(lossless(line))
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { id, result, error } = parsed as { id?: unknown; result?: unknown; error?: unknown }
  if (typeof id !== 'number') return undefined
  if (error === null || error === undefined) return { id, kind: 'result', result }
  return { id, kind: 'error', message: typeof error === 'string' ? error : JSON.stringify(error) }
}

const manyDigits = /\d{16}/
const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const integer = /^-?\d{16,}$/

/** Numbers that a double would round become texts. */
function lossless(line: string): string {
  if (!manyDigits.test(line)) return line
  return line.replace(textOrNumber, (found) => {
    return integer.test(found) && !Number.isSafeInteger(Number(found)) ? `"${found}"` : found
  })
}

export function wordOf(word: Word): bigint {
  return BigInt(word)
}

/** As Delve and its users write addresses: `0x4a1b2c`. */
export function hex(word: Word): string {
  return `0x${BigInt(word).toString(16)}`
}

/** Bytes into answers: one a line. What is over the limit is passed by and told by its id. */
export class AnswerSplitter {
  readonly #limit: number
  #parts: Buffer[] = []
  #length = 0

  constructor(limit = answerMaxBytes) {
    this.#limit = limit
  }

  /** `undefined` stands for a line that is no answer. */
  *take(chunk: Buffer): Generator<Answer | undefined> {
    let at = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, at)
      this.#keep(chunk.subarray(at, end === -1 ? undefined : end))
      if (end === -1) return
      at = end + 1
      const answer = this.#whole()
      if (answer !== 'empty') yield answer
    }
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length <= this.#limit) {
      if (part.length > 0) this.#parts.push(part)
      return
    }
    const start = Buffer.concat([...this.#parts, part].map((kept) => kept.subarray(0, startBytes)))
    this.#parts = [start.subarray(0, startBytes)]
  }

  #whole(): Answer | undefined | 'empty' {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    const length = this.#length
    this.#parts = []
    this.#length = 0
    if (length > this.#limit) {
      const id = /^\s*\{"id":(\d+)/.exec(bytes.toString('latin1'))?.[1]
      return id === undefined ? undefined : { id: Number(id), kind: 'tooLarge', bytes: length }
    }
    const line = bytes.toString('utf8')
    return line.trim() === '' ? 'empty' : parseAnswer(line)
  }
}
