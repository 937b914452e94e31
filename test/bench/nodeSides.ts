import type { Daemon } from './daemon.ts'
import { startDaemon } from './daemon.ts'
import { attachPeer, editor, peerFile, startPeer, type Peer } from './nodePeer.ts'
import { startSource, type Subject } from './nodeSubject.ts'
import { Client } from '../support/client.ts'
import { startRelay } from '../support/relay.ts'
import type { Scope } from '../../src/lib/scope.ts'

export type NodeSideName = 'peer' | 'control' | 'inspect'

export interface NodeTarget {
  readonly port: number
  readonly mode: 'control' | 'inspect'
}

/** One debugger attached to a program of its own, so that they can be measured in turn. */
export interface NodeSide {
  readonly name: NodeSideName
  readonly client: Client
  readonly subject: Subject
  readonly end: () => Promise<void>
}

const wanted = process.env['BREAKWATER_BENCH_SIDES']?.split(',')

/** Those that this machine has, or those of them that are named in `BREAKWATER_BENCH_SIDES`. */
export function sideNames(): NodeSideName[] {
  const all: NodeSideName[] = peerFile() === undefined ? ['control', 'inspect'] : ['peer', 'control', 'inspect']
  return all.filter((name) => wanted?.includes(name) ?? true)
}

/** Those of `sideNames` that are ours. */
export function ourNames(): NodeTarget['mode'][] {
  return sideNames().filter((name) => name !== 'peer')
}

export interface SideOptions {
  /** Between the debugger and the program; 0 is loopback without anything in between. */
  readonly rttMs?: number
  /** Said between `initialized` and `configurationDone`. */
  readonly configure?: (client: Client, subject: Subject) => Promise<unknown>
}

/** Only the pause and the output are longer and more than by default: a bench holds its program for minutes. */
const policies = {
  'bench-control': '{ mode: control, limits: { output: 1000000/s } }',
  'bench-inspect': '{ mode: inspect, pauseMax: 30m, limits: { output: 1000000/s } }',
}

/** A daemon with a target for each, by its name: where the program listens, and in which mode it is looked at. */
export function startNodeDaemon(programs: Readonly<Record<string, NodeTarget>>): Promise<Daemon> {
  const targets = Object.entries(programs).map(([name, { port, mode }]): [string, string] => [
    name,
    `{ backend: node, at: 127.0.0.1:${port}, policy: bench-${mode} }`,
  ])
  return startDaemon({ targets: Object.fromEntries(targets), policies })
}

export async function attachDaemon(
  daemon: Daemon,
  target: string,
  configure: (client: Client) => Promise<unknown>,
): Promise<{ readonly client: Client; readonly end: () => Promise<void> }> {
  const client = await Client.connect(daemon.port)
  await client.attach({ target }, configure, editor)
  return { client, end: () => client.disconnect() }
}

/** A program and a debugger on it for each side. */
export async function openNodeSides(source: string, scope: Scope, options: SideOptions = {}): Promise<NodeSide[]> {
  const names = sideNames()
  const subjects = new Map<NodeSideName, Subject>()
  const ports = new Map<NodeSideName, number>()
  for (const name of names) {
    const subject = await startSource(source)
    scope.add(() => subject.end())
    subjects.set(name, subject)
    ports.set(name, await throughRelay(subject.port, options.rttMs ?? 0, scope))
  }
  const peer = await openPeer(scope)
  const targets = ourNames().map((mode): [string, NodeTarget] => [mode, { mode, port: ports.get(mode)! }])
  const daemon = await startNodeDaemon(Object.fromEntries(targets))
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const sides: NodeSide[] = []
  for (const name of names) {
    const subject = subjects.get(name)!
    const configure = async (client: Client): Promise<unknown> => options.configure?.(client, subject)
    const session =
      name === 'peer'
        ? await attachPeer(peer!, ports.get(name)!, configure)
        : await attachDaemon(daemon, name, configure)
    scope.add(() => session.end())
    sides.push({ name, subject, ...session })
  }
  return sides
}

export async function openPeer(scope: Scope): Promise<Peer | undefined> {
  const file = peerFile()
  return file === undefined || !sideNames().includes('peer') ? undefined : scope.use(await startPeer(file))
}

async function throughRelay(port: number, rttMs: number, scope: Scope): Promise<number> {
  if (rttMs === 0) return port
  const teardown = (end: () => Promise<void>): void => scope.add(end)
  return (await startRelay({ teardown }, { to: { host: '127.0.0.1', port }, rttMs })).port
}

/** Samples of each side, in the order they were taken. */
export type NodeSamples = Record<NodeSideName, number[]>

export function noSamples(): NodeSamples {
  return { peer: [], control: [], inspect: [] }
}

/** Takes `rounds` turns of each side, so that what else the machine does hits all alike. */
export async function inTurn(
  sides: readonly NodeSide[],
  rounds: number,
  turn: (side: NodeSide, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < sides.length; at++) await turn(sides[(round + at) % sides.length]!, round)
  }
}

/** The one thread of a Node program. */
export async function threadOf(client: Client): Promise<number> {
  const { threads } = await client.request('threads', undefined)
  return threads[0]!.id
}
