import t from 'tap'
import { debugpyVersions, startPython, tickingProgram } from '../support/debugpy.ts'
import { attachTo, type Attached } from '../support/debugpySession.ts'

for (const version of debugpyVersions) {
  void t.test(`debugpy ${version.name}`, async (t) => {
    const debuggee = await startPython(version, tickingProgram)
    t.teardown(() => debuggee.end())
    let session: Attached | undefined
    t.afterEach(() => session?.end())

    await t.test('attach, stop, look, change, step, detach: the program runs on', async (t) => {
      session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const stop = await session.stopped()
      t.equal(stop.reason, 'breakpoint')
      t.equal(stop.line, debuggee.line('BREAK'))
      const { scopes } = await session.ask('scopes', { frameId: stop.frameId })
      t.same(
        scopes.map(({ name }) => name),
        ['Locals', 'Globals'],
      )
      const locals = await session.locals(stop.frameId)
      const n = Number(locals.get('n')!.value)
      t.equal(locals.get('doubled')!.value, String(n * 2))
      t.equal(locals.get('order')!.type, 'Order')
      const order = await session.children_(locals.get('order')!.variablesReference)
      t.equal(order.get('number')!.evaluateName, 'order.number')
      const { frameId } = stop
      const sum = await session.ask('evaluate', { expression: 'n + 1', frameId, context: 'watch' })
      t.equal(sum.result, String(n + 1))
      const { variablesReference } = scopes[0]!
      await session.ask('setVariable', { variablesReference, name: 'doubled', value: '-7' })
      await session.ask('setExpression', { expression: 'order.number', value: '42', frameId })
      await session.ask('next', { threadId: stop.threadId })
      const after = await session.stopped()
      t.equal(after.line, debuggee.line('AFTER'))
      t.equal((await session.locals(after.frameId)).get('doubled')!.value, '-7')
      const changed = await session.ask('evaluate', {
        expression: 'order.number',
        frameId: after.frameId,
        context: 'hover',
      })
      t.equal(changed.result, '42')
      await session.end()
      t.equal(await session.backend.closed, undefined, 'an end that was asked for is no error')
      await debuggee.runsOn(5)
    })

    await t.test('the same, only looking', async (t) => {
      session = await attachTo(debuggee.port, { readOnly: true })
      await session.configure(debuggee, 'BREAK')
      const stop = await session.stopped()
      const locals = await session.locals(stop.frameId)
      const n = Number(locals.get('n')!.value)
      t.equal(locals.get('doubled')!.value, String(n * 2))
      const order = await session.children_(locals.get('order')!.variablesReference)
      t.equal(order.get('number')!.evaluateName, 'order.number')
      t.equal(order.get('lines')!.value, "['tea', 'milk']")
      await session.end()
      await debuggee.runsOn(5)
    })
  })
}
