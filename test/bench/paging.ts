import type { DebugProtocol } from '@vscode/debugprotocol'
import { Scope } from '../../src/lib/scope.ts'
import type { Client } from '../support/client.ts'
import { ms, printFigures } from './figures.ts'
import { alternate, openSides, type Samples, type Side } from './sides.ts'
import { resume, rows, show, threadOf } from './stops.ts'

export const listing = `
def work(items):
    total = len(items)  # BREAK
    return total
while True:
    work(list(range(100000)))
`

const pageItems = 1_000
const pages = 99

/** Fetches the items from 100 + 1,000 × page on, as this side's list is paged; gives them back. */
type Pager = (page: number) => Promise<readonly DebugProtocol.Variable[]>

/** debugpy has no paging: a hundred items, and `more` with buckets of a thousand, each a request. */
async function bucketPager(client: Client, list: DebugProtocol.Variable): Promise<Pager> {
  const { variables } = await client.request('variables', { variablesReference: list.variablesReference })
  const more = variables.find(({ name }) => name === 'more')!
  const buckets = await client.request('variables', { variablesReference: more.variablesReference })
  return async (page) => {
    const { variablesReference } = buckets.variables[page]!
    return (await client.request('variables', { variablesReference })).variables
  }
}

/** By `start` and `count`, as a client that knows how long the list is. */
function countPager(client: Client, list: DebugProtocol.Variable, count: number): Pager {
  const { variablesReference, indexedVariables } = list
  if (indexedVariables !== 100_000) throw new Error(`the list is said to have ${indexedVariables} items`)
  return async (page) => {
    const items: DebugProtocol.Variable[] = []
    for (let start = 100 + page * pageItems; items.length < pageItems; start += count) {
      const args = { variablesReference, filter: 'indexed' as const, start, count }
      items.push(...(await client.request('variables', args)).variables)
    }
    return items
  }
}

export async function paging(sides: readonly Side[], count: number): Promise<Samples> {
  const pagers = new Map<Side, Pager>()
  for (const side of sides) {
    const threadId = await threadOf(side.client)
    await resume(side.client, threadId)
    const { variables } = await show(side.client, threadId)
    const list = variables.find(({ name }) => name === 'items')!
    const direct = side.name === 'straight' || side.name === 'noDelay'
    pagers.set(side, direct ? await bucketPager(side.client, list) : countPager(side.client, list, count))
  }
  return alternate(sides, pages, async (side, page) => {
    const began = performance.now()
    const items = await pagers.get(side)!(page)
    const took = performance.now() - began
    const [first, last] = [items[0]!.value, items.at(-1)!.value]
    if (items.length !== pageItems || first !== `${100 + page * 1_000}` || last !== `${1_099 + page * 1_000}`) {
      throw new Error(`${side.name} gives ${items.length} items from ${first} to ${last} for page ${page}`)
    }
    return took
  })
}

/** A long list, item by item. */
export async function listPages(): Promise<void> {
  await using scope = new Scope()
  const sides = await openSides(listing, 'BREAK', scope)
  const large = await paging(sides, 1_000)
  const small = await paging(sides, 100)
  const total = (samples: readonly number[]): string => ms(samples.reduce((sum, took) => sum + took, 0))
  const figures = [
    ...rows('page of 1,000 in a list of 100,000', large, 0),
    ...rows('the same in ten pages of 100', small, 0),
  ]
  printFigures('Paging through a list of 100,000 (ratios of medians, sides measured in turn)', figures, [
    'the same work for all: every one of the 99,000 items behind the first 100. Straight debugpy ignores start and',
    'count: there it is its 99 buckets of 1,000, which take one request each.',
    `all of it: straight ${total(large.straight)}, with TCP_NODELAY ${total(large.noDelay)}, control ${total(large.control)}` +
      ` (in pages of 100: ${total(small.control)}), inspect ${total(large.inspect)} (${total(small.inspect)})`,
  ])
}
