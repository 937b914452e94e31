import t from 'tap'
import { delveVersions, startGo, tellGo, type DelveOptions, type GoProgram } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'

/** What a Go developer reads, where it was once worse than what `dlv dap` writes. */
for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const at = async (program: GoProgram, mark: string, options?: DelveOptions) => {
      const go = await startGo(version, program, options)
      t.teardown(() => go.end())
      const session = await attachTo(go.port)
      await session.configure(go, mark)
      const { frameId, threadId } = await session.stopped()
      return {
        session,
        go,
        threadId,
        evaluate: (expression: string) => session.ask('evaluate', { expression, frameId, context: 'repl' }),
      }
    }

    await t.test('errors', async (t) => {
      const { evaluate } = await at('shop', 'AFTER')
      const errors: readonly (readonly [string, string | RegExp])[] = [
        ['items[0].nosuch', /^(?:main\.Item|The value) has no member nosuch\.$/],
        ['amount.x', /^amount \(type int\) (?:has no member x|is not a struct)\.$/],
        ['nosuch', 'Could not find symbol value for nosuch.'],
        ['items[7]', 'Index out of bounds.'],
        ['amount ==', "This is not a Go expression (column 10): expected operand, found 'EOF'."],
        ['amount = 5', "An assignment is no expression: in the mode 'control' write `call` in front of it."],
        ['Nosuch{1}', /^(?:The program has no such type|Expression \*ast\.CompositeLit not implemented)\.$/],
      ]
      for (const [expression, message] of errors) await t.rejects(evaluate(expression), { message }, expression)
    })

    await t.test('errors that begin with a name', async (t) => {
      const { evaluate } = await at('zoo', 'STRUCTURES')
      await t.rejects(evaluate('nilPointer.breed'), { message: /^(?:nilPointer is nil|Nil pointer dereference)\.$/ })
      await t.rejects(evaluate('dog.Named.age.x'), { message: /^dog\.Named\.age \(type int\)/ })
    })

    await t.test('what the compiler has not kept', async (t) => {
      const { evaluate } = await at('shop', 'BREAK', { optimised: true })
      t.match(await evaluate('items'), { result: '<optimized away>' })
      await t.rejects(evaluate('items[0]'), { message: /^The compiler has optimised it away here: build with/ })
    })

    await t.test('what an address points to, and the type of what is computed', async (t) => {
      const { session, evaluate } = await at('shop', 'AFTER')
      const pointer = await evaluate('&items[0]')
      t.match(pointer, { result: '*main.Item {name: "tea", price: 3}', type: '*main.Item' })
      t.match((await session.children_(pointer.variablesReference)).get('price'), { value: '3' })
      t.match(await evaluate('&amount'), { result: '*5', type: '*int' })
      t.match(await evaluate('len(items)'), { result: '2', type: 'int' })
      t.match(await evaluate('amount > 2'), { result: 'true', type: 'bool' })
      t.match(await evaluate('"a" + "b"'), { result: '"ab"', type: 'string' })
    })

    await t.test("the runtime's frames and sources are in the background", async (t) => {
      const { session, threadId } = await at('shop', 'LOOP')
      const { stackFrames } = await session.ask('stackTrace', { threadId })
      // VS Code looks at both, in different places.
      const hints = stackFrames.map(({ presentationHint, source }) => [presentationHint, source?.presentationHint])
      t.same(hints.slice(0, 3), Array(3).fill([undefined, undefined]), 'main.total, main.order, main.main')
      t.same(hints.slice(3), hints.slice(3).fill(['subtle', 'deemphasize']))
      t.ok(hints.length > 3)
    })

    await t.test('how a program has ended is said before it is told', async (t) => {
      const { session, go, threadId } = await at('crash', 'BREAK')
      await session.ask('setBreakpoints', { source: { path: go.file }, breakpoints: [] })
      await tellGo(go, 'exit')
      await session.ask('continue', { threadId })
      t.match(await session.next('exited'), { exitCode: 3 })
      const last = session.seen
        .slice(
          0,
          session.seen.findIndex(({ event }) => event === 'exited'),
        )
        .at(-1)
      t.match(last, { event: 'output', body: { output: '[breakwater] The program has exited with status 3.\n' } })
    })

    await t.test('a called function that stops within: the client has gone on before', async (t) => {
      const { session, go, evaluate } = await at('shop', 'BREAK')
      const before = session.seen.length
      await t.rejects(evaluate('call order()'), { message: /the program has stopped within it/ })
      t.match(await session.stopped(), { line: go.line('BREAK') })
      const events = session.seen.slice(before).map(({ event }) => event)
      t.same(
        events.filter((event) => event === 'continued' || event === 'stopped'),
        ['continued', 'stopped'],
      )
      t.notOk(events.includes('output'), 'nothing is said of another client')
    })
  })
}
