import t from 'tap'
import type { Debuggee } from '../support/debuggee.ts'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, letGo, startGo, tellGo } from '../support/delve.ts'
import { opener, type Attached } from '../support/delveSession.ts'
import { notes } from '../support/goBreakpoints.ts'

function breakAt(session: Attached, debuggee: Debuggee, ...marks: string[]) {
  const breakpoints = marks.map((mark) => ({ line: debuggee.line(mark) }))
  return session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
}

/** A step over its question is interrupted by a breakpoint at who answers it. */
const askingProgram = `// Asks another goroutine over and over.
package main

import (
	"fmt"
	"time"
)

func serve(questions <-chan int, answers chan<- int) {
	for question := range questions {
		answer := question * 2 // SERVE
		answers <- answer
	}
}

func query(questions chan<- int, answers <-chan int, n int) int {
	questions <- n
	return <-answers
}

func round(questions chan<- int, answers <-chan int, n int) int {
	answer := query(questions, answers, n) // ASK
	answer++
	return answer
}

func main() {
	questions, answers := make(chan int), make(chan int)
	go serve(questions, answers)
	for ticks := 1; ; ticks++ {
		round(questions, answers, ticks)
		fmt.Println("tick", ticks)
		time.Sleep(20 * time.Millisecond)
	}
}
`

const slowProgram = `// Waits for ever once there is a file 'long'.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	for ticks := 1; ; ticks++ {
		pause := 20 * time.Millisecond
		if _, err := os.Stat("long"); err == nil {
			pause = time.Hour
		}
		time.Sleep(pause) // WAIT
		fmt.Println("tick", ticks) // TICK
	}
}
`

for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)

    await t.test('serves one client', async (t) => {
      const shop = await startGo(version, 'shop', { start: 'attach-held', single: true })
      t.after(() => shop.end())
      const session = await attachTo(shop.port)
      t.match(notes(session), /serves one client: Delve ends with this session, and the program runs on/)
      await session.configure(shop, 'BREAK')
      t.match(await session.stopped(), { reason: /./ }, 'as it was found')
      await session.ask('continue', { threadId: 1 })
      const { threadId, frameId, line } = await session.stopped()
      t.equal(line, shop.line('BREAK'))
      t.match((await session.locals(frameId)).get('amount'), { value: '0' })
      await session.ask('next', { threadId })
      t.match(await session.stopped(), { reason: 'step', line: shop.line('BREAK') + 1 })
      await breakAt(session, shop)
      await session.ask('continue', { threadId })
      await shop.runsOn()
      t.match((await breakAt(session, shop, 'LOOP')).breakpoints, [{ verified: true }], 'while it runs')
      await session.stopped()
      await breakAt(session, shop)
      await session.ask('continue', { threadId })
      await session.ask('pause', { threadId })
      t.match(await session.stopped(), { reason: 'pause' })
      await session.end()
      await letGo(shop)
      await until('Delve has ended', () => shop.delve.isOver)
      await shop.runsOn()
    })

    await t.test('serves one client: a long step ends where a breakpoint is set', async (t) => {
      const slow = await startGo(version, slowProgram, { start: 'attach-held', single: true })
      t.after(() => slow.end())
      const session = await attachTo(slow.port)
      await session.configure(slow, 'WAIT')
      await session.stopped()
      await session.ask('continue', { threadId: 1 })
      t.match(await session.stopped(), { line: slow.line('WAIT') })
      await tellGo(slow, 'long')
      await session.ask('continue', { threadId: 1 })
      const { threadId } = await session.stopped()
      await session.ask('next', { threadId })
      const { breakpoints } = await breakAt(session, slow, 'TICK')
      t.match(breakpoints, [{ verified: true }])
      const description = /given up the step: it was halted for breakpoints/
      t.match(await session.next('stopped'), { reason: 'pause', description })
    })

    await t.test('a step that another goroutine interrupts is finished', async (t) => {
      const asking = await startGo(version, askingProgram)
      t.after(() => asking.end())
      const session = await attachTo(asking.port)
      await session.configure(asking, 'ASK', 'SERVE')
      const at = async (mark: string) => {
        const { reason, line, threadId } = await session.stopped()
        t.match({ reason, line }, { reason: 'breakpoint', line: asking.line(mark) })
        return threadId
      }
      /** A step over the question meets the breakpoint where it is answered. */
      const interrupted = async (step: 'next' | 'stepOut') => {
        await breakAt(session, asking, 'ASK')
        await session.ask('continue', { threadId: 1 })
        const asker = await at('ASK')
        await breakAt(session, asking, 'SERVE')
        await session.ask(step, { threadId: asker })
        const server = await at('SERVE')
        t.not(server, asker)
        t.match(notes(session), /A breakpoint has interrupted the step: 'continue' finishes it/)
        return { asker, server }
      }
      await session.ask('continue', { threadId: await at('ASK') })
      await at('SERVE')
      for (const step of ['next', 'stepOut'] as const) {
        const { asker, server } = await interrupted(step)
        // What is set meanwhile does not give it up.
        await breakAt(session, asking)
        await breakAt(session, asking, 'SERVE')
        await session.ask('continue', { threadId: server })
        t.match(await session.next('stopped'), { reason: 'step', threadId: asker }, 'the step is finished')
        const { stackFrames } = await session.ask('stackTrace', { threadId: asker })
        t.match(stackFrames[0], step === 'next' ? { line: asking.line('ASK') + 1 } : { name: 'main.main' })
      }
      const { server } = await interrupted('next')
      await session.ask('next', { threadId: server })
      t.match(await session.stopped(), { reason: 'step', threadId: server, line: asking.line('SERVE') + 1 }, 'anew')
      await breakAt(session, asking)
      await session.ask('continue', { threadId: server })
      await asking.runsOn()
    })

    await t.test('serves many, of which one debugs', async (t) => {
      const shop = await startGo(version, 'shop')
      t.after(() => shop.end())
      const session = await attachTo(shop.port)
      await t.rejects(attachTo(shop.port), { code: 'alreadyDebugged', message: /`breakwater sessions` shows/ })
      await session.configure(shop, 'BREAK')
      const { threadId } = await session.stopped()
      await breakAt(session, shop, 'BREAK', 'LOOP')
      await session.ask('next', { threadId })
      t.match(await session.stopped(), { reason: 'breakpoint', line: shop.line('LOOP') })
      t.notMatch(notes(session), /interrupted/, 'where the step itself meets a breakpoint, it is over')
      await breakAt(session, shop, 'AFTER')
      await session.ask('continue', { threadId })
      t.match(await session.stopped(), { reason: 'breakpoint', line: shop.line('AFTER') })
      await breakAt(session, shop)
      await session.ask('continue', { threadId })
      await shop.runsOn()
      await session.end()
      await shop.runsOn()
      const again = await attachTo(shop.port)
      await again.configure(shop, 'AFTER')
      t.match(await again.stopped(), { line: shop.line('AFTER') }, 'after its end the next may come')
      await again.end()
      await shop.runsOn()
      t.match(await askDelve(shop.port, 'State', { NonBlocking: true }), { State: { Running: true } })
    })
  })
}
