import t from 'tap'
import { breakable, opener } from '../support/cdpSession.ts'
import { freePort, until } from '../support/debuggee.ts'
import { nodeVersions, startNode, tickingProgram } from '../support/node.ts'

/** Ends in the way that a file of that name asks for. */
const endingProgram = `
const { existsSync } = require('node:fs')
function work(n) {
  console.log('tick', n) // BREAK
}
let n = 0
const timer = setInterval(() => {
  work((n += 1))
  if (existsSync('exit')) process.exit(3)
  if (existsSync('throw')) throw new Error('thrown at the end')
  if (existsSync('loop')) clearInterval(timer)
}, 30)
`

for (const version of nodeVersions) {
  void t.test(`node ${version.name}`, async (t) => {
    const attachTo = opener(t)

    await t.test('a program that ends is not held, and its end is told once', async (t) => {
      for (const [how, code, told] of [
        ['exit', 3, [{ exitCode: 3 }]],
        ['throw', 1, [{ exitCode: 1 }]],
        ['loop', 0, []],
      ] as const) {
        const debuggee = await startNode(version, endingProgram)
        t.after(() => debuggee.end())
        const session = await attachTo(debuggee.port)
        await session.configure(debuggee)
        await debuggee.touch(how)
        t.equal(await debuggee.exited, code, how)
        await session.next('terminated')
        t.same(
          session.seen.filter(({ event }) => event === 'exited').map(({ body }) => body),
          told,
        )
        t.match(await session.backend.closed, { code: 'programEnded' })
        t.equal(session.seen.filter(({ event }) => event === 'terminated').length, 1)
      }
    })

    await t.test('a program that is killed', async (t) => {
      const debuggee = await startNode(version, tickingProgram)
      t.after(() => debuggee.end())
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const { threadId } = await session.stopped()
      process.kill(debuggee.pid, 'SIGKILL')
      t.match(await session.backend.closed, { code: 'debuggerGone' })
      await session.ask('next', { threadId })
      await t.rejects(session.ask('pause', { threadId }), { code: 'debuggerGone' })
    })

    await t.test('waits for its first line, until the configuration is done', async (t) => {
      const debuggee = await startNode(version, tickingProgram, { inspect: 'brk' })
      t.after(() => debuggee.end())
      const session = await attachTo(debuggee.port)
      t.equal(session.seen.filter(({ event }) => event === 'stopped').length, 0)
      await session.configure(debuggee, 'BREAK')
      t.match(await session.stopped(), { reason: 'entry' })
      await session.ask('continue', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'breakpoint', line: debuggee.line('BREAK') })
      await session.end()
      await debuggee.runsOn()
    })

    await t.test('a way that breaks lets it run', async (t) => {
      const debuggee = await startNode(version, tickingProgram)
      t.after(() => debuggee.end())
      const way = breakable()
      const session = await attachTo(debuggee.port, { transport: way.transport })
      await session.configure(debuggee, 'BREAK')
      await session.stopped()
      way.cut()
      t.match(await session.backend.closed, { code: 'debuggerGone' })
      await debuggee.runsOn()
    })

    await t.test('a program that restarts is attached to again', async (t) => {
      const port = await freePort()
      const first = await startNode(version, tickingProgram, { port })
      t.after(() => first.end())
      const session = await attachTo(port, { settings: { reconnect: 30_000 } })
      await session.configure(first, 'BREAK')
      await session.stopped()
      process.kill(first.pid, 'SIGKILL')
      await session.next('continued')
      await first.exited
      t.same((await session.ask('threads', undefined)).threads, [])
      const second = await startNode(version, tickingProgram, { port })
      t.after(() => second.end())
      const breakpoints = [{ line: second.line('BREAK') }]
      await session.ask('setBreakpoints', { source: { path: second.file }, breakpoints })
      t.match(await session.stopped(), { line: second.line('BREAK'), reason: 'breakpoint' })
      await session.end()
      await second.runsOn()
      t.equal(await session.backend.closed, undefined)
    })

    await t.test('workers are threads', async (t) => {
      const debuggee = await startNode(version, {
        'program.js': `
const { Worker } = require('node:worker_threads')
const { existsSync } = require('node:fs')
let n = 0
setInterval(() => console.log('tick', ++n), 30)
const wait = setInterval(() => {
  if (!existsSync('go')) return
  clearInterval(wait)
  const worker = new Worker('./worker.js', { name: 'helper' })
  worker.on('exit', () => console.log('worker gone'))
}, 20)
`,
        'worker.js': `
let done = 0
function job() {
  done += 1 // JOB
  return done
}
const timer = setInterval(() => {
  if (job() > 3) clearInterval(timer)
}, 20)
`,
      })
      t.after(() => debuggee.end())
      const session = await attachTo(debuggee.port)
      const { path, line } = debuggee.place('JOB')
      const { breakpoints } = await session.ask('setBreakpoints', { source: { path }, breakpoints: [{ line }] })
      t.match(breakpoints, [{ verified: false }])
      await session.ask('configurationDone', undefined)
      await debuggee.touch('go')
      t.match(await session.next('thread'), { reason: 'started' })
      const stop = await session.stopped()
      t.match(stop, { line, reason: 'breakpoint' })
      t.not(stop.threadId, 1)
      const { threads } = await session.ask('threads', undefined)
      t.match(threads, [{ id: 1 }, { id: stop.threadId, name: /helper|worker 1/ }])
      await debuggee.runsOn()
      t.pass('the main thread goes on')
      await session.ask('setBreakpoints', { source: { path }, breakpoints: [] })
      t.match(await session.ask('continue', { threadId: stop.threadId }), { allThreadsContinued: true })
      await debuggee.printed(/worker gone/)
      await until('the thread is gone', async () => (await session.ask('threads', undefined)).threads.length === 1)
      await session.end()
      await debuggee.runsOn()
    })
  })
}
