import t from 'tap'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startGo } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'
import { breakpointProgram, count, listed, logged, notes, setAt } from '../support/goBreakpoints.ts'

for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const go = await startGo(version, breakpointProgram)
    t.after(() => go.end())
    const at = (mark: string) => go.line(mark)

    await t.test('of a running program, without a stop that anybody sees', async (t) => {
      const session = await attachTo(go.port)
      await session.ask('configurationDone', undefined)
      const answers = await setAt(session, go, { GROW: { condition: 'n < 0' }, EMPTY: { condition: 'n < 0' } })
      t.match(answers, [
        { verified: true, line: at('GROW'), source: { path: go.file } },
        { verified: true, line: at('BEHIND') },
      ])
      await go.runsOn()
      const again = await setAt(session, go, { GROW: { condition: 'n < 0' }, LOCAL: { condition: 'n < 0' } })
      t.equal(again[0]!.id, answers[0]!.id, 'the same is the same')
      t.equal(again[1]!.verified, true)
      const [unknown] = (
        await session.ask('setBreakpoints', { source: { path: '/nowhere/mian.go' }, breakpoints: [{ line: 5 }] })
      ).breakpoints
      t.match(unknown, { verified: false, message: /The program has no mian\.go; near to it is .*main\.go/ })
      const [behind] = await setAt(session, go, { 'There is no code': {} })
      t.match(behind, { verified: false, message: String })
      t.match(behind!.message, new RegExp(`\\b${at('TICK') + 1}\\b|\\b${at('TICK') + 2}\\b|\\b${at('TICK') + 3}\\b`))
      await go.runsOn()
      t.equal(count(session, 'stopped') + count(session, 'continued'), 0)
    })

    await t.test('hits are counted on over an edit; what Delve does not take leaves nothing behind', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      await setAt(session, go, { GROW: { hitCondition: '> 1000000' } })
      await go.runsOn(5)
      await setAt(session, go, { GROW: { hitCondition: '> 1000000' }, TICK: {} })
      await session.stopped()
      const [first] = await listed(go)
      t.ok(first!.totalHitCount >= 5)
      const answers = await setAt(session, go, {
        GROW: { condition: 'n > 100', hitCondition: '> 2' },
        LOCAL: { condition: 'n ==' },
        KEPT: { hitCondition: 'often' },
        TICK: {},
      })
      t.same(
        answers.map(({ verified }) => verified),
        [true, false, false, true],
      )
      t.match(answers[1]!.message, /Delve/)
      t.match(answers[2]!.message, /often/)
      const all = await listed(go)
      t.match(
        all.map(({ line }) => line),
        [at('GROW'), at('TICK')],
        'no ghosts',
      )
      t.match(all[0], { id: first!.id, name: first!.name, Cond: 'n > 100' })
      t.ok(all[0]!.totalHitCount >= first!.totalHitCount)
      const [good] = await setAt(session, go, { LOCAL: { condition: 'n > 0' } })
      t.equal(good!.verified, true, 'mended')
      await session.ask('continue', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'breakpoint', line: at('LOCAL') })
      const [bad] = await setAt(session, go, { LOCAL: { condition: 'n >' } })
      t.match(bad, { verified: false, message: /Delve/ })
      t.same(await listed(go), [], 'a condition that is no more good')
      await setAt(session, go, { TICK: { hitCondition: '3' } })
      const before = go.ticks()
      await session.ask('continue', { threadId: 1 })
      await session.stopped()
      t.ok(go.ticks() - before >= 2, 'a bare number is ==')
    })

    await t.test('log points say their lines and stop nobody', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      await setAt(session, go, {
        GROW: { logMessage: '{b.name} {*b} grows by {n}' },
        LOCAL: { logMessage: 'no {nothing} here', condition: 'n % 2 == 0' },
      })
      await until('both have spoken', () => {
        const lines = logged(session)
        return lines.some((line) => line.startsWith('tea')) && lines.some((line) => line.startsWith('no '))
      })
      const lines = logged(session)
      t.match(
        lines.find((line) => line.startsWith('tea')),
        /^tea main\.Box \{name: "tea", size: \d+\} grows by [012]$/,
      )
      t.match(
        lines.find((line) => line.startsWith('no ')),
        /^no .*could not find symbol value for nothing.* here$/,
      )
      const said = session.seen.find(({ body }) => (body as { category?: string }).category === 'stdout')
      t.match(said?.body, { source: { path: go.file }, line: Number })
      const [open] = await setAt(session, go, { GROW: { logMessage: 'open {n' } })
      t.match(open, { verified: false, message: /brace/ })
      t.equal(count(session, 'stopped'), 0)
    })

    await t.test('several at one place', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      const [plain, slid] = await setAt(session, go, { BEHIND: {}, EMPTY: { logMessage: 'twice {n}' } })
      t.match([plain, slid], [{ verified: true }, { verified: true, line: at('BEHIND') }])
      t.same((await session.next('stopped')).hitBreakpointIds, [plain!.id])
      await session.ask('continue', { threadId: 1 })
      t.same((await session.next('stopped')).hitBreakpointIds, [plain!.id])
      t.match(logged(session).at(-1), /^twice \d+$/, 'and it is logged')
      t.equal((await listed(go)).length, 1)
      await setAt(session, go, { EMPTY: { logMessage: 'twice {n}' } })
      await session.ask('continue', { threadId: 1 })
      await go.runsOn()
      t.equal(count(session, 'stopped'), 2, 'what is left only logs')
      const [one, other] = await setAt(session, go, { BEHIND: { condition: 'n > 0' }, EMPTY: { condition: 'n < 0' } })
      t.match([one, other], [{ verified: true }, { verified: true }])
      t.same((await session.next('stopped')).hitBreakpointIds, [one!.id])
      await setAt(session, go, { EMPTY: { condition: 'n < 0' } })
      await session.ask('continue', { threadId: 1 })
      await go.runsOn()
      t.equal(count(session, 'stopped'), 3)
    })

    await t.test('what is changed under a program that hits it stops nobody by what it was not', async (t) => {
      const hot = await startGo(version, breakpointProgram.replace('10 * time.M', 'time.M'))
      t.after(() => hot.end())
      const session = await attachTo(hot.port)
      await session.configure(hot)
      // Of none there was a time at which it would stop the program.
      const [logs, other] = [{ logMessage: 'n {n}' }, { logMessage: 'other {n}' }]
      const [never, neither] = [{ condition: 'n < 0' }, { condition: 'n < -1' }]
      for (let round = 0; round < 25; round++) {
        await setAt(session, hot, { EMPTY: logs })
        await setAt(session, hot, { BEHIND: never, EMPTY: neither })
        await setAt(session, hot, { BEHIND: never, EMPTY: logs })
        await setAt(session, hot, { EMPTY: neither })
        await setAt(session, hot, { BEHIND: other, EMPTY: logs })
      }
      t.equal(count(session, 'stopped'), 0)
      t.notMatch(notes(session), /A breakpoint was hit/)
      t.ok(logged(session).length > 0)
    })

    await t.test('a condition that cannot be evaluated is seen, also where another shares the place', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      for (const other of [undefined, { logMessage: 'over {n}' }, { condition: 'n < 0' }]) {
        const all = [{ condition: 'nothing > 1' }, ...(other === undefined ? [] : [other])]
        const breakpoints = all.map((each) => ({ line: at('BEHIND'), ...each }))
        const source = { path: go.file }
        const { breakpoints: answers } = await session.ask('setBreakpoints', { source, breakpoints })
        t.ok(answers.every(({ verified }) => verified))
        t.match(await session.next('stopped'), {
          reason: 'exception',
          description: 'runtime error',
          text: 'error evaluating expression: could not find symbol value for nothing',
        })
        await setAt(session, go, {})
        await session.ask('continue', { threadId: 1 })
      }
      const breakpoints = [{ condition: 'n' }, { logMessage: 'at {n}' }].map((each) => ({ line: at('KEPT'), ...each }))
      await session.ask('setBreakpoints', { source: { path: go.file }, breakpoints })
      t.match(await session.next('stopped'), { reason: 'exception', text: 'condition expression not boolean' })
    })

    await t.test('a program that is started anew has them, and no watched variables', async (t) => {
      const own = await startGo(version, breakpointProgram, { start: 'exec' })
      t.after(async () => {
        // The new program is another process.
        await askDelve(own.port, 'Detach', { Kill: true })
        await own.end()
      })
      const session = await attachTo(own.port)
      await session.configure(own)
      const [second] = await setAt(session, own, { KEPT: { hitCondition: '== 2' } })
      const { threadId, frameId } = await session.stopped()
      const { dataId } = await session.ask('dataBreakpointInfo', { name: 'counter', frameId })
      const watched = await session.ask('setDataBreakpoints', { breakpoints: [{ dataId: dataId! }] })
      t.match(watched.breakpoints, [{ verified: true }])
      await session.ask('restart', {})
      const lost = {
        id: watched.breakpoints[0]!.id,
        verified: false,
        message: /started anew: choose the variable again/,
      }
      t.match((await session.next('breakpoint')).breakpoint, lost)
      t.match(await session.next('stopped'), { hitBreakpointIds: [second!.id] }, 'hits are counted from 0')
      const top = await session.ask('stackTrace', { threadId, levels: 1 })
      t.match((await session.locals(top.stackFrames[0]!.id)).get('n'), { value: '2' })
      const again = await session.ask('setDataBreakpoints', { breakpoints: [{ dataId: dataId! }] })
      t.match(again.breakpoints, [{ verified: false, message: /choose it anew/ }])
      t.equal((await listed(own)).length, 1)
      await session.end()
      await askDelve(own.port, 'Command', { name: 'halt' })
    })

    await t.test('nothing is left at the end, and the program runs on', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go, 'GROW', 'LOCAL')
      await session.stopped()
      await session.end()
      await go.runsOn()
      await askDelve(go.port, 'Command', { name: 'halt' })
      t.same(await listed(go), [])
      void askDelve(go.port, 'Command', { name: 'continue' }).catch(() => {})
      await go.runsOn()
    })
  })
}
