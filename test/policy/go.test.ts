import fc from 'fast-check'
import t from 'tap'
import type { AnyCall } from '../../src/dap/call.ts'
import { splitLogMessage } from '../../src/lib/logMessage.ts'
import { languages, type Keys, type Look } from '../../src/policy/expression/expression.ts'
import { chain } from '../../src/policy/policy.ts'
import { readOnly } from '../../src/policy/readOnly.ts'
import { redact, Redactor } from '../../src/policy/redact.ts'
import { corpus } from '../support/expressions.ts'
import { callOf, fakeContext, settingsOf } from '../support/policyFakes.ts'

const go = languages['go']!
const seed = 20261125

/** The text for Delve; undefined if the expression is refused, or if it is with these keys. */
function guarded(text: string, keys: Keys = 'any'): string | undefined {
  const checked = go.check(text)
  if (!checked.ok) return undefined
  const result = (checked.look as Look & { answers: 'guarded' }).text(keys)
  return result.ok ? result.text : undefined
}

void t.test('the corpus: each line has the verdict it says, and a refusal is a sentence', (t) => {
  const lines = corpus('go')
  t.ok(lines.filter(({ accept }) => !accept).length >= 400, 'at least 400 are refused')
  t.ok(lines.filter(({ accept }) => accept).length >= 200, 'at least 200 are accepted')
  for (const { accept, text, line } of lines) {
    const checked = go.check(text)
    if (checked.ok !== accept) t.fail(`line ${line}`, { text, checked })
    if (!checked.ok && !/^[A-Z`].*\.$/su.test(checked.reason))
      t.fail(`line ${line}: no sentence`, { reason: checked.reason })
    if (accept && guarded(text) === undefined) t.fail(`line ${line} has no text for Delve`, { text })
  }
  t.equal(new Set(lines.map(({ text }) => text)).size, lines.length, 'no expression stands in it twice')
  const reasons: Readonly<Record<string, RegExp>> = {
    'f()': /call of `f` is not allowed.*column 1\)/,
    'n + g(1)': /call of `g`.*column 5\)/,
    ' f()': /column 2\)/,
    'order.Label()': /call of `order.Label`/,
    'call f()': /Delve's command `call`/,
    'n = 2': /An assignment .*column 3\)/,
    'n++': /An assignment/,
    '<-ch': /receive/,
    'n // x': /A comment .*column 3\)/,
    'n; k': /More than one statement/,
    'n +': /not a Go expression/,
    'Row{}': /composite literal/,
    'func() {}': /function/i,
    'append(lst, 1)': /call of `append`/,
    '1 << n': /A shift by anything but a number/,
  }
  for (const [text, reason] of Object.entries(reasons)) t.match(go.check(text), { ok: false, reason }, text)
  t.end()
})

void t.test('what Delve is given: each literal in one spelling, each operator in parentheses', (t) => {
  const texts: Readonly<Record<string, string>> = {
    ' n ': 'n',
    'n + k * 2': '(n + (k * 2))',
    'n - k - 1': '((n - k) - 1)',
    '!yes && n<k||yes': '(((!yes) && (n < k)) || yes)',
    'n == 1 == yes': '((n == 1) == yes)',
    '-order.Count': '(-order.Count)',
    'n > order.Count && !mb[true]': '((n > order.Count) && (!mb[true]))',
    '**&order.Next': '(*(*(&order.Next)))',
    '-lst[0]&^k<<2|n': '((((-lst[0]) &^ k) << 2) | n)',
    '*order.Next': '(*order.Next)',
    '(*order).Name': '(*order).Name',
    '`a"{}\\n`': '"a\\x22\\x7b\\x7d\\x5cn"',
    '"\\u00e9"': '"\\xc3\\xa9"',
    "'a'": "'\\U00000061'",
    '"main".Global.Name': '"main".Global.Name',
    'runtime.frame(1).n': 'runtime.frame(1).n',
    '(*main.Row)(1).Name': '(*"main.Row")(1).Name',
    'e.( * main . Row )': 'e.(*main.Row)',
    'm[ "a" ]': 'm["a"]',
    'lst[1:]': 'lst[1:]',
    'len( s )': 'len(s)',
    'order.Next==nil': '(order.Next == nil)',
    'int (fl)': 'int(fl)',
  }
  for (const [text, wanted] of Object.entries(texts)) t.equal(guarded(text), wanted, text)
  t.equal(guarded('m[s]', 'numeric'), 'm[(s + 0)]')
  t.equal(guarded('m["a" + "b"]', 'numeric'), 'm[(("a" + "b") + 0)]')
  t.equal(guarded('m[string(b)]', 'numeric'), 'm[(string(b) + 0)]')
  t.equal(guarded('mi[-1]', 'numeric'), 'mi[(-1)]')
  t.equal(guarded('lst[k:n]', 'numeric'), 'lst[k:n]')
  t.end()
})

/** Calls in a text for Delve that are neither its own functions nor conversions. */
function callsIn(text: string): string[] {
  const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"s"').replaceAll(/'\\U[0-9a-f]{8}'/g, '0')
  const own =
    /(?<![\p{L}\p{Nd}_.])(?:len|cap|min|max|real|imag|bool|string|byte|rune|u?int(?:8|16|32|64)?|uintptr|float(?:32|64)|complex(?:64|128))\($/u
  const found: string[] = []
  for (const { index } of bare.matchAll(/\(/g)) {
    const before = bare.slice(0, index + 1)
    // After a word, a `)`, a `]` or a string a parenthesis is a call, or a conversion.
    if (!/[\p{L}\p{Nd}_)\]"}]\($/u.test(before)) continue
    const pointer = /\(\*+[^()]*\)\($/u.test(before)
    const made = /(?:^|[ ([:*&!^+-])(?:"s"|(?:\[\d*\])+[\p{L}\p{Nd}_.*]+|map\[[^()]*)\($/u.test(before)
    const frame = /^[0-9]{1,2}\)\./.test(bare.slice(index + 1)) && before.endsWith('runtime.frame(')
    if (!own.test(before) && !pointer && !made && !frame) found.push(before)
  }
  return found
}

const names = ['n', 'order', 'order.Name', 'lst', 'm', 's', 'e', 'main.Global', '"main".f', 'f', 'hook', 'order.Label']
const literals = ['1', '0x1F', '2.5', '"a"', '`c{`', "'d'", 'true', 'nil', '1i', '"}"']
const binaries = '== != < <= > >= + - * / % & | ^ &^ << >> && || = := <- ,'.split(' ')
const called = [
  'f',
  'len',
  'int',
  'min',
  'order.Grow',
  'main.f',
  '[]byte',
  '"main.T"',
  '(*main.T)',
  '(f)',
  '*f',
  'call',
]
const types = ['int', '*main.Row', 'data', '[]string', 'func()', 'map[string]int', 'interface{}', 'struct{}']
const { tree: pieces } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...names, ...literals),
    fc.tuple(tie('tree'), fc.constantFrom(...binaries), tie('tree')).map(([l, op, r]) => `${l} ${op} ${r}`),
    fc.tuple(fc.constantFrom('!', '-', '+', '^', '*', '&', '<-'), tie('tree')).map(([op, x]) => `${op}${x}`),
    tie('tree').map((x) => `(${x})`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, k]) => `${x}[${k}]`),
    fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([x, a, b]) => `${x}[${a}:${b}]`),
    fc.tuple(fc.constantFrom(...called), tie('tree')).map(([f, x]) => `${f}(${x})`),
    fc.tuple(tie('tree'), tie('tree')).map(([f, x]) => `${f}(${x})`),
    fc.tuple(tie('tree'), fc.constantFrom(...types)).map(([x, type]) => `${x}.(${type})`),
    fc.tuple(tie('tree'), fc.constantFrom('Name', 'Password', 'f')).map(([x, name]) => `${x}.${name}`),
    fc.tuple(tie('tree'), tie('tree')).map(([x, y]) => `${x}; ${y}`),
    fc.tuple(tie('tree'), fc.constantFrom('{}', '()', '++', ' // x', '\n', '...', '{1}')).map(([x, y]) => x + y),
  ),
}))

