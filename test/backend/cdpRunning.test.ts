import t from 'tap'
import { opener, type Attached } from '../support/cdpSession.ts'
import { nodeVersions, startNode } from '../support/node.ts'
import { until, type Debuggee } from '../support/debuggee.ts'

const program = `
const { EventEmitter } = require('node:events')
const { existsSync } = require('node:fs')
const { through } = require('./lib.js')
function plus(x) {
  return x + 1 // PLUS
}
function twice(x) {
  return x * 2 // TWICE
}
function calls(n) {
  const sum = plus(twice(n)) + plus(1) // CALLS
  return sum // SUM
}
const emitter = new EventEmitter()
emitter.on('order', (n) => {
  plus(n) // HANDLER
})
function emits(n) {
  emitter.emit('order', n) // EMITS
  return n // EMITTED
}
async function inner() {
  await null
  return 1 // INNER
}
async function outer() {
  const got = await inner() // AWAITS
  return got // AWAITED
}
function stops() {
  debugger // DEBUGGER
}
function passes(n) {
  through(twice, n) // THROUGH
  return n // PASSED
}
let n = 0
let n0 = 0
setInterval(() => {
  n += 1
  console.log('tick', n)
  calls(n)
  emits(n)
  passes(n)
  void outer()
  if (existsSync('halt' + n0)) {
    n0 += 1
    stops()
  }
}, 30)
`

const library = `
exports.through = (call, n) => {
  const given = n // LIBRARY
  return call(given)
}
`

/** Takes all breakpoints out, lets it run and forgets what was seen. */
async function reset(session: Attached, debuggee: Debuggee): Promise<void> {
  await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
  await session.ask('continue', { threadId: 1 })
  await debuggee.runsOn(1)
}

async function breakAt(session: Attached, debuggee: Debuggee, ...marks: string[]): Promise<void> {
  const breakpoints = marks.map((mark) => ({ line: debuggee.line(mark) }))
  const answer = await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
  for (const { verified, message } of answer.breakpoints) if (!verified) throw new Error(message)
}

