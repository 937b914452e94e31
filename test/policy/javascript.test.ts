import { runInThisContext } from 'node:vm'
import * as acorn from 'acorn'
import fc from 'fast-check'
import t from 'tap'
import { dapError } from '../../src/dap/errors.ts'
import { guardMethods, guardSource, named } from '../../src/backend/cdp/guard.ts'
import type { AnyCall } from '../../src/dap/call.ts'
import { parseHitCondition } from '../../src/lib/hitCondition.ts'
import { splitLogMessage } from '../../src/lib/logMessage.ts'
import { languages, type Keys, type Look } from '../../src/policy/expression/expression.ts'
import { methods } from '../../src/policy/expression/javascript/tree.ts'
import { chain } from '../../src/policy/policy.ts'
import { readOnly } from '../../src/policy/readOnly.ts'
import { redact, Redactor } from '../../src/policy/redact.ts'
import { corpus } from '../support/expressions.ts'
import { callOf, fakeContext, settingsOf } from '../support/policyFakes.ts'

const javascript = languages['javascript']!
const seed = 20261124

/** The guarded text, or undefined if it is refused. */
function guarded(text: string, keys: Keys = 'any', as: 'text' | 'condition' = 'text'): string | undefined {
  const checked = javascript.check(text)
  if (!checked.ok) return undefined
  const result = (checked.look as Look & { answers: 'guarded' })[as](keys)
  if (!result.ok) throw new Error(result.reason)
  return result.text
}

void t.test('the corpus: each line has the verdict it says, and a refusal is a sentence', (t) => {
  const lines = corpus('javascript')
  t.ok(lines.filter(({ accept }) => !accept).length >= 400, 'at least 400 are refused')
  t.ok(lines.filter(({ accept }) => accept).length >= 400, 'at least 400 are accepted')
  for (const { accept, text, line } of lines) {
    const checked = javascript.check(text)
    if (checked.ok !== accept) t.fail(`line ${line}`, { text, checked })
    if (!checked.ok && !/^[A-Z`].*\.$/su.test(checked.reason))
      t.fail(`line ${line}: no sentence`, { reason: checked.reason })
  }
  t.equal(new Set(lines.map(({ text }) => text)).size, lines.length, 'no expression stands in it twice')
  const reasons: Readonly<Record<string, RegExp>> = {
    'f()': /call of `f` is not allowed.*column 1\)/,
    'n = 2': /An assignment .*column 1\)/,
    'n + f(1)': /call of `f`.*column 5\)/,
    'order.#x': /private name/,
    'n // x': /A comment .*column 3\)/,
    'lst.map(f)': /call of `map`.*column 5\)/,
    'n; m': /More than one statement/,
    'n m': /Something after the expression .*column 3\)/,
    'const x = 1': /statement \(`const`\)/,
    'n +': /not a JavaScript expression/,
    '/a/': /regular expression/,
    'f`x`': /tagged template/,
    'f?.()': /optional call/,
  }
  for (const [text, reason] of Object.entries(reasons)) t.match(javascript.check(text), { ok: false, reason }, text)
  t.end()
})

/** Of a guarded text: what it calls and reads besides the guard's own. */
function unguarded(text: string): string[] {
  const found: string[] = []
  const allowed = new Set(
    [
      'Identifier Literal ThisExpression ArrayExpression ObjectExpression Property UnaryExpression BinaryExpression',
      'LogicalExpression ConditionalExpression CallExpression MemberExpression ArrowFunctionExpression',
    ].flatMap((names) => names.split(' ')),
  )
  const isGuard = (node: acorn.AnyNode): boolean => node.type === 'Identifier' && node.name === '__breakwater'
  const visit = (node: acorn.AnyNode): void => {
    if (!allowed.has(node.type)) found.push(node.type)
    if (node.type === 'MemberExpression' && (!isGuard(node.object) || node.computed))
      found.push(`a read of ${node.start}`)
    if (node.type === 'CallExpression') {
      const { callee } = node
      const ours =
        callee.type === 'ArrowFunctionExpression' || (callee.type === 'MemberExpression' && isGuard(callee.object))
      if (!ours || node.optional) found.push('a call')
    }
    if (node.type === 'BinaryExpression' && /^(in|instanceof)$/.test(node.operator)) found.push(node.operator)
    if (node.type === 'Property' && (node.computed || node.kind !== 'init' || node.method)) found.push('a property')
    for (const value of Object.values(node) as unknown[]) {
      for (const child of Array.isArray(value) ? value : [value])
        if (child !== null && typeof child === 'object' && 'type' in child) visit(child as acorn.AnyNode)
    }
  }
  visit(acorn.parseExpressionAt(text, 0, { ecmaVersion: 'latest' }))
  return found
}

/** Pieces of the language, put together without regard to sense. */
const names = [
  'a',
  'b',
  'o',
  'list',
  's',
  'n',
  'nul',
  'u',
  'big',
  'map',
  'o.x',
  'o.list',
  'o?.x',
  'list[1]',
  'nul?.x.y',
]
const literals = ['1', '2.5', '"a"', "'b'", '`c`', '3n', 'true', 'null', 'undefined', '-1', '[1, "a"]', '({ k: 1 })']
const binaries = '=== !== == != < <= > >= + - * / % ** << >> >>> & | ^ in instanceof && || ??'.split(' ')
const called = ['.includes(', '.at(', '.slice(', '.indexOf(', '.get(', '.has(', '.join(', '.toString(', '.concat(']
const { tree: pieces } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...names, ...literals),
    fc.tuple(tie('tree'), fc.constantFrom(...binaries), tie('tree')).map(([l, op, r]) => `(${l}) ${op} (${r})`),
    fc.tuple(fc.constantFrom('!', '-', '+', '~', 'typeof '), tie('tree')).map(([op, x]) => `${op}(${x})`),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([x, y, z]) => `(${x}) ? (${y}) : (${z})`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, k]) => `(${x})[${k}]`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, k]) => `(${x})?.[${k}]`),
    fc.tuple(tie('tree'), fc.constantFrom(...called), tie('tree')).map(([x, m, y]) => `(${x})${m}${y})`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, y]) => `[${x}, ${y}]`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, y]) => `\`<\${${x}}\${${y}}>\``),
  ),
}))

