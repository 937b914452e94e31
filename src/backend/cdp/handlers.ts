import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../backend.ts'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { abortable } from '../../lib/abort.ts'
import type { ProgramSources } from './maps/programSources.ts'
import { modulesOf } from './modules.ts'
import type { Frame, Parts } from './parts.ts'
import type { Positions } from './positions.ts'
import type { Stacks } from './stack.ts'
import { mappedStack } from './stackText.ts'
import { StepInTargets } from './stepInTargets.ts'
import type { DebugThread } from './thread.ts'

export interface HandlerContext {
  readonly parts: Parts
  readonly sources: ProgramSources
  readonly positions: Positions
  readonly stacks: Stacks
  threads(): ReadonlyMap<number, DebugThread>
  configurationDone(): Promise<undefined>
  disconnect(): Promise<undefined>
}

/** The handlers that are neither about breakpoints nor about values, with those of the other parts. */
export function tableOf(context: HandlerContext, others: Handlers): Handlers {
  const table: Handlers = { ...runHandlers(context), ...lookHandlers(context), ...others }
  return {
    ...table,
    ...frameHandlers(context, table),
    ...exceptionHandlers(context, table),
    ...scriptHandlers(context, table),
  }
}

function runHandlers(context: HandlerContext): Handlers {
  const { parts } = context
  const targets = new StepInTargets(context)
  const threadOf = (id: number): DebugThread | undefined => context.threads().get(id)
  const running: Handlers = {
    configurationDone: () => context.configurationDone(),
    disconnect: () => context.disconnect(),
    async pause(call) {
      // Some clients say a thread that they have made up.
      const thread = threadOf(call.arguments.threadId) ?? [...context.threads().values()][0]
      await thread?.pause(call.signal)
      return undefined
    },
    async continue({ arguments: { threadId } }) {
      const thread = threadOf(threadId)
      for (const each of thread === undefined ? context.threads().values() : [thread]) each.continue()
      return { allThreadsContinued: [...context.threads().values()].every(({ isShown }) => !isShown) }
    },
    async next({ arguments: { threadId } }) {
      threadOf(threadId)?.step('next')
      return undefined
    },
    async stepIn({ arguments: { threadId, targetId } }) {
      const thread = threadOf(threadId)
      thread?.step('stepIn', targets.location(targetId, thread))
      return undefined
    },
    async stepOut({ arguments: { threadId } }) {
      threadOf(threadId)?.step('stepOut')
      return undefined
    },
    stepInTargets: async (call) => targets.list(knownFrame(parts, call.arguments.frameId), call.signal),
  }
  // What the frame has done already is done a second time.
  if (parts.context.guard.readOnly) return running
  return { ...running, restartFrame: (call) => restartFrame(call, context) }
}

async function restartFrame(call: Call<'restartFrame'>, context: HandlerContext): Promise<undefined> {
  const frame = knownFrame(context.parts, call.arguments.frameId)
  try {
    await context.threads().get(frame.stop.thread.id)?.restart(frame, call.signal)
  } catch (error) {
    if (call.signal.aborted) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw dapError('debuggerFailed', { message: `V8 cannot restart this frame: ${why}` }, { cause: error })
  }
  return undefined
}

function lookHandlers({ parts, sources, stacks }: HandlerContext): Handlers {
  return {
    threads: async () => ({ threads: [...parts.threads()].map(({ id, name }) => ({ id, name })) }),
    stackTrace: (call) => stacks.stackTrace(call),
    loadedSources: async () => ({ sources: sources.allSources() }),
    modules: async (call) => modulesOf(parts, sources, call.arguments),
    source: ({ arguments: { source, sourceReference }, signal }) => sources.text(source, sourceReference, signal),
  }
}

/** A frame that has returned is shown, and has nothing that could be looked at. */
function frameHandlers({ stacks }: HandlerContext, { scopes, evaluate }: Handlers): Handlers {
  const handlers: { scopes?: Handlers['scopes']; evaluate?: Handlers['evaluate'] } = {}
  if (scopes !== undefined) {
    handlers.scopes = async (call): Promise<Body<'scopes'>> =>
      stacks.isAsync(call.arguments.frameId) ? { scopes: [] } : scopes(call)
  }
  if (evaluate !== undefined) {
    handlers.evaluate = async (call): Promise<Body<'evaluate'>> => {
      const { frameId } = call.arguments
      if (frameId === undefined || !stacks.isAsync(frameId)) return evaluate(call)
      throw dapError('notAnswered', { why: 'This frame has returned: it has no variables any more.' })
    }
  }
  return handlers as Handlers
}

/** An exception's stack has the places that its author knows. */
function exceptionHandlers(context: HandlerContext, { exceptionInfo }: Handlers): Handlers {
  if (exceptionInfo === undefined) return {}
  return {
    async exceptionInfo(call): Promise<Body<'exceptionInfo'>> {
      const body = await exceptionInfo(call)
      const thread = context.threads().get(call.arguments.threadId)
      const stack = body?.details?.stackTrace
      if (thread === undefined || stack === undefined) return body
      return { ...body, details: { ...body.details, stackTrace: mappedStack(stack, thread, context.sources) } }
    },
  }
}

/** What is about scripts waits until all of them are known: see DebuggerDomain. */
function scriptHandlers(context: HandlerContext, table: Handlers): Handlers {
  const handlers: Record<string, unknown> = {}
  for (const command of aboutScripts) {
    const handler = table[command] as ((call: Call) => Promise<unknown>) | undefined
    if (handler === undefined) continue
    handlers[command] = async (call: Call): Promise<unknown> => {
      const asleep = [...context.threads().values()].filter(({ cdp }) => !cdp.isOn)
      // A program that has gone has no more scripts than it had.
      if (asleep.length > 0) await abortable(Promise.allSettled(asleep.map(({ cdp }) => cdp.awake())), call.signal)
      return handler(call)
    }
  }
  return handlers as Handlers
}

const aboutScripts = [
  'setBreakpoints',
  'setFunctionBreakpoints',
  'breakpointLocations',
  'loadedSources',
  'modules',
  'source',
] as const

function knownFrame(parts: Parts, id: DebugProtocol.StackFrame['id']): Frame {
  const frame = parts.frame(id)
  if (frame === undefined) throw dapError('staleHandle', { kind: 'frame' })
  return frame
}
