import { Scope } from '../../src/lib/scope.ts'
import { median, printFigures, quantile, type Figure } from './figures.ts'
import { attachPeer, peerNote } from './nodePeer.ts'
import {
  attachDaemon,
  openPeer,
  ourNames,
  sideNames,
  startNodeDaemon,
  threadOf,
  type NodeSideName,
  type NodeTarget,
} from './nodeSides.ts'
import { startSource, type Subject } from './nodeSubject.ts'
import type { Client } from '../support/client.ts'

const attachments = 3
const samplesEach = 10
const warmUp = 3
const most = 1.1

const awaiting = `
async function leaf(i) {
  return i
}
async function middle(i) {
  return (await leaf(i)) + 1
}
subjects.awaits = async (n) => {
  let sum = 0
  for (let i = 0; i < n; i++) sum += await middle(i)
  return sum
}
function work(n) {
  const twice = n * 2
  return twice // BREAK
}
subjects.hit = (n) => work(n)
`
/** Two awaits in each turn of the loop. */
const awaitsEach = 2
const turns = 200_000
/** The peer makes each of them a hundred times slower. */
const slowTurns = 4_000

type Open = (
  configure?: (client: Client) => Promise<unknown>,
) => Promise<{ readonly client: Client; readonly end: () => Promise<void> }>

interface Costs {
  readonly apart: number[]
  readonly attached: number[]
  /** Attached, and it has been paused since. */
  readonly paused: number[]
}

async function nanoseconds(subject: Subject, count: number): Promise<number> {
  return ((await subject.call('awaits', count)) * 1e6) / (count * awaitsEach)
}

async function take(subject: Subject, count: number, into: number[]): Promise<void> {
  for (let at = 0; at < warmUp; at++) await nanoseconds(subject, count)
  for (let at = 0; at < samplesEach; at++) into.push(await nanoseconds(subject, count))
}

/** Apart, attached and idle, and after a pause, again and again. */
async function costs(name: NodeSideName, subject: Subject, open: Open): Promise<Costs> {
  const found: Costs = { apart: [], attached: [], paused: [] }
  const count = name === 'peer' ? slowTurns : turns
  for (let round = 0; round < attachments; round++) {
    await take(subject, turns, found.apart)
    const { client, end } = await open()
    await take(subject, count, found.attached)
    await client.break(subject.file, subject.line('BREAK'))
    const threadId = await threadOf(client)
    const called = subject.call('hit', round)
    await client.event('stopped')
    await client.request('stackTrace', { threadId, startFrame: 0, levels: 20 })
    await client.break(subject.file)
    await client.request('continue', { threadId })
    await called
    await take(subject, count, found.paused)
    await end()
  }
  return found
}

function ns(samples: readonly number[]): string {
  return `${median(samples).toFixed(0)} ns (p90 ${quantile(samples, 0.9).toFixed(0)})`
}

function cost(name: string, samples: readonly number[], apart: readonly number[], goal?: number): Figure {
  const value = median(samples) / median(apart)
  const detail = `${ns(samples)} an await against ${ns(apart)} without a debugger, n = ${samples.length}`
  const target = goal === undefined ? {} : { target: `<= ${goal.toFixed(2)}`, ok: value <= goal }
  return { name, value: `× ${value.toFixed(2)}`, detail, ...target }
}

/** What code with awaits costs while somebody is attached who does nothing. */
export async function nodeIdle(): Promise<void> {
  await using scope = new Scope()
  const subjects = new Map<NodeSideName, Subject>()
  for (const name of sideNames()) {
    const subject = await startSource(awaiting)
    scope.add(() => subject.end())
    subjects.set(name, subject)
  }
  const targets = ourNames().map((mode): [string, NodeTarget] => [mode, { mode, port: subjects.get(mode)!.port }])
  const daemon = await startNodeDaemon(Object.fromEntries(targets))
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const peer = await openPeer(scope)
  const figures: Figure[] = []
  for (const [name, subject] of subjects) {
    const nothing = (): Promise<void> => Promise.resolve()
    const open: Open = () =>
      name === 'peer' ? attachPeer(peer!, subject.port, nothing) : attachDaemon(daemon, name, nothing)
    const found = await costs(name, subject, open)
    figures.push(cost(`${name}: attached, idle`, found.attached, found.apart, name === 'peer' ? undefined : most))
    figures.push(cost(`  ${name}: after the first pause`, found.paused, found.apart))
  }
  printFigures('Node: what a session costs code with awaits', figures, [
    `${attachments} attachments, apart and attached in turn, ${samplesEach} samples each.`,
    peerNote(),
  ])
}
