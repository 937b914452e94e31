import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../backend.ts'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import type { Command } from '../../dap/protocol.ts'
import type { Upstream } from './connection.ts'
import type { Evaluation } from './evaluation.ts'
import { SafeValues } from './safeValues.ts'
import { PagedValues } from './values.ts'

export interface HandlerContext {
  readonly upstream: Upstream
  readonly evaluation: Evaluation
  readonly readOnly: boolean
  /** The client fetches long lists in pages. */
  readonly paging: boolean
  configurationDone(signal: AbortSignal): Promise<undefined>
  disconnect(terminate: boolean): Promise<undefined>
}

/** The table, and what ends when the program runs again. */
export interface DebugpyHandlers {
  readonly handlers: Handlers
  resumed(): void
}

/**
 * The strict allow-list: debugpy is sent these commands and no others, because one that it knows and does not implement
 * is never answered and blocks everything after it for ever (quirks.ts).
 */
export function debugpyHandlers(context: HandlerContext): DebugpyHandlers {
  const { upstream, evaluation, paging } = context
  const pass = <C extends Command>(call: Call<C>): Promise<Body<C>> =>
    upstream.request(call.command, call.arguments ?? {}, call.signal) as Promise<Body<C>>
  const text = evaluation.text.bind(evaluation)
  const ask = (args: DebugProtocol.VariablesArguments, signal: AbortSignal) =>
    upstream.request('variables', args, signal) as Promise<Body<'variables'>>
  const safe = context.readOnly ? new SafeValues(text, paging) : undefined
  const paged = new PagedValues(ask, text, paging)
  const resumed = (): void => {
    safe?.clear()
    paged.clear()
    evaluation.stoppedAt(undefined)
  }
  const resume = <C extends Command>(call: Call<C>): Promise<Body<C>> => {
    resumed()
    return pass(call)
  }
  const common: Handlers = {
    configurationDone: (call) => context.configurationDone(call.signal),
    disconnect: (call) => context.disconnect(!context.readOnly && call.arguments?.terminateDebuggee === true),
    setBreakpoints: (call) => setBreakpoints(call, pass),
    setFunctionBreakpoints: pass,
    setExceptionBreakpoints: (call) => setExceptionBreakpoints(call, upstream, context.readOnly),
    threads: pass,
    async stackTrace(call) {
      const body = await pass(call)
      evaluation.stoppedAt(body.stackFrames[0]?.id)
      safe?.frames(body.stackFrames)
      return body
    },
    source: pass,
    modules: pass,
    continue: (call) => resumeAll(call, upstream, resumed),
    pause: (call) => upstream.request('pause', { threadId: '*' }, call.signal) as Promise<undefined>,
    next: resume,
    stepIn: resume,
    stepOut: resume,
    stepInTargets: pass,
    gotoTargets: pass,
  }
  if (safe !== undefined) return { resumed, handlers: { ...common, ...readOnlyHandlers(safe, pass) } }
  const changes = async <C extends Command>(call: Call<C>): Promise<Body<C>> => {
    const body = await pass(call)
    paged.changed()
    return body
  }
  const control: Handlers = {
    scopes: async (call) => paged.scopes(call.arguments.frameId, await pass(call)),
    variables: (call) => paged.variables(call),
    exceptionInfo: pass,
    completions: pass,
    setVariable: changes,
    setExpression: (call) => evaluation.setExpression(call).finally(() => paged.changed()),
    evaluate: (call) => evaluation.evaluate(call).finally(() => paged.changed()),
    goto: resume,
    terminate: () => context.disconnect(true),
  }
  return { resumed, handlers: { ...common, ...control } }
}

/** The policy has refused these before; here nobody can forget to. */
function readOnlyHandlers(safe: SafeValues, pass: <C extends Command>(call: Call<C>) => Promise<Body<C>>): Handlers {
  const refuse = (call: Call): Promise<never> =>
    Promise.reject(
      dapError('refused', {
        rule: 'readOnly',
        target: 'debugpy',
        why: `'${call.command}' could run the program's code or change it`,
        advice: '',
      }),
    )
  return {
    // Async, so that a stale frame rejects and does not throw.
    scopes: async (call) => safe.scopes(call.arguments.frameId),
    variables: (call) => safe.variables(call),
    exceptionInfo: async (call) => {
      const { threadId } = call.arguments
      const args = { threadId, startFrame: 0, levels: 1 }
      const stack = await pass<'stackTrace'>({ ...call, command: 'stackTrace', arguments: args })
      const frame = stack.stackFrames[0]
      safe.frames(stack.stackFrames)
      const exception = frame === undefined ? undefined : await safe.exception(frame.id, call.signal)
      if (exception === undefined) return { exceptionId: 'exception', breakMode: 'always' }
      const { type, text } = exception
      const typeName = type.slice(type.lastIndexOf('.') + 1)
      const details = { message: text, typeName, fullTypeName: type }
      return { exceptionId: type, description: text, breakMode: 'always', details }
    },
    evaluate: refuse,
    setVariable: refuse,
    setExpression: refuse,
    completions: refuse,
    goto: refuse,
    terminate: refuse,
  }
}

/** The adapter makes it all threads in any case; pydevd itself must be told. The answer means that they run. */
async function resumeAll(call: Call<'continue'>, upstream: Upstream, resumed: () => void): Promise<Body<'continue'>> {
  resumed()
  const body = (await upstream.request('continue', { threadId: '*' }, call.signal)) as Body<'continue'> | undefined
  return { ...body, allThreadsContinued: true }
}

/** A source without a path would end the program's connection to debugpy (both versions); debugpy needs a file. */
async function setBreakpoints(
  call: Call<'setBreakpoints'>,
  pass: (call: Call<'setBreakpoints'>) => Promise<Body<'setBreakpoints'>>,
): Promise<Body<'setBreakpoints'>> {
  const { source, breakpoints = [], lines = [] } = call.arguments
  if (typeof source.path === 'string' && source.path !== '') {
    // Only what debugpy reads; a reference of a former session means nothing to it.
    const { name, path } = source
    const wanted = breakpoints.length > 0 ? breakpoints : lines.map((line) => ({ line }))
    const args = { source: name === undefined ? { path } : { name, path }, breakpoints: wanted }
    return pass({ ...call, arguments: args })
  }
  const message = 'debugpy sets breakpoints only in files, and this source has no path.'
  return { breakpoints: breakpoints.map(({ line }) => ({ verified: false, line, message })) }
}

/**
 * debugpy has no `filterOptions` (both versions): one without a condition is a filter. The class names in
 * `exceptionOptions` are evaluated in the program.
 */
async function setExceptionBreakpoints(
  call: Call<'setExceptionBreakpoints'>,
  upstream: Upstream,
  readOnly: boolean,
): Promise<Body<'setExceptionBreakpoints'>> {
  const { filters, filterOptions = [], exceptionOptions } = call.arguments
  const plain = filterOptions.filter(({ condition }) => condition === undefined || condition === '')
  const all = [...new Set([...filters, ...plain.map(({ filterId }) => filterId)])]
  const options = readOnly || exceptionOptions === undefined ? {} : { exceptionOptions }
  const body = await upstream.request('setExceptionBreakpoints', { filters: all, ...options }, call.signal)
  return body as Body<'setExceptionBreakpoints'>
}
