import path from 'node:path'
import t from 'tap'
import { Upstream } from '../../src/backend/debugpy/connection.ts'
import { direct } from '../../src/transport/direct.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { debugpyVersions, startPython, tickingProgram, until, type Debuggee } from '../support/debugpy.ts'
import { silentLog, opener } from '../support/debugpySession.ts'

/** The direct way under another name: for the backend the program is on another machine. */
function farAway(): Transport {
  const transport = direct()
  return {
    name: 'ssh deploy@prod-1',
    closed: transport.closed,
    dial: (address, signal) => transport.dial(address, signal),
    exec: (argv, signal) => transport.exec(argv, signal),
    listen: (address, signal) => transport.listen(address, signal),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  }
}

/** Another client that was here before, with mappings of its own, which debugpy keeps. */
async function formerClient(debuggee: Debuggee): Promise<void> {
  const signal = new AbortController().signal
  const stream = await direct().dial({ host: '127.0.0.1', port: debuggee.port }, signal)
  const upstream = new Upstream(stream, 'debugpy', silentLog)
  let ready = false
  upstream.onEvent((event) => (ready ||= event === 'initialized'))
  await upstream.initialize({ adapterID: 'python' }, true, signal)
  const pathMappings = [{ localRoot: '/home/somebody/project', remoteRoot: path.dirname(debuggee.file) }]
  const attached = upstream.request('attach', { pathMappings, justMyCode: false })
  await until('the former client is attached', () => ready)
  await upstream.request('configurationDone', {})
  await attached
  await upstream.request('disconnect', {})
  upstream.close()
  await upstream.closed
  // The adapter must have let go of it before the next comes (settleMs in quirks.ts).
  await new Promise((resolve) => setTimeout(resolve, 500))
}

const raising = `
import sys, time
ran = []
class Hard(Exception):
    def __str__(self): ran.append('str'); return 'worded by ' + 'the program'
    def __repr__(self): ran.append('repr'); return 'r'
def fail(n):
    try:
        raise Hard('number', n)  # RAISE
    except Hard:
        pass
n = 0
while True:
    n += 1
    fail(n)
    print('tick', n, flush=True)  # TICK
    time.sleep(0.05)
`

for (const version of debugpyVersions) {
  void t.test(`details under debugpy ${version.name}`, async (t) => {
    const debuggee = await startPython(version, tickingProgram)
    t.teardown(() => debuggee.end())
    const open = opener(t)

    await t.test("a former client's path mappings are gone, and far files can be had", async (t) => {
      await formerClient(debuggee)
      const here = await open(debuggee.port)
      await here.configure(debuggee, 'BREAK')
      const { threadId } = await here.stopped()
      const { stackFrames } = await here.ask('stackTrace', { threadId })
      t.equal(stackFrames[0]!.source!.path, debuggee.file)
      t.notOk(stackFrames[0]!.source!.sourceReference, "here the file is the client's")
      await here.end()

      const there = await open(debuggee.port, { transport: farAway() })
      await there.configure(debuggee, 'BREAK')
      const stop = await there.stopped()
      const stack = await there.ask('stackTrace', { threadId: stop.threadId })
      const source = stack.stackFrames[0]!.source!
      t.equal(source.path, debuggee.file)
      t.ok(source.sourceReference! > 0)
      const text = await there.ask('source', { source, sourceReference: source.sourceReference! })
      t.match(text.content, /class Order:/)
      // A client sends both back when it sets a breakpoint in what it was shown.
      const line = debuggee.line('AFTER')
      const set = await there.ask('setBreakpoints', { source, breakpoints: [{ line }] })
      t.match(set.breakpoints, [{ verified: true, line }])
      await there.end()
      await debuggee.runsOn()
    })

    await t.test(
      'the events come as they are, the process is named, telemetry and sockets are not passed on',
      async (t) => {
        const session = await open(debuggee.port)
        await session.configure(debuggee, 'BREAK')
        await session.stopped()
        const process = await session.next('process')
        t.match(process, { systemProcessId: debuggee.pid, isLocalProcess: true, startMethod: 'attach' })
        await session.ask('next', { threadId: 1 })
        await session.next('continued')
        await session.stopped()
        const events = new Set<string>(session.seen.map(({ event }) => event))
        for (const own of ['initialized', 'debugpySockets', 'debugpyWaitingForServer']) t.notOk(events.has(own), own)
        t.notOk(JSON.stringify(session.seen).includes('telemetry'))
      },
    )

    await t.test('options of the target: library frames, and the output of the program', async (t) => {
      const session = await open(debuggee.port, { settings: { justMyCode: false, redirectOutput: true } })
      await session.configure(debuggee, 'BREAK')
      await session.stopped()
      // pydevd tells of each write by itself: 'tick', ' ', '7'.
      const outputs = (): string[] =>
        session.seen.flatMap(({ event, body }) => (event === 'output' ? [(body as { output: string }).output] : []))
      const printed = (): boolean => /tick \d+/.test(outputs().join(''))
      await session.ask('continue', { threadId: 1 })
      await until('the output comes', printed)
      const library = await session.ask('setBreakpoints', {
        source: { path: '/nowhere/at/all.py' },
        breakpoints: [{ line: 1 }],
      })
      t.match(library.breakpoints, [{ verified: false }])
    })

    await t.test('exceptions: what was raised is told, only looking and in control', async (t) => {
      const program = await startPython(version, raising)
      t.teardown(() => program.end())
      for (const readOnly of [true, false]) {
        const session = await open(program.port, { readOnly })
        await session.ask('setExceptionBreakpoints', { filters: ['raised'] })
        // 1.6.6 looks at a running program only when it has a breakpoint too (quirks.ts).
        await session.ask('setBreakpoints', {
          source: { path: program.file },
          breakpoints: [{ line: program.line('TICK'), condition: 'False' }],
        })
        await session.ask('configurationDone', undefined)
        const { threadId, reason, line } = await session.stopped()
        t.equal(reason, 'exception')
        t.equal(line, program.line('RAISE'))
        const info = await session.ask('exceptionInfo', { threadId })
        t.match(info.exceptionId, /Hard$/)
        t.match(info.description, readOnly ? /^Hard\('number', \d+\)$/ : 'worded by the program')
        await session.end()
        await program.runsOn()
      }
    })

    await t.test('what the features say', async (t) => {
      const control = await open(debuggee.port)
      t.match(control.backend.features, {
        supportsConditionalBreakpoints: true,
        supportsLogPoints: true,
        supportsClipboardContext: true,
        supportsExceptionOptions: true,
        supportTerminateDebuggee: true,
        exceptionBreakpointFilters: [{ filter: 'raised' }, { filter: 'uncaught' }, { filter: 'userUnhandled' }],
      })
      await control.end()
      const looking = await open(debuggee.port, { readOnly: true })
      t.notOk('supportsExceptionOptions' in looking.backend.features)
      t.notOk('supportTerminateDebuggee' in looking.backend.features)
    })
  })
}
