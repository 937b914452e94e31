import type { Debugger, InspectorNotification, NodeWorker, Runtime } from 'node:inspector'

/** One message of the Chrome DevTools Protocol, as Node's inspector sends it: an answer or an event. */
export type Incoming =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly code: number; readonly message: string }
  | { readonly kind: 'event'; readonly method: string; readonly params: unknown }

/** What is at `/json/list` of an inspector: one debuggable thing. */
export interface InspectorTarget {
  readonly id: string
  readonly title: string
  /** `node` for a process; a browser has others. */
  readonly type: string
  /** The path of its WebSocket; the host in it is not ours to use. */
  readonly path: string
  readonly url: string
}

/** What an inspector says of itself at `/json/version`: `node.js/v20.20.2`. */
export interface InspectorVersion {
  readonly browser: string
  readonly protocol: string
}

/** The events that are listened to, by their methods. */
export interface CdpEvents {
  'Debugger.scriptParsed': Debugger.ScriptParsedEventDataType & {
    readonly debugSymbols?: unknown
    readonly buildId?: string
  }
  'Debugger.scriptFailedToParse': Debugger.ScriptFailedToParseEventDataType
  'Debugger.paused': Debugger.PausedEventDataType
  'Debugger.resumed': Record<string, never>
  'Debugger.breakpointResolved': Debugger.BreakpointResolvedEventDataType
  'Runtime.executionContextCreated': Runtime.ExecutionContextCreatedEventDataType
  'Runtime.executionContextDestroyed': Runtime.ExecutionContextDestroyedEventDataType
  'Runtime.executionContextsCleared': Record<string, never>
  'Runtime.exceptionThrown': Runtime.ExceptionThrownEventDataType
  'Runtime.consoleAPICalled': Runtime.ConsoleAPICalledEventDataType
  'Runtime.bindingCalled': { readonly name: string; readonly payload: string; readonly executionContextId: number }
  'NodeWorker.attachedToWorker': NodeWorker.AttachedToWorkerEventDataType
  'NodeWorker.detachedFromWorker': NodeWorker.DetachedFromWorkerEventDataType
  'NodeWorker.receivedMessageFromWorker': NodeWorker.ReceivedMessageFromWorkerEventDataType
  'NodeRuntime.waitingForDisconnect': InspectorNotification<object>
  'NodeRuntime.waitingForDebugger': InspectorNotification<object>
}

export function formatRequest(id: number, method: string, params: object | undefined): string {
  return JSON.stringify(params === undefined ? { id, method } : { id, method, params })
}

/** Undefined for what is no message of the protocol. */
export function parseMessage(text: string): Incoming | undefined {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof message !== 'object' || message === null) return undefined
  const { id, method, params, result, error } = message as Record<string, unknown>
  if (typeof method === 'string' && id === undefined) return { kind: 'event', method, params }
  if (typeof id !== 'number') return undefined
  if (error === undefined) return { kind: 'answer', id, result }
  const { code, message: said, data } = (error ?? {}) as Record<string, unknown>
  const words = typeof said === 'string' ? said : 'an error without a message'
  return {
    kind: 'error',
    id,
    code: typeof code === 'number' ? code : 0,
    message: typeof data === 'string' && data !== '' ? `${words}: ${data}` : words,
  }
}

/** The targets of a `/json/list`; undefined if that is not one. Those without a WebSocket of their own are left out. */
export function parseTargets(text: string): InspectorTarget[] | undefined {
  const list = parseJson(text)
  if (!Array.isArray(list)) return undefined
  return list.flatMap((entry: unknown) => {
    const { id, title, type, url, webSocketDebuggerUrl } = (entry ?? {}) as Record<string, unknown>
    if (typeof webSocketDebuggerUrl !== 'string' || !URL.canParse(webSocketDebuggerUrl)) return []
    const { pathname, search } = new URL(webSocketDebuggerUrl)
    const path = `${pathname}${search}`
    return [{ id: text_(id), title: text_(title), type: text_(type), url: text_(url), path }]
  })
}

export function parseVersion(text: string): InspectorVersion | undefined {
  const version = parseJson(text) as Record<string, unknown> | undefined
  if (typeof version !== 'object' || version === null || typeof version['Browser'] !== 'string') return undefined
  return { browser: version['Browser'], protocol: text_(version['Protocol-Version']) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function text_(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
