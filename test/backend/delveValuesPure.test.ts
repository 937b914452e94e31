import t from 'tap'
import { Calls, needsOf } from '../../src/backend/delve/values/callText.ts'
import { DelveError } from '../../src/backend/delve/connection.ts'
import { typedBefore } from '../../src/backend/delve/values/completions.ts'
import { formatValue, shortType } from '../../src/backend/delve/values/format.ts'
import { noVariable, packageWord } from '../../src/backend/delve/values/frameVariables.ts'
import { expressionOf, isName, pathOf } from '../../src/backend/delve/values/item.ts'
import { kinds } from '../../src/backend/delve/values/kinds.ts'
import { Nodes, type Place } from '../../src/backend/delve/values/nodes.ts'
import { pageOf, ranges } from '../../src/backend/delve/values/pages.ts'
import { told } from '../../src/backend/delve/values/reader.ts'
import {
  durationText,
  floatText,
  quote,
  quoteBytes,
  quoteString,
  readableText,
  wholeCharacters,
} from '../../src/backend/delve/values/text.ts'
import { variableFlags, type Variable } from '../../src/backend/delve/wire.ts'

const variable = (own: Partial<Variable>): Variable => ({ ...noVariable, addr: 0xc000, ...own })
const int = (value: string, own: Partial<Variable> = {}): Variable =>
  variable({ kind: kinds.int, type: 'int', value, ...own })
const string = (value: string, own: Partial<Variable> = {}): Variable =>
  variable({ kind: kinds.string, type: 'string', value, len: Buffer.byteLength(value), ...own })

void t.test('texts as Go writes them', async (t) => {
  t.equal(quote('a"b\\c\n\t\x00\x07é\u00a0\u200b\u{e0001}🚢'), String.raw`"a\"b\\c\n\t\x00\aé\u00a0\u200b\U000e0001🚢"`)
  t.equal(quoteBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3])), String.raw`"a\xffé\xc3"`)
  t.equal(quoteBytes(Buffer.from([0xed, 0xa0, 0x80])), String.raw`"\xed\xa0\x80"`, 'half of a surrogate pair')
  t.equal(quoteString(string('tea')), '"tea"')
  t.equal(quoteString(string('tea', { len: 10 })), '"tea"...+7 more')
  const cut = Buffer.from('Grüße').subarray(0, 3)
  t.equal(wholeCharacters(cut).toString(), 'Gr', 'not half of a character')
  t.equal(quoteString(string('', { StringValueBytes: cut.toString('base64'), len: 7 })), '"Gr"...+5 more')
  t.equal(wholeCharacters(Buffer.from('Grü')).toString(), 'Grü')
  t.equal(readableText(Buffer.from('a\nb')), 'a\nb')
  t.equal(readableText(Buffer.from([0x61, 0])), undefined)
  t.equal(readableText(Buffer.from([0xff])), undefined)
})

void t.test('numbers as Go writes them', async (t) => {
  const durations = { 0: '0s', 1: '1ns', 1500: '1.5µs', 2000000: '2ms', 1500000000: '1.5s', 3723000000000: '1h2m3s' }
  for (const [value, text] of Object.entries(durations)) t.equal(durationText(BigInt(value)), text)
  t.equal(durationText(-90_000_000_000n), '-1m30s')
  const floats = {
    '0': '0',
    '-0': '-0',
    '1.5': '1.5',
    '0.0001': '0.0001',
    '0.00001': '1e-05',
    '-0.0000125': '-1.25e-05',
    '100000000000000000000': '100000000000000000000',
    '1000000000000000000000': '1e+21',
    '123400000000000000000000': '1.234e+23',
    NaN: 'NaN',
    '+Inf': '+Inf',
  }
  for (const [value, text] of Object.entries(floats)) t.equal(floatText(value), text)
  t.equal(formatValue(int('255'), { hex: true }), '0xff')
  t.equal(formatValue(int('-16'), { hex: true }), '-0x10')
  t.equal(formatValue(int('90000000000', { type: 'time.Duration' })), '1m30s (90000000000)')
  t.equal(formatValue(int('18446744073709551615', { kind: kinds.uint, type: 'uint64' })), '18446744073709551615')
})

