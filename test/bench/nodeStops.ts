import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import { printFigures } from './figures.ts'
import { besidePeer, roundTrips } from './nodeFigures.ts'
import { peerNote } from './nodePeer.ts'
import { inTurn, noSamples, openNodeSides, threadOf, type NodeSamples, type NodeSide } from './nodeSides.ts'
import { show } from './stops.ts'

const rounds = 40
const warmUp = 5
const farRttMs = 50

/** `at` is when the line with the breakpoint is reached, on the clock that all processes of a machine share. */
const stepping = `
class Order {
  constructor(number) {
    this.number = number
    this.lines = ['tea', 'milk']
    this.open = true
  }
}
function work(n, name) {
  const order = new Order(n)
  const doubled = n * 2
  const names = [name, name]
  const options = { name, doubled, nested: { deep: true } }
  let total = doubled + n
  const at = Number(process.hrtime.bigint() % 100_000_000_000n)
  total += 1 // BREAK
  total += 2
  total += 3
  total += 4
  return total + names.length + at
}
subjects.hit = (n) => work(n, 'breakwater')
`

/** Nanoseconds since `at`, which counts to a hundred seconds and begins anew. */
function sinceMs(at: number): number {
  const now = Number(process.hrtime.bigint() % 100_000_000_000n)
  return ((now - at + 100_000_000_000) % 100_000_000_000) / 1e6
}

interface StopSamples {
  /** From the line in the program until the client has `stopped`. */
  readonly stopped: NodeSamples
  /** … until it has stack, scopes and variables, which it asks for one after the other. */
  readonly shown: NodeSamples
  /** From `next` until the stack trace is there. */
  readonly stepped: NodeSamples
}

async function measure(sides: readonly NodeSide[]): Promise<StopSamples> {
  const samples: StopSamples = { stopped: noSamples(), shown: noSamples(), stepped: noSamples() }
  await inTurn(sides, rounds + warmUp, async ({ name, client, subject }, round) => {
    const threadId = await threadOf(client)
    const called = subject.call('hit', round)
    await client.event('stopped')
    const stoppedNs = process.hrtime.bigint()
    const { variables } = await show(client, threadId)
    const shownNs = process.hrtime.bigint()
    const toldNs = sinceMs(Number(variables.find((variable) => variable.name === 'at')?.value ?? Number.NaN))
    const now = process.hrtime.bigint()
    for (const wanted of ['order', 'doubled', 'names', 'options']) {
      if (!variables.some((variable) => variable.name === wanted)) throw new Error(`${name} does not show ${wanted}`)
    }
    // At a person's pace.
    await pause(60)
    const began = performance.now()
    const stopped = client.event('stopped')
    await client.request('next', { threadId })
    await stopped
    await client.request('stackTrace', { threadId, startFrame: 0, levels: 20 })
    const stepped = performance.now() - began
    if (round >= warmUp) {
      samples.stopped[name].push(toldNs - Number(now - stoppedNs) / 1e6)
      samples.shown[name].push(toldNs - Number(now - shownNs) / 1e6)
      samples.stepped[name].push(stepped)
    }
    await client.request('continue', { threadId })
    await called
  })
  return samples
}

async function stopsAt(rttMs: number): Promise<StopSamples> {
  await using scope = new Scope()
  const sides = await openNodeSides(stepping, scope, {
    rttMs,
    configure: (client, subject) => client.break(subject.file, subject.line('BREAK')),
  })
  return await measure(sides)
}

/** Breakpoint hit to variables, and `next` to stack trace, near and far. */
export async function nodeStops(): Promise<void> {
  const near = await stopsAt(0)
  const far = await stopsAt(farRttMs)
  printFigures(
    'Node: a hit and a step, against js-debug (ratios of medians, sides measured in turn)',
    [
      ...besidePeer('hit to stopped', near.stopped),
      ...besidePeer('hit to variables', near.shown, 0.1),
      ...besidePeer('next to stack trace', near.stepped, 0.1),
      ...roundTrips(`hit to variables, far`, far.shown, farRttMs, 2),
      ...roundTrips(`next to stack trace, far`, far.stepped, farRttMs, 2),
    ],
    [
      'a hit counts from the line in the program; the client asks stack, scopes and variables one after the other.',
      peerNote(),
    ],
  )
}
