import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import { printFigures } from './figures.ts'
import { alternate, openSides, type Samples, type Side } from './sides.ts'
import { resume, rows, show, threadOf, type Stop } from './stops.ts'

const rounds = 40
const warmUp = 5

export const stepping = `
import time
class Order:
    def __init__(self, number):
        self.number = number
        self.lines = ['tea', 'milk']
        self.open = True
def work(n, name):
    order = Order(n)
    doubled = n * 2
    half = n / 2
    names = [name, name]
    total = doubled + n  # BREAK
    total += 1
    total += 1
    total += 1
    return total
n = 0
while True:
    n += 1
    work(n, 'breakwater')
`

async function hits(sides: readonly Side[]): Promise<Samples> {
  const threads = new Map<Side, number>()
  for (const side of sides) threads.set(side, await threadOf(side.client))
  return alternate(sides, rounds + warmUp, async (side) => {
    const threadId = threads.get(side)!
    await resume(side.client, threadId)
    const began = performance.now()
    const { variables } = await show(side.client, threadId)
    const took = performance.now() - began
    // The same work for all: these are shown whoever reads them.
    const names = variables.map(({ name }) => name)
    for (const name of ['order', 'doubled', 'names']) {
      if (!names.includes(name)) throw new Error(`${side.name} does not show ${name}, but ${names.join(' ')}`)
    }
    return took
  })
}

/** A step as an editor makes it, at a person's pace: until it is stopped, and until the variables are shown. */
async function steps(sides: readonly Side[]): Promise<{ stopped: Samples; shown: Samples }> {
  const threads = new Map<Side, number>()
  for (const side of sides) threads.set(side, await threadOf(side.client))
  const shown: Samples = { straight: [], noDelay: [], control: [], inspect: [] }
  const stopped = await alternate(sides, rounds + warmUp, async (side, round) => {
    const { client } = side
    const threadId = threads.get(side)!
    // The breakpoint is four lines before the function's end: begin anew there, so that no step meets it.
    if (round % 3 === 0) await resume(client, threadId)
    await pause(60)
    const began = performance.now()
    const event = client.event('stopped')
    await client.request('next', { threadId })
    await event
    const took = performance.now() - began
    await show(client, threadId)
    shown[side.name].push(performance.now() - began)
    return took
  })
  return { stopped, shown }
}

async function evaluations(sides: readonly Side[]): Promise<Samples> {
  const stops = new Map<Side, Stop>()
  for (const side of sides) {
    const threadId = await threadOf(side.client)
    await resume(side.client, threadId)
    stops.set(side, (await show(side.client, threadId)).stop)
  }
  return alternate(sides, rounds + warmUp, async (side) => {
    const { frameId } = stops.get(side)!
    const began = performance.now()
    const { result } = await side.client.request('evaluate', {
      expression: 'n * 2 == doubled',
      frameId,
      context: 'watch',
    })
    const took = performance.now() - began
    if (result !== 'True') throw new Error(`${side.name} answers ${result}`)
    return took
  })
}

/** Breakpoint, step and evaluate. */
export async function through(): Promise<void> {
  await using scope = new Scope()
  const sides = await openSides(stepping, 'BREAK', scope)
  const hit = await hits(sides)
  const { stopped, shown } = await steps(sides)
  const figures = [
    ...rows('hit to variables', hit, warmUp),
    ...rows('next to stopped', stopped, warmUp),
    ...rows('next to variables', shown, warmUp),
    ...rows('evaluate', await evaluations(sides), warmUp),
  ]
  printFigures('Through Breakwater against straight to debugpy (ratios of medians, sides measured in turn)', figures, [
    'straight: debugpy as released. TCP_NODELAY: the client has set in debugpy what Breakwater sets by itself; these',
    'rows show what the daemon in between costs. inspect reads variables with a reader of our own, which runs no code.',
  ])
}
