import t from 'tap'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startGo, tellGo } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'
import { breakpointProgram, count, listed, logged, setAt } from '../support/goBreakpoints.ts'

/** What the compiler takes apart, if it may. */
const inliningProgram = `// Ticks, with functions that are small enough to be in others.
package main

import (
	"fmt"
	"time"
)

var words = start() // START

func start() map[string]int {
	return map[string]int{"tea": 1}
}

func small(n int) int {
	return n*n + words["tea"] // SMALL
}

func main() {
	for ticks := 1; ; ticks++ {
		// EMPTY is no statement.
		fmt.Println("tick", ticks, small(ticks))
		time.Sleep(10 * time.Millisecond)
	}
}
`

for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const go = await startGo(version, breakpointProgram)
    t.after(() => go.end())
    const at = (mark: string) => go.line(mark)

    await t.test('functions', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      const set = async (...names: string[]) => {
        const breakpoints = names.map((name) => ({ name }))
        return (await session.ask('setFunctionBreakpoints', { breakpoints })).breakpoints
      }
      const [total, method, none, offset] = await set('main.twice()', '(*Box).Grow', 'main.nothing', '+3')
      t.match([total, method], [{ verified: true, source: { path: go.file } }, { verified: true }])
      t.match([none, offset], [{ verified: false, message: /no function 'main\.nothing'/ }, { verified: false }])
      const ids = new Set<number>()
      while (ids.size < 2) {
        const { reason, hitBreakpointIds = [] } = await session.next('stopped')
        t.equal(reason, 'function breakpoint')
        for (const id of hitBreakpointIds) ids.add(id)
        await session.ask('continue', { threadId: 1 })
      }
      t.same(ids, new Set([total!.id, method!.id]))
      const [several] = await set('/^main\\.(twice|local)$/')
      t.match(several, { verified: true, message: 'In 2 functions.' })
      await session.ask('pause', { threadId: 1 })
      await until('it is stopped', async () => count(session, 'stopped') >= 3)
      t.equal((await listed(go)).length, 1)
      const [line] = await setAt(session, go, { 'func twice': {} }).catch(() => [])
      t.equal(line, undefined, 'no mark')
      await set()
      t.same(await listed(go), [])
    })

    await t.test('instructions: only where one begins', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go, 'BEHIND')
      const { threadId } = await session.stopped()
      const { stackFrames } = await session.ask('stackTrace', { threadId, levels: 1 })
      const memoryReference = stackFrames[0]!.instructionPointerReference!
      const { instructions } = await session.ask('disassemble', { memoryReference, instructionCount: 6 })
      const [first, second] = instructions.slice(1).filter(({ instructionBytes = '' }) => instructionBytes.length > 2)
      const set = async (...breakpoints: DebugProtocol.InstructionBreakpoint[]) =>
        (await session.ask('setInstructionBreakpoints', { breakpoints })).breakpoints
      const offset = Number(second!.address) - Number(first!.address)
      const answers = await set(
        { instructionReference: first!.address, offset: 1 },
        { instructionReference: '0x10' },
        { instructionReference: first!.address, offset },
      )
      t.match(answers, [
        { verified: false, message: /No instruction begins at/ },
        { verified: false, message: /no function of the program at 0x10/ },
        { verified: true, instructionReference: second!.address },
      ])
      await setAt(session, go, {})
      await session.ask('continue', { threadId })
      t.match(await session.next('stopped'), {
        reason: 'instruction breakpoint',
        hitBreakpointIds: [answers[2]!.id],
      })
    })

    await t.test('data: what is written, and until the variable is gone', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go, 'LOCAL')
      const { threadId, frameId } = await session.stopped()
      await session.ask('next', { threadId })
      const inLocal = await session.stopped()
      await setAt(session, go, {})
      const info = (name: string, frame = inLocal.frameId) =>
        session.ask('dataBreakpointInfo', { name, frameId: frame })
      t.match(await info('counter', frameId).catch(() => ({ dataId: null })), { dataId: null }, 'a frame that is over')
      const [global, local] = [await info('counter'), await info('kept')]
      t.match(global, { dataId: String, accessTypes: ['write', 'readWrite'] })
      const set = async (...breakpoints: DebugProtocol.DataBreakpoint[]) =>
        (await session.ask('setDataBreakpoints', { breakpoints })).breakpoints
      const [one, other] = await set({ dataId: global.dataId! }, { dataId: local.dataId! })
      t.match([one, other], [{ verified: true }, { verified: true }])
      t.ok(
        (await listed(go)).every(({ name }) => /^bw[\da-f]{8}n\d$/.test(name)),
        'by names of ours',
      )
      await session.ask('continue', { threadId })
      t.match(await session.next('stopped'), { reason: 'data breakpoint', hitBreakpointIds: [other!.id] })
      await until('the function has returned', async () => {
        const gone = session.seen.some(({ event }) => event === 'breakpoint')
        if (!gone) await session.ask('continue', { threadId })
        return gone
      })
      t.match(await session.next('breakpoint'), { breakpoint: { id: other!.id, verified: false } })
      const [kept, stale] = await set({ dataId: global.dataId!, condition: 'true' }, { dataId: local.dataId! })
      t.match(
        [kept, stale],
        [
          { id: one!.id, verified: true },
          { verified: false, message: /choose it anew/ },
        ],
      )
      const before = count(session, 'stopped')
      await session.ask('continue', { threadId })
      await until('the variable is written', () => count(session, 'stopped') > before)
      t.match(session.seen.findLast(({ event }) => event === 'stopped')?.body, {
        reason: 'data breakpoint',
        hitBreakpointIds: [one!.id],
      })
      const { stackFrames } = await session.ask('stackTrace', { threadId, levels: 1 })
      t.equal(stackFrames[0]!.name, 'main.main')
      const { scopes } = await session.ask('scopes', { frameId: stackFrames[0]!.id })
      await session.ask('variables', { variablesReference: scopes[0]!.variablesReference })
      const byName = await session.ask('dataBreakpointInfo', {
        name: 'ticks',
        variablesReference: scopes[0]!.variablesReference,
      })
      t.type(byName.dataId, 'string')
      const again = await session.ask('dataBreakpointInfo', { name: 'ticks', frameId: stackFrames[0]!.id })
      t.equal(again.dataId, byName.dataId, 'the same is the same')
    })

    await t.test('another client of Delve has one there already', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go, 'LOCAL')
      const { threadId } = await session.stopped()
      const foreign = { name: 'theirs', file: go.file, line: at('COUNT') }
      await askDelve(go.port, 'CreateBreakpoint', { Breakpoint: foreign })
      const [plain] = await setAt(session, go, { COUNT: {} })
      t.match(plain, { verified: true, message: /Another client/ })
      await session.ask('continue', { threadId })
      t.match(await session.next('stopped'), { reason: 'breakpoint', hitBreakpointIds: [plain!.id] })
      const [conditional] = await setAt(session, go, { COUNT: { condition: 'ticks > 0' } })
      t.match(conditional, { verified: false, message: /Another client/ })
      await session.ask('continue', { threadId })
      t.equal((await session.next('stopped')).hitBreakpointIds, undefined, 'a stop, and none of ours')
      const amended = {
        id: (await listed(go))[0]!.id,
        name: 'theirs',
        file: go.file,
        line: at('COUNT'),
        Cond: 'ticks < 0',
      }
      await askDelve(go.port, 'AmendBreakpoint', { Breakpoint: amended })
      const [unmet] = await setAt(session, go, { COUNT: {} })
      t.match(unmet, { verified: false, message: /is theirs with its condition/ }, 'it would not stop')
      await session.end()
      await askDelve(go.port, 'Command', { name: 'halt' })
      t.match(await listed(go), [{ name: 'theirs' }])
      await askDelve(go.port, 'ClearBreakpoint', { Name: 'theirs' })
      void askDelve(go.port, 'Command', { name: 'continue' }).catch(() => {})
      await go.runsOn()
    })

    await t.test('lines that a breakpoint can be at', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      const source = { path: go.file }
      const asked = { source, line: at('EMPTY'), endLine: at('LOCAL') }
      const { breakpoints } = await session.ask('breakpointLocations', asked)
      const lines = breakpoints.map(({ line }) => line)
      t.notOk(lines.includes(at('EMPTY')))
      t.ok(lines.includes(at('BEHIND')) && lines.includes(at('LOCAL')))
      t.equal(count(session, 'stopped'), 0)
    })

    await t.test('what no breakpoint can be at is said, and breaks nothing', async (t) => {
      const session = await attachTo(go.port)
      await session.configure(go)
      const at = async (source: DebugProtocol.Source, line: number) =>
        (await session.ask('setBreakpoints', { source, breakpoints: [{ line }] })).breakpoints[0]!
      t.match(await at({ name: 'main.go' }, 5), { verified: false, message: /no path/ })
      // Delve 1.20 is deaf after a request that it cannot read.
      t.match(await at({ path: go.file }, 1.5), { verified: false, message: /'line' is 1\.5/ })
      const breakpoints = [{ instructionReference: 'main' }]
      t.match(await session.ask('setInstructionBreakpoints', { breakpoints }), {
        breakpoints: [{ verified: false, message: /no address of an instruction/ }],
      })
      const [first] = await setAt(session, go, { GROW: { condition: 'n < 0' } })
      t.match(first, { verified: true }, 'and it is served on')
      await go.runsOn()
    })

    await t.test('in an optimised program', async (t) => {
      const fast = await startGo(version, inliningProgram, { optimised: true })
      t.after(() => fast.end())
      const session = await attachTo(fast.port)
      await session.configure(fast)
      const set = async (name: string) =>
        (await session.ask('setFunctionBreakpoints', { breakpoints: [{ name }] })).breakpoints[0]!
      for (const name of ['main.small', 'fmt.Println']) {
        const inlined = await set(name)
        t.match(inlined, { verified: true, message: /The compiler has inlined it/ })
        t.match(await session.next('stopped'), { reason: 'function breakpoint', hitBreakpointIds: [inlined.id] })
        await set('main.')
        await session.ask('continue', { threadId: 1 })
      }
      t.match(await set('main.words'), { verified: false, message: /no function 'main\.words'/ }, 'a variable is none')
      const [line, start] = await setAt(session, fast, { SMALL: {}, START: {} })
      t.match(
        [line, start],
        [
          { verified: true, line: fast.line('SMALL') },
          { verified: true, line: fast.line('START') },
        ],
      )
      t.match(await session.stopped(), { reason: 'breakpoint', line: fast.line('SMALL') })
      const [moved] = await setAt(session, fast, { EMPTY: {} })
      t.match(moved, { verified: true, message: /has no statement: this is at line \d+, in main\.main\./ })
    })

    await t.test('goroutines that are hit in the same moment', async (t) => {
      const many = await startGo(version, 'goroutines', { args: ['4'] })
      t.after(() => many.end())
      const session = await attachTo(many.port)
      await session.configure(many)
      const [stopping] = await setAt(session, many, { TOGETHER: {}, HANDLE: { logMessage: 'sum {sum}' } })
      const isAlso = ({ event, body }: { event: string; body: unknown }) =>
        event === 'stopped' && (body as DebugProtocol.StoppedEvent['body']).preserveFocusHint === true
      await until('two at once', async () => {
        if (session.seen.some(isAlso)) return true
        await session.ask('continue', { threadId: 1 })
        return false
      })
      const stops = session.seen.filter(({ event }) => event === 'stopped')
      for (const { body } of stops) t.match(body, { reason: 'breakpoint', hitBreakpointIds: [stopping!.id] })
      const second = stops.findIndex(isAlso)
      t.not(
        (stops[second]!.body as { threadId: number }).threadId,
        (stops[second - 1]!.body as { threadId: number }).threadId,
      )
      await setAt(session, many, { HANDLE: { logMessage: 'sum {sum}' } })
      await session.ask('continue', { threadId: 1 })
      await until('it is logged', () => logged(session).some((line) => /^sum \d+$/.test(line)))
    })

    await t.test('exceptions that are not to stop at', async (t) => {
      const crash = await startGo(version, 'crash')
      t.after(() => crash.end())
      const session = await attachTo(crash.port)
      await session.ask('setExceptionBreakpoints', { filters: ['runtime-fatal-throw'] })
      await session.ask('configurationDone', undefined)
      await tellGo(crash, 'panic')
      await until('it has ended', () => session.seen.some(({ event }) => event === 'exited'))
      t.equal(count(session, 'stopped'), 0)
    })
  })
}
