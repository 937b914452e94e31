import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Client } from '../support/client.ts'
import { ratio, type Figure } from './figures.ts'
import type { Samples, SideName } from './sides.ts'

/** 1.10 times what it takes straight to debugpy. */
const target = 1.1

export interface Stop {
  readonly threadId: number
  readonly frameId: number
}

/** What an editor asks at a stop, one answer after the other: each needs the one before. */
export async function show(
  client: Client,
  threadId: number,
): Promise<{ stop: Stop; variables: DebugProtocol.Variable[] }> {
  const { stackFrames } = await client.request('stackTrace', { threadId, startFrame: 0, levels: 20 })
  const frameId = stackFrames[0]!.id
  const { scopes } = await client.request('scopes', { frameId })
  const { variablesReference } = scopes[0]!
  const { variables } = await client.request('variables', { variablesReference })
  return { stop: { threadId, frameId }, variables }
}

export async function resume(client: Client, threadId: number): Promise<void> {
  const stopped = client.event('stopped')
  await client.request('continue', { threadId })
  await stopped
}

/** Threads have other numbers in each program, and the client hears of them in the first stop. */
export async function threadOf(client: Client): Promise<number> {
  const { threads } = (await client.request('threads', undefined))!
  return threads[0]!.id
}

/** `control` against both straight sides, and `inspect` with its label; the first `warm` samples are left out. */
export function rows(name: string, samples: Samples, warm: number): Figure[] {
  const kept = (side: SideName): number[] => samples[side].slice(warm)
  const figure = (side: 'control' | 'inspect', base: 'straight' | 'noDelay', goal?: number): Figure => {
    const label = `${side === 'control' ? '' : '  inspect: '}${base === 'straight' ? '' : '  '}${name}`
    const than = base === 'straight' ? 'straight' : 'straight with TCP_NODELAY'
    return ratio(side === 'control' && base === 'noDelay' ? `  ${name}` : label, kept(side), kept(base), than, goal)
  }
  return [
    figure('control', 'straight', target),
    figure('control', 'noDelay'),
    figure('inspect', 'straight'),
    figure('inspect', 'noDelay'),
  ]
}