void t.test('whatever is accepted: nothing is called or read but by the guard, in ASCII on one line', (t) => {
  const texts = [...corpus('javascript').map(({ text }) => text), ...fc.sample(pieces, { numRuns: 3000, seed })]
  let count = 0
  for (const text of texts) {
    const guard = guarded(text, count % 2 === 0 ? 'any' : 'numeric')
    if (guard === undefined) continue
    count += 1
    if (!/^[ -~]*$/.test(guard)) t.fail('not in ASCII', { text, guard })
    const wrong = unguarded(guard)
    if (wrong.length > 0) t.fail('something is not guarded', { text, guard, wrong })
    const inText = guard.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').split('__breakwater').length
    if (guard.split('__breakwater').length !== inText) t.fail('the identifier is in a string', { text, guard })
  }
  t.ok(count > 3000, `${count} were accepted`)
  t.strictSame([...methods].toSorted(), [...guardMethods].toSorted(), 'the policy and the guard know the same methods')
  const bare = ['n === 5', 'typeof n === "string" && !s', 'a ? b : c', 'x !== null || y', 'x == null', 'this === n']
  for (const text of bare) t.notMatch(guarded(text, 'any', 'condition'), /__breakwater|=>/, `${text} is bare`)
  t.match(guarded('o.x', 'any', 'condition'), /^\(\(\)=>\{try\{return !!\(.*\)\}catch\(e\)\{return false\}\}\)\(\)$/)
  t.end()
})

void t.test('what is computed is what V8 computes, or it says why not', (t) => {
  const guard: unknown = runInThisContext(`(${guardSource})(true)`)
  const scope = {
    a: 5,
    b: 'text',
    o: { x: 1, list: [1, 2], nested: { y: 'deep' } },
    list: [3, 'a', null],
    s: 'abc',
    n: -2.5,
    nul: null,
    u: undefined,
    big: 7n,
    map: new Map<unknown, unknown>([
      ['a', 1],
      [5, 'five'],
    ]),
  }
  const run = (text: string): { value?: unknown; error?: unknown } => {
    try {
      const f = runInThisContext(`(__guard,${Object.keys(scope).join(',')})=>(${text})`) as (
        ...all: unknown[]
      ) => unknown
      return { value: f(guard, ...Object.values(scope)) }
    } catch (error) {
      return { error }
    }
  }
  const counts = { same: 0, refused: 0, threw: 0 }
  for (const text of fc.sample(pieces, { numRuns: 4000, seed: seed + 1 })) {
    const safe = guarded(text)
    if (safe === undefined) continue
    const [ours, theirs] = [run(named(safe, '__guard')), run(text)]
    if (typeof ours.error === 'string') counts.refused += 1
    else if ('error' in ours) {
      counts.threw += 1
      if (!('error' in theirs)) t.fail('the guard fails where V8 does not', { text, ours: String(ours.error) })
    } else {
      counts.same += 1
      const same = !('error' in theirs) && JSON.stringify(plain(ours.value)) === JSON.stringify(plain(theirs.value))
      if (!same) t.fail('V8 answers otherwise', { text, ours: plain(ours.value), theirs: plain(theirs.value) })
    }
  }
  t.comment(counts)
  t.ok(counts.same > 1000 && counts.refused > 300, 'enough of each kind was compared')
  t.end()
})

