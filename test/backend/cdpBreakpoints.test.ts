import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { holdNode, type Held } from '../support/cdpHeld.ts'
import { until } from '../support/debuggee.ts'
import { nodeVersions, startNode } from '../support/node.ts'

const program = `
globalThis.load = (name) => {
  delete require.cache[require.resolve(name)]
  return require(name)
}
function one() { return 1 }
function two() { return 2 }
globalThis.ran = []
globalThis.trap = { get total() { ran.push('getter'); return 3 }, toString() { ran.push('toString'); return 'x' } }
globalThis.proxy = new Proxy({}, { get() { ran.push('trap'); return 1 }, ownKeys() { ran.push('trap'); return [] } })
globalThis.work = (i, order) => {
  const doubled = i * 2 // BREAK

  // nothing here // EMPTY
  return doubled + one() + two() // MANY
}
globalThis.loop = (n) => {
  for (let i = 1; i <= n; i++) work(i, { name: 'tea', count: i, trap })
  return n
}
class Order {
  total(n) {
    return n + 1 // TOTAL
  }
}
const order = new Order()
globalThis.add = (n) => order.total(n)
globalThis.fail = (what) => {
  try {
    throw what // THROW
  } catch {
    return 'caught'
  }
}
setInterval(() => {}, 1000)
console.log('ready')
`
const later = `
exports.value = 1
exports.run = () => {
  return exports.value // LATER
}
`

const lineOf = (text: string, mark: string): number =>
  text.split('\n').findIndex((line) => line.includes(`// ${mark}`)) + 1

