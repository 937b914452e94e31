import t from 'tap'
import type { Parts, Stop } from '../../src/backend/delve/parts.ts'
import { Stops, type Decision } from '../../src/backend/delve/stops.ts'
import { ThreadIds } from '../../src/backend/delve/threadIds.ts'
import { silentLog } from '../support/backendSession.ts'
import { until } from '../support/debuggee.ts'

/** Two goroutines that stop in one moment, which no program can be made to do every time. */
function stopOf(breakPointId: number): Stop {
  const at = { file: '/app/main.go', line: 3, pc: 1, function: null }
  const threads = [
    { ...at, id: 1, goroutineID: 1 },
    { ...at, id: 2, goroutineID: 7, breakPoint: { id: breakPointId, name: 'x' } },
  ]
  const state = { stopReason: 'next finished', NextInProgress: false, currentGoroutine: { id: 1 }, Threads: threads }
  const read = () => Promise.resolve({ Variable: { kind: 24, value: 'boom', type: 'string', unreadable: '' } })
  return { state, selected: 1, command: { name: 'next' }, pausing: false, isOver: false, read } as unknown as Stop
}

async function told(breakPointId: number, reason: string): Promise<unknown[]> {
  const seen: unknown[] = []
  const parts = {
    program: { stop: undefined },
    context: { emit: (_: string, body: unknown) => seen.push(body) },
    log: silentLog,
    note() {},
  } as unknown as Parts
  const decision: Decision = { kind: 'stop', reason, goroutine: 7, hitBreakpointIds: [], also: [] }
  const prominent = (): Promise<number> => Promise.resolve(1)
  const stops = new Stops({ parts, ids: new ThreadIds(), hit: () => decision, prominent, closed() {} })
  stops.open()
  stops.stopped(stopOf(breakPointId))
  await until('it is told', () => seen.length > 0)
  return seen
}

void t.test('a step ends in the moment in which another goroutine', async (t) => {
  const hit = await told(1, 'breakpoint')
  t.match(hit, [
    { reason: 'step', threadId: 1 },
    { reason: 'breakpoint', threadId: 7, preserveFocusHint: true },
  ])
  t.equal(hit.length, 2, 'hits a breakpoint')
  const dying = await told(-1, 'exception')
  t.match(dying, [{ reason: 'exception', text: 'boom', threadId: 7 }])
  t.equal(dying.length, 1, 'panics')
})
