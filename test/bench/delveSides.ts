import { Client } from '../support/client.ts'
import { delveVersions, startGo, type GoProgram, type RunningGo } from '../support/delve.ts'
import { startRelay } from '../support/relay.ts'
import type { Scope } from '../../src/lib/scope.ts'
import { startDaemon, type Daemon } from './daemon.ts'
import { median, ms, ratio, spread, type Figure } from './figures.ts'

/**
 * `peer` is Delve's own DAP: the client straight at the port of a headless dlv, attached with `mode: remote`. The others
 * are ours, by the mode of the target: client, daemon and Delve over TCP, with the audit written to a file.
 */
export type DelveSideName = 'peer' | 'control' | 'inspect'

/** One debugger attached to a program of its own, each under a headless dlv of the same kind. */
export interface DelveSide {
  readonly name: DelveSideName
  readonly client: Client
  readonly program: RunningGo
}

export interface DelveSides {
  readonly sides: readonly DelveSide[]
  readonly daemon: Daemon
}

export interface DelveSideOptions {
  /** Between whoever speaks with Delve and Delve; 0 is loopback without anything in between. */
  readonly rttMs: number
  readonly args?: readonly string[]
  /** The mark of a breakpoint that is there from the beginning. */
  readonly mark?: string
}

const ours = ['control', 'inspect'] as const
const sideNames: readonly DelveSideName[] = ['peer', ...ours]
const editor = { supportsVariablePaging: true, supportsVariableType: true, columnsStartAt1: true, pathFormat: 'path' }

export const peerNote = "dlv dap: the headless dlv's own DAP (newest), attached with mode: remote. Ours in control."

/** A program, a Delve and a client for each side. */
export async function openDelveSides(
  source: GoProgram | (string & {}),
  scope: Scope,
  { rttMs, args = [], mark }: DelveSideOptions,
): Promise<DelveSides> {
  const programs = new Map<DelveSideName, { readonly program: RunningGo; readonly port: number }>()
  for (const name of sideNames) {
    const program = await startGo(delveVersions[0], source, { args })
    scope.add(() => program.end())
    const teardown = (end: () => Promise<void>): void => scope.add(end)
    const to = { host: '127.0.0.1', port: program.port }
    const port = rttMs === 0 ? program.port : (await startRelay({ teardown }, { to, rttMs })).port
    programs.set(name, { program, port })
  }
  const target = (name: DelveSideName): [string, string] => [
    name,
    `{ backend: delve, at: 127.0.0.1:${programs.get(name)!.port}, policy: ${name} }`,
  ]
  const daemon = await startDaemon({ targets: Object.fromEntries(ours.map(target)) })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const sides: DelveSide[] = []
  for (const [name, { program, port }] of programs) {
    const client = await Client.connect(name === 'peer' ? port : daemon.port)
    scope.add(() => client.disconnect())
    const how = name === 'peer' ? { mode: 'remote' } : { target: name }
    const configure = (one: Client): Promise<unknown> =>
      mark === undefined ? Promise.resolve() : one.break(program.file, program.line(mark))
    await client.attach(how, configure, editor)
    sides.push({ name, client, program })
  }
  return { sides, daemon }
}

export type DelveSamples = Record<DelveSideName, number[]>

export function noSamples(): DelveSamples {
  return { peer: [], control: [], inspect: [] }
}

/** Takes `rounds` turns of each side, so that what else the machine does hits all alike. */
export async function inTurn(
  sides: readonly DelveSide[],
  rounds: number,
  turn: (side: DelveSide, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < sides.length; at++) await turn(sides[(round + at) % sides.length]!, round)
  }
}

/** `control` against the target, and `inspect` below it. */
export function beside(name: string, samples: DelveSamples, target?: number): Figure[] {
  return [
    ratio(name, samples.control, samples.peer, 'dlv dap', target),
    ratio('  inspect', samples.inspect, samples.peer, 'dlv dap'),
  ]
}

/** Ours against a bound, the peer's beside it. `unitMs` is the round trip that is counted in. */
export function atMost(name: string, samples: DelveSamples, most: number, unitMs = 1): Figure[] {
  const unit = unitMs === 1 ? ' ms' : ' round trips'
  return ours.map((mode): Figure => {
    const own = samples[mode]
    const value = median(own) / unitMs
    const detail = `${spread(own)}, at most ${ms(Math.max(...own))}; dlv dap ${spread(samples.peer)}, n = ${own.length}`
    const shown = { value: `${value.toFixed(2)}${unit}`, detail }
    if (mode === 'inspect') return { name: '  inspect', ...shown }
    return { name, ...shown, target: `<= ${most}${unit}`, ok: value <= most }
  })
}