void t.test('what cannot be read, and what is too long', async (t) => {
  t.equal(formatValue(int('', { unreadable: 'empty OP stack' })), '<optimized away>')
  t.equal(formatValue(int('', { unreadable: 'input/output error' })), '(unreadable: input/output error)')
  t.equal(formatValue(variable({ kind: kinds.invalid, type: '' })), '(value of an unknown kind)')
  const slice = variable({
    kind: kinds.slice,
    type: '[]github.com/harbour/shop.Row',
    len: 3,
    cap: 4,
    base: 1,
    children: [int('1'), int('', { unreadable: 'bad address' })],
  })
  t.equal(formatValue(slice), '[]shop.Row len: 3, cap: 4, [1,(unreadable: bad address),...+1 more]')
  t.equal(shortType('map[example.com/a/b.Key]*gopkg.in/yaml.v3.Node'), 'map[b.Key]*yaml.v3.Node')
  const ships = variable({ kind: kinds.array, type: '[1]string', len: 1, children: [string('🚢'.repeat(200))] })
  const text = formatValue(ships, { max: 32 })
  t.match(text, /^\[1\]string \["(?:🚢)+…$/u)
  t.notMatch(text, /[\uD800-\uDBFF]…/, 'not half of a pair')
  t.equal(formatValue(string('x'.repeat(1_000))).length, 1_002, 'a text tells its own length')
})

void t.test('what an interface holds within another value', (t) => {
  const held = (value: Variable): Variable =>
    variable({
      kind: kinds.slice,
      type: '[]any',
      len: 1,
      children: [variable({ kind: kinds.interface, children: [value] })],
    })
  const pointer = (to: Variable): Variable => variable({ kind: kinds.pointer, type: `*${to.type}`, children: [to] })
  const row = variable({ kind: kinds.struct, type: 'main.Row', len: 1, children: [int('1', { name: 'n' })] })
  const moment = variable({ kind: kinds.struct, type: 'time.Time', value: '2026-11-25T02:00:00Z', len: 3 })
  const shown: readonly (readonly [Variable, string])[] = [
    [int('42'), '42'],
    [pointer(int('42')), '*42'],
    [pointer(string('tea')), '*"tea"'],
    [row, 'main.Row{n: 1}'],
    [pointer(row), '*main.Row{n: 1}'],
    [moment, '2026-11-25T02:00:00Z'],
    [pointer(moment), '*2026-11-25T02:00:00Z'],
    [pointer(variable({ kind: kinds.interface, type: 'error', addr: 0xc000, children: [] })), '*nil'],
  ]
  for (const [value, text] of shown) t.equal(formatValue(held(value)), `[]any len: 1, cap: 0, [${text}]`)
  t.end()
})

void t.test('pages', async (t) => {
  t.same(pageOf({}, 10), { start: 0, count: 10, rest: undefined })
  t.same(pageOf({}, 1_200), { start: 0, count: 500, rest: [500, 1_200] })
  t.same(pageOf({ start: 8, count: 5 }, 10), { start: 8, count: 2, rest: undefined })
  t.same(pageOf({ start: 20, count: 5 }, 10), { start: 20, count: 0, rest: undefined })
  t.same(pageOf({ start: -3, count: 2 }, 10), { start: 0, count: 2, rest: undefined })
  t.same(pageOf({ start: 0, count: 5_000 }, 9_000), { start: 0, count: 2_000, rest: [2_000, 5_000] })
  t.same(ranges(500, 1_200), [
    [500, 500],
    [1_000, 200],
  ])
  const many = ranges(0, 100_000_000)
  t.ok(many.length <= 100)
  t.equal(
    many.reduce((sum, [, count]) => sum + count, 0),
    100_000_000,
  )
})

void t.test('names and expressions', async (t) => {
  t.equal(expressionOf(int('1', { addr: 0xc000, type: 'main.T' }), 'x'), '*(*"main.T")(0xc000)')
  t.equal(expressionOf(int('1', { type: 'struct { A int "json:\\"a\\"" }' }), 'x')!.includes(String.raw`\\\"a`), true)
  t.equal(expressionOf(int('1', { addr: 0 }), 'x'), 'x')
  t.equal(expressionOf(int('1', { flags: variableFlags.fakeAddress }), undefined), undefined)
  t.same(['a.b[1]["x"].(data)', 'a + b', ' n ', 'a // b', ''].map(pathOf), [
    'a.b[1]["x"].(data)',
    '(a + b)',
    'n',
    undefined,
    undefined,
  ])
  t.same(['größe', '_', '~r0', '.this', 'x1', '1x'].map(isName), [true, false, false, false, true, false])
  t.same(['main', 'net/http'].map(packageWord), ['main', '"net/http"'])
  t.same(typedBefore('a + b.c[1].na'), { owner: 'b.c[1]', prefix: 'na' })
  t.same(typedBefore('f(x).y'), { owner: 'f(x)', prefix: 'y' })
  t.same(typedBefore('1.5'), { owner: undefined, prefix: '5' })
  t.same(typedBefore('"net/http".De'), { owner: '"net/http"', prefix: 'De' })
  t.same(typedBefore(')]].x'), { owner: undefined, prefix: 'x' })
})

void t.test('what a call needs before it begins', async (t) => {
  const needs: readonly (readonly [expression: string, text: boolean, calls: number])[] = [
    ['f()', false, 1],
    ["f(1, x[2], 'a', len(s), int8(3))", false, 1],
    ['f("x")', true, 1],
    ['a.b.M( `x` , 1)', true, 1],
    ['f(x + "y")', true, 1],
    ['f(("x"))', true, 1],
    ['(*list).Push("a)(b")', true, 1],
    ['f(m["key"], "a b".x)', false, 1],
    ['"example.com/shop".F(n)', false, 1],
    ['f((*"main.Row")(0xc000010010), (*main.Row)(p))', false, 1],
    ['x = "text"', false, 0],
    ['x = f("text")', true, 1],
    ['f(g(1))', false, 2],
    ['a.f(1).g(2)', false, 2],
    ['fs[0](1)', false, 1],
    ['m["k"](1)', false, 1],
    ['f(len(g()))', false, 2],
    ['f("un', false, 1],
  ]
  for (const [expression, text, calls] of needs) t.same(needsOf(expression), { text, calls }, expression)

  const checked = (version: string, ...expressions: string[]): string[] => {
    const said: string[] = []
    const parts = { program: { facts: { version } }, note: (sentence: string) => void said.push(sentence) }
    const calls = new Calls(parts as unknown as ConstructorParameters<typeof Calls>[0])
    for (const expression of expressions) {
      try {
        calls.check(expression)
      } catch (error) {
        said.push(`! ${(error as Error).message}`)
      }
    }
    return said
  }
  t.same(checked('1.21.2', 'f(1)', 'f(x)', 'x = "text"'), [])
  for (const version of ['1.9.1', '1.20.2', '1.21.2']) {
    t.match(
      checked(version, 'f("x")', 'f(g(1))'),
      [/^! .*a text is written/, /^! .*one call is within another/],
      version,
    )
  }
  for (const version of ['1.22.0', '1.27.2', '1.100.0', '2.0.0']) {
    t.match(checked(version, 'f(g(1))', 'f("x")', 'f("y")'), [/garbage collector/], version)
  }
})

void t.test('what Delve refuses, for the user', (t) => {
  const said = (message: string): string => (told(new DelveError('Eval', message)) as Error).message
  t.match(
    said('selected goroutine not running'),
    /^This goroutine waits: a function is called, and a text set, only in/,
  )
  t.equal(said('unknown goroutine 12'), 'There is no goroutine 12, or none any more.')
  t.equal(said('index out of bounds'), 'Index out of bounds.')
  t.end()
})

void t.test('what is kept of one stop is bounded, and gone with it', (t) => {
  let lastId = 0
  const nodes = new Nodes({ nextId: () => ++lastId } as unknown as ConstructorParameters<typeof Nodes>[0])
  let over = (): void => void t.fail('nobody waits for the end of the stop')
  const stop = { isOver: false, onOver: (then: () => void) => void (over = then) }
  const place = { stop, goroutine: 1, frame: 0 } as unknown as Place
  const rows = Array.from({ length: 10 }, (_, at) => int(String(at)))
  const item = (name: string) => ({ name, variable: variable({ children: rows }), expression: name, path: name })
  const scope = nodes.add(place, { kind: 'globals', package: 'main' })
  const first = nodes.add(place, { kind: 'value', item: item('first') })
  const addMany = (count: number): void => {
    for (let at = 0; at < count; at++) nodes.add(place, { kind: 'value', item: item(`v${at}`) })
  }
  addMany(20_000)
  const node = nodes.get(first)
  t.match(node.part, { kind: 'value', item: { expression: 'first', variable: { children: null } } })
  t.notOk(nodes.isFresh(node), 'it is read again')
  t.ok(nodes.isFresh(nodes.get(lastId)))
  for (let round = 0; round < 10; round++) {
    nodes.note(
      node,
      Array.from({ length: 10_000 }, (_, at) => item(`r${round * 10_000 + at}`)),
    )
  }
  t.equal(node.shown.size, 25_000)
  t.ok(node.shown.has('r99999') && !node.shown.has('r0'))
  nodes.note(nodes.get(scope), [item('local'), { ...item('local'), expression: 'other' }])
  t.equal(node.shown.size, 24_999)
  t.equal(nodes.get(scope).shown.get('local'), undefined, 'two of one name')
  addMany(49_990)
  t.equal(nodes.get(first), node, 'what was asked for last is kept')
  addMany(49_999)
  t.equal(nodes.get(first), node)
  addMany(50_000)
  t.throws(() => nodes.get(first), { code: 'staleHandle' })
  t.ok(nodes.get(scope), 'a scope is kept')
  over()
  t.throws(() => nodes.get(scope), { code: 'staleHandle' })
  t.end()
})
