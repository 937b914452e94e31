import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { deferred } from '../../../lib/deferred.ts'
import type { Deferred } from '../../../lib/deferred.ts'
import { mapLimits } from './decode.ts'
import { decodeTask } from './decodeTask.ts'
import type { Outcome, Task } from './decodeTask.ts'
import { MapProblem } from './flatMap.ts'
import type { FlatMap, Texts } from './flatMap.ts'

/** What the worker says: an outcome, and `contents` after a map. */
export type Answer =
  | Exclude<Outcome, { kind: 'map' }>
  | { readonly kind: 'map'; readonly digest: string; readonly map: FlatMap }
  | { readonly kind: 'contents'; readonly texts: Texts }

export type Read =
  | { readonly digest: string; readonly known: true }
  | { readonly digest: string; readonly problem: MapProblem }
  | { readonly digest: string; readonly map: FlatMap; readonly contents: Promise<Texts | undefined> }

export interface DecoderOptions {
  /** A map of so many bytes is decoded here, and needs no worker: 64 KiB by default, which is a millisecond. */
  readonly smallBytes?: number
  /** What runs in the worker, for tests of its end. */
  readonly entry?: URL
  /** How long one map may take; 60 s by default. */
  readonly timeoutMs?: number
  /** How long the worker stays when there is nothing to do; 5 s by default. Its heap goes back with it. */
  readonly idleMs?: number
}

/** dist has .js, and tests run the sources. */
const workerEntry = new URL(
  import.meta.url.endsWith('.ts') ? './decodeWorker.ts' : './decodeWorker.js',
  import.meta.url,
)

/**
 * More than the largest map that is taken can need (2 GiB: its text twice, its values), since no limit is a safe one: a
 * thread that reaches it may end the process. What a map may have is bounded before it is parsed (jsonShape.ts).
 */
const heapMiB = 4_096

/** What is decoded without a worker. */
const smallLimits = { ...mapLimits, segments: 70_000, sectionSegments: 70_000 }

interface Job {
  readonly input: Uint8Array<ArrayBuffer> | string
  readonly known: () => ReadonlySet<string>
  readonly read: Deferred<Read>
  readonly contents: Deferred<Texts | undefined>
}

/**
 * Decodes maps in one worker thread, one after the other, so that a map of 12 MB (0.2 s of work) holds up no session.
 * The worker is started when it is first needed and keeps no process alive.
 */
export class Decoder {
  readonly #options: Required<DecoderOptions>
  readonly #jobs: Job[] = []
  #worker: Worker | undefined
  #running: Job | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(options: DecoderOptions = {}) {
    this.#options = { smallBytes: 64 * 1024, entry: workerEntry, timeoutMs: 60_000, idleMs: 5_000, ...options }
  }

  /**
   * @param input is transferred with the whole of its buffer: the caller has it no more. Who calls bounds how many wait.
   * @param known is asked when the map's turn has come.
   */
  read(input: Uint8Array<ArrayBuffer> | string, known: () => ReadonlySet<string>): Promise<Read> {
    return this.isSmall(input.length) ? this.#readHere(input, known) : this.#readThere(input, known)
  }

  #readThere(input: Uint8Array<ArrayBuffer> | string, known: () => ReadonlySet<string>): Promise<Read> {
    const job: Job = { input, known, read: deferred(), contents: deferred() }
    this.#jobs.push(job)
    this.#next()
    return job.read.promise
  }

  isSmall(bytes: number): boolean {
    return bytes <= this.#options.smallBytes
  }

  /** One in each turn of the event loop, however many there are: others have their turn in between. */
  async #readHere(input: Uint8Array<ArrayBuffer> | string, known: () => ReadonlySet<string>): Promise<Read> {
    const turn = this.#turn.then(async () => {
      await setImmediate()
      return decodeTask({ input, known: known() }, smallLimits)
    })
    this.#turn = turn
    const outcome = await turn
    // An index map of a few bytes may have millions of lines.
    if (outcome.kind === 'problem' && outcome.tooMany) return this.#readThere(input, known)
    if (outcome.kind === 'map') return { ...outcome, contents: Promise.resolve(outcome.contents()) }
    return readOf(outcome)
  }

  /** Starts the worker, which takes as long as reading a file does: both at the same time, then. */
  prepare(): void {
    if (this.#worker !== undefined) return
    this.#worker = this.#start()
    this.#next()
  }

  #next(): void {
    if (this.#running !== undefined) return
    clearTimeout(this.#timer)
    const job = this.#jobs.shift()
    if (job === undefined) {
      this.#timer = setTimeout(() => this.#end(), this.#options.idleMs).unref()
      return
    }
    this.#running = job
    this.#worker ??= this.#start()
    const task: Task = { input: job.input, known: job.known() }
    this.#worker.postMessage(task, typeof job.input === 'string' ? [] : [job.input.buffer])
    const late = `can't be read: it took more than ${this.#options.timeoutMs / 1000} s`
    this.#timer = setTimeout(() => this.#failed(late), this.#options.timeoutMs)
  }

  #start(): Worker {
    const worker = new Worker(this.#options.entry, {
      // The options that this process was started with are for its own script; a loader of .ts is among them.
      ...(this.#options.entry.pathname.endsWith('.ts') ? {} : { execArgv: [] }),
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
      // What it could print is nobody's.
      stdout: true,
      stderr: true,
    })
    worker.unref()
    worker.on('message', (answer: Answer) => {
      if (worker === this.#worker) this.#onAnswer(answer)
    })
    const failed = (why: string): void => {
      if (worker === this.#worker) this.#failed(why)
    }
    worker.on('error', (error: NodeJS.ErrnoException) => {
      const tooLarge = error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      failed(tooLarge ? 'is too large: reading it takes too much memory' : `can't be read: ${error.message}`)
    })
    worker.on('exit', () => failed("can't be read: the thread that read it ended"))
    return worker
  }

  #onAnswer(answer: Answer): void {
    const job = this.#running
    if (job === undefined) return
    if (answer.kind === 'contents') {
      job.contents.resolve(answer.texts)
      return this.#done()
    }
    if (answer.kind === 'map') return job.read.resolve({ ...answer, contents: job.contents.promise })
    job.read.resolve(readOf(answer))
    this.#done()
  }

  #done(): void {
    clearTimeout(this.#timer)
    this.#running = undefined
    this.#next()
  }

  /** The map that was being read is a problem, and the next one gets a new worker. */
  #failed(why: string): void {
    const job = this.#running
    this.#end()
    job?.read.reject(new MapProblem(why))
    // The map may have been handed over already: then only its source text is missing.
    job?.contents.resolve(undefined)
    if (job !== undefined) this.#done()
  }

  #end(): void {
    const worker = this.#worker
    this.#worker = undefined
    // Nothing is left to do for it, and it says no more.
    void worker?.terminate()
  }
}

function readOf(outcome: Exclude<Outcome, { kind: 'map' }>): Read {
  const { digest } = outcome
  return outcome.kind === 'known' ? { digest, known: true } : { digest, problem: new MapProblem(outcome.problem) }
}