/** For comparison: with what JSON leaves out. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value === 'number' || value === undefined) return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Map) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(plain)
  return value
}

void t.test('log messages are split where their expressions end, and guarded part by part', (t) => {
  const splits: Readonly<Record<string, unknown>> = {
    'plain 100% text }': [{ text: 'plain 100% text }' }],
    'a {n} b {m}': [{ text: 'a ' }, { expression: 'n' }, { text: ' b ' }, { expression: 'm' }],
    'a {} b { }': [{ text: 'a ' }, { text: ' b ' }],
    "{f('}')}": [{ expression: "f('}')" }],
    '{({a: {b: 1}})}!': [{ expression: '({a: {b: 1}})' }, { text: '!' }],
    '{`${`}`}`}': [{ expression: '`${`}`}`' }],
    "{'it\\'s }'}": [{ expression: "'it\\'s }'" }],
    '{a /* } */}': [{ expression: 'a /* } */' }],
    '{list[0]}{x}': [{ expression: 'list[0]' }, { expression: 'x' }],
    'a {n': undefined,
    "{'unfinished}": undefined,
    '{`${a}': undefined,
    '{a /* }': undefined,
  }
  for (const [message, parts] of Object.entries(splits)) t.strictSame(splitLogMessage(message), parts, message)
  const guard = (message: string): unknown => javascript.guardMessage(message, 'any')
  t.strictSame(guard('plain }'), { ok: true, text: 'plain }' })
  t.strictSame(guard('n: {n}!'), { ok: true, text: 'n: {n}!' })
  t.match(guard('a {n'), { ok: false, reason: /braces/ })
  t.match(guard('{n} {f()}'), { ok: false, reason: /call of `f`/ })
  for (const { text } of corpus('javascript').filter(({ accept }) => accept)) {
    const message = javascript.guardMessage(`<{${text}}>`, 'any')
    // One with a brace or a quote that is not closed in it.
    if (!message.ok) continue
    t.strictSame(splitLogMessage(message.text), [{ text: '<' }, { expression: guarded(text) }, { text: '>' }], text)
  }
  t.strictSame(parseHitCondition(' >= 5 '), { operator: '>=', count: 5 })
  t.strictSame(parseHitCondition('5'), { operator: '==', count: 5 })
  for (const text of ['', '%0', '> f()', '5 || f()', 'n', '-1']) t.notOk(javascript.conditionOk(text), text)
  t.end()
})

/** What the debugger is asked, and what the client is told, behind the policies of a Node target. */
function setUp(
  answer: (call: AnyCall) => unknown = () => ({ result: 'secret-Zq9', type: 'string', variablesReference: 9 }),
) {
  const context = fakeContext('inspect', { backend: 'node' })
  const settings = settingsOf('inspect')
  const redactor = new Redactor(settings.redact)
  const asked: AnyCall[] = []
  const ask = chain([redact(context, settings, redactor), readOnly(context, settings, redactor)], async (call) => {
    asked.push(call)
    return answer(call)
  })
  return { ask, asked, evaluate: (expression: string) => ask(callOf('evaluate', { expression, frameId: 1 })) }
}

void t.test('an accepted expression is passed on guarded, with and without a frame', async (t) => {
  const { ask, asked, evaluate } = setUp()
  t.match(await evaluate('order.total'), { result: 'secret-Zq9', variablesReference: 9 })
  t.match(await ask(callOf('evaluate', { expression: 'process.pid', context: 'repl' })), { result: 'secret-Zq9' })
  t.strictSame(
    asked.map(({ arguments: args }) => args),
    [
      { expression: '__breakwater.get(order,"total")', frameId: 1 },
      { expression: '__breakwater.get(process,"pid")', context: 'repl' },
    ],
  )
  await t.rejects(evaluate('f()'), { message: /call of `f`/ })
  t.equal(asked.length, 2, 'what is refused is never sent')
})