for (const version of nodeVersions) {
  void t.test(`node ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const debuggee = await startNode(version, { 'program.js': program, 'lib.js': library })
    t.after(() => debuggee.end())
    const at = (mark: string) => debuggee.line(mark)

    await t.test('steps in, out, over and into the call that is chosen', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'CALLS')
      const { frameId } = await session.stopped()
      const { targets } = await session.ask('stepInTargets', { frameId })
      t.same(
        targets.map(({ label }) => label),
        ['plus(…)', 'twice(…)', 'plus(…)'],
      )
      await session.ask('stepIn', { threadId: 1 })
      t.match(await session.stopped(), { line: at('TWICE'), reason: 'step' })
      await session.ask('stepOut', { threadId: 1 })
      t.match(await session.stopped(), { line: at('CALLS'), reason: 'step' })
      await session.ask('next', { threadId: 1 })
      t.match(await session.stopped(), { line: at('SUM'), reason: 'step' })
      await session.ask('continue', { threadId: 1 })

      const again = await session.stopped()
      const chosen = await session.ask('stepInTargets', { frameId: again.frameId })
      await session.ask('stepIn', { threadId: 1, targetId: chosen.targets[2]!.id })
      t.match(await session.stopped(), { line: at('PLUS') })
      const [, caller] = (await session.ask('stackTrace', { threadId: 1 })).stackFrames
      t.equal(caller!.column, chosen.targets[2]!.column, 'in the second plus, past the others')
      await reset(session, debuggee)

      await breakAt(session, debuggee, 'EMITS')
      await session.stopped()
      await session.ask('stepIn', { threadId: 1 })
      t.match(await session.stopped(), { line: at('HANDLER') }, "through Node's own code")
      await session.ask('stepOut', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'step' })
      await reset(session, debuggee)
    })

    await t.test('a step beyond the last frame of the program lets it run', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'EMITTED')
      await session.stopped()
      await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
      await session.ask('stepOut', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'step' })
      await session.ask('stepOut', { threadId: 1 })
      await debuggee.runsOn()
      t.equal(session.seen.filter(({ event }) => event === 'stopped').length, 2)
    })

    await t.test('steps pass by what is skipped, and breakpoints do not', async (t) => {
      const settings = { skipFiles: ['<node_internals>/**', '**/lib.js'] }
      const session = await attachTo(debuggee.port, { settings })
      await session.configure(debuggee, 'THROUGH')
      await session.stopped()
      await session.ask('stepIn', { threadId: 1 })
      t.match(await session.stopped(), { line: at('TWICE') })
      const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
      const origin = 'skipped by skipFiles'
      t.match(stackFrames[1], { source: { origin, presentationHint: 'deemphasize' }, presentationHint: 'subtle' })
      await session.ask('stepOut', { threadId: 1 })
      const { line } = await session.stopped()
      t.ok(line === at('THROUGH') || line === at('PASSED'), `at ${line}`)
      await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
      const { path, line: inside } = debuggee.place('LIBRARY')
      await session.ask('setBreakpoints', { source: { path }, breakpoints: [{ line: inside }] })
      await session.ask('continue', { threadId: 1 })
      t.match(await session.stopped(), { line: inside, reason: 'breakpoint' })
    })

    await t.test('restarts a frame', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'PLUS')
      const stop = await session.stopped()
      const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
      t.equal(stackFrames[0]!.canRestart, true)
      await session.ask('restartFrame', { frameId: stackFrames[0]!.id })
      const again = await session.stopped()
      t.equal(again.line, stop.line)
      t.not(again.frameId, stop.frameId)
      await t.rejects(session.ask('restartFrame', { frameId: stop.frameId }), { code: 'staleHandle' })
    })

    await t.test('stacks reach back over await after the first stop', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'INNER')
      await session.stopped()
      await session.ask('continue', { threadId: 1 })
      await session.stopped()
      const { stackFrames, totalFrames } = await session.ask('stackTrace', { threadId: 1 })
      t.equal(stackFrames.length, totalFrames)
      const label = stackFrames.findIndex(({ presentationHint }) => presentationHint === 'label')
      t.match(stackFrames[label], { name: 'await' })
      t.match(stackFrames[label + 1], { name: 'outer', line: at('AWAITS'), source: { path: debuggee.file } })
      t.same(await session.ask('scopes', { frameId: stackFrames[label + 1]!.id }), { scopes: [] })
      const page = await session.ask('stackTrace', { threadId: 1, startFrame: label, levels: 2 })
      t.same(page.stackFrames, stackFrames.slice(label, label + 2))
    })

    await t.test('two clients: each sees the stops, and who lets it run', async (t) => {
      const session = await attachTo(debuggee.port)
      const other = await attachTo(debuggee.port)
      await session.configure(debuggee, 'DEBUGGER')
      await other.configure(debuggee, 'SUM')
      await other.stopped()
      t.match(await session.next('stopped'), { threadId: 1 })
      const third = await attachTo(debuggee.port)
      await third.configure(debuggee)
      t.match(await third.next('stopped'), { reason: 'pause' }, 'who comes to a stop is told of it')
      await third.end()
      t.equal((await session.ask('stackTrace', { threadId: 1 })).stackFrames[0]!.line, at('SUM'), 'and changes nothing')
      await other.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
      await other.ask('continue', { threadId: 1 })
      t.match(await session.next('continued'), { threadId: 1 })
      await debuggee.runsOn()

      await session.ask('pause', { threadId: 1 })
      await session.stopped()
      await session.end()
      await debuggee.runsOn()
      t.pass('who leaves lets it run from a stop of his, whoever else is there')
    })

    await t.test('a debugger statement', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee)
      await debuggee.touch('halt0')
      t.match(await session.stopped(), { line: at('DEBUGGER'), reason: 'breakpoint' })
      await session.ask('continue', { threadId: 1 })
      await debuggee.runsOn()
      await until('sources', async () => (await session.ask('loadedSources', undefined)).sources.length > 10)
      const { modules } = await session.ask('modules', {})
      t.match(modules, [{ path: debuggee.file, symbolStatus: 'no source map' }])
    })
  })
}