for (const version of nodeVersions) {
  await t.test(`breakpoints of Node ${version.name}`, async (t) => {
    const node = await startNode(version, { 'program.js': program, 'a b/läter#1.js': later })
    t.teardown(() => node.end())
    const held = await holdNode(node)
    t.teardown(() => held.end())
    const set = async (...breakpoints: DebugProtocol.SourceBreakpoint[]) =>
      (await held.ask('setBreakpoints', { source: { path: node.file }, breakpoints })).breakpoints
    const at = (mark: string): number => lineOf(program, mark)

    await t.test('line and column, several on a line, and where there is no code', async (t) => {
      const line = at('MANY')
      const found = await held.ask('breakpointLocations', { source: { path: node.file }, line })
      const columns = found.breakpoints.map(({ column }) => column!)
      t.ok(found.breakpoints.every((each) => each.line === line))
      t.ok(columns.length >= 3, `${columns.join()}: the statement and its calls`)
      const [first, second, third] = await set({ line }, { line, column: columns[2]! }, { line: at('EMPTY') })
      t.match(
        [first, second],
        [
          { verified: true, line, column: 3 },
          { verified: true, line, column: columns[2] },
        ],
      )
      t.match(third, { verified: true, line }, 'moved to the next line with code')
      t.equal(new Set([first!.id, second!.id, third!.id]).size, 3)
      t.ok(first!.id! > 0)
      const running = held.run('work(1)')
      const { hitBreakpointIds } = (await held.stopped()).decision
      t.strictSame(new Set(hitBreakpointIds), new Set([first!.id, third!.id]))
      held.resume()
      t.match((await held.stopped()).decision, { reason: 'breakpoint', hitBreakpointIds: [second!.id] })
      const [kept, anew] = await set({ line, column: columns[2]! }, { line: 10_000 })
      t.equal(kept!.id, second!.id, 'an unchanged one is the same')
      t.match(anew, { verified: false, message: /no code/ })
      held.resume()
      t.equal(await running, 5)
      t.strictSame(await set(), [])
      t.equal(await held.run('work(1)'), 5, 'nothing stops any more')
    })

    await t.test('the same place twice, with conditions of their own', async (t) => {
      const line = at('BREAK')
      const both = await set({ line, condition: 'i === 2' }, { line, condition: 'i > 1' }, { line }, { line })
      t.ok(both.every(({ verified }) => verified))
      const running = held.run('loop(2)')
      t.strictSame((await held.stopped()).decision.hitBreakpointIds.length, 2)
      held.resume()
      t.strictSame((await held.stopped()).decision.hitBreakpointIds.length, 4)
      await set()
      held.resume()
      await running
    })

    await t.test('a condition that is no JavaScript is told at once', async (t) => {
      const line = at('BREAK')
      const answers = await set(
        { line, condition: 'i ===' },
        { line, hitCondition: 'twice' },
        { line, logMessage: 'a {i' },
        { line, logMessage: 'a {i +}' },
        { line, condition: 'i === -1 // never' },
      )
      t.match(answers, [
        { verified: false, message: /SyntaxError: Unexpected end of input/, line },
        { verified: false, message: /hit condition 'twice'/ },
        { verified: false, message: /not closed/ },
        { verified: false, message: /SyntaxError/ },
        { verified: true, line },
      ])
      await set()
    })

    await t.test('hits are counted in V8, exactly and with no pause', async (t) => {
      const line = at('BREAK')
      const before = held.pauses()
      const many = version === nodeVersions[0] ? 20_000 : 2_000
      await set({ line, hitCondition: `>=${many}` })
      const started = performance.now()
      const running = held.run(`loop(${many})`)
      await held.stopped()
      t.comment(`hit condition: ${(((performance.now() - started) / many) * 1000).toFixed(0)} µs a hit`)
      t.equal(held.pauses(), before + 1)
      const frame = (await held.stopped()).stop.event.callFrames[0]!.callFrameId
      const asked = { callFrameId: frame, expression: 'i' }
      t.match(await held.thread.cdp.request('Debugger.evaluateOnCallFrame', asked), { result: { value: many } })
      held.resume()
      await running
      // One that holds counts only where its condition does; one that is kept goes on counting.
      await set({ line, condition: 'i % 2 === 0', hitCondition: '5' })
      await held.run('loop(8)')
      await set({ line, condition: 'i % 2 === 0', hitCondition: '5' }, { line: at('MANY'), condition: 'false' })
      const again = held.run('loop(8)')
      const second = (await held.stopped()).stop.event.callFrames[0]!.callFrameId
      const value = { callFrameId: second, expression: 'i' }
      t.match(await held.thread.cdp.request('Debugger.evaluateOnCallFrame', value), { result: { value: 2 } })
      held.resume()
      await again
      await set()
    })

    await t.test('log points, in the order of their hits and with nothing printed', async (t) => {
      const line = at('BREAK')
      const before = held.pauses()
      const message = 'i={i} {order.name}: {order} "{nothing.at.all}" {order.trap.total}'
      const [logPoint] = await set({ line, logMessage: message })
      t.match(logPoint, { verified: true, line })
      await held.run('loop(2)')
      await until('two lines', () => held.logged().split('\n').length > 2)
      const lines = held.logged().split('\n')
      t.match(lines[0], /^i=1 tea: \{name: "tea", count: 1, trap: .*\} "<.*nothing is not defined>" 3$/)
      t.match(lines[1], /^i=2 tea/)
      const [output] = held.events('output')
      t.match(output, { category: 'stdout', source: { path: node.file }, line })
      held.seen.length = 0
      await set(
        { line, logMessage: 'n {i} {order.name}', hitCondition: '%2' },
        { line: at('MANY'), logMessage: '{doubled}', condition: 'i > 3' },
      )
      await held.run('loop(4)')
      await until('three lines', () => held.logged().split('\n').length > 3)
      t.equal(held.logged(), 'n 2 tea\nn 4 tea\n8\n')
      held.seen.length = 0
      await set({ line, logMessage: 'i={i} {order.name}' })
      const count = 4_000
      const started = performance.now()
      // Not inside of a request, in which V8 would take no other.
      await held.run(`setTimeout(() => loop(${count})), 1`)
      await until('all lines', () => held.logged().endsWith(`i=${count} tea\n`))
      const rate = (count / (performance.now() - started)) * 1000
      t.comment(`log points: ${rate.toFixed(0)} a second`)
      t.equal(held.logged().trim().split('\n').length, count, 'none is lost')
      held.seen.length = 0
      await set({ line, logMessage: `${'x'.repeat(1_000)}{i}` })
      await held.run(`loop(2000)`)
      const notice = (): string | undefined =>
        held.events('output').find(({ category }) => category === 'console')?.output
      await until('a notice', () => notice() !== undefined)
      const leftOut = Number(/^(\d+) lines/.exec(notice()!)?.[1])
      t.equal(held.logged().trim().split('\n').length + leftOut, 2000, 'what is too much is counted')
      t.equal(held.pauses(), before, 'no pause')
      t.strictSame(
        node.lines.filter((text) => !/Debugger|For help|ready/.test(text)),
        [],
      )
      await set()
      held.seen.length = 0
    })

    await t.test('a file that is not loaded yet, and one that is loaded again', async (t) => {
      const file = path.join(node.folder, 'a b/läter#1.js')
      const source = { path: file }
      const line = lineOf(later, 'LATER')
      const { breakpoints } = await held.ask('setBreakpoints', { source, breakpoints: [{ line }, { line: 2 }] })
      t.match(breakpoints, [{ verified: false, reason: 'pending' }, { verified: false }])
      const running = held.run(`load(${JSON.stringify(file)}).run()`)
      t.strictSame((await held.stopped()).decision.hitBreakpointIds, [breakpoints[1]!.id], 'its first line')
      held.resume()
      t.strictSame((await held.stopped()).decision.hitBreakpointIds, [breakpoints[0]!.id])
      held.resume()
      await running
      await until('both are verified', () => held.events('breakpoint').length >= 2)
      const changed = held.events('breakpoint').map(({ breakpoint }) => breakpoint)
      t.match(
        changed.find(({ id }) => id === breakpoints[0]!.id),
        { verified: true, line, source },
      )
      // The same file again, and with another content.
      for (const text of [later, `${later}// changed\n`]) {
        writeFileSync(file, text)
        const again = held.run(`load(${JSON.stringify(file)}).run()`)
        await held.stopped()
        held.resume()
        t.equal((await held.stopped()).line, line - 1)
        held.resume()
        await again
      }
      await held.ask('setBreakpoints', { source, breakpoints: [] })
      writeFileSync(file, later)
    })

    await t.test('functions', async (t) => {
      const names = ['Order.total', 'work', 'nowhere', 'no name']
      const { breakpoints } = await held.ask('setFunctionBreakpoints', { breakpoints: names.map((name) => ({ name })) })
      t.match(breakpoints, [
        { verified: true, line: at('TOTAL'), source: { path: node.file } },
        { verified: true, line: at('BREAK') },
        { verified: false, message: /No loaded script/ },
        { verified: false, message: /not the name/ },
      ])
      const running = held.run('add(1)')
      const { decision } = await held.stopped()
      t.match(decision, { reason: 'function breakpoint', hitBreakpointIds: [breakpoints[0]!.id] })
      held.resume()
      t.equal(await running, 2)
      await held.ask('setFunctionBreakpoints', { breakpoints: [] })
    })

    await t.test('what is thrown', async (t) => {
      const filter = (...filterOptions: DebugProtocol.ExceptionFilterOptions[]) =>
        held.ask('setExceptionBreakpoints', { filters: [], filterOptions })
      const condition = 'error.code === 7 && what === error'
      t.match(await filter({ filterId: 'all', condition }), { breakpoints: [{ verified: true }] })
      t.equal(await held.run('fail({ code: 6 })'), 'caught')
      t.equal(await held.run('fail(null)'), 'caught')
      const running = held.run('fail(Object.assign(new RangeError("seven"), { code: 7 }))')
      t.match((await held.stopped()).decision, { reason: 'exception', text: 'RangeError: seven' })
      held.resume()
      await running
      t.match(await filter({ filterId: 'all', condition: 'error ==' }, { filterId: 'none' }), {
        breakpoints: [
          { verified: false, message: /SyntaxError/ },
          { verified: false, message: /no exception filter/ },
        ],
      })
      t.match(await held.ask('setExceptionBreakpoints', { filters: ['uncaught'] }), {
        breakpoints: [{ verified: true }],
      })
      t.equal(await held.run('fail(1)'), 'caught')
      const thrown = held.run('setTimeout(() => { process.once("uncaughtException", () => {}); throw 1 }), 1')
      t.match((await held.stopped()).decision, { reason: 'exception', text: '1' })
      held.resume()
      await thrown
      await held.ask('setExceptionBreakpoints', { filters: [] })
    })

    await t.test('nothing is left in the program', async (t) => {
      await set({ line: at('BREAK') }, { line: at('BREAK'), logMessage: '{i}' })
      const hidden = 'Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith("__breakwater"))'
      t.equal(((await held.run(hidden)) as string[]).length, 2)
      t.strictSame(
        await held.run('Object.keys(globalThis).filter((name) => name.startsWith("__"))'),
        [],
        'not enumerable',
      )
      await held.breakpoints.leave()
      t.strictSame(await held.run(hidden), [])
      t.equal(await held.run('work(1)'), 5)
    })
  })
}

