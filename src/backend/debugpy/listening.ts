import type { Duplex } from 'node:stream'
import { dapError, type DapError } from '../../dap/errors.ts'
import { reasonOf } from '../../lib/abort.ts'
import type { Listener } from '../../transport/transport.ts'
import type { BackendContext, BackendOptions } from '../backend.ts'
import { addressText } from '../../transport/direct.ts'
import { Upstream, type Link } from './connection.ts'
import { greetingMs } from './quirks.ts'

/**
 * Child processes that have come to a port that a parent's session listens on, until a session for one of them takes it:
 * sessions know nothing of each other, and the port has one owner. By way, address and process id.
 */
const arrived = new Map<string, Upstream>()

const keyOf = (options: BackendOptions, context: BackendContext, process: number): string =>
  `${context.transport.name} ${addressText(options.address)} ${process}`

/** Children that wait at one port; a program that starts more has them turned away, and they run on. */
const arrivedMax = 64

/**
 * `python -m debugpy --connect`: the program comes to us, and what speaks is pydevd without its adapter
 * (debugpy/adapter/servers.py is the other side of this). It is asked who it is, and then spoken to as by the adapter.
 * Its children come to the same port.
 */
export async function waitForProgram(options: BackendOptions, context: BackendContext): Promise<Link> {
  if (options.process !== undefined) return takeChild(options, context, options.process)
  const { address } = options
  if ('path' in address) throw dapError('unsupported', { backend: 'debugpy', command: 'listen', why: ' on a path' })
  const listener = await context.transport.listen(address, context.signal)
  try {
    const stream = await listener.accept(context.signal)
    const upstream = new Upstream(stream, addressText(address), context.log)
    await processOf(upstream, context.signal)
    const capabilities = await upstream.initialize(options.client, false, context.signal)
    const arrivals = new Arrivals(listener, options, context)
    return {
      upstream,
      capabilities,
      process: undefined,
      openChild: (process, signal) => arrivals.open(process, signal),
      onChild: (told) => void arrivals.run(told),
      end: () => arrivals.end(),
    }
  } catch (error) {
    await listener[Symbol.asyncDispose]()
    throw error
  }
}

async function takeChild(options: BackendOptions, context: BackendContext, process: number): Promise<Link> {
  const upstream = take(keyOf(options, context, process))
  if (upstream === undefined) throw dapError('debuggerGone', { why: `the process ${process} does not wait here` })
  const capabilities = await upstream.initialize(options.client, false, context.signal)
  return {
    upstream,
    capabilities,
    process,
    openChild: () => Promise.reject(dapError('debuggerGone', { why: 'its children come to the first session' })),
    onChild() {},
    end: () => Promise.resolve(),
  }
}

function take(key: string): Upstream | undefined {
  const upstream = arrived.get(key)
  arrived.delete(key)
  return upstream
}

/** Everybody who comes after the first. */
class Arrivals {
  readonly #listener: Listener
  readonly #options: BackendOptions
  readonly #context: BackendContext
  readonly #keys = new Set<string>()
  readonly #stop = new AbortController()

  constructor(listener: Listener, options: BackendOptions, context: BackendContext) {
    this.#listener = listener
    this.#options = options
    this.#context = context
  }

  async run(told: (process: number) => void): Promise<void> {
    try {
      for (;;) {
        const stream = await this.#listener.accept(this.#stop.signal)
        this.#welcome(stream, told).catch((error: unknown) =>
          this.#context.log.warn({ err: error }, 'a program that connected to us was turned away'),
        )
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#context.log.warn({ err: error }, 'no more programs can connect to us')
    }
  }

  async #welcome(stream: Duplex, told: (process: number) => void): Promise<void> {
    const upstream = new Upstream(stream, addressText(this.#options.address), this.#context.log)
    // pydevd runs its program on when its debugger is gone, so closing is all that a refusal needs.
    if (this.#keys.size >= arrivedMax) return upstream.close()
    const process = await processOf(upstream, this.#stop.signal)
    const key = keyOf(this.#options, this.#context, process)
    arrived.set(key, upstream)
    this.#keys.add(key)
    void upstream.closed.then(() => {
      this.#keys.delete(key)
      if (arrived.get(key) === upstream) arrived.delete(key)
    })
    told(process)
  }

  async open(process: number, signal: AbortSignal): Promise<Upstream> {
    const upstream = take(keyOf(this.#options, this.#context, process))
    if (upstream === undefined) throw dapError('debuggerGone', { why: `the process ${process} does not wait here` })
    await upstream.initialize(this.#options.client, false, signal)
    return upstream
  }

  async end(): Promise<void> {
    this.#stop.abort(dapError('sessionEnded', { why: 'nobody waits for programs any more' }))
    await this.#listener[Symbol.asyncDispose]()
  }
}

/** Who has come. Closes the connection and rejects when that is no pydevd. */
async function processOf(upstream: Upstream, outer: AbortSignal): Promise<number> {
  const late = new AbortController()
  const onAbort = (): void => late.abort(reasonOf(outer))
  outer.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(() => late.abort(new Error(`it said nothing for ${greetingMs / 1000} s`)), greetingMs)
  try {
    const body = (await upstream.request('pydevdSystemInfo', {}, late.signal)) as { process?: { pid?: unknown } }
    const pid = body?.process?.pid
    if (typeof pid !== 'number') throw new Error('it did not tell its process id')
    return pid
  } catch (error) {
    const told = outer.aborted ? reasonOf(outer) : notPydevd(upstream.peer, error)
    upstream.close(told)
    throw told
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', onAbort)
  }
}

function notPydevd(where: string, error: unknown): DapError {
  const problem = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
  const advice = /not authenticated/i.test(problem)
    ? 'Start the program without --adapter-access-token.'
    : "What connects must be 'python -m debugpy --connect HOST:PORT'."
  return dapError(
    'notThisDebugger',
    { where: `What connected to ${where}`, protocol: 'debugpy', problem, advice },
    { cause: error },
  )
}
