import type { Attach, Backend, BackendContext, BackendKind, BackendOptions, Handlers } from '../backend.ts'
import type { Capabilities, EventName } from '../../dap/call.ts'
import { DapError, dapError } from '../../dap/errors.ts'
import type { Command, Events } from '../../dap/protocol.ts'
import { capabilityOf } from '../../dap/protocol.ts'
import { abortable, reasonOf, sleep } from '../../lib/abort.ts'
import { deferred } from '../../lib/deferred.ts'
import { Children } from './children.ts'
import type { Link } from './connection.ts'
import { Evaluation } from './evaluation.ts'
import { debugpyHandlers, type DebugpyHandlers } from './handlers.ts'
import { connect } from './link.ts'
import { attachArguments, debuggedProcess, detachMs, evaluatedMs, isElsewhere, noDelay, serverMs } from './quirks.ts'

/** Attaches to a program under debugpy, which answers in DAP: we are its client. See `Attach`. */
export const attach: Attach = async (options, context) => {
  const link = await connect(options, context)
  const backend = new DebugpyBackend(link, options, context)
  try {
    await backend.attach(context.signal)
    return backend
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

/** Events that are a client's business; the others are debugpy's own, or about itself. */
const passedEvents = new Set<string>([
  'stopped',
  'continued',
  'thread',
  'output',
  'breakpoint',
  'module',
  'loadedSource',
  'process',
  'invalidated',
  'memory',
] satisfies EventName[])

class DebugpyBackend implements Backend {
  readonly #link: Link
  readonly #options: BackendOptions
  readonly #context: BackendContext
  readonly #closed = deferred<Error | undefined>()
  readonly #initialized = deferred<void>()
  readonly #children: Children
  readonly #evaluation: Evaluation
  readonly #table: DebugpyHandlers
  readonly #elsewhere: boolean
  #attached: Promise<unknown> = Promise.resolve()
  #state: 'attaching' | 'configuring' | 'running' | 'terminated' | 'detaching' = 'attaching'
  #terminatedSent = false
  #detached: Promise<undefined> | undefined
  readonly features: Capabilities

  constructor(link: Link, options: BackendOptions, context: BackendContext) {
    this.#link = link
    this.#options = options
    this.#context = context
    this.#elsewhere = isElsewhere(context.transport.name, options.address)
    this.features = featuresOf(link.capabilities, context.guard.readOnly)
    this.#children = new Children(link.openChild, context)
    this.#evaluation = new Evaluation(link.upstream, context.log)
    this.#table = debugpyHandlers({
      upstream: link.upstream,
      evaluation: this.#evaluation,
      readOnly: context.guard.readOnly,
      paging: options.client.supportsVariablePaging === true,
      configurationDone: (signal) => this.#configurationDone(signal),
      disconnect: (terminate) => this.#detach(terminate),
    })
    link.upstream.onEvent((event, body) => this.#onEvent(event, body))
    link.onChild((process) => this.#children.announce(process))
    void link.upstream.closed.then((error) => this.#onClosed(error))
  }

  get handlers(): Handlers {
    return this.#table.handlers
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  /** Until `initialized`; debugpy answers `attach` itself only after `configurationDone`. */
  async attach(signal: AbortSignal): Promise<void> {
    const { upstream, process } = this.#link
    const args = attachArguments(this.#options.settings, this.#elsewhere, process)
    this.#attached = upstream.request('attach', args)
    this.#attached.then(
      () => {
        if (this.#state === 'terminated') this.#initialized.reject(dapError('programEnded', {}))
      },
      (error: Error) => this.#onAttachFailed(error),
    )
    const late = setTimeout(() => {
      const why = `debugpy's adapter answers, but its program has not in ${serverMs / 1000} s`
      this.#initialized.reject(dapError('debuggerGone', { why }))
    }, serverMs)
    const onAbort = (): void => this.#initialized.reject(reasonOf(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      await this.#initialized.promise
    } finally {
      clearTimeout(late)
      signal.removeEventListener('abort', onAbort)
    }
    this.#state = 'configuring'
  }

  #onAttachFailed(error: Error): void {
    const program = debuggedProcess(error.message)
    const told = program === undefined ? error : dapError('alreadyDebugged', { program }, { cause: error })
    this.#initialized.reject(told)
    // A failure after `initialized` has nobody who waits for it: the session ends with it.
    if (this.#state === 'running' || this.#state === 'configuring') this.#link.upstream.close(told)
  }

  /** Only with an attach that waits for it, and once: any other ends the adapter, for all its clients (both versions). */
  async #configurationDone(signal: AbortSignal): Promise<undefined> {
    if (this.#state !== 'configuring') return undefined
    this.#state = 'running'
    await this.#link.upstream.request('configurationDone', {}, signal)
    void this.#link.upstream
      .request('evaluate', { expression: noDelay, context: 'watch' }, this.#context.signal)
      // Without it everything works, only slower.
      .catch((error: unknown) => this.#context.log.debug({ err: error }, "debugpy's socket was not set to TCP_NODELAY"))
    await abortable(this.#attached, signal)
    return undefined
  }

  #onEvent(event: string, body: unknown): void {
    switch (event) {
      case 'initialized':
        return this.#initialized.resolve()
      case 'debugpyAttach':
        return this.#onChild(body)
      case 'terminated':
        return this.#onTerminated()
      case 'exited':
        return this.#onExited(body)
      case 'stopped':
      case 'continued':
        this.#table.resumed()
    }
    if (!passedEvents.has(event) || this.#state === 'detaching') return
    if (event === 'output' && (body as Events['output'] | undefined)?.category === 'telemetry') return
    if (event === 'process') return this.#context.emit('process', this.#processBody(body as Events['process']))
    this.#context.emit(event as EventName, body as never)
  }

  #processBody(body: Events['process']): Events['process'] {
    return { ...body, isLocalProcess: !this.#elsewhere }
  }

  #onChild(body: unknown): void {
    const { subProcessId } = (body ?? {}) as { subProcessId?: unknown }
    if (typeof subProcessId === 'number') this.#children.announce(subProcessId)
  }

  /** pydevd's own reason: the program has replaced itself (`exec`) and comes back as a child. */
  #onExited(body: unknown): void {
    const { pydevdReason, exitCode } = (body ?? {}) as { pydevdReason?: unknown; exitCode?: unknown }
    if (pydevdReason === 'processReplaced') return
    this.#context.emit('exited', { exitCode: typeof exitCode === 'number' ? exitCode : 0 })
  }

  #onTerminated(): void {
    // The answer to our own `disconnect`; whoever asked for the end knows of it.
    if (this.#state === 'detaching') return
    const attaching = this.#state === 'attaching'
    this.#state = 'terminated'
    // A child that is not there any more: `attach` is answered, and this is all that comes.
    if (attaching) return this.#initialized.reject(dapError('programEnded', {}))
    this.#sendTerminated()
    this.#link.upstream.close(dapError('programEnded', {}))
  }

  #sendTerminated(): void {
    if (this.#terminatedSent) return
    this.#terminatedSent = true
    this.#context.emit('terminated', undefined)
  }

  #onClosed(error: Error | undefined): void {
    const asked = this.#state === 'detaching'
    const why = error?.message.replace(/\.$/, '') ?? 'it closed the connection'
    const gone = error instanceof DapError ? error : dapError('debuggerGone', { why }, { cause: error })
    this.#initialized.reject(gone)
    this.#closed.resolve(asked ? undefined : gone)
    // Children that wait would wait for ever now; and a listener has nothing to wait for.
    if (!asked) void this.#abandon()
  }

  async #abandon(): Promise<void> {
    await this.#children.releaseAll()
    await this.#link.end()
  }

  #detach(terminate: boolean): Promise<undefined> {
    this.#detached ??= this.#leave(terminate).then(() => undefined)
    return this.#detached
  }

  /**
   * debugpy takes its breakpoints out and resumes a stopped program by itself on `disconnect` (both versions). 1.6.6
   * leaves the connection open, so we close it. Whatever it does, after `detachMs` the connection is closed, which
   * detaches too.
   */
  async #leave(terminate: boolean): Promise<void> {
    const { upstream } = this.#link
    const late = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const gone = this.#state === 'terminated'
    if (!terminate) this.#state = 'detaching'
    try {
      // The children before the session itself: see settleMs. Both have bounds of their own, and are at once as a rule.
      await Promise.all([this.#evaluated(), this.#children.releaseAll()])
      timer = setTimeout(() => late.abort(), detachMs)
      const args = { terminateDebuggee: terminate }
      if (!gone) await Promise.race([upstream.request('disconnect', args, late.signal), upstream.closed])
    } catch {
      // Too late, or the connection is gone: closing is all that is left, and enough.
    } finally {
      clearTimeout(timer)
      late.abort()
      if (terminate) this.#sendTerminated()
      this.#state = 'detaching'
      upstream.close()
      await this.#link.end()
    }
    await upstream.closed
  }

  /** What is still evaluated is interrupted, and waited for: see evaluatedMs. */
  async #evaluated(): Promise<void> {
    const late = new AbortController()
    const evaluated = this.#evaluation.end().then(() => this.#link.upstream.evaluated())
    await Promise.race([evaluated, sleep(evaluatedMs, late.signal).catch(() => {})])
    late.abort()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#detach(false)
  }
}

/** What `initialize` said, less what is a request of ours (the table of handlers says it) or not for this mode. */
function featuresOf(said: Capabilities, readOnly: boolean): Capabilities {
  const requests = new Set<string>(Object.values(capabilityOf))
  const features: Record<string, unknown> = {}
  for (const name of knownFeatures) {
    const value: unknown = said[name]
    if (value !== undefined && !requests.has(name)) features[name] = value
  }
  // Under its wrong name in debugpy's answer; it can (both versions).
  if (!readOnly) features['supportTerminateDebuggee'] = true
  // Class names in it are evaluated in the program.
  if (readOnly) delete features['supportsExceptionOptions']
  return features
}

const knownFeatures = [
  'supportsConditionalBreakpoints',
  'supportsHitConditionalBreakpoints',
  'supportsLogPoints',
  'supportsEvaluateForHovers',
  'supportsExceptionOptions',
  'supportsValueFormattingOptions',
  'supportsDelayedStackTraceLoading',
  'supportsClipboardContext',
  'exceptionBreakpointFilters',
] as const satisfies (keyof Capabilities)[]

const usualCommands: readonly Command[] = [
  'configurationDone',
  'disconnect',
  'terminate',
  'setBreakpoints',
  'setFunctionBreakpoints',
  'setExceptionBreakpoints',
  'threads',
  'stackTrace',
  'scopes',
  'variables',
  'source',
  'modules',
  'evaluate',
  'setVariable',
  'setExpression',
  'exceptionInfo',
  'completions',
  'continue',
  'pause',
  'next',
  'stepIn',
  'stepOut',
  'stepInTargets',
  'goto',
  'gotoTargets',
]

const filter = (name: string, label: string, isDefault: boolean, description: string) => ({
  filter: name,
  label,
  default: isDefault,
  description,
})

/** Python programs under debugpy 1.6.6 to 1.8.22. */
export const debugpyKind: BackendKind = {
  name: 'debugpy',
  attach,
  usualCommands,
  usualFeatures: {
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsEvaluateForHovers: true,
    supportsExceptionOptions: true,
    supportsValueFormattingOptions: true,
    supportsDelayedStackTraceLoading: true,
    supportsClipboardContext: true,
    supportTerminateDebuggee: true,
    exceptionBreakpointFilters: [
      filter('raised', 'Raised Exceptions', false, 'Break whenever any exception is raised.'),
      filter('uncaught', 'Uncaught Exceptions', true, 'Break when the process is exiting due to unhandled exception.'),
      filter('userUnhandled', 'User Uncaught Exceptions', false, 'Break when exception escapes into library code.'),
    ],
  },
}