await t.test('in read-only modes nothing of the program runs', async (t) => {
  const node = await startNode(nodeVersions[0], program)
  t.teardown(() => node.end())
  const held = await holdNode(node, true)
  t.teardown(() => held.end())
  const line = lineOf(program, 'BREAK')
  // As the policy writes them: policy/expression/javascript.
  const guarded = (object: string, name: string): string => `__breakwater.get(${object}, '${name}')`
  const breakpoints = [
    { line, condition: `${guarded('order', 'count')} === 2` },
    {
      line,
      logMessage: `{${guarded('order', 'name')}} {${guarded(guarded('order', 'trap'), 'total')}} {proxy} {trap}`,
    },
    { line, condition: `${guarded('proxy', 'x')} === 1` },
    { line, hitCondition: '3' },
  ]
  const answer = await held.ask('setBreakpoints', { source: { path: node.file }, breakpoints })
  t.match(
    answer.breakpoints,
    breakpoints.map(() => ({ verified: true })),
  )
  const running = held.run('loop(3)')
  t.strictSame((await held.stopped()).decision.hitBreakpointIds, [answer.breakpoints[0]!.id])
  held.resume()
  t.strictSame((await held.stopped()).decision.hitBreakpointIds, [answer.breakpoints[3]!.id])
  held.resume()
  await running
  await until('the lines', () => held.logged().split('\n').length > 3)
  t.match(
    held.logged().split('\n')[0],
    /^tea <'total' is a getter, which is not run> Proxy \{total: \(getter\), toString: function toString\}$/,
  )
  t.strictSame(await held.run('ran'), [])
  const options = [{ filterId: 'all', condition: 'error' }]
  const thrown = await held.ask('setExceptionBreakpoints', { filters: [], filterOptions: options })
  t.match(thrown.breakpoints, [{ verified: false }])
  // A program that puts its own code in the place of what we would need: then not at all.
  await held.breakpoints.leave()
  const other: Held = await holdNode(node, true)
  t.teardown(() => other.end())
  await other.run(
    '{ const real = Object.defineProperty; Object.defineProperty = (...a) => { ran.push("define"); return real(...a) } }',
  )
  const refused = await other.ask('setBreakpoints', { source: { path: node.file }, breakpoints: breakpoints.slice(3) })
  t.match(refused.breakpoints, [{ verified: false, message: /cannot be put there/ }])
  t.strictSame(await other.run('ran'), [])
  await other.breakpoints.leave()
})

