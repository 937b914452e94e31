import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Handlers } from '../backend.ts'
import { dapError } from '../../dap/errors.ts'
import { abortable } from '../../lib/abort.ts'
import { DelveError } from './connection.ts'
import type { Goroutines } from './goroutines.ts'
import type { Parts } from './parts.ts'
import { coreStays } from './reasons.ts'
import type { Stops } from './stops.ts'
import type { ThreadIds } from './threadIds.ts'
import type { CommandName, Out } from './wire.ts'

export interface RunningParts {
  readonly parts: Parts
  readonly stops: Stops
  readonly ids: ThreadIds
  readonly goroutines: Goroutines
  readonly breakpoints: { restarted(discarded: Out<'Restart'>['DiscardedBreakpoints']): void }
}

type Granularity = DebugProtocol.SteppingGranularity | undefined

/** Go's statements are its lines for Delve. */
function steps(granularity: Granularity, step: CommandName, instruction: CommandName): CommandName {
  return granularity === 'instruction' ? instruction : step
}

/** What runs the program. Delve runs all goroutines together; a step is of one of them. */
export function runHandlers(own: RunningParts): Handlers {
  const { parts, stops, ids } = own
  const { facts } = parts.program
  const step = (threadId: number, name: CommandName): undefined => {
    if (facts.backend === 'core') parts.note(coreStays)
    // It may have been run on by a policy meanwhile: no client expects a step to fail.
    if (parts.program.stop !== undefined) stops.run({ name }, ids.toGoroutine(threadId))
    return undefined
  }
  const handlers: Handlers = {
    async continue() {
      if (facts.backend === 'core') parts.note(coreStays)
      if (parts.program.stop !== undefined) stops.run({ name: 'continue' })
      return { allThreadsContinued: true }
    },
    async next({ arguments: { threadId, granularity } }) {
      return step(threadId, steps(granularity, 'next', 'nextInstruction'))
    },
    async stepIn({ arguments: { threadId, granularity } }) {
      return step(threadId, steps(granularity, 'step', 'stepInstruction'))
    },
    async stepOut({ arguments: { threadId } }) {
      return step(threadId, 'stepOut')
    },
    async pause() {
      parts.program.pause()
      return undefined
    },
  }
  if (parts.context.guard.readOnly) return handlers
  return {
    ...handlers,
    ...(facts.recorded ? backHandlers(own, step) : {}),
    ...(facts.attached || facts.backend === 'core' ? {} : { restart: ({ signal }) => restart(own, signal) }),
  }
}

function backHandlers({ parts, stops }: RunningParts, step: (threadId: number, name: CommandName) => undefined) {
  return {
    async stepBack({ arguments: { threadId, granularity } }) {
      return step(threadId, steps(granularity, 'reverseNext', 'reverseNextInstruction'))
    },
    async reverseContinue() {
      if (parts.program.stop !== undefined) stops.run({ name: 'rewind' })
      return undefined
    },
  } satisfies Handlers
}

/**
 * Delve starts the program anew and keeps its breakpoints, which are set where they were. `Restart` is no request that
 * Delve serves in its turn: it is answered before the program is run on.
 */
async function restart(
  { parts, stops, ids, goroutines, breakpoints }: RunningParts,
  signal: AbortSignal,
): Promise<undefined> {
  const { program, context } = parts
  const wasStopped = program.stop !== undefined
  const stop = await abortable(stops.halted(), signal)
  const resume = (): void => {
    if (program.stop === stop) stops.run({ name: 'continue' })
  }
  try {
    const { DiscardedBreakpoints } = await program.interject((ask) => ask('Restart', {}))
    breakpoints.restarted(DiscardedBreakpoints)
  } catch (error) {
    if (!wasStopped) resume()
    if (!(error instanceof DelveError)) throw error
    throw dapError('debuggerFailed', { message: `Delve cannot start the program anew: ${error.message}` })
  }
  goroutines.forget()
  parts.paths.forget()
  const process = await program
    .interject((ask) => ask('ProcessPid', {}))
    .catch((error: unknown) => {
      parts.log.info({ err: error }, 'which process it is could not be asked')
      return undefined
    })
  parts.restarted(process?.Pid)
  resume()
  const threadId = ids.toThread(stop.selected)
  if (wasStopped) context.emit('continued', { threadId, allThreadsContinued: true })
  return undefined
}
