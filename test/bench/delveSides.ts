import { Client } from '../support/client.ts'
import { delveVersions, startGo, type GoProgram, type RunningGo } from '../support/delve.ts'
import { startRelay } from '../support/relay.ts'
import type { Scope } from '../../src/lib/scope.ts'
import { startDaemon, type Daemon } from './daemon.ts'
import { median, ratio, spread, type Figure } from './figures.ts'

/** `peer` is Delve's own DAP: the client straight at the port of a headless dlv, attached with `mode: remote`. */
export type DelveSideName = 'peer' | 'ours'

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

const sideNames: readonly DelveSideName[] = ['peer', 'ours']
const editor = { supportsVariablePaging: true, supportsVariableType: true, columnsStartAt1: true, pathFormat: 'path' }

export const peerNote = "peer: the headless dlv's own DAP (newest), attached with mode: remote."

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
  const daemon = await startDaemon({
    targets: { go: `{ backend: delve, at: 127.0.0.1:${programs.get('ours')!.port}, policy: control }` },
  })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const sides: DelveSide[] = []
  for (const [name, { program, port }] of programs) {
    const client = await Client.connect(name === 'peer' ? port : daemon.port)
    scope.add(() => client.disconnect())
    const how = name === 'peer' ? { mode: 'remote' } : { target: 'go' }
    const configure = (one: Client): Promise<unknown> =>
      mark === undefined ? Promise.resolve() : one.break(program.file, program.line(mark))
    await client.attach(how, configure, editor)
    sides.push({ name, client, program })
  }
  return { sides, daemon }
}

export type DelveSamples = Record<DelveSideName, number[]>

export function noSamples(): DelveSamples {
  return { peer: [], ours: [] }
}

/** Takes `rounds` turns of each side, so that what else the machine does hits both alike. */
export async function inTurn(
  sides: readonly DelveSide[],
  rounds: number,
  turn: (side: DelveSide, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < sides.length; at++) await turn(sides[(round + at) % sides.length]!, round)
  }
}

export function beside(name: string, { ours, peer }: DelveSamples, target?: number): Figure {
  return ratio(name, ours, peer, 'dlv dap', target)
}

/** Ours against a bound; the peer's beside it. */
export function atMost(name: string, { ours, peer }: DelveSamples, most: number, unitMs = 1): Figure {
  const value = median(ours) / unitMs
  const unit = unitMs === 1 ? ' ms' : ' round trips'
  const detail = `${spread(ours)}; dlv dap ${spread(peer)}, n = ${ours.length}`
  return { name, value: `${value.toFixed(2)}${unit}`, target: `<= ${most}${unit}`, ok: value <= most, detail }
}
