import t from 'tap'
import { attachTo, type Attached } from '../support/cdpSession.ts'
import { nodeVersions, startNode } from '../support/node.ts'

const program = `
let n = 0
let runs = 0
class Box {
  constructor() {
    this.plain = 1
  }
  get counted() {
    return (runs += 1)
  }
  get endless() {
    for (;;);
  }
}
function work() {
  let local = 1
  const fixed = 2
  const box = new Box()
  const list = ['a', 'b']
  const map = new Map([['k', 'v']])
  const bytes = new Uint8Array([1, 2, 3, 4])
  const frozen = Object.freeze({ kept: 1 })
  const huge = n === 0 ? 'small' : globalThis.hugeText
  const circular = { name: 'c', list }
  circular.self = circular
  debugger // WORK
  console.log('now', JSON.stringify({ local, fixed, plain: box.plain, list, map: [...map], bytes: [...bytes], frozen, runs }))
  return [local, huge, circular].length
}
setInterval(() => {
  n += 1
  console.log('tick', n)
  if (globalThis.go) {
    globalThis.go = false
    work()
  }
}, 20)
`

async function stoppedAt(session: Attached, starter: Attached): Promise<{ frameId: number; local: number }> {
  await starter.ask('evaluate', { expression: 'globalThis.go = true', context: 'repl' })
  const { frameId } = await session.stopped()
  const { scopes } = await session.ask('scopes', { frameId })
  return { frameId, local: scopes.find(({ name }) => name === 'Local')!.variablesReference }
}

