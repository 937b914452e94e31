import { fileURLToPath } from 'node:url'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../backend.ts'
import type { Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import type { Frame, Parts } from './parts.ts'
import type { Positions } from './positions.ts'
import type { DebugThread, Run } from './thread.ts'

export interface HandlerContext {
  readonly parts: Parts
  readonly positions: Positions
  threadOf(id: number): DebugThread | undefined
  configurationDone(): Promise<undefined>
  disconnect(): Promise<undefined>
}

export function ownHandlers(context: HandlerContext): Handlers {
  const { parts } = context
  const run = (how: Run) => async (call: Call<'next' | 'stepIn' | 'stepOut'>) => {
    context.threadOf(call.arguments.threadId)?.run(how)
    return undefined
  }
  return {
    configurationDone: () => context.configurationDone(),
    disconnect: () => context.disconnect(),
    threads: async () => ({ threads: [...parts.threads()].map(({ id, name }) => ({ id, name })) }),
    async pause(call) {
      await context.threadOf(call.arguments.threadId)?.cdp.request('Debugger.pause', undefined, call.signal)
      return undefined
    },
    async continue(call) {
      context.threadOf(call.arguments.threadId)?.run('resume')
      return { allThreadsContinued: false }
    },
    next: run('stepOver'),
    stepIn: run('stepInto'),
    stepOut: run('stepOut'),
    async stackTrace(call) {
      const stop = parts.thread(call.arguments.threadId)?.stop
      if (stop === undefined) throw dapError('notStopped', {})
      const { startFrame = 0, levels = 0 } = call.arguments
      const frames = stop.frames.slice(startFrame, levels === 0 ? undefined : startFrame + levels)
      return { stackFrames: frames.map((frame) => shown(frame, context)), totalFrames: stop.frames.length }
    },
  }
}

function shown({ id, callFrame, stop }: Frame, { positions }: HandlerContext): DebugProtocol.StackFrame {
  const { lineNumber, columnNumber = 0, scriptId } = callFrame.location
  const url = stop.thread.scripts.byId(scriptId)?.url ?? ''
  return {
    id,
    name: callFrame.functionName,
    line: positions.toClientLine(lineNumber),
    column: positions.toClientColumn(columnNumber),
    ...(url.startsWith('file://') ? { source: { path: fileURLToPath(url) } } : {}),
  }
}
