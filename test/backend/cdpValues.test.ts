import t from 'tap'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Attached } from '../support/cdpSession.ts'
import { attachTo } from '../support/cdpSession.ts'
import { nodeVersions, startNode } from '../support/node.ts'
import { valuesProgram } from '../support/nodeValues.ts'

type Variable = DebugProtocol.Variable

async function scopesOf(session: Attached, frameId: number): Promise<Map<string, number>> {
  const { scopes } = await session.ask('scopes', { frameId })
  // The outermost Block first would hide the inner one.
  return new Map(scopes.toReversed().map(({ name, variablesReference }) => [name, variablesReference]))
}

const texts = (variables: Iterable<Variable>): Record<string, string> =>
  Object.fromEntries([...variables].map(({ name, value }) => [name, value]))

/** Opens what can be opened, to a depth; what is Node's own is left out. */
async function openAll(session: Attached, reference: number, depth: number): Promise<number> {
  const { variables } = await session.ask('variables', { variablesReference: reference })
  const opened = variables.map(({ name, type, variablesReference, presentationHint }) => {
    const isOther = name === 'this' || name === '[[Scopes]]' || (type === 'function' && depth < 2)
    if (variablesReference === 0 || depth === 0 || isOther || presentationHint?.lazy === true) return Promise.resolve(0)
    return openAll(session, variablesReference, depth - 1)
  })
  return (await Promise.all(opened)).reduce((sum, one) => sum + one, variables.length)
}

