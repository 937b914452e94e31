import { once } from 'node:events'
import { spawn } from 'node:child_process'
import http from 'node:http'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { debugpyVersions, startPython, tickingProgram, until } from '../support/debugpy.ts'
import { attachTo, breakable, opener } from '../support/debugpySession.ts'

for (const version of debugpyVersions) {
  void t.test(`ends under debugpy ${version.name}`, async (t) => {
    const debuggee = await startPython(version, tickingProgram)
    t.teardown(() => debuggee.end())
    const open = opener(t)

    await t.test('a second client is told at once, and the first goes on', async (t) => {
      const first = await open(debuggee.port)
      await first.configure(debuggee, 'BREAK')
      await first.stopped()
      await t.rejects(attachTo(debuggee.port), {
        code: 'alreadyDebugged',
        message: new RegExp(`process ${debuggee.pid}.* already being debugged`),
      })
      await first.ask('continue', { threadId: 1 })
      const again = await first.stopped()
      t.equal(again.line, debuggee.line('BREAK'))
      await first.end()
      await debuggee.runsOn()
    })

    await t.test(
      'a session that ends before its configuration, in it, or while stopped leaves a running program',
      async () => {
        await (await open(debuggee.port)).end()
        await debuggee.runsOn()
        const configuring = await open(debuggee.port)
        const breakpoints = [{ line: debuggee.line('BREAK') }]
        await configuring.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
        await configuring.end()
        await debuggee.runsOn()
        const stopped = await open(debuggee.port)
        await stopped.configure(debuggee, 'BREAK')
        await stopped.stopped()
        await stopped.end()
        await debuggee.runsOn(5)
      },
    )

    await t.test('a connection that breaks while stopped: the error has a name, the program runs on', async (t) => {
      const way = breakable()
      const session = await open(debuggee.port, { transport: way.transport })
      await session.configure(debuggee, 'BREAK')
      await session.stopped()
      way.cut()
      t.match(await session.backend.closed, { code: 'debuggerGone' })
      await t.rejects(session.ask('threads', undefined), { code: 'connectionClosed' })
      await debuggee.runsOn(5)
      const next = await open(debuggee.port)
      await next.configure(debuggee)
      await debuggee.runsOn(5)
      t.notOk(
        next.seen.some(({ event }) => event === 'stopped'),
        'no breakpoint was left',
      )
    })

    await t.test('all that debugpy implements is answered; nothing that it does not is ever sent', async (t) => {
      const session = await open(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const { frameId, threadId } = await session.stopped()
      const implemented = `
        configurationDone disconnect terminate setBreakpoints setFunctionBreakpoints evaluate setExceptionBreakpoints threads stackTrace
        scopes variables source modules pause setVariable setExpression exceptionInfo completions
        continue next stepIn stepOut stepInTargets goto gotoTargets`
      t.same(Object.keys(session.backend.handlers).sort(), implemented.trim().split(/\s+/).sort())
      t.ok((await session.ask('modules', {})).modules.length > 0)
      const completions = await session.ask('completions', { frameId, text: 'ord', column: 4 })
      t.ok(completions.targets.some(({ label }) => label === 'order'))
      const source = { path: debuggee.file }
      const { targets } = await session.ask('gotoTargets', { source, line: debuggee.line('AFTER') })
      await session.ask('stepInTargets', { frameId }).catch(() => {})
      const exceptions = { filters: ['uncaught'], filterOptions: [{ filterId: 'raised' }] }
      await session.ask('setExceptionBreakpoints', exceptions)
      await session.ask('setExceptionBreakpoints', { filters: [] })
      const functions = await session.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'work' }] })
      t.equal(functions.breakpoints[0]!.verified, true)
      await session.ask('setFunctionBreakpoints', { breakpoints: [] })
      const noPath = await session.ask('setBreakpoints', { source: { sourceReference: 7 }, breakpoints: [{ line: 1 }] })
      t.match(noPath.breakpoints, [{ verified: false, message: /no path/ }])
      const text = await session.ask('evaluate', { expression: "'x' * 100000", frameId, context: 'clipboard' })
      t.ok(text.result.length >= 100_000)
      const hex = await session.ask('evaluate', { expression: '255', frameId, context: 'watch', format: { hex: true } })
      t.equal(hex.result, '0xff')
      await session.ask('goto', { threadId, targetId: targets[0]!.id })
      const jumped = await session.stopped()
      t.equal(jumped.line, debuggee.line('AFTER'))
      await session.ask('configurationDone', undefined)
      await session.ask('pause', { threadId })
      t.ok((await session.ask('threads', undefined)).threads.length > 0)
    })

    await t.test('conditions, hit conditions and log points', async (t) => {
      const session = await open(debuggee.port)
      const line = debuggee.line('BREAK')
      const from = debuggee.ticks()
      const source = { path: debuggee.file }
      const set = (breakpoint: object): Promise<unknown> =>
        session.ask('setBreakpoints', { source, breakpoints: [{ line, ...breakpoint }] })
      await set({ condition: `n > ${from + 10}` })
      await session.ask('configurationDone', undefined)
      const { frameId } = await session.stopped()
      t.ok(Number((await session.locals(frameId)).get('n')!.value) > from + 10)
      await set({ logMessage: 'n is {n}' })
      await session.ask('continue', { threadId: 1 })
      await until('the log point writes', () => session.seen.some(({ body }) => /n is \d+/.test(JSON.stringify(body))))
      await set({ hitCondition: '== 3' })
      await session.stopped()
    })

    await t.test('an expression that never ends is interrupted when it is given up', async (t) => {
      const session = await open(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const { frameId } = await session.stopped()
      for (const expression of ['[0 for i in iter(int, 1)]', "any(str(x) == 'never' for x in iter(int, 1))"]) {
        const deadline = new AbortController()
        const endless = session.ask('evaluate', { expression, frameId, context: 'watch' }, deadline.signal)
        endless.catch(() => {})
        // It is in it when its frames answer no more: the others without a frame still do.
        await session.ask('evaluate', { expression: 'None', context: 'repl' })
        deadline.abort(new Error('the deadline'))
        await t.rejects(endless, { message: 'the deadline' })
        const after = await session.ask('evaluate', { expression: 'n', frameId, context: 'watch' })
        t.match(after.result, /^\d+$/)
      }
      await session.end()
      await debuggee.runsOn()
    })

    await t.test('the session ends in an expression that never ends: the program runs on', async () => {
      const session = await open(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const { frameId } = await session.stopped()
      const ending = new AbortController()
      const args = { expression: '[0 for i in iter(int, 1)]', frameId, context: 'watch' as const }
      session.ask('evaluate', args, ending.signal).catch(() => {})
      await session.ask('evaluate', { expression: 'None', context: 'repl' })
      ending.abort(new Error('the session ends'))
      await session.end()
      await debuggee.runsOn()
    })

    await t.test('without a frame statements run in the program, and the value comes', async (t) => {
      const session = await open(debuggee.port)
      await session.configure(debuggee)
      const expression = "import sys; sys.modules['__main__'].marker = 40 + 2"
      await session.ask('evaluate', { expression, context: 'repl' })
      const read = "__import__('sys').modules['__main__'].marker"
      const answer = await session.ask('evaluate', { expression: read, context: 'repl' })
      const told = (): boolean =>
        session.seen.some(({ event, body }) => event === 'output' && JSON.stringify(body).includes('42'))
      if (answer.result !== '42') await until('the value comes as output', told)
      t.notOk(debuggee.lines.includes('42'), "and does not land in the program's own output")
    })

    await t.test('a program that is killed', async (t) => {
      const doomed = await startPython(version, tickingProgram)
      const session = await open(doomed.port)
      await session.configure(doomed, 'BREAK')
      await session.stopped()
      process.kill(doomed.pid, 'SIGKILL')
      t.match(await session.backend.closed, { code: 'programEnded' })
      t.equal(session.seen.filter(({ event }) => event === 'terminated').length, 1)
      await doomed.end()
    })

    await t.test('a program that ends by itself', async (t) => {
      const short = await startPython(version, 'import time\ntime.sleep(1)\n', { debugpy: ['--wait-for-client'] })
      const session = await open(short.port)
      await session.configure(short)
      t.match(await session.backend.closed, { code: 'programEnded' })
      t.same(
        session.seen
          .map(({ event }) => event)
          .filter((event) => event === 'exited' || event === 'terminated')
          .slice(-1),
        ['terminated'],
      )
      await short.end()
    })

    await t.test('terminate ends it, when asked for', async (t) => {
      const doomed = await startPython(version, tickingProgram)
      const session = await open(doomed.port)
      await session.configure(doomed, 'BREAK')
      await session.stopped()
      await session.ask('disconnect', { terminateDebuggee: true })
      await doomed.exited
      t.equal(session.seen.filter(({ event }) => event === 'terminated').length, 1)
      t.equal(await session.backend.closed, undefined)
      await doomed.end()
    })
  })
}

