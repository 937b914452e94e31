import type { Log } from '../../../lib/log.ts'
import { installGuard, removeGuard } from '../guard.ts'
import type { Thread } from '../parts.ts'
import { creditMax, defineSource, hiddenSource, lineCost } from './hiddenObject.ts'
import type { HiddenNames } from './text.ts'

/** Contexts in which something of ours is; a program can make any number with `vm`. */
const contextsMax = 100
const timeoutMs = 1_000
/** The first one of each V8 in Node is the program's own; the others are made with `vm`. */
const mainContext = 1

export interface LogLineListener {
  /** `id` is the breakpoint's. */
  line(id: number, text: string): void
  leftOut(count: number): void
}

interface Installed {
  readonly own: Promise<boolean>
  guard: Promise<boolean> | undefined
}

interface Evaluated {
  readonly result: { readonly objectId?: string; readonly value?: unknown }
  readonly exceptionDetails?: unknown
}

/** What is hidden in one V8 for conditions: nothing before it is needed, and then in every context that has scripts. */
export class Hidden {
  readonly names: HiddenNames
  readonly #thread: Thread
  readonly #log: Log
  readonly #listener: LogLineListener
  readonly #contexts = new Set<number>()
  readonly #installed = new Map<number, Installed>()
  readonly #unacknowledged = new Map<number, number>()
  readonly #stops: (() => void)[]
  #needsOwn = false
  #needsGuard = false

  constructor(thread: Thread, names: HiddenNames, listener: LogLineListener, log: Log) {
    this.#thread = thread
    this.names = names
    this.#listener = listener
    this.#log = log
    const { cdp, scripts } = thread
    this.#stops = [
      scripts.onScript(({ contextId }) => this.#scriptIn(contextId)),
      cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => this.#forget(executionContextId)),
      cdp.on('Runtime.executionContextsCleared', () => [...this.#contexts].forEach((id) => this.#forget(id))),
      cdp.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
        if (name === this.names.own) this.#called(payload, executionContextId)
      }),
    ]
  }

  /** Resolves when it is there; with why not, where it cannot be in the program's own context. */
  async need(own: boolean, guard: boolean): Promise<string | undefined> {
    if (!own && !guard) return undefined
    this.#needsOwn = true
    this.#needsGuard ||= guard
    for (const id of new Set([mainContext, ...this.#contexts])) this.#install(id)
    const installed = this.#installed.get(mainContext)
    if (installed === undefined || !(await installed.own)) return notHere
    return guard && !(await installed.guard) ? notHere : undefined
  }

  /** Takes everything out of the program, in one flight. */
  async leave(): Promise<void> {
    for (const stop of this.#stops) stop()
    const { cdp } = this.#thread
    const { own, guard } = this.names
    const ids = [...this.#installed]
    this.#installed.clear()
    const gone = ids.flatMap(([contextId, installed]) => [
      cdp.request('Runtime.evaluate', { contextId, expression: `delete globalThis.${own}`, silent: true }),
      ...(installed.guard === undefined ? [] : [removeGuard(cdp, guard, contextId)]),
    ])
    if (ids.length > 0) gone.push(cdp.request('Runtime.removeBinding', { name: own }))
    await Promise.allSettled(gone)
  }

  #scriptIn(contextId: number): void {
    // Node's own scripts are in none.
    if (contextId === 0 || this.#contexts.has(contextId) || this.#contexts.size >= contextsMax) return
    this.#contexts.add(contextId)
    // A script of a new context that runs at once can be faster than this; its first hits are then not counted.
    if (this.#needsOwn) this.#install(contextId)
  }

  #forget(contextId: number): void {
    this.#contexts.delete(contextId)
    this.#installed.delete(contextId)
    this.#unacknowledged.delete(contextId)
  }

  #install(contextId: number): void {
    const known = this.#installed.get(contextId)
    const installed = known ?? { own: this.#attempt(this.#installOwn(contextId)), guard: undefined }
    if (known === undefined) this.#installed.set(contextId, installed)
    if (!this.#needsGuard) return
    installed.guard ??= this.#attempt(installGuard(this.#thread.cdp, this.names.guard, contextId))
  }

  #attempt(installing: Promise<boolean>): Promise<boolean> {
    return installing.catch((error: unknown) => {
      this.#log.debug({ err: error, thread: this.#thread.id }, 'nothing can be hidden in a context')
      return false
    })
  }

  async #installOwn(contextId: number): Promise<boolean> {
    const { cdp } = this.#thread
    const name = this.names.own
    const [, define] = await Promise.all([
      cdp.request('Runtime.addBinding', { name, executionContextId: contextId }),
      cdp.request<Evaluated>('Runtime.evaluate', {
        contextId,
        expression: defineSource,
        throwOnSideEffect: true,
        timeout: timeoutMs,
        silent: true,
      }),
    ])
    const { objectId } = define.result
    if (define.exceptionDetails !== undefined || objectId === undefined) return false
    const done = await cdp.request<Evaluated>('Runtime.callFunctionOn', {
      objectId,
      functionDeclaration: hiddenSource,
      arguments: [{ objectId }, { value: name }],
      silent: true,
    })
    cdp.send('Runtime.releaseObject', { objectId })
    return done.exceptionDetails === undefined
  }

  #called(payload: string, contextId: number): void {
    const space = payload.indexOf(' ')
    const text = payload.slice(space + 1)
    this.#listener.line(Number(payload.slice(0, space)), text)
    const cost = (this.#unacknowledged.get(contextId) ?? 0) + text.length + lineCost
    if (cost < creditMax / 4) {
      this.#unacknowledged.set(contextId, cost)
      return
    }
    this.#unacknowledged.set(contextId, 0)
    this.#acknowledge(contextId, cost).catch((error: unknown) => {
      this.#log.debug({ err: error }, 'log lines were not acknowledged')
    })
  }

  async #acknowledge(contextId: number, cost: number): Promise<void> {
    const expression = `${this.names.own}.a(${cost})`
    const { result } = await this.#thread.cdp.request<Evaluated>('Runtime.evaluate', {
      contextId,
      expression,
      silent: true,
      returnByValue: true,
    })
    if (typeof result.value === 'number' && result.value > 0) this.#listener.leftOut(result.value)
  }
}

const notHere =
  'This needs a helper in the program that cannot be put there safely (Node before 20.16, or the program has replaced parts of JavaScript).'
