import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, AnyEvent, Body } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import type { Handles } from './handles.ts'
import type { Sources } from './sources.ts'

type Ids = Pick<Handles, 'toClient' | 'toBackend'>
type Loose = Record<string, unknown>

/**
 * The client's ids and paths to the debugger's, and back. Below all policies: a policy sees what the client sees.
 * `thread` is the one whose stop the call is about, so that what is read now ends with that stop.
 */
export interface Translated {
  readonly call: AnyCall
  readonly thread: number | undefined
}

export function toBackend(call: AnyCall, ids: Ids, sources: Sources): Translated {
  const args = (call.arguments ?? {}) as Loose
  let thread = typeof args['threadId'] === 'number' ? args['threadId'] : undefined
  const changed: Loose = {}
  if (typeof args['frameId'] === 'number') {
    const frame = ids.toBackend('frame', args['frameId'])
    thread = frame.thread
    changed['frameId'] = frame.backendId
  }
  if (typeof args['variablesReference'] === 'number' && args['variablesReference'] > 0) {
    const value = ids.toBackend('value', args['variablesReference'])
    thread = value.thread
    changed['variablesReference'] = value.backendId
  }
  if (typeof args['source'] === 'object') {
    changed['source'] = sources.sourceToRemote(args['source'] as DebugProtocol.Source)
  }
  if (Object.keys(changed).length === 0) return { call, thread }
  return { call: { ...call, arguments: { ...args, ...changed } } as AnyCall, thread }
}

type Mapper<C extends Command> = (body: NonNullable<Body<C>>, to: ToClient) => NonNullable<Body<C>>

interface ToClient {
  value<T extends { variablesReference?: number }>(item: T): T
  frame(id: number): number
  breakpoint(item: DebugProtocol.Breakpoint): DebugProtocol.Breakpoint
  source<T extends { source?: DebugProtocol.Source }>(item: T): T
  sources: Sources
}

const mappers: { readonly [C in Command]?: Mapper<C> } = {
  stackTrace: (body, to) => ({
    ...body,
    stackFrames: body.stackFrames.map((frame) => to.source({ ...frame, id: to.frame(frame.id) })),
  }),
  scopes: (body, to) => ({ scopes: body.scopes.map((scope) => to.source(to.value(scope))) }),
  variables: (body, to) => ({ ...body, variables: body.variables.map((variable) => to.value(variable)) }),
  evaluate: (body, to) => to.value(body),
  setVariable: (body, to) => to.value(body),
  setExpression: (body, to) => to.value(body),
  setBreakpoints: (body, to) => ({ ...body, breakpoints: body.breakpoints.map((b) => to.breakpoint(b)) }),
  setFunctionBreakpoints: (body, to) => ({ ...body, breakpoints: body.breakpoints.map((b) => to.breakpoint(b)) }),
  setDataBreakpoints: (body, to) => ({ ...body, breakpoints: body.breakpoints.map((b) => to.breakpoint(b)) }),
  setInstructionBreakpoints: (body, to) => ({ ...body, breakpoints: body.breakpoints.map((b) => to.breakpoint(b)) }),
  setExceptionBreakpoints: (body, to) =>
    body.breakpoints === undefined ? body : { ...body, breakpoints: body.breakpoints.map((b) => to.breakpoint(b)) },
  exceptionInfo: (body, to) => {
    const { stackTrace } = body.details ?? {}
    if (stackTrace === undefined) return body
    return {
      ...body,
      details: { ...body.details, stackTrace: stackTrace.replace(pathInStack, (path) => to.sources.toLocal(path)) },
    }
  },
  loadedSources: (body, to) => ({ ...body, sources: body.sources.map((s) => to.sources.sourceToLocal(s)) }),
  modules: (body, to) => ({ ...body, modules: body.modules.map((m) => localModule(m, to.sources)) }),
  disassemble: (body, to) => ({
    ...body,
    instructions: body.instructions.map((i) =>
      i.location === undefined ? i : { ...i, location: to.sources.sourceToLocal(i.location) },
    ),
  }),
  locations: (body, to) => ({ ...body, source: to.sources.sourceToLocal(body.source) }),
}

/** `\t/app/main.go:7`, `at f (/app/a.js:1:2)`, `File "/app/a.py", line 3`: editors make links of them. */
const pathInStack = /(?:[A-Za-z]:[\\/]|\/)[^\n:"]*(?=:\d|")/g

export function bodyToClient(command: Command, body: unknown, ids: Ids, sources: Sources, thread?: number): unknown {
  const mapper = mappers[command] as ((body: unknown, to: ToClient) => unknown) | undefined
  return mapper === undefined || typeof body !== 'object' ? body : mapper(body, toClient(ids, sources, thread))
}

export function eventToClient(event: AnyEvent, ids: Ids, sources: Sources): AnyEvent {
  const to = toClient(ids, sources, undefined)
  switch (event.event) {
    case 'output':
      return { event: 'output', body: to.value(to.source(event.body)) }
    case 'breakpoint':
      return { event: 'breakpoint', body: { ...event.body, breakpoint: to.breakpoint(event.body.breakpoint) } }
    case 'stopped': {
      const { hitBreakpointIds } = event.body
      if (hitBreakpointIds === undefined) return event
      return { event: 'stopped', body: { ...event.body, hitBreakpointIds: hitBreakpointIds.map(breakpointId) } }
    }
    case 'loadedSource':
      return { event: 'loadedSource', body: { ...event.body, source: sources.sourceToLocal(event.body.source) } }
    case 'module':
      return { event: 'module', body: { ...event.body, module: localModule(event.body.module, sources) } }
    default:
      return event
  }
}

function toClient(ids: Ids, sources: Sources, thread: number | undefined): ToClient {
  const source = <T extends { source?: DebugProtocol.Source }>(item: T): T =>
    item.source === undefined ? item : { ...item, source: sources.sourceToLocal(item.source) }
  return {
    sources,
    source,
    breakpoint: (item) => source(item.id === undefined ? item : { ...item, id: breakpointId(item.id) }),
    frame: (id) => ids.toClient('frame', id, thread),
    value: (item) =>
      item.variablesReference === undefined || item.variablesReference === 0
        ? item
        : { ...item, variablesReference: ids.toClient('value', item.variablesReference, thread) },
  }
}

function localModule(module: DebugProtocol.Module, sources: Sources): DebugProtocol.Module {
  return module.path === undefined ? module : { ...module, path: sources.toLocal(module.path) }
}

/** Clients want positive ids (notes/clients.md, 7), and debugpy counts from 0. No client sends one back. */
function breakpointId(backendId: number): number {
  return backendId + 1
}