for (const version of nodeVersions) {
  void t.test(`node ${version.name}`, async (t) => {
    const debuggee = await startNode(version, valuesProgram)
    const starter = await attachTo(debuggee.port)
    t.after(async () => {
      await starter.end()
      await debuggee.end()
    })
    /** A session that is stopped in that function of the program. */
    const stoppedIn = async (job: string, readOnly: boolean, filters: string[] = []) => {
      const session = await attachTo(debuggee.port, { readOnly })
      if (filters.length > 0) await session.ask('setExceptionBreakpoints', { filters })
      await session.ask('configurationDone', undefined)
      await starter.ask('evaluate', { expression: `globalThis.job = '${job}'`, context: 'repl' })
      const { frameId, threadId } = await session.stopped()
      /** The other session would hold the program, too. */
      const leave = async () => {
        await session.ask('continue', { threadId })
        await session.end()
      }
      return { session, frameId, threadId, scopes: await scopesOf(session, frameId), leave }
    }

    for (const readOnly of [true, false]) {
      await t.test(`shows values of all kinds (${readOnly ? 'read-only' : 'control'})`, async (t) => {
        const { session, scopes, leave } = await stoppedIn('kinds', readOnly)
        const local = await session.children_(scopes.get('Local')!)
        t.strictSame([...scopes.keys()].toSorted(), ['Block', 'Closure', 'Global', 'Local'])
        t.match(texts(local.values()), {
          order: "Order {base: 1, id: 7, items: Array(2), 'x-y': 1, self: Order}",
          numbers: 'Array(5) [1.5, -0, NaN, Infinity, 255]',
          big: '10n',
          text: "'it\\'s\\na text'",
          nothing: 'null',
          missing: 'undefined',
          symbol: 'Symbol(s)',
          sparse: 'Array(3) [1, <empty>, 3]',
          keyed: "{'a\\nb': 2, __proto__: 3, plain: {…}, [Symbol(k)]: 1}",
          map: "Map(2) {'a' => {…}, Order => 2}",
          set: "Set(2) {'x', 'y'}",
          date: '1970-01-01T00:00:00.000Z',
          pattern: '/a[b]+/gi',
          error: 'TypeError: bad',
          resolved: 'Promise',
          bytes: 'Uint8Array(3) [1, 2, 3]',
          buffer: "Buffer(5) [104, 101, 108, 108, 111] 'hello'",
          view: 'DataView(4)',
          bare: '[Object: null prototype] {x: 1}',
          boxed: "[String: 'box']",
          million: 'Array(1000000) [0, 1, 2, 3, 4, 5, 6, 7, …]',
          fn: 'ƒ named()',
          generate: 'ƒ* generate()',
        })
        t.match(local.get('million'), { type: 'Array', indexedVariables: 1_000_000, evaluateName: 'million' })
        t.match(local.get('buffer')?.memoryReference, /^value-\d+$/)
        const open = (name: string) => session.children_(local.get(name)!.variablesReference)

        const order = await open('order')
        t.match(texts(order.values()), { '#hidden': "'h'", '#secret': 'Object', '[[Prototype]]': 'Order' })
        t.equal([...order.keys()].at(-1), '[[Prototype]]')
        t.equal(order.get('x-y')?.evaluateName, 'order["x-y"]')
        t.equal(order.get('items')?.evaluateName, 'order.items')
        const total = (await session.children_(order.get('[[Prototype]]')!.variablesReference)).get('total')!
        if (readOnly) t.match(total, { value: '(getter, not run)', variablesReference: 0 })
        else {
          t.match(total, { value: '(…)', presentationHint: { lazy: true } })
          t.match(texts((await session.children_(total.variablesReference)).values()), { total: '41' })
        }
        const entries = await open('map')
        t.match(texts(entries.values()), { 0: "'a' => {…}", 1: 'Order => 2' })
        const entry = await session.children_(entries.get('0')!.variablesReference)
        t.match(texts(entry.values()), { key: "'a'", value: '{one: 1}' })
        t.match(texts((await session.children_(entry.get('value')!.variablesReference)).values()), { one: '1' })
        t.match(texts((await open('set')).values()), { 0: "'x'", 1: "'y'" })
        t.match(texts((await open('rejected')).values()), { '[[PromiseState]]': "'rejected'" })
        t.match(texts((await open('weakMap')).values()), { '[[Entries]]': 'Array(1)' })
        t.match((await open('fn')).get('[[FunctionLocation]]')?.value, /program\.js:\d+:\d+$/)
        t.match(texts((await open('generator')).values()), { '[[GeneratorState]]': "'suspended'" })
        const error = await open('error')
        t.match(error.get('stack')?.value, /^'TypeError: bad\\n {4}at kinds/)
        t.equal(error.get('cause')?.value, 'Error: deep cause')
        const deep = await session.children_((await open('keyed')).get('plain')!.variablesReference)
        t.equal(deep.get('deep')?.evaluateName, 'keyed.plain.deep')
        await leave()
      })
    }

    await t.test('pages are right at every offset, and what is large is bounded', async (t) => {
      const { session, scopes, frameId, leave } = await stoppedIn('kinds', true)
      const local = await session.children_(scopes.get('Local')!)
      const million = local.get('million')!.variablesReference
      for (const [start, count] of [
        [0, 100],
        [999_900, 100],
        [123_456, 100],
        [999_950, 100],
        [7, 1],
      ] as const) {
        const { variables } = await session.ask('variables', {
          variablesReference: million,
          filter: 'indexed',
          start,
          count,
        })
        const wanted = Array.from({ length: Math.min(count, 1_000_000 - start) }, (_, at) => String(start + at))
        t.strictSame(
          variables.map(({ name }) => name),
          wanted,
        )
        t.strictSame(
          variables.map(({ value }) => value),
          wanted,
        )
      }
      const { variables: beyond } = await session.ask('variables', {
        variablesReference: million,
        filter: 'indexed',
        start: 1_000_000,
        count: 10,
      })
      t.equal(beyond.length, 0)
      const { variables: named } = await session.ask('variables', { variablesReference: million, filter: 'named' })
      t.match(
        named.map(({ name }) => name),
        ['length', '[[Prototype]]'],
      )
      // Without paging: a beginning, and ranges that lead to every element.
      const all = await session.children_(million)
      t.ok(all.size < 700, `${all.size}`)
      const range = await session.children_(all.get('[500500…550499]')!.variablesReference)
      const inner = await session.children_(range.get('[501000…501499]')!.variablesReference)
      t.equal(inner.get('501499')?.value, '501499')

      const wide = await session.children_(local.get('wide')!.variablesReference)
      t.ok(wide.size < 600, `${wide.size}`)
      t.equal((await session.children_(wide.get('[9500…9999]')!.variablesReference)).get('key9999')?.value, '9999')
      const { variables: keys } = await session.ask('variables', {
        variablesReference: local.get('wide')!.variablesReference,
        filter: 'named',
        start: 5_000,
        count: 3,
      })
      t.strictSame(
        keys.map(({ name }) => name),
        ['key5000', 'key5001', 'key5002'],
      )
      const { variables: entries } = await session.ask('variables', {
        variablesReference: local.get('manyEntries')!.variablesReference,
        filter: 'indexed',
        start: 4_999,
        count: 100,
      })
      t.strictSame(
        entries.map(({ name, value }) => [name, value]),
        [['4999', "'k4999' => {…}"]],
      )

      const long = local.get('long')!
      t.match(long.value, /…' \(25003 characters\)$/)
      t.ok(long.value.length < 1_100)
      const parts = await session.children_(long.variablesReference)
      t.equal([...parts.values()].map(({ value }) => value).join(''), `${'x'.repeat(25_000)}end`)
      const asked = { expression: 'long', frameId, context: 'clipboard' }
      t.equal((await session.ask('evaluate', asked)).result, `${'x'.repeat(25_000)}end`)
      const hex = await session.ask('variables', {
        variablesReference: local.get('numbers')!.variablesReference,
        format: { hex: true },
      })
      t.match(texts(hex.variables), { 0: '1.5', 4: '0xff' })
      await leave()
    })

    await t.test('a look runs nothing of the program, whatever lies in wait', async (t) => {
      for (const readOnly of [true, false]) {
        const printed = debuggee.lines.length
        const { session, scopes, frameId, threadId } = await stoppedIn('hostile', readOnly)
        t.ok((await openAll(session, scopes.get('Local')!, 2)) > 100)
        for (const expression of ['issue', 'stacked', 'getters', 'proxy', 'errors', 'shown', 'circular']) {
          await session.ask('evaluate', { expression, frameId, context: 'hover' })
          if (readOnly) await session.ask('evaluate', { expression, frameId, context: 'clipboard' })
        }
        for (const text of ['getters.', 'shown.', 'circular.', 'list[0].', 'issue.', '']) {
          await session.ask('completions', { frameId, text, column: text.length + 1 })
        }
        await session.ask('continue', { threadId })
        const [, alarms] = await debuggee.printed(/^alarms (\[.*?\])/, printed)
        t.equal(alarms, '[]', readOnly ? 'read-only' : 'control')
        await session.end()
      }
    })

    await t.test('exceptions tell what and why', async (t) => {
      const { session, threadId, leave } = await stoppedIn('throwing', true, ['all'])
      t.match(await session.ask('exceptionInfo', { threadId }), {
        exceptionId: 'TypeError',
        description: 'TypeError: outer',
        breakMode: 'always',
        details: {
          message: 'outer',
          typeName: 'TypeError',
          stackTrace: /^TypeError: outer\n {4}at throwing/,
          innerException: [
            {
              message: 'several',
              typeName: 'AggregateError',
              innerException: [{ message: 'inner', typeName: 'Error', stackTrace: /^Error: inner\n/ }],
            },
          ],
        },
      })
      await leave()
      await debuggee.runsOn()
    })
  })
}
