import t from 'tap'
import type { Ask } from '../../src/backend/delve/parts.ts'
import { localsRead, selectedGoroutine, stackRead } from '../../src/backend/delve/reads.ts'
import type { DebuggerState } from '../../src/backend/delve/wire.ts'
import { until } from '../support/debuggee.ts'
import { atBreakpoint, stateOf, type FakeDelve } from '../support/fakeDelve.ts'
import { held } from '../support/heldDelve.ts'

const create = (name: string) => (ask: Ask) =>
  ask('CreateBreakpoint', { Breakpoint: { name, file: '/app/main.go', line: 7 } })

/** Halts among what was asked. */
const haltsOf = (fake: FakeDelve): number => fake.words().filter((word) => word === 'halt').length

const resumesOf = (fake: FakeDelve): string[] => fake.words(1).filter((word) => /^(continue|next|step)$/.test(word))

void t.test('a stop is read from memory', async (t) => {
  const { fake, program, told, runs, stops } = await held(t)
  const before = program.stop!
  t.equal(before.selected, 1)
  program.resume({ name: 'continue' })
  t.equal(program.stop, undefined)
  t.ok(before.isOver)
  await t.rejects(before.read('Stacktrace', { Id: 1, Depth: 3 }), { code: 'notStopped' })
  t.throws(() => program.resume({ name: 'continue' }), { code: 'notStopped' })
  await runs()
  fake.stop(atBreakpoint('bw1'))
  const stop = await stops()
  t.match(stop, { command: { name: 'continue' }, pausing: false, error: undefined, isOver: false, selected: 1 })
  await until('the reads written ahead are answered', () => fake.words().includes('ListLocalVars'))
  const asked = fake.asked.length
  const stack = stop.read(...stackRead(1))
  t.equal(stop.read(...stackRead(selectedGoroutine)), stack, 'the selected one has two names')
  t.match(await stack, { Locations: [{ line: 7 }] })
  await stop.read(...localsRead(1, 0))
  t.equal(fake.asked.length, asked, 'nothing more is asked')
  await stop.read(...localsRead(2, 0))
  t.equal(fake.asked.length, asked + 1)
  stop.forget()
  await stop.read(...localsRead(1, 0))
  t.equal(fake.asked.length, asked + 2, 'after a change it is asked anew')

  program.resume({ name: 'next' }, 5)
  await runs()
  t.same(
    fake.words(1).filter((word) => word === 'switchGoroutine' || word === 'next'),
    ['switchGoroutine', 'next'],
  )
  fake.stop(stateOf({ stopReason: 'next finished' }))
  t.match(await stops(2), { command: { name: 'next' } })
  t.same(
    told.map(({ kind }) => kind),
    ['ran', 'stopped', 'ran', 'stopped'],
  )
})

void t.test('a running program is changed', async (t) => {
  await t.test('in one halt for all of a turn, and nobody sees it', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    const from = fake.asked.length
    const made = await Promise.all(['bw1', 'bw2', 'bw3'].map((name) => program.interject(create(name))))
    t.equal(made.length, 3)
    await runs()
    t.equal(haltsOf(fake), 1)
    t.same(fake.words(2, from), ['halt'])
    const main = fake.words(1, from)
    const changes = main.filter((word) => word === 'CreateBreakpoint' || word === 'continue')
    t.same(changes, ['CreateBreakpoint', 'CreateBreakpoint', 'CreateBreakpoint', 'continue'])
    t.same(kinds(), [])
    t.equal(program.stop, undefined)

    t.match(await program.once('ProcessPid', {}), { Pid: 4711 })
    await program.once('ProcessPid', {})
    t.equal(fake.words().filter((word) => word === 'ProcessPid').length, 1)
    await runs()
    fake.stop(atBreakpoint('bw2'))
    t.match((await stops()).state.currentThread?.breakPoint?.name, 'bw2')
    await program.interject(create('bw4'))
    t.equal(haltsOf(fake), 2, 'at a stop it needs none')
    t.same(kinds(), ['stopped'])
  })

  await t.test('one after another', async (t) => {
    const { fake, program, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    for (let round = 1; round <= 5; round++) {
      await runs()
      await program.interject(create(`bw${round}`))
    }
    await runs()
    t.equal(haltsOf(fake), 5)
    t.same(kinds(), [])
  })

  await t.test('a halt that is lost is said again elsewhere', async (t) => {
    const { fake, program, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.lostHalts = 1
    await program.interject(create('bw1'))
    await runs()
    t.equal(haltsOf(fake), 2)
    t.same(fake.words(3), ['halt'], 'on a connection of its own')
    t.same(kinds(), [])
  })

  await t.test('a halt that comes too late for it stops nobody', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.strayHalts = 2
    await program.interject(create('bw1'))
    await until('it is run on', () => fake.strayHalts === 0 && fake.runs)
    t.same(kinds(), [])
    fake.stop(atBreakpoint('bw1'))
    await stops()
    t.same(kinds(), ['stopped'])
  })

  await t.test('what was hit meanwhile is told', async (t) => {
    const { fake, program, told, kinds, runs } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.crossing = atBreakpoint('bw9')
    await program.interject(create('bw1'))
    await until('it is told', () => kinds().length > 0)
    await runs()
    t.same(kinds(), ['passed'])
    t.match(told.at(-1), { state: { currentThread: { breakPoint: { name: 'bw9' } } } })
  })

  await t.test('somebody else’s resume is made ours', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t, { runs: true })
    await until('it runs by ours', () => fake.words(1).includes('continue') && fake.runs)
    await program.interject(create('bw1'))
    await runs()
    t.same(kinds(), [])
    fake.stop(atBreakpoint('bw1'))
    await stops()
  })

  await t.test('it cannot be, in Delve’s words', async (t) => {
    const { fake, program, runs } = await held(t)
    fake.answers.set('CreateBreakpoint', () => ({ error: 'could not find file /app/other.go' }))
    fake.answers.set('ListSources', () => ({ error: "rpc: can't find method RPCServer.ListSources" }))
    program.resume({ name: 'continue' })
    await runs()
    await t.rejects(program.interject(create('bw1')), { message: 'could not find file /app/other.go' })
    t.notOk(program.lacks('ListSources'))
    await t.rejects(program.once('ListSources', { Filter: '' }), { name: 'DelveError', isUnknownMethod: true })
    t.ok(program.lacks('ListSources'))
    t.notOk(program.lacks('CreateBreakpoint'))
    await runs()
  })
})

