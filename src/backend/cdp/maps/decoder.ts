import { Worker } from 'node:worker_threads'
import { deferred } from '../../../lib/deferred.ts'
import type { Deferred } from '../../../lib/deferred.ts'
import { MapProblem } from './flatMap.ts'
import type { FlatMap, Texts } from './flatMap.ts'

/** What the worker is asked: the bytes of a map, or its `data:` URL. Of a digest in `known` no map is made. */
export interface Task {
  readonly input: Uint8Array | string
  readonly known: ReadonlySet<string>
}

/** What it answers: one of the first three, and `contents` after a map. The digest is SHA-256 of the map's bytes. */
export type Answer =
  | { readonly kind: 'known'; readonly digest: string }
  | { readonly kind: 'problem'; readonly digest: string; readonly problem: string }
  | { readonly kind: 'map'; readonly digest: string; readonly map: FlatMap }
  | { readonly kind: 'contents'; readonly texts: Texts }

export type Read =
  | { readonly digest: string; readonly known: true }
  | { readonly digest: string; readonly problem: MapProblem }
  | { readonly digest: string; readonly map: FlatMap; readonly contents: Promise<Texts | undefined> }

export interface DecoderOptions {
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
  #timer: NodeJS.Timeout | undefined

  constructor(options: DecoderOptions = {}) {
    this.#options = { entry: workerEntry, timeoutMs: 60_000, idleMs: 5_000, ...options }
  }

  /**
   * @param input is transferred with the whole of its buffer: the caller has it no more. Who calls bounds how many wait.
   * @param known is asked when the map's turn has come.
   */
  read(input: Uint8Array<ArrayBuffer> | string, known: () => ReadonlySet<string>): Promise<Read> {
    const job: Job = { input, known, read: deferred(), contents: deferred() }
    this.#jobs.push(job)
    this.#next()
    return job.read.promise
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
    const { digest } = answer
    if (answer.kind === 'map') return job.read.resolve({ digest, map: answer.map, contents: job.contents.promise })
    if (answer.kind === 'known') job.read.resolve({ digest, known: true })
    else job.read.resolve({ digest, problem: new MapProblem(answer.problem) })
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
