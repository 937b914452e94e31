import t from 'tap'
import { opener } from '../support/cdpSession.ts'
import { nodeVersions, startNode, tickingProgram } from '../support/node.ts'

for (const version of nodeVersions) {
  void t.test(`node ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const debuggee = await startNode(version, tickingProgram)
    t.after(() => debuggee.end())

    await t.test('attaches, pauses, shows its stack and leaves', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.ask('configurationDone', undefined)
      const { threads } = await session.ask('threads', undefined)
      t.match(threads, [{ id: 1 }])
      await session.ask('pause', { threadId: 1 })
      const stopped = await session.next('stopped')
      t.match(stopped, { reason: 'pause', threadId: 1, allThreadsStopped: true })
      const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
      t.ok(stackFrames.length > 0)
      await session.end()
      await debuggee.runsOn()
    })

    await t.test('stops at a breakpoint, steps and goes on', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const stop = await session.stopped()
      t.match(stop, { reason: 'breakpoint', line: debuggee.line('BREAK') })
      const { stackFrames, totalFrames } = await session.ask('stackTrace', { threadId: 1, startFrame: 0, levels: 20 })
      t.equal(stackFrames[0]!.name, 'work')
      t.equal(stackFrames[0]!.source?.path, debuggee.file)
      t.equal(totalFrames, stackFrames.length)
      await session.ask('next', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'step', line: debuggee.line('AFTER') })
      await session.ask('next', { threadId: 1 })
      await session.stopped()
      await session.ask('next', { threadId: 1 })
      await session.stopped()
      t.match(await session.ask('continue', { threadId: 1 }), { allThreadsContinued: true })
    })
  })
}
