import t from 'tap'
import { Goroutines } from '../../src/backend/delve/goroutines.ts'
import type { Stop } from '../../src/backend/delve/parts.ts'
import { delveSettings } from '../../src/backend/delve/settings.ts'
import { ThreadIds } from '../../src/backend/delve/threadIds.ts'
import type { Goroutine, In } from '../../src/backend/delve/wire.ts'
import type { Call } from '../../src/dap/call.ts'

const location = { pc: 1, file: '/a.go', line: 1, function: { name: 'main.f' } }
const goroutine = (id: number): Goroutine =>
  ({ id, threadID: 0, userCurrentLoc: location, startLoc: location, currentLoc: location }) as unknown as Goroutine

/** Of a program with goroutines without end, of which so many in a page fit. */
function endless(options: Record<string, unknown>, fit: (count: number) => number) {
  const asked: In<'ListGoroutines'>[] = []
  const said: string[] = []
  const stop = {
    selected: 1,
    state: { currentGoroutine: goroutine(1), Threads: [] },
    isOver: false,
    async read(_: string, argument: In<'ListGoroutines'>) {
      asked.push(argument)
      // As Delve does it, each takes its time.
      await new Promise((resolve) => setTimeout(resolve, 5))
      const { Start, Count } = argument
      const page = Array.from({ length: fit(Count) }, (_, at) => goroutine(Start + at + 1))
      return { Goroutines: page, Nextg: Start + Count }
    },
  } as unknown as Stop
  const parts = {
    program: { stop, sawGoroutines() {} },
    settings: delveSettings(options),
    note: (sentence: string) => void said.push(sentence),
  } as unknown as ConstructorParameters<typeof Goroutines>[0]
  const goroutines = new Goroutines(parts, new ThreadIds())
  const call = { arguments: undefined, signal: new AbortController().signal } as unknown as Call<'threads'>
  return { asked, said, threads: async () => (await goroutines.threads(call)).threads }
}

void t.test('as many goroutines as are wanted, and no look without end', async (t) => {
  const all = endless({}, (count) => count)
  t.equal((await all.threads()).length, 1024)
  t.same(
    all.asked.map(({ Start, Count }) => [Start, Count]),
    [
      [0, 200],
      [200, 824],
    ],
  )
  await all.threads()
  t.match(
    all.said,
    [/^The program has more goroutines than the 1024 that are listed\. The option "goroutines"/],
    'once',
  )

  const few = endless({ goroutines: 3 }, (count) => count)
  t.equal((await few.threads()).length, 3)
  t.match(few.said, [/than the 3 that are listed/])

  const none = endless({ goroutineFilters: '-with userloc nosuch' }, () => 0)
  t.same(
    (await none.threads()).map(({ id }) => id),
    [1],
    'the selected one fits always',
  )
  t.ok(none.asked.length > 1 && none.asked.slice(1).every(({ Count }) => Count >= 1_000), 'in large pages')
  t.match(none.said, [/^Only \d+ goroutines were looked through for "goroutineFilters", in 500 ms/])
})