void t.test('whatever is accepted has no call but of what Delve has itself, and says the same when read again', (t) => {
  t.strictSame(callsIn('f()').length + callsIn('a.f(1)').length + callsIn('(f)(1)').length, 3, 'calls are found')
  t.strictSame(callsIn('x[0](1)').length + callsIn('x.(T)(1)').length + callsIn('xlen(1)').length, 3)
  const texts = [...corpus('go').map(({ text }) => text), ...fc.sample(pieces, { numRuns: 6000, seed })]
  let [count, leaks] = [0, 0]
  for (const text of texts) {
    const guard = guarded(text)
    if (guard === undefined) continue
    count += 1
    if (/[\n\r\t\0`;]|\/\/|\/\*|<-|:=|\+\+|--|[^=!<>]=[^=]|\.\.\./.test(guard.replaceAll(/"[^"]*"/g, '""')))
      t.fail('more than an expression', { text, guard })
    if (/[{}]/.test(guard.replaceAll('interface {}', ''))) t.fail('a brace', { text, guard })
    const calls = callsIn(guard)
    if (calls.length > 0) t.fail('a call', { text, guard, calls })
    // Where left of each operator another stands, the parentheses are more than are read.
    if (guarded(guard) !== guard && !guard.includes('('.repeat(60)))
      t.fail('it is not read again as it was written', { text, guard, is: guarded(guard) })
    const numeric = guarded(text, 'numeric')
    if (numeric === undefined) leaks += 1
    else if (/\(\*+[^()]*\)\(|"\(/.test(numeric.replaceAll(/"(?:[^"\\]|\\.)*"(?!\()/g, '0')))
      t.fail('memory is looked at as another type', { text, numeric })
  }
  t.ok(count > 1000 && leaks > 30, `${count} were accepted, of which ${leaks} are refused where names are redacted`)
  t.end()
})

void t.test('log messages are guarded part by part; hit conditions are counts', (t) => {
  const guard = (message: string): unknown => go.guardMessage(message, 'any')
  t.strictSame(guard('plain }'), { ok: true, text: 'plain }' })
  t.strictSame(guard('n: {n+1}, {order.Name}!'), { ok: true, text: 'n: {(n + 1)}, {order.Name}!' })
  t.match(guard('a {n'), { ok: false, reason: /braces/ })
  t.match(guard('{n} {f()}'), { ok: false, reason: /call of `f`/ })
  t.match(guard('{call f()}'), { ok: false })
  t.match(guard('{n}{Row{}}'), { ok: false })
  t.strictSame(go.messageParts('a {n} {m["}"]}'), ['n', 'm["}"]'])
  let count = 0
  for (const { text } of corpus('go').filter(({ accept }) => accept)) {
    const message = go.guardMessage(`<{${text}}>`, 'any')
    // One with a brace that is not closed in it.
    if (!message.ok) continue
    count += 1
    t.strictSame(splitLogMessage(message.text), [{ text: '<' }, { expression: guarded(text) }, { text: '>' }], text)
  }
  t.ok(count > 200)
  for (const text of ['5', ' >= 5 ', '%2', '== 3', '!= 0', '<9']) t.ok(go.conditionOk(text), text)
  for (const text of ['', '%0', '% 00', '> f()', '5 || f()', 'n', '-1', '5; f()', '5\n', '=5', '1e9', '9999999999'])
    t.notOk(go.conditionOk(text), text)
  t.end()
})

/** What Delve's backend is asked, and what the client is told, behind the policies of a Go target. */
function setUp(answer: (call: AnyCall) => unknown = () => ({ result: 'open sesame', variablesReference: 9 })) {
  const context = fakeContext('inspect', { backend: 'delve' })
  const settings = settingsOf('inspect')
  const redactor = new Redactor(settings.redact)
  const asked: AnyCall[] = []
  const ask = chain([redact(context, settings, redactor), readOnly(context, settings, redactor)], async (call) => {
    asked.push(call)
    return answer(call)
  })
  return { ask, asked, evaluate: (expression: string) => ask(callOf('evaluate', { expression, frameId: 1 })) }
}

void t.test('redaction: a name that is hidden is hidden however it is written', async (t) => {
  const { ask, asked, evaluate } = setUp()
  t.match(await evaluate('order.Name'), { result: 'open sesame', variablesReference: 9 })
  t.match(await ask(callOf('evaluate', { expression: 'main.alarms', context: 'repl' })), { result: 'open sesame' })
  t.strictSame(
    asked.map((call) => call.arguments),
    [
      { expression: 'order.Name', frameId: 1 },
      { expression: 'main.alarms', context: 'repl' },
    ],
  )
  const hidden = ['order.Password', '(order.Password)', 'm["password"]', 'm[`password`]', 'password', 'main.Password']
  hidden.push('"main".Password', 'runtime.frame(1).password', 'order.Next.Password', 'e.(main.Row).Password')
  for (const text of hidden) t.match(await evaluate(text), { result: /^•••/, variablesReference: 0 }, text)
  asked.length = 0
  const named = ['order.Password[0:3]', 'order.Password[0]', 'len(order.Password)', '&order.Password', '&password']
  named.push('order.Password == "x"', 'order.Password + ""', 'string(password)', '[]byte(order.Password)')
  named.push('m["p\\x61ssword"]', '*password', 'password.(string)', 'password.x', 'm[password]', '!password')
  named.push('n == 1 && order.Password < "p"', 'min(password, "z")', '-m["password"]', '*&order.Password')
  for (const text of named) await t.rejects(evaluate(text), { message: /redacted/ }, text)
  // Memory as another type says no name.
  const cast = ['*(*string)(0xc000010010)', '(*"main.Row")(0xc000010000)', '(*main.Row)(uint64(order))']
  cast.push('*(*string)(&n)', '"main.Open"(*order)', '(*(*[64]byte)(uint64(order)))[0:64]', '(**main.Row)(1)')
  cast.push('(*"map[string]int")(1)', '[]main.Row(lst)', '[4]int(lst)', 'map[string]int(m)')
  for (const text of cast) await t.rejects(evaluate(text), { message: /.+/ }, text)
  t.strictSame(asked, [], 'nothing of it was sent')
  await evaluate('m["pass" + "word"]')
  await evaluate('m[s]')
  t.strictSame(
    asked.map((call) => (call.arguments as { expression: string }).expression),
    ['m[(("pass" + "word") + 0)]', 'm[(s + 0)]'],
  )
  for (const text of ['f()', 'call f()', 'n = 1', '<-ch']) await t.rejects(evaluate(text), text)
  t.equal(asked.length, 2, 'what is refused is never sent')
})

void t.test('breakpoints: conditions and log messages are guarded, and refused in their place', async (t) => {
  const { ask, asked } = setUp((call) => ({
    breakpoints: ((call.arguments as { breakpoints: unknown[] }).breakpoints ?? []).map(() => ({ verified: true })),
  }))
  const breakpoints = [
    { line: 1, condition: 'n == 3 && order.Count>2' },
    { line: 2, condition: 'n > 3', hitCondition: '% 2' },
    { line: 3, logMessage: 'total {order.Count} of {m[s]}' },
    { line: 4, condition: 'f()' },
    { line: 5, logMessage: '{order.Password}' },
    { line: 6, hitCondition: 'f()' },
    { line: 7, condition: 'order.Password == "x"' },
    { line: 8, logMessage: '{*(*string)(0xc000010010)}' },
    { line: 9, condition: '*(*string)(0xc000010010) < "p"' },
    { line: 10, logMessage: '{order.Grow(1)}' },
    { line: 11, hitCondition: '% 0' },
  ]
  const body = await ask(callOf('setBreakpoints', { source: { path: '/a.go' }, breakpoints }))
  t.strictSame((asked[0]!.arguments as { breakpoints: unknown }).breakpoints, [
    { line: 1, condition: '((n == 3) && (order.Count > 2))' },
    { line: 2, condition: '(n > 3)', hitCondition: '% 2' },
    { line: 3, logMessage: 'total {order.Count} of {m[(s + 0)]}' },
  ])
  const verified = (body as { breakpoints: { verified: boolean }[] }).breakpoints.map((one) => one.verified)
  t.strictSame(
    verified,
    breakpoints.map((_, index) => index < 3),
  )
})
