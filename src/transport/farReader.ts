import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { deferred } from '../lib/deferred.ts'
import type { Deferred } from '../lib/deferred.ts'
import { HopError } from './transport.ts'
import type { Transport } from './transport.ts'
import { FarFileError, overLimit } from './farFile.ts'
import type { FarFiles } from './farFile.ts'

/**
 * Reads lines `s LIMIT PATH` (only the size) and `r LIMIT PATH`, and answers each with `TOKEN + SIZE` and the content,
 * `TOKEN = SIZE` without it, or `TOKEN - WHY`. One shell for all files: many are asked for in one flight, and a server
 * has its limit of sessions. It writes nothing, and ends with its input. One line without a single quote, so that every
 * login shell hands it on unchanged.
 */
const READER = [
  't=$1; echo "$t ready"; while IFS=" " read -r c l p; do',
  'if test ! -e "$p"; then echo "$t - no such file";',
  'elif test ! -f "$p"; then echo "$t - no regular file";',
  'elif test ! -r "$p"; then echo "$t - permission denied";',
  'else n=$(wc -c <"$p"); n=$((n));',
  'if test "$c" = s || test "$n" -gt "$l"; then echo "$t = $n";',
  'else echo "$t + $n"; cat "$p"; fi; fi; done',
].join(' ')

interface Job {
  readonly line: string
  readonly limitBytes: number
  readonly answer: Deferred<Answer>
}

interface Answer {
  readonly size: number
  readonly content: Buffer<ArrayBuffer> | undefined
}

/** How long the far side may say nothing while it owes us something: `kubectl exec` needs seconds to start. */
const silentMs = 30_000

/** How long the reader stays when nothing is asked. */
const idleMs = 10_000

/** What a login script may print before the reader's first line. */
const lineBytesMax = 16_384

