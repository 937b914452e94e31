import t from 'tap'
import { delveVersions, startGo } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'

/** Whether the editor opens them by itself. */
const isOpened = { 'Globals (package main)': 'showGlobalVariables', Registers: 'showRegisters' } as const

for (const version of delveVersions) {
  void t.test(`what options show, Delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const go = await startGo(version, 'goroutines')
    t.teardown(() => go.end())
    const stopped = async (settings: Readonly<Record<string, unknown>>) => {
      const session = await attachTo(go.port, { settings })
      await session.configure(go, 'TOGETHER')
      const { frameId } = await session.stopped()
      const { threads } = await session.ask('threads', undefined)
      const names = threads.map(({ name }) => name)
      const { scopes } = await session.ask('scopes', { frameId })
      await session.end()
      await go.runsOn()
      return { names, scopes, others: names.filter((name) => !name.includes('(Thread ')) }
    }
    // Whoever has hit the breakpoint too is always there.
    const isWorker = (name: string): boolean => name.includes('main.worker')

    const plain = await stopped({})
    t.equal(plain.names.filter((name) => name.startsWith('*')).length, 1)
    t.ok(
      plain.names.some((name) => name.includes('runtime.')),
      'those of the runtime too',
    )
    t.ok(plain.names.filter(isWorker).length > 50)
    for (const scope of Object.keys(isOpened)) {
      t.match(
        plain.scopes.find(({ name }) => name === scope),
        { expensive: true },
        scope,
      )
    }

    const shown = await stopped({ hideSystemGoroutines: true, showGlobalVariables: true, showRegisters: true })
    t.notOk(
      shown.others.some((name) => /\] runtime\./.test(name)),
      'only those of the program',
    )
    for (const scope of Object.keys(isOpened)) {
      t.match(
        shown.scopes.find(({ name }) => name === scope),
        { expensive: false },
        scope,
      )
    }

    const workers = await stopped({ goroutineFilters: '-with userloc main.worker' })
    t.ok(workers.others.length > 50 && workers.others.every(isWorker))
    const others = await stopped({ goroutineFilters: '-without userloc main.worker -without running' })
    t.ok(others.others.length > 3 && !others.others.some(isWorker))
    t.equal((await stopped({ goroutines: 5 })).names.length, 5)

    const named = (names: readonly string[]) => names.find((name) => name.includes('main.labelled'))
    t.notMatch(named(plain.names), /\{|=/)
    const labelled = async (...keys: string[]) => named((await stopped({ showPprofLabels: keys })).names)
    t.match(await labelled('*'), /^\[Go \d+ request:r-17 tenant:harbour\] main\.labelled$/)
    t.match(
      await labelled('tenant'),
      /^\[Go \d+ harbour\] main\.labelled$/,
      'of one alone its value, as vscode-go has it',
    )
  })
}