void t.test('ports that are not debugpy', async (t) => {
  const servers: net.Server[] = []
  t.teardown(() => servers.forEach((server) => server.close()))
  const listen = async (server: net.Server): Promise<number> => {
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const isNot = (port: number, problem: RegExp): Promise<unknown> =>
    t.rejects(attachTo(port), { code: 'notThisDebugger', message: problem }) as Promise<unknown>

  await t.test('an HTTP server', async () => {
    await isNot(await listen(http.createServer((_, answer) => answer.end('hello'))), /does not speak debugpy/)
  })
  await t.test('one that closes, and one that says nothing', async () => {
    await isNot(await listen(net.createServer((socket) => socket.destroy())), /closed/)
    await isNot(await listen(net.createServer((socket) => void socket.resume())), /did not answer within/)
  })
  await t.test('a Node inspector', async (t) => {
    const node = spawn(process.execPath, ['--inspect=127.0.0.1:0', '-e', 'setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    t.teardown(() => node.kill('SIGKILL'))
    const [told] = (await once(node.stderr, 'data')) as [Buffer]
    const port = Number(/ws:\/\/127\.0\.0\.1:(\d+)/.exec(told.toString())![1])
    await isNot(port, /does not speak debugpy/)
  })
  await t.test("debugpy's own port for programs", async (t) => {
    const debuggee = await startPython(debugpyVersions[0], tickingProgram)
    t.teardown(() => debuggee.end())
    const session = await attachTo(debuggee.port)
    await session.configure(debuggee)
    const expression = "__import__('pydevd').get_global_debugger().writer.sock.getpeername()[1]"
    const internal = await session.ask('evaluate', { expression, context: 'watch' })
    await isNot(Number(internal.result), /internal port/)
    await session.end()
    await debuggee.runsOn()
  })
  await t.test('nothing at all', async (t) => {
    const port = await listen(net.createServer())
    servers.pop()!.close()
    await t.rejects(attachTo(port), { name: 'HopError', code: 'unreachable' })
  })
})
