import { attachArguments, noDelay } from '../../src/backend/debugpy/quirks.ts'
import { Client } from '../support/client.ts'
import { debugpyVersions, startPython, type Debuggee } from '../support/debugpy.ts'
import { startDaemon } from './daemon.ts'

/** One way to the same program: each side has a debuggee of its own, so that they can be measured in turn. */
export interface Side {
  readonly name: SideName
  readonly client: Client
  readonly debuggee: Debuggee
}

/**
 * - `straight`: the client at debugpy's port, as released.
 * - `noDelay`: the same, once the client has set TCP_NODELAY in debugpy, which Breakwater does by itself.
 */
export type SideName = 'straight' | 'noDelay' | 'control' | 'inspect'

export const sideNames: readonly SideName[] = ['straight', 'noDelay', 'control', 'inspect']

const editor = { supportsVariablePaging: true, supportsVariableType: true, columnsStartAt1: true, pathFormat: 'path' }

/** Attaches all sides to a program each, with a breakpoint at `mark`, and waits until each is held there. */
export async function openSides(source: string, mark: string, scope: AsyncDisposableStackLike): Promise<Side[]> {
  const debuggees: Debuggee[] = []
  for (const _ of sideNames) {
    // It waits, because its loop would take a core from the others until they are attached.
    const debuggee = await startPython(debugpyVersions[0], source, { debugpy: ['--wait-for-client'] })
    scope.add(() => debuggee.end())
    debuggees.push(debuggee)
  }
  const of = (name: SideName): Debuggee => debuggees[sideNames.indexOf(name)]!
  const target = (name: SideName): string =>
    `{ backend: debugpy, at: 127.0.0.1:${of(name).port}, policy: ${name}${name === 'inspect' ? '-long' : ''} }`
  const daemon = await startDaemon({
    targets: { control: target('control'), inspect: target('inspect') },
    // Only the pause is longer than by default: a bench holds its program for minutes.
    policies: { 'inspect-long': '{ mode: inspect, pauseMax: 30m }' },
  })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const sides: Side[] = []
  for (const name of sideNames) {
    const debuggee = of(name)
    const direct = name === 'straight' || name === 'noDelay'
    const client = await Client.connect(direct ? debuggee.port : daemon.port)
    scope.add(() => client.disconnect())
    const args = direct ? attachArguments({}, false, undefined) : { target: name }
    await client.attach(args, (c) => c.break(debuggee.file, debuggee.line(mark)), editor)
    await client.event('stopped')
    if (name === 'noDelay') await client.request('evaluate', { expression: noDelay, context: 'watch' })
    sides.push({ name, client, debuggee })
  }
  return sides
}

/** Milliseconds, in the order they were taken. */
export type Samples = Record<SideName, number[]>

interface AsyncDisposableStackLike {
  add(release: () => Promise<void>): void
}

/** Takes `rounds` samples of each side, in turn, so that what else the machine does hits all alike. */
export async function alternate(
  sides: readonly Side[],
  rounds: number,
  sample: (side: Side, round: number) => Promise<number>,
): Promise<Samples> {
  const samples: Samples = { straight: [], noDelay: [], control: [], inspect: [] }
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      // Nobody is always first, or always behind the same other.
      const side = sides[(round + turn) % sides.length]!
      samples[side.name].push(await sample(side, round))
    }
  }
  return samples
}