for (const esm of [false, true]) {
  await t.test(`TypeScript by its map, as ${esm ? 'an ES module' : 'CommonJS'}`, async (t) => {
    const text = [
      'interface Order { name: string }',
      'type Never = never',
      'export const first: number = 1 // FIRST',
      'export function greet(order: Order): string {',
      '  const text: string = `hello ${order.name}` // GREET',
      '  return text',
      '}',
      '',
    ].join('\n')
    const main = [
      'const g = globalThis as unknown as Record<string, unknown>',
      esm ? "g['load'] = () => import('./greet.js' as string)" : "g['load'] = async () => require('./greet.js')",
      'setInterval(() => {}, 1000)',
      '',
    ].join('\n')
    const sources = { 'main.ts': main, 'greet.ts': text }
    const node = await startNode(nodeVersions[0], sources, { typescript: true, esm })
    t.teardown(() => node.end())
    const held = await holdNode(node)
    t.teardown(() => held.end())
    const { path: file, line } = node.place('GREET')
    const { line: firstLine } = node.place('FIRST')
    const source = { path: file }
    const breakpoints = [{ line }, { line: firstLine, condition: '1 === 1' }, { line: firstLine, condition: '1 === 2' }]
    const set = (await held.ask('setBreakpoints', { source, breakpoints })).breakpoints
    t.match(set, [{ verified: false, reason: 'pending' }, { verified: false }, { verified: false }])
    await until('the program has begun', async () => (await held.run('typeof load')) === 'function')
    const running = held.run('load().then(({ greet }) => greet({ name: "you" }))')
    const generated = readFileSync(path.join(node.folder, 'out/greet.js'), 'utf8').split('\n')
    const atFirst = await held.stopped()
    t.match(generated[atFirst.line], /first = 1/, 'what runs once as soon as it is loaded')
    t.strictSame(atFirst.decision.hitBreakpointIds, [set[1]!.id])
    await until('they are verified', () => held.events('breakpoint').length >= 3)
    const { id } = set[0]!
    const changed = held.events('breakpoint').filter(({ breakpoint }) => breakpoint.id === id)
    t.match(changed, [{ reason: 'changed', breakpoint: { verified: true, line, source } }])
    held.resume()
    const inGreet = await held.stopped()
    t.strictSame(inGreet.decision.hitBreakpointIds, [id])
    t.match(generated[inGreet.line], /hello/)
    await held.ask('setBreakpoints', { source, breakpoints: [] })
    held.resume()
    t.equal(await running, 'hello you')
    const found = await held.ask('breakpointLocations', { source, line: line - 1, endLine: line + 1 })
    t.ok(found.breakpoints.some((each) => each.line === line))
    t.ok(found.breakpoints.every((each) => each.line >= line - 1 && each.line <= line + 1))
    await held.breakpoints.leave()
  })
}