void t.test('a step is under way', async (t) => {
  const inStep = (state: DebuggerState): DebuggerState => ({ ...state, NextInProgress: true })

  await t.test('and ends while a breakpoint waits for it', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    const made = program.interject(create('bw1'))
    fake.stop(stateOf({ stopReason: 'next finished' }))
    t.match(await stops(), { command: { name: 'next' } })
    t.match(await made, { Breakpoint: { id: 7 } })
    t.same(kinds(), ['stopped'])
    t.equal(haltsOf(fake), 0)
    t.notOk(fake.runs)
  })

  await t.test('and goes on behind it if it is long', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    fake.haltAs(inStep)
    await program.interject(create('bw1'))
    await runs()
    t.equal(haltsOf(fake), 1)
    t.same(resumesOf(fake), ['next', 'continue'], 'Delve finishes the step by it')
    t.same(kinds(), [])
    fake.stop(stateOf({ stopReason: 'next finished' }))
    t.match(await stops(), { command: { name: 'next' } }, 'and it is still the step')
  })

  await t.test('and ends as it is halted', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    fake.crossing = stateOf({ stopReason: 'next finished' })
    t.match(await program.interject(create('bw1')), { Breakpoint: { id: 7 } })
    t.match(await stops(), { state: { stopReason: 'next finished' } })
    t.same(kinds(), ['stopped'])
    t.notOk(fake.runs)
  })

  await t.test('and meets a log point as it is halted', async (t) => {
    const { fake, program, kinds, runs } = await held(t, { onStop: (own) => own.resume({ name: 'continue' }) })
    program.resume({ name: 'next' })
    await runs()
    fake.haltAs(inStep)
    fake.crossing = inStep(atBreakpoint('bw1'))
    t.match(await program.interject(create('bw2')), { Breakpoint: { id: 7 } })
    await runs()
    t.equal(haltsOf(fake), 2, 'it has run on from there, and is halted again')
    t.same(resumesOf(fake), ['next', 'continue', 'continue'])
    t.same(kinds(), ['stopped'])
  })

  await t.test('and is paused', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    fake.haltAs(inStep)
    program.pause()
    t.match(await stops(), { pausing: true })
    await until('the step is given up', () => fake.words().includes('CancelNext'))
    t.same(kinds(), ['stopped'])
  })

  await t.test('and is paused while a breakpoint waits for it', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'next' })
    await runs()
    fake.haltAs(inStep)
    const made = program.interject(create('bw1'))
    program.pause()
    t.match(await stops(), { pausing: true })
    await made
    t.same(kinds(), ['stopped'])
    t.notOk(fake.runs)
  })
})

void t.test('it is paused', async (t) => {
  await t.test('while breakpoints are set', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    const made = program.interject(create('bw1'))
    program.pause()
    await made
    t.match(await stops(), { pausing: true })
    t.same(kinds(), ['stopped'])
    t.notOk(fake.runs)
  })

  await t.test('just after they are', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    await program.interject(create('bw1'))
    program.pause()
    t.match(await stops(), { pausing: true })
    t.same(kinds(), ['stopped'])
    t.notOk(fake.runs)
  })

  await t.test('over and over, and a breakpoint comes first', async (t) => {
    const { fake, program, kinds, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.crossing = atBreakpoint('bw1')
    program.pause()
    program.pause()
    t.match(await stops(), { state: { stopReason: 'breakpoint' }, pausing: true })
    program.pause()
    t.same(kinds(), ['stopped'], 'at a stop it is nothing')
    program.resume({ name: 'continue' })
    await runs()
    program.pause()
    await stops(2)
  })

  await t.test('before its resume is written', async (t) => {
    const { program, stops } = await held(t)
    let done = (): void => {}
    program.atFirstStop(() => new Promise((resolve) => (done = resolve)))
    program.resume({ name: 'continue' })
    program.pause()
    done()
    t.match(await stops(), { pausing: true })
  })

  await t.test('and the halt is lost', async (t) => {
    const { fake, program, runs, stops } = await held(t)
    program.resume({ name: 'continue' })
    await runs()
    fake.lostHalts = 2
    program.pause()
    t.match(await stops(), { pausing: true })
    t.equal(haltsOf(fake), 3)
  })
})

void t.test('a condition cannot be evaluated', async (t) => {
  const { fake, program, runs, stops } = await held(t)
  program.resume({ name: 'continue' })
  await runs()
  const error = 'error evaluating expression: could not find symbol value for nobody'
  fake.fail(error, atBreakpoint('bw1'))
  t.match(await stops(), { error, state: { currentThread: { breakPoint: { name: 'bw1' } } } })
  program.resume({ name: 'continue' })
  await runs()
  await program.interject(create('bw2'))
  await runs()
})
