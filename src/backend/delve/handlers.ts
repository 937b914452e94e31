import type { Handlers } from '../backend.ts'
import type { Code } from './code.ts'
import type { Disassembly } from './disassembly.ts'
import type { Goroutines } from './goroutines.ts'
import { runHandlers, type RunningParts } from './running.ts'
import type { Stacks } from './stack.ts'
import { told } from './values/reader.ts'

export interface HandlerContext extends RunningParts {
  readonly goroutines: Goroutines
  readonly stacks: Stacks
  readonly code: Code
  readonly disassembly: Disassembly
  configurationDone(): Promise<undefined>
  disconnect(): Promise<undefined>
}

/** The handlers that are neither about breakpoints nor about values, with those of the other parts. */
export function tableOf(context: HandlerContext, others: Handlers): Handlers {
  const { goroutines, stacks, code, disassembly } = context
  const handlers: Handlers = {
    configurationDone: () => context.configurationDone(),
    disconnect: () => context.disconnect(),
    ...runHandlers(context),
    threads: (call) => goroutines.threads(call),
    stackTrace: (call) => stacks.stackTrace(call),
    source: (call) => code.text(call),
    loadedSources: () => code.loadedSources(),
    disassemble: (call) => disassembly.disassemble(call),
    ...others,
    ...ofGoroutine(context, others),
  }
  return inDelvesWords(context.parts.program.facts.backend === 'core' ? ofCore(handlers) : handlers)
}

/** A core file is not written to, and nothing of it runs that could write to a variable. */
const changing: ReadonlySet<string> = new Set([
  'setVariable',
  'setExpression',
  'writeMemory',
  'dataBreakpointInfo',
  'setDataBreakpoints',
])

function ofCore(handlers: Handlers): Handlers {
  return Object.fromEntries(Object.entries(handlers).filter(([command]) => !changing.has(command))) as Handlers
}

type Handler = (call: unknown) => Promise<unknown>

/** What Delve refuses, wherever it was asked, is no bug of ours: its words are the answer. */
function inDelvesWords(handlers: Handlers): Handlers {
  const wrapped = Object.entries(handlers as Record<string, Handler>).map(([command, handle]): [string, Handler] => [
    command,
    async (call) => {
      try {
        return await handle(call)
      } catch (error) {
        throw told(error)
      }
    },
  ])
  return Object.fromEntries(wrapped) as Handlers
}

/** They take a goroutine's own id, which is not always DAP's. */
function ofGoroutine({ ids }: HandlerContext, { exceptionInfo }: Handlers): Handlers {
  if (exceptionInfo === undefined) return {}
  return {
    exceptionInfo: (call) =>
      exceptionInfo({ ...call, arguments: { ...call.arguments, threadId: ids.toGoroutine(call.arguments.threadId) } }),
  }
}
