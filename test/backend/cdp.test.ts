import t from 'tap'
import { direct } from '../../src/transport/direct.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { opener } from '../support/cdpSession.ts'
import { until } from '../support/debuggee.ts'
import { nodeVersions, startNode, tickingProgram } from '../support/node.ts'

const talkingProgram = `
console.log('of the past')
class Order {
  constructor() {
    this.number = 7
  }
  get secret() {
    console.log('a getter was run')
    return 1
  }
}
const { existsSync } = require('node:fs')
const asked = setInterval(() => {
  if (!existsSync('talk')) return
  clearInterval(asked)
  console.log('plain', 1, true, null, undefined, 10n, Symbol('s'))
  console.log('%s is %d years, %i, %f, %o, 100%%%c', 'Bob', 42, '42.7', '1.5', [1, 'two'], 'color: red', 'rest')
  console.log({ a: 1, b: { c: 2 } }, new Map([[1, 'one']]), new Set([1]), new Order(), Buffer.from('ab')) // OBJECTS
  console.error(new TypeError('told'))
  console.warn('warned')
  console.group('label')
  console.log('inside')
  console.groupEnd()
  console.table([{ a: 1 }])
  console.trace('here')
  console.assert(1 > 2, 'one is %s', 'small')
  console.count('x')
  console.clear()
  function fails() {
    throw new RangeError('at the end') // THROWS
  }
  fails()
}, 20)
`