/** Files behind `exec`: SSH, or a command such as `docker exec`. It needs `sh`, `test`, `wc` and `cat` there. */
export class FarReader implements FarFiles {
  readonly local = false
  readonly #transport: Transport
  readonly #end = new AbortController()
  #reading: Promise<Reading> | undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get name(): string {
    return this.#transport.name
  }

  async size(path: string, signal: AbortSignal): Promise<number> {
    return (await this.#ask('s', path, 0, signal)).size
  }

  async read(path: string, limitBytes: number, signal: AbortSignal): Promise<Buffer<ArrayBuffer>> {
    const { size, content } = await this.#ask('r', path, limitBytes, signal)
    if (content === undefined) throw overLimit(size, limitBytes)
    return content
  }

  async #ask(command: 'r' | 's', path: string, limitBytes: number, signal: AbortSignal): Promise<Answer> {
    // oxlint-disable-next-line no-control-regex -- a line break would be a command of its own
    if (/[\u0000-\u001f]/.test(path)) throw new FarFileError('no such file', true)
    const reading = await abortable(this.#open(), signal)
    // Not ended by the signal: what follows in the stream belongs to others.
    return abortable(reading.ask(`${command} ${limitBytes} ${path}`, limitBytes), signal)
  }

  #open(): Promise<Reading> {
    if (this.#reading !== undefined) return this.#reading
    const opening = this.#start()
    this.#reading = opening
    const forget = (): void => {
      if (this.#reading === opening) this.#reading = undefined
    }
    opening.then((reading) => reading.ended.then(forget), forget)
    return opening
  }

  async #start(): Promise<Reading> {
    const token = randomBytes(9).toString('hex')
    try {
      const stream = await this.#transport.exec(['sh', '-c', READER, 'sh', token], this.#end.signal)
      return new Reading(stream, token, this.name)
    } catch (error) {
      throw wayError(error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new FarFileError('the session has ended', false))
    const reading = await this.#reading?.catch(() => undefined)
    reading?.close(new FarFileError('the session has ended', false))
  }
}

function wayError(error: unknown): FarFileError {
  if (error instanceof FarFileError) return error
  const why = error instanceof HopError ? error.message : String(error)
  return new FarFileError(`no shell can be run there (${why})`, false, { cause: error })
}

/** One run of the script. Answers come in the order of the questions. */
class Reading {
  readonly #stream: Duplex
  readonly #token: string
  readonly #ended = deferred<void>()
  readonly #jobs: Job[] = []
  #ready = false
  #line = Buffer.alloc(0)
  /** The content that is being received, and how much of it is here. */
  #content: Buffer<ArrayBuffer> | undefined
  #received = 0
  #timer: NodeJS.Timeout | undefined

  constructor(stream: Duplex, token: string, name: string) {
    this.#stream = stream
    this.#token = token
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.once('close', () => {
      const why = stream.errored?.message ?? 'it ended'
      this.close(new FarFileError(`files can't be read through ${name}: ${why}`, false))
    })
    this.#wait()
  }

  /** Settles when nothing more is answered. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  ask(line: string, limitBytes: number): Promise<Answer> {
    const job: Job = { line, limitBytes, answer: deferred() }
    this.#jobs.push(job)
    this.#stream.write(`${line}\n`)
    this.#wait()
    return job.answer.promise
  }

  close(error: FarFileError): void {
    clearTimeout(this.#timer)
    this.#ended.resolve()
    this.#stream.destroy()
    for (const job of this.#jobs.splice(0)) job.answer.reject(error)
  }

  /** It owes us something: then it may not be silent for long. If not, it may go. */
  #wait(): void {
    clearTimeout(this.#timer)
    const owes = this.#jobs.length > 0 || !this.#ready
    const why = owes ? `it said nothing for ${silentMs / 1000} s` : 'nothing was asked'
    const error = new FarFileError(why, false)
    this.#timer = setTimeout(() => this.close(error), owes ? silentMs : idleMs).unref()
  }

  #onData(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) rest = this.#content === undefined ? this.#takeLine(rest) : this.#takeContent(rest)
    this.#wait()
  }

  #takeContent(chunk: Buffer): Buffer {
    const content = this.#content!
    const taken = Math.min(chunk.length, content.length - this.#received)
    chunk.copy(content, this.#received, 0, taken)
    this.#received += taken
    if (this.#received === content.length) this.#answered({ size: content.length, content })
    return chunk.subarray(taken)
  }

  #takeLine(chunk: Buffer): Buffer {
    const end = chunk.indexOf(10)
    this.#line = Buffer.concat([this.#line, end < 0 ? chunk : chunk.subarray(0, end)])
    if (this.#line.length > lineBytesMax) {
      this.close(new FarFileError('it talks too much (does a login script print?)', false))
      return Buffer.alloc(0)
    }
    if (end < 0) return Buffer.alloc(0)
    const line = this.#line.toString('utf8').replace(/\r$/, '')
    this.#line = Buffer.alloc(0)
    this.#onLine(line)
    return chunk.subarray(end + 1)
  }

  #onLine(line: string): void {
    const at = line.indexOf(this.#token)
    // What a login script printed, perhaps without an end of line.
    if (!this.#ready) return void (this.#ready = line.endsWith(`${this.#token} ready`))
    const [, kind, said] = /^ ([-=+]) (.*)$/.exec(at === 0 ? line.slice(this.#token.length) : '') ?? []
    const job = this.#jobs[0]
    if (kind === undefined || job === undefined) {
      // A file that shrank or grew between `wc` and `cat`: where the next answer begins is not known.
      return this.close(new FarFileError('a file changed while it was read', false))
    }
    if (kind === '-') {
      this.#jobs.shift()
      return job.answer.reject(new FarFileError(said!, true))
    }
    const size = Number(said)
    if (kind === '=') return this.#answered({ size, content: undefined })
    if (!(size <= job.limitBytes)) return this.close(new FarFileError('it sends more than was asked for', false))
    this.#content = Buffer.alloc(size)
    this.#received = 0
    if (size === 0) this.#answered({ size, content: this.#content })
  }

  #answered(answer: Answer): void {
    this.#content = undefined
    this.#jobs.shift()?.answer.resolve(answer)
  }
}
