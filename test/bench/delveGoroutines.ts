import { Scope } from '../../src/lib/scope.ts'
import { beside, inTurn, noSamples, openDelveSides, peerNote } from './delveSides.ts'
import { mib, printFigures } from './figures.ts'

const rounds = 30
const warmUp = 3
const count = 10_000
const mostMib = 64

/** `threads` at a stop of a program with very many goroutines, and what it costs the daemon. */
export async function delveGoroutines(): Promise<void> {
  await using scope = new Scope()
  const options = { rttMs: 0, args: [String(count)], mark: 'BREAK' }
  const { sides, daemon } = await openDelveSides('goroutines', scope, options)
  const samples = noSamples()
  const listed = { peer: 0, control: 0, inspect: 0 }
  for (const { client } of sides) await client.event('stopped')
  const before = await daemon.memory({ collect: true })
  daemon.forgetPeak()
  await inTurn(sides, rounds + warmUp, async ({ name, client }, round) => {
    await client.request('continue', { threadId: 1 })
    await client.event('stopped')
    const began = performance.now()
    const { threads } = await client.request('threads', undefined)
    if (round >= warmUp) samples[name].push(performance.now() - began)
    listed[name] = threads.length
  })
  const after = await daemon.memory({ collect: true })
  const grown = after.heapUsed - before.heapUsed
  printFigures(
    `Delve: ${count} goroutines`,
    [
      ...beside('stop to threads', samples, 2),
      {
        name: 'daemon: heap grown',
        value: mib(grown),
        target: `<= ${mostMib} MiB`,
        ok: grown <= mostMib * 1024 * 1024,
        detail: `after ${2 * (rounds + warmUp)} lists, collected; resident at most ${mib(daemon.peakBytes())}`,
      },
    ],
    [`listed: dlv dap ${listed.peer}, ours ${listed.control}`, peerNote],
  )
}