for (const version of nodeVersions) {
  void t.test(`node ${version.name}`, async (t) => {
    const debuggee = await startNode(version, program)
    const starter = await attachTo(debuggee.port)
    const session = await attachTo(debuggee.port)
    await session.ask('configurationDone', undefined)
    t.after(async () => {
      await session.end()
      await starter.end()
      await debuggee.end()
    })

    await t.test('evaluates, changes, and shows what it has become', async (t) => {
      const printed = debuggee.lines.length
      const { frameId, local } = await stoppedAt(session, starter)
      const evaluate = (expression: string, context = 'repl') =>
        session.ask('evaluate', { expression, frameId, context })
      const variables = await session.children_(local)
      t.equal((await evaluate('local + fixed')).result, '3')
      t.equal((await evaluate('{ a: local }')).result, '{a: 1}')
      await t.rejects(evaluate('nope'), { message: 'ReferenceError: nope is not defined' })
      await t.rejects(evaluate('await 1'), { message: /paused cannot finish what is awaited/ })
      await t.rejects(evaluate('local = 5', 'hover'), { message: /would change the program/ })
      await t.rejects(evaluate('box.counted', 'hover'), { message: /would change the program/ })

      const set = (variablesReference: number, name: string, value: string) =>
        session.ask('setVariable', { variablesReference, name, value })
      const inside = (name: string) => variables.get(name)!.variablesReference
      t.match(await set(local, 'local', '40 + 2'), { value: '42', type: 'number' })
      t.match(await set(local, 'fixed', '3'), { value: '3' }, 'V8 has no constants for a debugger')
      await t.rejects(set(local, 'local', 'nope'), { message: /nope is not defined/ })
      t.match(await set(inside('box'), 'plain', "'set'"), { value: "'set'" })
      await t.rejects(set(inside('frozen'), 'kept', '2'), { message: /read only/ })
      await set(inside('list'), '1', '{ x: 1 }')
      await set(inside('bytes'), '0', '255')
      const entry = (await session.children_(inside('map'))).get('0')!
      await set(entry.variablesReference, 'value', "'other'")
      await t.rejects(set(entry.variablesReference, 'key', '1'), { message: /cannot be set/ })
      t.match(await session.ask('setExpression', { expression: 'list[0]', value: '7', frameId }), { value: '7' })
      const after = await session.children_(local)
      t.match(Object.fromEntries([...after].map(([name, { value }]) => [name, value])), {
        local: '42',
        list: 'Array(2) [7, {…}]',
        bytes: 'Uint8Array(4) [255, 2, 3, 4]',
        map: "Map(1) {'k' => 'other'}",
      })

      const prototype = (await session.children_(inside('box'))).get('[[Prototype]]')!
      const getters = await session.children_(prototype.variablesReference)
      const counted = await session.children_(getters.get('counted')!.variablesReference)
      t.equal(counted.get('counted')?.value, '1', 'a getter runs when it is opened')
      // Within 2 s, which V8 sees to: nothing but the getter's own timeout ends it.
      await t.rejects(session.ask('variables', { variablesReference: getters.get('endless')!.variablesReference }), {
        message: /longer than 2000 ms and was ended/,
      })

      const memoryReference = variables.get('bytes')!.memoryReference!
      const read = await session.ask('readMemory', { memoryReference, offset: 1, count: 10 })
      t.match(read, { address: '0x1', data: Buffer.from([2, 3, 4]).toString('base64'), unreadableBytes: 7 })
      const data = Buffer.from([9, 8]).toString('base64')
      t.match(await session.ask('writeMemory', { memoryReference, offset: 2, data }), { bytesWritten: 2 })
      await t.rejects(session.ask('writeMemory', { memoryReference, offset: 3, data }), {
        message: /within the buffer/,
      })

      const complete = async (text: string) =>
        (await session.ask('completions', { frameId, text, column: text.length + 1 })).targets
      t.match(await complete('box.pl'), [{ label: 'plain', type: 'field', start: 5, length: 2 }])
      t.ok((await complete('box.')).some(({ label, type }) => label === 'counted' && type === 'property'))
      t.match(await complete('circular.list.ma'), [{ label: 'map', type: 'method' }])
      t.match(await complete('circular["na'), [{ label: 'name', text: 'name"]' }])
      t.match(await complete('loc'), [{ label: 'local' }])
      t.same(await complete('nothing.here.'), [])

      const copied = (await evaluate('circular', 'clipboard')).result
      t.same(JSON.parse(copied), { name: 'c', list: [7, { x: 1 }], self: '[Circular]' })
      await session.ask('continue', { threadId: 1 })
      const [, now] = await debuggee.printed(/^now (.*)/, printed)
      t.same(JSON.parse(now!), {
        local: 42,
        fixed: 3,
        plain: 'set',
        list: [7, { x: 1 }],
        map: [['k', 'other']],
        bytes: [255, 2, 9, 8],
        frozen: { kept: 1 },
        runs: 1,
      })
    })

    await t.test('what never ends is ended, and the program goes on', async (t) => {
      const { frameId } = await stoppedAt(session, starter)
      const looking = session.ask('evaluate', { expression: 'for(;;);', frameId, context: 'hover' })
      await t.rejects(looking, 'no statement is a look')
      const loop = '(() => { for (;;); })()'
      const hover = session.ask('evaluate', { expression: loop, frameId, context: 'hover' })
      await t.rejects(hover, { message: /longer than 500 ms and was ended\. The program goes on/ })
      await session.ask('continue', { threadId: 1 })
      await debuggee.runsOn()
    })

    await t.test('while it runs: a console with memory, and await', async (t) => {
      const evaluate = (expression: string) => session.ask('evaluate', { expression, context: 'repl' })
      t.match(await evaluate('const kept = { a: 1 }; kept'), { result: '{a: 1}' })
      const again = await evaluate('const kept = await new Promise((done) => setTimeout(done, 5, { b: 2 })); kept')
      t.equal(again.result, '{b: 2}')
      t.equal((await session.children_(again.variablesReference)).get('b')?.value, '2')
    })

    await t.test('a text of 100 MB in scope is cut, and the session goes on', async (t) => {
      await starter.ask('evaluate', { expression: "globalThis.hugeText = 'h'.repeat(100e6); 0", context: 'repl' })
      const { local, frameId } = await stoppedAt(session, starter)
      const huge = (await session.children_(local)).get('huge')!
      t.match(huge.value, /^'h+…' \(100000000 characters\)$/)
      const { variables } = await session.ask('variables', {
        variablesReference: huge.variablesReference,
        filter: 'indexed',
        start: 9_999,
        count: 1,
      })
      t.match(variables, [{ name: '[99990000…99999999]', value: /^h{10000}$/ }])
      const whole = session.ask('evaluate', { expression: 'huge', frameId, context: 'watch' })
      await t.rejects(whole, { message: /too large/ })
      t.equal((await session.ask('evaluate', { expression: 'huge.length', frameId })).result, '100000000')
      await session.ask('continue', { threadId: 1 })
      await debuggee.runsOn()
    })
  })
}
