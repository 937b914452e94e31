import type { Attach, Backend, BackendContext, BackendKind, BackendOptions, Handlers } from '../backend.ts'
import type { Capabilities } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { abortable, sleep } from '../../lib/abort.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { isHere } from '../../transport/direct.ts'
import { AsyncStacks } from './asyncStacks.ts'
import { Breakpoints } from './breakpoints/breakpoints.ts'
import { Children } from './children.ts'
import { connect, processesOf, type Link } from './connect.ts'
import { featuresOf, usualCommands } from './features.ts'
import { tableOf } from './handlers.ts'
import { farFiles } from '../../transport/farFiles.ts'
import { ProgramSources, type SourcesSettings } from './maps/programSources.ts'
import { Output } from './output.ts'
import type { Frame, Parts, Script, Stop, Thread } from './parts.ts'
import { Positions } from './positions.ts'
import { Program, type ProgramOwner } from './program.ts'
import { losesPrograms, reconnectEveryMs, reconnectUsualMs, usualSkipFiles } from './quirks.ts'
import { Stacks } from './stack.ts'
import type { SteppingOptions } from './stepping.ts'
import { Stops } from './stops.ts'
import type { DebugThread } from './thread.ts'
import { Values } from './values/values.ts'
import type { Worker } from './workers.ts'

