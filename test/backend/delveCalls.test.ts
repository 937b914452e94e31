import t from 'tap'
import { until } from '../support/debuggee.ts'
import { askDelve, delveVersions, startGo, tellGo } from '../support/delve.ts'
import { opener, type Attached } from '../support/delveSession.ts'

const program = `// A function that returns when it is told to, or never.
package main

import (
	"fmt"
	"os"
	"time"
)

var told, returned int

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func waiting(until int) int {
	for told < until && !exists("return") {
		time.Sleep(5 * time.Millisecond)
	}
	returned++
	return returned // WITHIN
}

func leave(status int) int {
	os.Exit(status)
	return status
}

func main() {
	for ticks := 1; ; ticks++ {
		fmt.Println("tick", ticks, returned) // BREAK
		time.Sleep(20 * time.Millisecond)
		if ticks < 0 {
			waiting(told)
			leave(ticks)
		}
	}
}
`

for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const go = await startGo(version, program)
    t.after(() => go.end())

    const atBreak = async (): Promise<{ session: Attached; threadId: number; frameId: number }> => {
      const session = await attachTo(go.port)
      await session.configure(go, 'BREAK')
      return { session, ...(await session.stopped()) }
    }
    const call = (session: Attached, frameId: number, expression: string, signal?: AbortSignal) =>
      session.ask('evaluate', { expression: `call ${expression}`, frameId, context: 'repl' }, signal)
    /** The call is on its way, and the program runs for it. */
    const runs = (): Promise<void> =>
      until('the call runs', async () => {
        const answer = await askDelve(go.port, 'State', { NonBlocking: true })
        return (answer as { State: { Running: boolean } }).State.Running
      })
    /** All of it runs in the program meanwhile. */
    const free = async (session: Attached): Promise<void> => {
      const breakpoints: [] = []
      await session.ask('setBreakpoints', { source: { path: go.file }, breakpoints })
    }

    await t.test('a pause stops within a call that does not return, and it can go on', async (t) => {
      const { session, frameId } = await atBreak()
      await free(session)
      const calling = call(session, frameId, 'waiting(1)')
      calling.catch(() => {})
      await runs()
      await session.ask('pause', { threadId: 1 })
      await t.rejects(calling, { message: /has stopped within it, and 'continue' lets it go on/ })
      t.match(await session.next('continued'), { allThreadsContinued: true })
      const stop = await session.stopped()
      t.equal(stop.reason, 'pause')
      await t.rejects(session.ask('scopes', { frameId }), { code: 'staleHandle' })
      await session.ask('setExpression', { expression: 'main.told', value: '1' })
      await session.ask('continue', { threadId: stop.threadId })
      t.match(await session.next('stopped'), { reason: 'pause', description: 'The called function has returned' })
      t.equal((await session.ask('evaluate', { expression: 'main.returned' })).result, '1')
    })

    await t.test('who gives a call up has a stop within it', async (t) => {
      const { session, frameId } = await atBreak()
      await free(session)
      const controller = new AbortController()
      const calling = call(session, frameId, 'waiting(2)', controller.signal)
      calling.catch(() => {})
      await runs()
      controller.abort(new Error('cancelled'))
      await t.rejects(calling, { message: /has stopped within it/ })
      const stop = await session.stopped()
      await session.ask('setExpression', { expression: 'main.told', value: '2' })
      await session.ask('continue', { threadId: stop.threadId })
      await session.stopped()
      const { frameId: top } = await atTop(session)
      t.equal((await call(session, top, 'waiting(2)')).result, '3', 'another can be made')
    })

    await t.test('a session that ends within a call leaves a program that runs', async (t) => {
      const { session, frameId } = await atBreak()
      await free(session)
      const calling = call(session, frameId, 'waiting(3)')
      calling.catch(() => {})
      await runs()
      await session.ask('pause', { threadId: 1 })
      await t.rejects(calling)
      await session.stopped()
      await session.ask('setExpression', { expression: 'main.told', value: '3' })
      await session.end()
      await go.runsOn()

      const again = await atBreak()
      await free(again.session)
      // It runs when the session ends, and returns when nobody is there any more.
      const late = call(again.session, again.frameId, 'waiting(4)')
      late.catch(() => {})
      await runs()
      await again.session.end()
      await tellGo(go, 'return')
      await go.runsOn()
    })

    await t.test('a program that ends in a call has ended', async (t) => {
      const { session, frameId } = await atBreak()
      await t.rejects(call(session, frameId, 'leave(3)'), { code: 'programEnded' })
      t.match(await session.next('exited'), { exitCode: 3 })
    })
  })
}

/** The goroutine that has called. */
async function atTop(session: Attached): Promise<{ frameId: number }> {
  const { stackFrames } = await session.ask('stackTrace', { threadId: 1, levels: 1 })
  return { frameId: stackFrames[0]!.id }
}