/** The direct way, and how many times something was sent on it. */
function counting(): { transport: Transport; writes(): number } {
  const transport = direct()
  let writes = 0
  return {
    writes: () => writes,
    transport: {
      name: transport.name,
      closed: transport.closed,
      exec: (argv, signal) => transport.exec(argv, signal),
      listen: (address, signal) => transport.listen(address, signal),
      async dial(address, signal) {
        const stream = await transport.dial(address, signal)
        const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
        stream.write = (...args: unknown[]) => {
          // Less than a message: a byte that only acknowledges (frames.ts).
          if ((args[0] as Buffer).length > 10) writes += 1
          return write(...args)
        }
        return stream
      },
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    },
  }
}

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
      await session.ask('pause', { threadId: 1 })
      await session.end()
      await debuggee.runsOn()
      t.match(await session.next('process'), { startMethod: 'attach', isLocalProcess: true })
    })

    await t.test('stops at a breakpoint, steps and goes on', async (t) => {
      const session = await attachTo(debuggee.port)
      await session.configure(debuggee, 'BREAK')
      const stop = await session.stopped()
      t.match(stop, { reason: 'breakpoint', line: debuggee.line('BREAK') })
      const { stackFrames, totalFrames } = await session.ask('stackTrace', { threadId: 1, startFrame: 0, levels: 20 })
      t.match(stackFrames[0], { name: 'work', source: { path: debuggee.file } })
      t.equal(totalFrames, stackFrames.length)
      t.match(stackFrames.at(-1), { presentationHint: 'subtle' }, "Node's own")
      const { content } = await session.ask('source', {
        source: stackFrames.at(-1)!.source!,
        sourceReference: stackFrames.at(-1)!.source!.sourceReference!,
      })
      t.match(content, /processTimers/)
      const page = await session.ask('stackTrace', { threadId: 1, startFrame: 1, levels: 1 })
      t.same(page, { stackFrames: [stackFrames[1]], totalFrames })
      await session.ask('next', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'step', line: debuggee.line('AFTER') })
      await session.ask('stepOut', { threadId: 1 })
      t.match(await session.stopped(), { reason: 'step' })
      t.match(await session.ask('continue', { threadId: 1 }), { allThreadsContinued: true })
      await t.rejects(session.ask('stackTrace', { threadId: 1 }), { code: 'notStopped' })
      t.equal(await session.ask('next', { threadId: 1 }), undefined, 'a step never fails')
    })

    await t.test('a pause is never lost, wherever the program is', async (t) => {
      // Nearly always in Node's own code, which steps pass by.
      const busy = await startNode(version, 'setInterval(() => { for (let i = 0; i < 100; i++) console.log(i) }, 1)')
      t.after(() => busy.end())
      const session = await attachTo(busy.port)
      await session.ask('configurationDone', undefined)
      for (let round = 0; round < 30; round++) {
        await session.ask('pause', { threadId: 1 })
        await session.next('stopped')
        await session.ask('continue', { threadId: 1 })
        // At once, and after it has run for a while.
        if (round % 2 === 0) continue
        const seen = busy.lines.length
        await until('it runs', () => busy.lines.length > seen + 200)
      }
      t.equal(session.seen.filter(({ event }) => event === 'stopped').length, 30)
    })

    await t.test('from a stop to its variables it is one flight', async (t) => {
      const way = counting()
      t.teardown(() => way.transport[Symbol.asyncDispose]())
      const session = await attachTo(debuggee.port, { transport: way.transport })
      await session.configure(debuggee, 'BREAK')
      for (const how of ['continue', 'next', 'continue'] as const) {
        const sent = way.writes()
        const { threadId } = await session.next('stopped')
        const { stackFrames } = await session.ask('stackTrace', { threadId: threadId!, levels: 20 })
        const { scopes } = await session.ask('scopes', { frameId: stackFrames[0]!.id })
        const { variables } = await session.ask('variables', scopes[0]!)
        t.ok(variables.some(({ name }) => name === 'order'))
        // The flight that let it run to here is one, and what the stop is answered with the other.
        t.ok(way.writes() - sent <= 2, `${way.writes() - sent} writes`)
        await session.ask(how, { threadId: threadId! })
      }
    })

    await t.test('lines and columns as the client counts them', async (t) => {
      const session = await attachTo(debuggee.port, {
        client: { adapterID: 'node', linesStartAt1: false, columnsStartAt1: false },
      })
      const breakpoints = [{ line: debuggee.line('BREAK') - 1 }]
      await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
      await session.ask('configurationDone', undefined)
      await session.next('stopped')
      const { stackFrames } = await session.ask('stackTrace', { threadId: 1 })
      t.match(stackFrames[0], { line: debuggee.line('BREAK') - 1, column: 2 })
    })

    await t.test('what the program says, while somebody listens', async (t) => {
      const talking = await startNode(version, talkingProgram)
      t.after(() => talking.end())
      await talking.printed(/of the past/)
      const session = await attachTo(talking.port)
      await session.ask('configurationDone', undefined)
      await talking.touch('talk')
      await session.backend.closed
      const said = session.seen.flatMap(({ event, body }) => (event === 'output' ? [body as { output: string }] : []))
      const start = (text: string) => ({ output: new RegExp(`^${text}`) })
      t.match(said, [
        { category: 'stdout', output: 'plain 1 true null undefined 10n Symbol(s)\n' },
        { category: 'stdout', output: "Bob is 42 years, 42, 1.5, [1, 'two'], 100% rest\n" },
        {
          output: "{a: 1, b: {…}} Map(1) {1 => 'one'} Set(1) {1} Order {number: 7} Buffer(2) [97, 98]\n",
          source: { path: talking.file },
          line: talking.line('OBJECTS'),
          variablesReference: Number,
        },
        { category: 'stderr', ...start('TypeError: told\n    at ') },
        { category: 'stderr', output: 'warned\n' },
        { output: 'label\n', group: 'start' },
        { output: 'inside\n' },
        { group: 'end' },
        start('┌'),
        { category: 'stderr', ...start('Trace: here\n    at .*program.js:') },
        { category: 'stderr', ...start('Assertion failed: one is small\n    at ') },
        { output: 'x: 1\n' },
        { category: 'console' },
        {
          category: 'stderr',
          ...start('Uncaught RangeError: at the end\n    at fails '),
          line: talking.line('THROWS'),
          source: { path: talking.file },
        },
      ])
      t.equal(said.length, 14, 'nothing of the past, nothing twice, and no getter was run')
      await until('all of it is on its own streams too', () => talking.lines.some((line) => /at the end/.test(line)))
    })
  })
}
