import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import type { CdpSession } from './connection.ts'
import type { Script } from './parts.ts'
import type { CdpEvents } from './wire.ts'

/** So long nothing must be asked of the domain before it is switched off. */
const idleMs = 500

/** Larger scripts are bundles, in which nobody has left a `debugger` statement; to look would hold the program. */
const searchedMaxLength = 2_000_000
const statement = String.raw`(^|[;{}()\s])debugger\s*(;|\}|$|//|/\*)`

/**
 * The `Debugger` domain of one V8, on only while there is something to stop for. V8's awaits take a slow path from the
 * moment that it is enabled, with no breakpoint and no async stacks at all: 110 ns became 900 and more (20, 24). So while
 * there is no breakpoint, no exception filter, no stop, no pause that was asked for and no `debugger` statement in the
 * program, it is off; the next request that needs it switches it on in the same flight. V8 then tells of all scripts
 * once more.
 */
export class DebuggerDomain implements CdpSession {
  readonly #inner: CdpSession
  readonly #log: Log
  readonly #scripts: () => Iterable<Script>
  readonly #breakpoints = new Set<string>()
  /** Taken out before V8 has answered that they are set. */
  readonly #removed = new Set<string>()
  readonly #searched = new WeakSet<Script>()
  #setting = 0
  #pending = 0
  #on: Promise<unknown> | undefined
  #patterns: object | undefined
  #isPausing = false
  /** Patterns are out of the way of a pause that was asked for. */
  #isLifted = false
  #isPaused = false
  #onExceptions = false
  #asyncDepth = 0
  #hasStatement = false
  #mayIdle = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(inner: CdpSession, scripts: () => Iterable<Script>, log: Log) {
    this.#inner = inner
    this.#scripts = scripts
    this.#log = log
    inner.on('Debugger.paused', () => {
      this.#isPaused = true
      this.#isPausing = false
      if (this.#isLifted) inner.send('Debugger.setBlackboxPatterns', this.#patterns)
      this.#isLifted = false
    })
    inner.on('Debugger.resumed', () => {
      this.#isPaused = false
      this.#later()
    })
    void inner.closed.then(() => this.#end())
  }

  get closed(): Promise<Error | undefined> {
    return this.#inner.closed
  }

  get isOn(): boolean {
    return this.#on !== undefined
  }

  on<E extends keyof CdpEvents>(event: E, listener: (params: CdpEvents[E]) => void): () => void {
    return this.#inner.on(event, listener)
  }

  send(method: string, params?: object): void {
    this.request(method, params).catch((error: unknown) => this.#log.debug({ err: error, method }, 'not done'))
  }

  request<T = unknown>(method: string, params?: object, signal?: AbortSignal): Promise<T> {
    if (!method.startsWith('Debugger.')) return this.#inner.request<T>(method, params, signal)
    if (method === 'Debugger.disable') return this.#disable<T>()
    if (method === 'Debugger.enable') return (this.#on ?? this.#enable()) as Promise<T>
    if (this.#on === undefined) void this.#enable()
    if (method === 'Debugger.pause') this.#lift()
    const asked = this.#inner.request<T>(method, params, signal)
    this.#note(method, (params ?? {}) as Readonly<Record<string, unknown>>, asked)
    return asked
  }

  /** Resolves when all scripts that are loaded have been told of. */
  async awake(): Promise<void> {
    await (this.#on ?? this.#enable())
    this.#later()
  }

  /** From now on it may be switched off. */
  mayIdle(): void {
    this.#mayIdle = true
    this.#later()
  }

  #enable(): Promise<unknown> {
    const enabled = this.#inner.request('Debugger.enable', {})
    // Whoever needs it hears of the failure by his own request.
    enabled.catch(() => {})
    this.#on = enabled
    if (this.#patterns !== undefined) this.#inner.send('Debugger.setBlackboxPatterns', this.#patterns)
    return enabled
  }

  /**
   * A pause that finds V8 in a script which is passed by is lost for good: with Node's own scripts among the patterns 6 of
   * 20 never came (20, 24).
   */
  #lift(): void {
    if (this.#patterns === undefined) return
    this.#isLifted = true
    this.#inner.send('Debugger.setBlackboxPatterns', { patterns: [] })
  }

  #disable<T>(): Promise<T> {
    this.#end()
    return this.#inner.request<T>('Debugger.disable')
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #note(method: string, params: Readonly<Record<string, unknown>>, asked: Promise<unknown>): void {
    switch (method) {
      case 'Debugger.setBlackboxPatterns':
        this.#patterns = params
        break
      case 'Debugger.pause':
        this.#isPausing = true
        break
      case 'Debugger.setPauseOnExceptions':
        this.#onExceptions = params['state'] !== 'none'
        break
      case 'Debugger.setAsyncCallStackDepth':
        this.#asyncDepth = Number(params['maxDepth'])
        break
      case 'Debugger.removeBreakpoint':
        this.#remove(String(params['breakpointId']))
        break
      default:
        if (/^Debugger\.set\w*Breakpoint/.test(method)) this.#set(asked)
    }
    this.#pending += 1
    const answered = (): void => {
      this.#pending -= 1
      this.#later()
    }
    asked.then(answered, answered)
  }

  #set(asked: Promise<unknown>): void {
    this.#setting += 1
    const over = (id: unknown): void => {
      this.#setting -= 1
      if (typeof id === 'string' && !this.#removed.delete(id)) this.#breakpoints.add(id)
      if (this.#setting === 0) this.#removed.clear()
    }
    asked.then(
      (answer) => over((answer as { readonly breakpointId?: unknown } | undefined)?.breakpointId),
      () => over(undefined),
    )
  }

  #remove(id: string): void {
    if (!this.#breakpoints.delete(id) && this.#setting > 0) this.#removed.add(id)
  }

  #isNeeded(): boolean {
    return (
      this.#isOver ||
      !this.#mayIdle ||
      this.#pending + this.#setting + this.#breakpoints.size + this.#asyncDepth > 0 ||
      this.#isPaused ||
      this.#isPausing ||
      this.#onExceptions ||
      this.#hasStatement
    )
  }

  #later(): void {
    clearTimeout(this.#timer)
    if (this.#on === undefined || this.#isNeeded()) return
    this.#timer = setTimeout(() => void this.#idle(), idleMs)
    this.#timer.unref()
  }

  async #idle(): Promise<void> {
    if (this.#isNeeded()) return
    try {
      await this.#search()
    } catch (error) {
      this.#log.debug({ err: error }, 'scripts were not searched for debugger statements')
      return
    }
    if (this.#on === undefined || this.#isNeeded()) return
    this.#on = undefined
    this.#inner.send('Debugger.disable')
  }

  /** `debugger` statements stop only where the domain is on. Scripts that come while it is off are not looked into. */
  async #search(): Promise<void> {
    const found = deferred<void>()
    const asked: Promise<unknown>[] = []
    for (const script of this.#scripts()) {
      if (script.internal || script.length > searchedMaxLength || this.#searched.has(script)) continue
      this.#searched.add(script)
      if (script.url.includes('/node_modules/')) continue
      const params = { scriptId: script.id, query: statement, isRegex: true, caseSensitive: true }
      asked.push(
        this.#inner.request<{ readonly result: readonly unknown[] }>('Debugger.searchInContent', params).then(
          ({ result }) => {
            if (result.length === 0) return
            this.#hasStatement = true
            found.resolve()
          },
          // V8 has forgotten the script.
          () => {},
        ),
      )
    }
    await Promise.race([Promise.all(asked), found.promise])
  }
}
