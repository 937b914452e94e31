import type { DebugProtocol } from '@vscode/debugprotocol'
import t from 'tap'
import { debugpyVersions, startPython } from '../support/debugpy.ts'
import { attachTo, type Attached } from '../support/debugpySession.ts'
import { hostileProgram } from '../support/hostile.ts'

type Variable = DebugProtocol.Variable

/** Expands everything that can be expanded, as a client would that opens every arrow. */
async function expandAll(session: Attached, reference: number, depth: number): Promise<number> {
  const { variables } = await session.ask('variables', { variablesReference: reference })
  let seen = variables.length
  if (depth === 0) return seen
  for (const { variablesReference, name } of variables) {
    if (variablesReference > 0 && name !== 'more') seen += await expandAll(session, variablesReference, depth - 1)
  }
  return seen
}

for (const version of debugpyVersions) {
  void t.test(`values under debugpy ${version.name}`, async (t) => {
    const debuggee = await startPython(version, hostileProgram)
    t.teardown(() => debuggee.end())
    let session: Attached
    const stopAt = async (options: Parameters<typeof attachTo>[1]): Promise<number> => {
      session = await attachTo(debuggee.port, options)
      await session.configure(debuggee, 'BREAK')
      return (await session.stopped()).frameId
    }
    t.afterEach(() => session.end())
    /** What ran between BREAK and AFTER of the same call. */
    const ran = async (): Promise<string> => {
      const since = debuggee.lines.length
      await session.end()
      return (await debuggee.printed(/^ran (.*)$/, since))[1]!
    }

    await t.test('only looking: everything is expanded and nothing of the program runs', async (t) => {
      const frameId = await stopAt({ readOnly: true })
      const { scopes } = await session.ask('scopes', { frameId })
      let seen = 0
      seen += await expandAll(session, scopes[0]!.variablesReference, 3)
      seen += await expandAll(session, scopes[1]!.variablesReference, 1)
      t.ok(seen > 500, `${seen} values were shown`)
      t.match(await ran(), /^0 /)
    })

    await t.test("the control group: debugpy's own variables run the program's code", async (t) => {
      const frameId = await stopAt({})
      const { scopes } = await session.ask('scopes', { frameId })
      await expandAll(session, scopes[0]!.variablesReference, 1)
      t.notMatch(await ran(), /^0 /)
    })

    await t.test('only looking: values are worded as Python would', async (t) => {
      const frameId = await stopAt({ readOnly: true })
      const locals = await session.locals(frameId)
      const value = (name: string): string => locals.get(name)?.value ?? `(no ${name})`
      t.match(value('h'), /^<__main__\.Hostile object at 0x[0-9a-f]+>$/)
      t.same(
        ['none', 'yes', 'half', 'comp', 'raw', 'array', 'when', 'price', 'i', 's', 'empty', 'one'].map(value),
        [
          'None',
          'True',
          '1.5',
          '2j',
          "b'\\xff\\x00'",
          "bytearray(b'xy')",
          'datetime.datetime(2026, 11, 24, 12, 30)',
        ].concat(["Decimal('9.95')", '5', "'sub'", '[]', '(1,)']),
      )
      t.same(
        ['point', 'data', 'color', 'frozen', 'default', 'ordered', 'keyed'].map(value),
        [
          'Point(x=1, y=[2])',
          "Data(a=1, b=['x'])",
          '<Color.RED: 1>',
          'frozenset({3})',
          "defaultdict({'k': [1]})",
        ].concat(["OrderedDict({'a': 1})", "{'k': 1, 'k': 2, (1, 'a'): 3}"]),
      )
      t.match(value('e'), /^Hard\('args', <__main__\.Hostile object at/)
      t.match(value('big'), /^<int of 9966 bits>$/)
      const functions = await session.children_(locals.get('function variables')!.variablesReference)
      t.match(functions.get('fn')!.value, /^<function look at/)
      t.equal(value('module'), "<module 'types'>")
      t.match(value('long'), /^'x{4096}'\.\.\. \(10000 long\)$/)
      t.equal(value('text'), `'q"\\'\\\\\\né\u{1f600} .__x @LINE@'`)
      t.same(
        ['h', 'nested', 'raw', 'none', 'module'].map((name) => locals.get(name)!.type),
        ['Hostile', 'list', 'bytes', 'NoneType', 'module'],
      )
    })

    await t.test('only looking: children have the names and expressions that debugpy gives them', async (t) => {
      const frameId = await stopAt({ readOnly: true })
      const locals = await session.locals(frameId)
      const children = (name: string): Promise<Map<string, Variable>> =>
        session.children_(locals.get(name)!.variablesReference)
      const h = await children('h')
      t.equal(h.get('plain')!.evaluateName, 'h.plain')
      t.equal(h.get('_Hostile__secret')!.value, "'s'")
      t.equal(h.get('kind')!.value, "'class attribute'")
      t.match(h.get('prop'), { value: '<property, not read>', variablesReference: 0, type: 'property' })
      t.equal(h.get('special variables')!.type, '')
      const special = await session.children_(h.get('special variables')!.variablesReference)
      t.ok(special.has('__bool__') && special.has('__len__'))
      t.match((await children('desc')).get('descriptor')!.value, /^<computed by Descriptor, not read>$/)
      const slots = await children('slots')
      t.equal(slots.get('one')!.value, '1')
      t.notOk(slots.has('unset'))
      const keyed = await children('keyed')
      t.equal(keyed.get("'k'")!.evaluateName, "keyed['k']")
      t.equal(keyed.get("(1, 'a')")!.evaluateName, "keyed[(1, 'a')]")
      t.equal(keyed.get('len()')!.value, '3')
      t.same([...(await children('one')).keys()], ['0', 'len()'])
      t.equal((await children('point')).get('y')!.evaluateName, 'point.y')
      const nested = await children('nested')
      t.equal(nested.get('0')!.evaluateName, 'nested[0]')
      const inner = await session.children_(nested.get('2')!.variablesReference)
      t.equal(inner.get('1')!.evaluateName, 'nested[2][1]')
      t.ok((await children('e')).has('args'))
      const wide = [...(await children('wide')).keys()]
      t.equal(wide[0], "'k0'")
      t.equal(wide[500], 'Unable to handle:')
    })

    for (const readOnly of [true, false]) {
      const mode = readOnly ? 'only looking' : 'control'
      await t.test(`${mode}: a list of 100,000 is right at every offset, for a client that pages`, async (t) => {
        const frameId = await stopAt({ readOnly })
        const items = (await session.locals(frameId)).get('items')!
        t.equal(items.indexedVariables, 100_000)
        const { variablesReference } = items
        const page = async (start: number, count: number): Promise<Variable[]> =>
          (await session.ask('variables', { variablesReference, filter: 'indexed', start, count })).variables
        for (const start of [0, 1, 98, 99, 100, 101, 1_098, 1_099, 1_100, 1_101, 2_099, 50_000, 99_997, 99_999]) {
          const expected = [0, 1, 2].map((at) => String(start + at)).filter((text) => Number(text) < 100_000)
          const found = await page(start, 3)
          t.same(
            found.map(({ value }) => value),
            expected,
            `from ${start}`,
          )
          t.same(
            found.map(({ evaluateName }) => evaluateName),
            expected.map((at) => `items[${at}]`),
          )
        }
        const across = await page(90, 2_000)
        t.equal(across.length, 2_000)
        t.ok(across.every(({ value }, at) => value === String(90 + at)))
        t.same(await page(100_000, 3), [])
        const named = await session.ask('variables', { variablesReference, filter: 'named' })
        t.ok(named.variables.some(({ name, value }) => name === 'len()' && value === '100000'))
        t.notOk(named.variables.some(({ evaluateName }) => evaluateName === 'items[0]'))
      })

      await t.test(`${mode}: and through 'more' for one that does not`, async (t) => {
        const frameId = await stopAt({ readOnly, client: { adapterID: 'python' } })
        const items = (await session.locals(frameId)).get('items')!
        t.equal(items.indexedVariables, undefined)
        const children = await session.children_(items.variablesReference)
        t.equal(children.get('00099')!.value, '99')
        t.notOk(children.has('00100'))
        const more = children.get('more')!
        t.equal(more.type, 'MoreItems')
        const buckets = await session.children_(more.variablesReference)
        t.equal(buckets.size, readOnly ? 100 : buckets.size)
        const bucket = await session.children_(buckets.get('[100:1100]')!.variablesReference)
        t.equal(bucket.get('00100')!.value, '100')
        t.equal(bucket.get('01099')!.value, '1099')
      })
    }

    await t.test('only looking: what was read ends with the stop, and nothing else can be asked', async (t) => {
      const frameId = await stopAt({ readOnly: true })
      const locals = await session.locals(frameId)
      const { variablesReference } = locals.get('nested')!
      const asks: (() => Promise<unknown>)[] = [
        () => session.ask('evaluate', { expression: '1', frameId, context: 'watch' }),
        () => session.ask('setVariable', { variablesReference, name: '0', value: '1' }),
        () => session.ask('setExpression', { expression: 'yes', value: '1', frameId }),
        () => session.ask('goto', { threadId: 1, targetId: 0 }),
        () => session.ask('terminate', {}),
        () => session.ask('completions', { text: 'h.', column: 3, frameId }),
      ]
      for (const ask of asks) await t.rejects(ask(), { code: 'refused' })
      await session.ask('continue', { threadId: 1 })
      await session.stopped()
      await t.rejects(session.ask('variables', { variablesReference }), { code: 'staleHandle' })
      // debugpy's frame ids are addresses: this one may well be that of a frame of the new stop.
      await session.ask('continue', { threadId: 1 })
      await t.rejects(session.ask('scopes', { frameId }), { code: 'staleHandle' })
    })
  })
}
