import { watch } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'

/** One line of the audit; what else is in it depends on its `kind`. */
export interface AuditLine {
  readonly v: number
  readonly time: string
  readonly seq: number
  readonly kind: 'start' | 'end' | 'request' | 'change' | 'pause'
  readonly session: string
  readonly target: string
  readonly identity: string
  readonly client: string
  readonly peer: string
  readonly [field: string]: unknown
}

/** `text` is the line as it stands in the file; `number` counts from 1 in each file. */
export type AuditEntry =
  | { readonly ok: true; readonly line: AuditLine; readonly text: string; readonly number: number }
  | { readonly ok: false; readonly problem: string; readonly text: string; readonly number: number }

export interface ReadOptions {
  /** Goes on with what is written later, also into a new file of that name, until `signal` aborts. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
}

/** A longer line is none of ours. */
const lineMax = 1024 * 1024
/** Where the system does not tell of changes, we look by ourselves. */
const lookEveryMs = 500

/**
 * The audit's lines in their order. A broken line (a full disk cuts one) is reported as such, and the reading goes on.
 * Rejects if the file cannot be read; without `follow` it ends at the file's end.
 */
export async function* readAudit(path: string, options: ReadOptions = {}): AsyncGenerator<AuditEntry> {
  for await (const { text, number } of readLines(path, options)) yield parse(text, number)
}

function parse(text: string, number: number): AuditEntry {
  const broken = (problem: string): AuditEntry => ({ ok: false, problem, text, number })
  if (text.length > lineMax) return broken(`longer than ${lineMax} characters`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return broken(error instanceof Error ? error.message : String(error))
  }
  if (typeof value !== 'object' || value === null) return broken('not an object')
  const line = value as AuditLine
  if (typeof line.time !== 'string' || Number.isNaN(Date.parse(line.time))) return broken('it has no time')
  if (typeof line.kind !== 'string' || typeof line.session !== 'string') return broken('it has no kind or no session')
  return { ok: true, line, text, number }
}

/** Cuts what is read into lines; what has no end yet is kept. */
class Cutter {
  #rest: Buffer = Buffer.alloc(0)
  #number = 0

  cut(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([this.#rest, chunk.subarray(from, at)])
      this.#rest = Buffer.alloc(0)
      from = at + 1
      this.#number++
      if (line.length > 0) lines.push({ text: line.toString(), number: this.#number })
    }
    // Of an endless line enough is kept to see that it is one.
    if (this.#rest.length <= lineMax * 4) this.#rest = Buffer.concat([this.#rest, chunk.subarray(from)])
    return lines
  }

  /** What stands behind the last line's end; the next file is counted from 1. */
  end(): Line[] {
    const lines = this.#rest.length === 0 ? [] : [{ text: this.#rest.toString(), number: this.#number + 1 }]
    this.#rest = Buffer.alloc(0)
    this.#number = 0
    return lines
  }
}

interface Line {
  readonly text: string
  readonly number: number
}

async function* readLines(path: string, { follow = false, signal }: ReadOptions): AsyncGenerator<Line> {
  const changes = follow ? new Changes(path, signal) : undefined
  const chunk = Buffer.alloc(64 * 1024)
  const cutter = new Cutter()
  let file = await open(path)
  let next: FileHandle | undefined
  let position = 0
  try {
    for (;;) {
      if (signal?.aborted) return
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
      position += bytesRead
      if (bytesRead > 0) {
        yield* cutter.cut(chunk.subarray(0, bytesRead))
        continue
      }
      if (changes === undefined) {
        yield* cutter.end()
        return
      }
      if (next === undefined) {
        next = await successor(path, file, position)
        if (next === undefined) await changes.next()
        // Something may have been written to the old one after we looked: it is read to its end once more.
        if (next !== file) continue
      }
      yield* cutter.end()
      if (next !== file) await file.close()
      file = next
      next = undefined
      position = 0
    }
  } finally {
    changes?.close()
    await file.close()
    if (next !== undefined && next !== file) await next.close()
  }
}

/** The file that has the name now, if it is another one or was cut back; after its last bytes were read. */
async function successor(path: string, file: FileHandle, position: number): Promise<FileHandle | undefined> {
  const ours = await file.stat()
  if (ours.size < position) return file
  if (ours.size > position) return undefined
  try {
    const there = await stat(path)
    return there.ino === ours.ino && there.dev === ours.dev ? undefined : await open(path)
  } catch {
    // Rotated away, and not made anew yet.
    return undefined
  }
}

/** Tells that it is worth looking again: by the system where it can, and every half second anyway. */
class Changes {
  readonly #signal: AbortSignal | undefined
  #wake: (() => void) | undefined
  #changed = false
  #watcher: ReturnType<typeof watch> | undefined

  constructor(path: string, signal: AbortSignal | undefined) {
    this.#signal = signal
    try {
      this.#watcher = watch(path, () => this.#note())
      // It ends with the file it watches; from then on we look by the clock.
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // No watching on this file system: by the clock.
    }
    signal?.addEventListener('abort', this.#note)
  }

  readonly #note = (): void => {
    this.#changed = true
    this.#wake?.()
  }

  /** Waits for a change or the clock; returns at once if one came since the last time. */
  async next(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, lookEveryMs)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#changed = false
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#note)
    this.#watcher?.close()
  }
}
