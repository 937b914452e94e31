import { Scope } from '../../src/lib/scope.ts'
import type { Client } from '../support/client.ts'
import { median, printFigures, quantile, type Figure } from './figures.ts'
import { peerNote } from './nodePeer.ts'
import {
  inTurn,
  noSamples,
  openNodeSides,
  ourNames,
  sideNames,
  type NodeSamples,
  type NodeSide,
  type NodeSideName,
} from './nodeSides.ts'
import { attachRaw } from './nodeRaw.ts'
import { startSource, type Subject } from './nodeSubject.ts'

const rounds = 30
const warmUp = 3

const ticking = `
let sum = 0
function tick(i) {
  sum += i // BREAK
  return sum
}
subjects.ticks = (n) => {
  for (let i = 0; i < n; i++) tick(i)
}
`

const stepHits = 2_000
/** The peer pauses at each hit of a hit condition. */
const slowHits = 20

async function setOne(client: Client, subject: Subject, more: object): Promise<void> {
  const { breakpoints } = await client.break(subject.file, { line: subject.line('BREAK'), ...more })
  if (breakpoints[0]?.verified !== true) throw new Error(`the breakpoint is refused: ${breakpoints[0]?.message ?? ''}`)
}

/** Microseconds a hit, as the program feels them. */
async function perHit(sides: readonly NodeSide[], hits: (side: NodeSide) => number): Promise<NodeSamples> {
  const samples = noSamples()
  await inTurn(sides, rounds + warmUp, async (side, round) => {
    const tookMs = await side.subject.call('ticks', hits(side))
    if (round >= warmUp) samples[side.name].push((tookMs * 1_000) / hits(side))
  })
  return samples
}

const told = /tick \d+/g

function linesOf(client: Client): number {
  return client.output().match(told)?.length ?? 0
}

interface LogSamples {
  /** Microseconds a hit until the client has all lines. */
  readonly all: NodeSamples
  /** … until the program goes on. */
  readonly program: NodeSamples
  readonly lost: Record<NodeSideName, number>
}

async function logging(sides: readonly NodeSide[]): Promise<LogSamples> {
  const samples: LogSamples = {
    all: noSamples(),
    program: noSamples(),
    lost: { peer: 0, control: 0, inspect: 0 },
  }
  await inTurn(sides, rounds + warmUp, async ({ name, client, subject }, round) => {
    client.events.length = 0
    let counted = 0
    const arrived = (): boolean => {
      counted += linesOf(client)
      client.events.length = 0
      return counted >= stepHits
    }
    const began = performance.now()
    const called = subject.call('ticks', stepHits)
    await client.until('all lines', 30_000, arrived).catch(() => {})
    const took = performance.now() - began
    const tookMs = await called
    samples.lost[name] += Math.max(0, stepHits - counted)
    if (round < warmUp) return
    samples.all[name].push((took * 1_000) / stepHits)
    samples.program[name].push((tookMs * 1_000) / stepHits)
  })
  return samples
}

function us(samples: readonly number[]): string {
  return `${median(samples).toFixed(1)} µs (p90 ${quantile(samples, 0.9).toFixed(1)})`
}

/** How many times as many hits a second as the other; at least `least` of them. */
function more(
  name: string,
  samples: readonly number[],
  base: readonly number[],
  baseName: string,
  least: number,
): Figure {
  if (base.length === 0) return { name, value: us(samples), detail: `n = ${samples.length}` }
  const value = median(base) / median(samples)
  const detail = `${us(samples)} a hit against ${us(base)} ${baseName}, n = ${samples.length}`
  return { name, value: `× ${value.toFixed(2)}`, target: `>= ${least}`, ok: value >= least, detail }
}

/** The same condition set straight in V8: what it costs by itself. */
async function straight(
  condition: string,
): Promise<{ bare: number[]; v8: number[]; readonly end: () => Promise<void>; turn(): Promise<void> }> {
  const subject = await startSource(ticking)
  const idle = await startSource(ticking)
  const raw = await attachRaw(subject.port)
  await raw.request('Debugger.enable', {})
  const url = `file://${subject.file}`
  await raw.request('Debugger.setBreakpointByUrl', { url, lineNumber: subject.line('BREAK') - 1, condition })
  const [bare, v8]: [number[], number[]] = [[], []]
  return {
    bare,
    v8,
    async turn() {
      v8.push(((await subject.call('ticks', stepHits)) * 1_000) / stepHits)
      bare.push(((await idle.call('ticks', stepHits)) * 1_000) / stepHits)
    },
    async end() {
      raw.close()
      await subject.end()
      await idle.end()
    },
  }
}

/** Breakpoints that do not stop: a condition that is false, a hit condition that never holds, a log point. */
export async function nodeBreakpoints(): Promise<void> {
  await using scope = new Scope()
  const sides = await openNodeSides(ticking, scope)
  const set = async (args: object): Promise<void> => {
    for (const { client, subject } of sides) await setOne(client, subject, args)
  }
  const raw = await straight('i < 0')
  scope.add(() => raw.end())
  for (let round = 0; round < warmUp; round++) await raw.turn()
  await set({ condition: 'i < 0' })
  const wrong = noSamples()
  raw.v8.length = 0
  await inTurn(sides, rounds + warmUp, async ({ name, subject }, round) => {
    const tookMs = await subject.call('ticks', stepHits)
    if (round < warmUp) return
    wrong[name].push((tookMs * 1_000) / stepHits)
    if (name === 'control') await raw.turn()
  })
  await set({ hitCondition: '== 999999999' })
  const hit = await perHit(sides, ({ name }) => (name === 'peer' ? slowHits : stepHits))
  await set({ logMessage: 'tick {i}' })
  const log = await logging(sides)
  const lost = Object.entries(log.lost).map(([name, count]) => `${name} ${count}`)
  const ours = ourNames()
  const alone = sideNames().filter((name) => name === 'peer')
  const peerRow = (name: string, { peer }: NodeSamples): Figure[] =>
    alone.map(() => ({ name: `  peer: ${name}`, value: us(peer), detail: `n = ${peer.length}` }))
  const label = (side: NodeSideName, text: string): string => (side === 'control' ? text : `  inspect: ${text}`)
  printFigures(
    'Node: breakpoints that do not stop, against js-debug and against V8 alone (hits a second)',
    [
      ...peerRow('false condition', wrong),
      ...peerRow('hit condition', hit),
      ...peerRow('log point, until all is told', log.all),
      ...peerRow('log point, program', log.program),
      ...ours.map((side) => more(label(side, 'false condition'), wrong[side], raw.v8, "V8's own", 0.95)),
      ...ours.map((side) => more(label(side, 'false condition'), wrong[side], wrong.peer, 'the peer', 1)),
      ...ours.map((side) => more(label(side, 'hit condition'), hit[side], hit.peer, 'the peer', 100)),
      ...ours.map((side) =>
        more(label(side, 'log point, until all is told'), log.all[side], log.all.peer, 'the peer', 2),
      ),
      ...ours.map((side) =>
        more(label(side, 'log point, program'), log.program[side], log.program.peer, 'the peer', 2),
      ),
    ],
    [
      `without any breakpoint: ${us(raw.bare)} a call; lines lost of ${stepHits * (rounds + warmUp)}: ${lost.join(', ')}`,
      peerNote(),
    ],
  )
}
