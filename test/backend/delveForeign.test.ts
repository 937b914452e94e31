import t from 'tap'
import { askDelve, delveVersions, startGo, type RunningGo } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'

/** As another client of the same Delve does: `dlv connect`, or Delve itself behind --continue. */
function runsOn(go: RunningGo): void {
  askDelve(go.port, 'Command', { name: 'continue' }).catch(() => {})
}

for (const version of delveVersions) {
  void t.test(`somebody else runs the program on, delve ${version.name}`, async (t) => {
    const attachTo = opener(t)

    await t.test('from a stop that is looked at', async (t) => {
      const go = await startGo(version, 'shop')
      t.after(() => go.end())
      const session = await attachTo(go.port)
      await session.configure(go, 'BREAK')
      const { threadId, frameId } = await session.stopped()
      const breakAt = (...marks: string[]) => {
        const breakpoints = marks.map((mark) => ({ line: go.line(mark) }))
        return session.ask('setBreakpoints', { source: { path: go.file }, breakpoints })
      }
      await breakAt()
      runsOn(go)
      await go.runsOn()
      // Delve would answer at its next stop, and there is none.
      session.ask('evaluate', { expression: 'amount + 1', frameId, context: 'watch' }).catch(() => {})
      t.match(await session.next('continued'), { threadId, allThreadsContinued: true })
      await go.runsOn()
      await breakAt('BREAK')
      t.match(await session.stopped(), { reason: 'breakpoint', line: go.line('BREAK') }, 'its stops are ours again')
      await session.end()
      await go.runsOn()
    })

    await t.test('as soon as it is attached to: --continue, late', async (t) => {
      const go = await startGo(version, 'shop', { start: 'exec-held' })
      t.after(() => go.end())
      const session = await attachTo(go.port)
      await session.configure(go)
      t.match(await session.next('stopped'), { allThreadsStopped: true })
      runsOn(go)
      await session.next('continued')
      await session.ask('setBreakpoints', { source: { path: go.file }, breakpoints: [{ line: go.line('BREAK') }] })
      t.match(await session.stopped(), { reason: 'breakpoint', line: go.line('BREAK') })
      await session.end()
      await go.runsOn()
    })
  })
}
