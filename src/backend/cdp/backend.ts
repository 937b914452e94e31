import type { Attach, Backend, BackendContext, BackendKind, BackendOptions, Handlers } from '../backend.ts'
import type { Capabilities } from '../../dap/call.ts'
import type { Command } from '../../dap/protocol.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { Inspector } from './connection.ts'
import { addressText, dialer, discover, notInspector, openInspector } from './discovery.ts'
import { ownHandlers } from './handlers.ts'
import type { Frame, Parts, Script, Stop, Thread } from './parts.ts'
import { Positions } from './positions.ts'
import { DebugThread, type ThreadOwner } from './thread.ts'

/** Attaches to a Node whose inspector listens. See `Attach`. */
export const attach: Attach = async (options, context) => {
  const where = addressText(options.address)
  const dial = dialer(context.transport, options.address)
  const { targets } = await discover(dial, where, context.signal)
  const [target] = targets
  if (target === undefined) throw notInspector(where, 'it has nothing to debug')
  const inspector = await openInspector(dial, target, where, context.log, context.signal)
  const backend = new CdpBackend(inspector, options, context)
  try {
    await backend.attach()
    return backend
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

const mainThread = 1

class CdpBackend implements Backend, Parts, ThreadOwner {
  readonly options: BackendOptions
  readonly context: BackendContext
  readonly handlers: Handlers
  readonly features: Capabilities = features
  readonly #inspector: Inspector
  readonly #threads = new Map<number, DebugThread>()
  readonly #closed = deferred<Error | undefined>()
  #lastId = 0
  #isConfigured = false
  #detached: Promise<undefined> | undefined

  constructor(inspector: Inspector, options: BackendOptions, context: BackendContext) {
    this.options = options
    this.context = context
    this.#inspector = inspector
    this.#threads.set(mainThread, new DebugThread(mainThread, 'main', inspector.main, this))
    this.handlers = ownHandlers({
      parts: this,
      positions: new Positions(options.client),
      threadOf: (id) => this.#threads.get(id),
      configurationDone: () => this.#configurationDone(),
      disconnect: () => this.#detach(),
    })
    void inspector.closed.then((error) => this.#closed.resolve(error))
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
    return this.#threads.values()
  }

  thread(id: number): Thread | undefined {
    return this.#threads.get(id)
  }

  frame(id: number): Frame | undefined {
    for (const { stop } of this.#threads.values()) {
      const frame = stop?.frames.find((known) => known.id === id)
      if (frame !== undefined) return frame
    }
    return undefined
  }

  /** In one flight: the answer to the last is behind all scripts that are loaded. */
  async attach(): Promise<void> {
    const { main } = this.#inspector
    const { signal } = this.context
    await Promise.all([
      main.request('Runtime.enable', undefined, signal),
      main.request('Debugger.enable', {}, signal),
      main.request('NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }, signal),
    ])
  }

  paused(stop: Stop): void {
    if (!this.#isConfigured) return
    this.#show(stop)
  }

  resumed(thread: DebugThread): void {
    if (this.#isConfigured) this.context.emit('continued', { threadId: thread.id, allThreadsContinued: false })
  }

  scriptRemoved(_script: Script): void {}

  #show({ thread }: Stop): void {
    this.context.emit('stopped', { reason: 'pause', threadId: thread.id, allThreadsStopped: this.#threads.size === 1 })
  }

  async #configurationDone(): Promise<undefined> {
    this.#isConfigured = true
    for (const { cdp, stop } of this.#threads.values()) {
      cdp.send('Runtime.runIfWaitingForDebugger')
      if (stop !== undefined) this.#show(stop)
    }
    return undefined
  }

  #detach(): Promise<undefined> {
    this.#detached ??= this.#inspector.close().then(() => undefined)
    return this.#detached
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#detach()
  }
}

const features: Capabilities = {}

const usualCommands: readonly Command[] = ['configurationDone', 'disconnect', 'threads', 'stackTrace']

/** Node 20 and later, by its inspector. */
export const nodeKind: BackendKind = { name: 'node', attach, usualCommands, usualFeatures: features }
