import t from 'tap'
import { debugpyVersions, freePort, startPython, tickingProgram, until } from '../support/debugpy.ts'
import { attachTo, breakable, opener } from '../support/debugpySession.ts'

/** Starts a child whenever the file `start` appears, and says what became of it. */
const family = (start: string): string => `
import os, sys, time, subprocess, multiprocessing
def child_main():
    for k in range(3):
        print('child', os.getpid(), 'at', k, flush=True)  # CHILD
        time.sleep(0.02)
def by_subprocess():
    subprocess.run([sys.executable, '-Xfrozen_modules=off', __file__, 'child'])
def by_multiprocessing():
    p = multiprocessing.get_context('spawn').Process(target=child_main); p.start(); p.join()
def by_fork():
    pid = os.fork()
    if pid == 0:
        child_main(); os._exit(0)
    os.waitpid(pid, 0)
if __name__ == '__main__':
    if sys.argv[1:] == ['child']:
        child_main()
    else:
        n = 0
        while True:
            n += 1
            print('tick', n, flush=True)
            time.sleep(0.05)
            if os.path.exists('start'):
                os.remove('start')
                by_${start}()
                print('child is done', flush=True)
`

for (const version of debugpyVersions) {
  void t.test(`children under debugpy ${version.name}`, async (t) => {
    const open = opener(t)

    for (const way of ['subprocess', 'multiprocessing', 'fork'] as const) {
      await t.test(`${way}: offered, released, debugged, and never left waiting`, async (t) => {
        const debuggee = await startPython(version, family(way))
        t.teardown(() => debuggee.end())
        const parent = await open(debuggee.port)
        await parent.configure(debuggee)
        const offered = async (count: number): Promise<void> => {
          await debuggee.touch('start')
          await until('the child is offered', () => parent.children.length === count)
        }

        // multiprocessing starts a process of its own before the first child, which stays.
        await offered(1)
        let since = debuggee.lines.length
        t.not(parent.children[0]!.process, debuggee.pid)
        await until('the child is done', async () => {
          for (const child of parent.children) await child.release()
          return debuggee.lines.includes('child is done')
        })
        await debuggee.printed(/^child \d+ at 2/)
        const started = parent.children.length

        await offered(started + 1)
        since = debuggee.lines.length
        const { process } = parent.children[started]!
        const child = await open(debuggee.port, { process })
        await child.configure(debuggee, 'CHILD')
        const stop = await child.stopped()
        t.equal(stop.line, debuggee.line('CHILD'))
        t.equal((await child.locals(stop.frameId)).get('k')!.value, '0')
        await child.end()
        await debuggee.printed(/^child is done/, since)

        await offered(started + 2)
        since = debuggee.lines.length
        await parent.end()
        await debuggee.printed(/^child is done/, since)
        await debuggee.runsOn()
      })
    }

    await t.test(
      'a child that waited when its session broke is offered again, and one that is gone is told',
      async (t) => {
        const debuggee = await startPython(version, family('subprocess'))
        t.teardown(() => debuggee.end())
        await t.rejects(attachTo(debuggee.port, { process: 999_999 }), { code: 'programEnded' })
        const way = breakable()
        const parent = await open(debuggee.port, { transport: way.transport })
        await parent.configure(debuggee)
        await debuggee.touch('start')
        await until('the child is offered', () => parent.children.length === 1)
        const since = debuggee.lines.length
        // The way breaks for good: nobody can let the child go now.
        way.cut()
        t.match(await parent.backend.closed, { code: 'debuggerGone' })
        const next = await open(debuggee.port)
        await next.configure(debuggee)
        await until('the child is offered again', () => next.children.length === 1)
        t.equal(next.children[0]!.process, parent.children[0]!.process)
        await next.children[0]!.release()
        await debuggee.printed(/^child is done/, since)
        await t.resolves(next.children[0]!.release(), 'twice is once')
      },
    )

    await t.test('a program that connects to us, and its children', async (t) => {
      const port = await freePort()
      const attaching = open(port, { listen: true })
      const debuggee = await startPython(version, family('subprocess'), {
        connectTo: port,
        debugpy: ['--wait-for-client'],
      })
      t.teardown(() => debuggee.end())
      const parent = await attaching
      await parent.configure(debuggee)
      await debuggee.runsOn()
      await debuggee.touch('start')
      await until('the child is offered', () => parent.children.length === 1)
      let since = debuggee.lines.length
      await parent.children[0]!.release()
      await debuggee.printed(/^child is done/, since)

      await debuggee.touch('start')
      await until('the second child is offered', () => parent.children.length === 2)
      since = debuggee.lines.length
      const child = await open(port, { listen: true, process: parent.children[1]!.process })
      await child.configure(debuggee, 'CHILD')
      t.equal((await child.stopped()).line, debuggee.line('CHILD'))
      await child.end()
      await debuggee.printed(/^child is done/, since)
      await parent.end()
      await debuggee.runsOn()
    })

    await t.test('a program that connects to us is debugged like any other', async (t) => {
      const port = await freePort()
      const attaching = open(port, { listen: true })
      const debuggee = await startPython(version, tickingProgram, { connectTo: port, debugpy: ['--wait-for-client'] })
      t.teardown(() => debuggee.end())
      const session = await attaching
      await session.configure(debuggee, 'BREAK')
      const stop = await session.stopped()
      const n = Number((await session.locals(stop.frameId)).get('n')!.value)
      const sum = await session.ask('evaluate', { expression: 'n + 1', frameId: stop.frameId, context: 'watch' })
      t.equal(sum.result, String(n + 1))
      await session.ask('next', { threadId: stop.threadId })
      t.equal((await session.stopped()).line, debuggee.line('AFTER'))
      await session.ask('continue', { threadId: stop.threadId })
      t.equal((await session.stopped()).line, debuggee.line('BREAK'))
      await session.end()
      t.equal(await session.backend.closed, undefined)
      await debuggee.runsOn(5)
    })
  })
}