/** Attaches to a Node whose inspector listens. See `Attach`. */
export const attach: Attach = async (options, context) => {
  const link = await connect(options, context)
  const backend = new CdpBackend(link, options, context)
  try {
    await backend.attach()
    return backend
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

/** Puts the parts together; each of them does one thing. */
class CdpBackend implements Backend, Parts, ProgramOwner {
  readonly options: BackendOptions
  readonly context: BackendContext
  readonly handlers: Handlers
  readonly features: Capabilities
  readonly stepping: SteppingOptions
  readonly workers: ProgramOwner['workers']
  readonly #sources: ProgramSources
  readonly #breakpoints: Breakpoints
  readonly #values: Values
  readonly #asyncStacks: AsyncStacks
  readonly #stops: Stops
  readonly #output: Output
  readonly #children: Children
  readonly #closed = deferred<Error | undefined>()
  readonly #end = new AbortController()
  #program: Program
  #lastId = 0
  #isAttached = false
  #isConfigured = false
  #detached: Promise<undefined> | undefined

  constructor(link: Link, options: BackendOptions, context: BackendContext) {
    this.options = options
    this.context = context
    const { client, settings } = options
    const skipFiles = (settings as SourcesSettings).skipFiles ?? usualSkipFiles
    this.#sources = new ProgramSources({
      settings: { ...settings, skipFiles },
      files: farFiles(context.transport, link.address),
      log: context.log,
      note: (text) => this.note(text),
    })
    const offers = client.supportsStartDebuggingRequest === true
    this.workers = settings['workers'] === false ? 'no' : offers ? 'offered' : 'threads'
    this.stepping = { sources: this.#sources, smartStep: settings['smartStep'] !== false }
    this.features = featuresOf(context.guard.readOnly)
    this.#breakpoints = new Breakpoints(this, this.#sources)
    this.#values = new Values(this)
    const positions = new Positions(client)
    this.#output = new Output({ context, positions, sources: this.#sources, values: this.#values })
    this.#children = new Children(context)
    this.#program = new Program(link, this)
    const threads = (): ReadonlyMap<number, DebugThread> => this.#program.threads
    this.#asyncStacks = new AsyncStacks(settings['asyncStacks'], () => threads().values())
    this.#stops = new Stops({
      parts: this,
      threads,
      breakpoints: this.#breakpoints,
      values: this.#values,
      asyncStacks: this.#asyncStacks,
      note: (text) => this.note(text),
    })
    const own = {
      parts: this,
      sources: this.#sources,
      positions,
      stacks: new Stacks(this, this.#sources, positions),
      threads,
      configurationDone: () => this.#configurationDone(),
      disconnect: () => this.#detach(),
    }
    this.handlers = tableOf(own, { ...this.#breakpoints.handlers, ...this.#values.handlers })
  }

  get log(): Log {
    return this.context.log
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  nextId(): number {
    return ++this.#lastId
  }

  threads(): Iterable<Thread> {
    return this.#program.threads.values()
  }

  thread(id: number): Thread | undefined {
    return this.#program.threads.get(id)
  }

  frame(id: number): Frame | undefined {
    for (const { stop } of this.#program.threads.values()) {
      // Their ids are one after another.
      const first = stop?.frames[0]?.id
      const frame = first === undefined ? undefined : stop?.frames[id - first]
      if (frame !== undefined) return frame
    }
    return undefined
  }

  /** For the user, whatever the client shows. */
  note(text: string): void {
    if (this.#detached === undefined) {
      this.context.emit('output', { category: 'stderr', output: `[breakwater] ${text}\n` })
    }
  }

  async attach(): Promise<void> {
    await this.#program.attach(this.context.signal)
    this.#isAttached = true
    this.#stops.attached()
    this.#tellProcess()
  }

  #tellProcess(): void {
    const { pid, address, name } = this.#program.link
    const isLocalProcess = isHere(this.context.transport, address)
    this.context.emit('process', {
      name: pid === undefined ? name : `node (process ${pid})`,
      startMethod: 'attach',
      isLocalProcess,
      ...(pid !== undefined && isLocalProcess ? { systemProcessId: pid } : {}),
    })
  }

  async #configurationDone(): Promise<undefined> {
    if (this.#isConfigured) return undefined
    this.#isConfigured = true
    this.#stops.open()
    this.#program.configured()
    if (this.workers === 'offered') {
      const processes = processesOf(this.#program.link, this.context)
      if (processes !== undefined) void this.#children.watch(processes)
    }
    return undefined
  }

  hearsConsole({ version }: Link): boolean {
    const { console } = this.options.settings
    return typeof console === 'boolean' ? console : !this.context.guard.readOnly || !losesPrograms(version)
  }

  enable(thread: DebugThread): Promise<unknown> {
    this.#output.listen(thread, () => this.#program.isLive(thread))
    this.#asyncStacks.added(thread)
    const patterns = this.#sources.blackboxPatterns()
    const skipped = patterns.length === 0 ? undefined : this.#skip(thread, patterns)
    return Promise.all([skipped, this.#breakpoints.threadAdded(thread)])
  }

  async #skip({ cdp }: DebugThread, patterns: string[]): Promise<void> {
    try {
      await cdp.request('Debugger.setBlackboxPatterns', { patterns })
    } catch (error) {
      // A pattern that V8 does not take: steps pass by without it, only slower.
      this.log.info({ err: error, patterns }, 'skipFiles are not known to V8')
    }
  }

  scriptAdded(script: Script, thread: DebugThread): void {
    this.#sources.scriptAdded(script, () => thread.scripts.textOf(script))
  }

  scriptRemoved(script: Script): void {
    this.#sources.scriptRemoved(script)
  }

  paused(stop: Stop): void {
    this.#stops.paused(stop)
  }

  resumed(thread: DebugThread, asked: boolean): void {
    this.#stops.resumed(thread, asked)
  }

  offerWorker(worker: Worker): void {
    this.#children.offerWorker(worker)
  }

  threadGone(thread: DebugThread): void {
    this.#values.resumed(thread)
    if (this.#detached === undefined) this.context.emit('thread', { reason: 'exited', threadId: thread.id })
  }

  ended(how: Error | { readonly exitCode: number | undefined }): void {
    if (this.#detached !== undefined) return
    const waitMs = this.#reconnectMs()
    if (waitMs > 0) return void this.#reconnect(waitMs, how)
    this.#children.end()
    // Before the attach is over its failure says the same.
    if (how instanceof Error || !this.#isAttached) {
      this.#closed.resolve(how instanceof Error ? how : dapError('programEnded', {}))
      return
    }
    const { exitCode } = how
    if (exitCode !== undefined) this.context.emit('exited', { exitCode })
    this.context.emit('terminated', undefined)
    this.#closed.resolve(dapError('programEnded', {}))
  }

  #reconnectMs(): number {
    const { reconnect } = this.options.settings
    if (this.#program.link.isWorker || !this.#isConfigured) return 0
    if (reconnect === true) return reconnectUsualMs
    return typeof reconnect === 'number' ? reconnect : 0
  }

  /** The program restarts: its successor is attached to as this one was, breakpoints and all. */
  async #reconnect(waitMs: number, how: Error | { readonly exitCode: number | undefined }): Promise<void> {
    const before = this.#program
    for (const thread of before.threads.values()) {
      if (thread.isShown) this.context.emit('continued', { threadId: thread.id, allThreadsContinued: true })
    }
    before.clear()
    this.note(`The program has ended. Waiting up to ${Math.round(waitMs / 1000)} s for it to come back.`)
    const signal = AbortSignal.any([this.#end.signal, this.context.signal, AbortSignal.timeout(waitMs)])
    while (!signal.aborted) {
      try {
        const link = await connect(this.options, { ...this.context, signal })
        if (signal.aborted) {
          await link.inspector.close()
          break
        }
        this.#program = new Program(link, this)
        await abortable(this.#program.attach(signal), signal)
        this.#program.configured()
        this.#tellProcess()
        this.note('The program is back, and its breakpoints are set.')
        return
      } catch (error) {
        this.log.debug({ err: error }, 'the program is not back yet')
        await sleep(reconnectEveryMs, signal).catch(() => {})
      }
    }
    if (this.#detached !== undefined) return
    this.#children.end()
    const { exitCode } = how instanceof Error ? { exitCode: undefined } : how
    if (exitCode !== undefined) this.context.emit('exited', { exitCode })
    this.context.emit('terminated', undefined)
    this.#closed.resolve(how instanceof Error ? how : dapError('programEnded', {}))
  }

  #detach(): Promise<undefined> {
    this.#detached ??= this.#leave()
    return this.#detached
  }

  async #leave(): Promise<undefined> {
    this.#stops.close()
    this.#end.abort(new Error('the session has ended'))
    this.#children.end()
    const work = (): Promise<unknown>[] => {
      this.#asyncStacks.end()
      return [this.#breakpoints.leave()]
    }
    await this.#program.leave(work, (stop) => this.#stops.isOurs(stop))
    await this.#sources[Symbol.asyncDispose]()
    this.#closed.resolve(undefined)
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detach()
  }
}

/** Programs in Node 20 and later, by their inspector. */
export const nodeKind: BackendKind = {
  name: 'node',
  attach,
  usualCommands,
  usualFeatures: featuresOf(false),
}
