import t from 'tap'
import type { Ask } from '../../src/backend/delve/parts.ts'
import { localsRead } from '../../src/backend/delve/reads.ts'
import type { DebuggerState } from '../../src/backend/delve/wire.ts'
import { until } from '../support/debuggee.ts'
import { stateOf } from '../support/fakeDelve.ts'
import { held } from '../support/heldDelve.ts'

const create = (name: string) => (ask: Ask) =>
  ask('CreateBreakpoint', { Breakpoint: { name, file: '/app/main.go', line: 7 } })

void t.test('the end comes', async (t) => {
  const exited = (exitStatus: number): DebuggerState => stateOf({ exited: true, exitStatus, Threads: [] })
  const over = { code: 'programEnded' }

  await t.test('by the program', async (t) => {
    const { fake, program, told, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.exit(3)
    await until('it is told', () => kinds().length > 0)
    t.match(told.at(-1), { kind: 'ended', how: { exitStatus: 3 } })
    await t.rejects(program.interject(create('bw1')), over)
    t.throws(() => program.resume({ name: 'continue' }), { code: 'notStopped' })
    program.pause()
    t.same(kinds(), ['ended'])
  })

  await t.test('in the midst of a change', async (t) => {
    const { fake, program, told, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.crossing = exited(2)
    await t.rejects(program.interject(create('bw1')), { message: /has exited with status 2/ })
    await until('it is told', () => kinds().length > 0)
    t.match(told.at(-1), { kind: 'ended', how: { exitStatus: 2 } })
    t.same(kinds(), ['ended'])
  })

  await t.test('in a step that a breakpoint waits for', async (t) => {
    const { fake, program, kinds, runs } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    const made = program.interject(create('bw1'))
    fake.exit(0)
    await t.rejects(made, over)
    t.same(kinds(), ['ended'])
  })

  await t.test('in a long step', async (t) => {
    const { fake, program, kinds, runs } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    fake.crossing = exited(0)
    await t.rejects(program.interject(create('bw1')), over)
    t.same(kinds(), ['ended'])
  })

  await t.test('while it is paused', async (t) => {
    const { fake, program, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.crossing = exited(0)
    program.pause()
    await until('it is told', () => kinds().length > 0)
    t.same(kinds(), ['ended'])
  })

  await t.test('as an error of the resume', async (t) => {
    const { fake, program, told, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.fail('Process 4711 has exited with status 7', stateOf())
    await until('it is told', () => kinds().length > 0)
    t.match(told.at(-1), { kind: 'ended', how: { exitStatus: 7 } })
  })

  for (const command of ['continue', 'next'] as const) {
    await t.test(`by Delve, at a change during ${command}`, async (t) => {
      const { fake, program, told, kinds, runs } = await held(t)
      program.resume({ name: command })
      await runs()
      fake.answers.set('Command', ({ argument }) => {
        if (argument['name'] === 'halt') fake.cut()
        return undefined
      })
      await t.rejects(program.interject(create('bw1')))
      await until('it is told', () => kinds().length > 0)
      t.match(told.at(-1), { kind: 'ended', how: { code: 'debuggerGone' } })
      await t.rejects(program.interject(create('bw1')), over)
      t.same(kinds(), ['ended'])
    })
  }

  await t.test('by Delve, at a stop', async (t) => {
    const { fake, program, kinds } = await held(t)
    const stop = program.stop!
    fake.answers.set('ListLocalVars', () => {
      fake.cut()
      return undefined
    })
    await t.rejects(stop.read(...localsRead(1, 0)), { code: 'debuggerGone' })
    await until('it is told', () => kinds().length > 0)
    t.ok(stop.isOver)
    t.same(kinds(), ['ended'])
  })
})