void t.test(
  'redaction: a name that is hidden is hidden however it is written, and nothing is computed with it',
  async (t) => {
    const { asked, evaluate } = setUp()
    const hidden = [
      'order.password',
      'order?.password',
      "order['password']",
      'password',
      "map.get('api_key')",
      '(o.token)',
    ]
    for (const text of hidden) t.match(await evaluate(text), { result: /^•••/, variablesReference: 0 }, text)
    const refused = [
      'order.password.length',
      'order.password === "x"',
      '[password]',
      '`${password}`',
      'n ? password : 1',
      "order['p\\x61ssword']",
      'password ?? 1',
      'Object.keys(order.secrets.password)',
    ]
    for (const text of refused) await t.rejects(evaluate(text), { message: /redacted/ }, text)
    asked.length = 0
    await evaluate("order['pass' + 'word']")
    await evaluate('order[k]')
    await evaluate('map.get(k)')
    t.strictSame(
      asked.map(({ arguments: args }) => (args as { expression: string }).expression),
      [
        '__breakwater.get(order,__breakwater.number(("pass" + "word")))',
        '__breakwater.get(order,__breakwater.number(k))',
        '__breakwater.call(map,"get",[__breakwater.noText(k)])',
      ],
    )
  },
)

void t.test('breakpoints: conditions and log messages are guarded, and refused in their place', async (t) => {
  const { ask, asked } = setUp((call) => ({
    breakpoints: ((call.arguments as { breakpoints: unknown[] }).breakpoints ?? []).map(() => ({ verified: true })),
  }))
  const breakpoints = [
    { line: 1, condition: 'i === 3' },
    { line: 2, condition: 'order.total > 3', hitCondition: '% 2' },
    { line: 3, logMessage: 'total {order.total} of {items[i]}' },
    { line: 4, condition: 'f()' },
    { line: 5, logMessage: '{user.password}' },
    { line: 6, hitCondition: 'f()' },
    { line: 7, condition: 'user.password === "x"' },
  ]
  const body = await ask(callOf('setBreakpoints', { source: { path: '/a.js' }, breakpoints }))
  t.strictSame((asked[0]!.arguments as { breakpoints: unknown }).breakpoints, [
    { line: 1, condition: '(i===3)' },
    {
      line: 2,
      condition:
        '(()=>{try{return !!((__breakwater.prim(__breakwater.get(order,"total")) > 3))}catch(e){return false}})()',
      hitCondition: '% 2',
    },
    {
      line: 3,
      logMessage: 'total {__breakwater.get(order,"total")} of {__breakwater.get(items,__breakwater.number(i))}',
    },
  ])
  const verified = (body as { breakpoints: { verified: boolean }[] }).breakpoints.map((one) => one.verified)
  t.strictSame(verified, [true, true, true, false, false, false, false])
})

void t.test('completions run nothing: names in scope, and members by a guarded look', async (t) => {
  const { ask, asked } = setUp((call) => {
    if (call.command === 'scopes') return { scopes: [{ name: 'Local', variablesReference: 1, expensive: false }] }
    if (call.command === 'evaluate') {
      if (call.arguments?.expression === 'nowhere') throw dapError('notAnswered', { why: 'nowhere is not defined' })
      return { result: 'Order', variablesReference: 2 }
    }
    const named = (name: string, variablesReference = 0) => ({ name, value: '', variablesReference })
    const all: Record<number, unknown[]> = {
      1: [named('order'), named('$o'), named('n')],
      2: [named('total'), named('to-do'), named('#private'), named('[[Prototype]]', 3)],
      3: [named('toString'), named('tax')],
    }
    return { variables: all[(call.arguments as { variablesReference: number }).variablesReference] ?? [] }
  })
  const complete = async (text: string): Promise<string[]> => {
    asked.length = 0
    const body = await ask(callOf('completions', { text, column: text.length + 1, frameId: 1 }))
    return (body as { targets: { label: string }[] }).targets.map(({ label }) => label)
  }
  t.strictSame(await complete('o'), ['order'])
  t.strictSame(await complete('1 + $'), ['$o'])
  t.strictSame(await complete('order.to'), ['total', 'toString'])
  t.strictSame(asked[0]!.arguments, { expression: 'order', frameId: 1 })
  t.strictSame(await complete("order?.lines[0]?.['x'].t"), ['total', 'toString', 'tax'])
  t.match(asked[0]!.arguments, { expression: /^\(\(__breakwater_1\)=>/ })
  t.strictSame(await complete('nowhere.x'), [])
  t.strictSame(await complete('user.password.'), [])
  t.strictSame(await complete('f().x'), [], 'a call is no path')
  t.notOk(
    asked.some(({ command }) => command === 'evaluate'),
    'nothing is evaluated for it',
  )
})
