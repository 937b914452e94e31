import { Scope } from '../../src/lib/scope.ts'
import { printFigures, type Figure } from './figures.ts'
import { besidePeer, within } from './nodeFigures.ts'
import { peerNote } from './nodePeer.ts'
import { inTurn, noSamples, openNodeSides, ourNames, sideNames, threadOf } from './nodeSides.ts'
import { show } from './stops.ts'

const rounds = 40
const warmUp = 3
const items = 1_000_000

const holding = `
const items = Array.from({ length: ${items} }, (_, index) => index)
function work(list) {
  const length = list.length
  return length // BREAK
}
subjects.hit = () => work(items)
`

/** Any page of 100 of a long array, as the first that is asked for after a stop. */
export async function nodePages(): Promise<void> {
  await using scope = new Scope()
  const sides = await openNodeSides(holding, scope, {
    configure: (client, subject) => client.break(subject.file, subject.line('BREAK')),
  })
  const page = noSamples()
  const sinceStop = noSamples()
  const wrong = { peer: 0, control: 0, inspect: 0 }
  await inTurn(sides, rounds + warmUp, async ({ name, client, subject }, round) => {
    const threadId = await threadOf(client)
    const called = subject.call('hit')
    await client.event('stopped')
    const stopped = performance.now()
    const { variables } = await show(client, threadId)
    const { variablesReference } = variables.find((variable) => variable.name === 'list')!
    // All over the array, and not in order.
    const start = ((round * 7_919) % (items / 100)) * 100
    const began = performance.now()
    const answer = await client.request('variables', { variablesReference, filter: 'indexed', start, count: 100 })
    const ended = performance.now()
    const right =
      answer.variables.length === 100 && answer.variables.every((item, at) => Number(item.value) === start + at)
    if (!right) wrong[name]++
    if (round >= warmUp) {
      page[name].push(ended - began)
      sinceStop[name].push(ended - stopped)
    }
    await client.request('continue', { threadId })
    await called
  })
  const figures: Figure[] = []
  for (const name of ourNames()) {
    figures.push(within(`${name === 'control' ? '' : '  inspect: '}a page of 100`, page[name], 10))
    figures.push(within(`${name === 'control' ? '  ' : '  inspect: '}from stopped to the page`, sinceStop[name], 10))
  }
  figures.push(...besidePeer('a page of 100', page), ...besidePeer('from stopped to the page', sinceStop))
  printFigures(`Node: an array of ${items}, any page of 100 after a fresh stop`, figures, [
    `from stopped: stack, scopes, variables and the page, one after the other. Wrong pages: ${sideNames()
      .map((name) => `${name} ${wrong[name]} of ${rounds + warmUp}`)
      .join(', ')}`,
    peerNote(),
  ])
}
