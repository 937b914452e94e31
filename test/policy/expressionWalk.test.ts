import t from 'tap'
import { check } from '../../src/policy/expression/python/check.ts'
import { guardMessage } from '../../src/policy/expression/python/guard.ts'
import { conditionOk } from '../../src/policy/expression/python/hits.ts'
import { walk, walkLimits, type Value } from '../../src/policy/expression/walk.ts'
import { FakeValues } from '../support/expressions.ts'

const python = { check, guardMessage, conditionOk }

const leaf = (name: string, text: string, type: string, evaluateName?: string): Value =>
  evaluateName === undefined ? { name, text, type, ref: 0 } : { name, text, type, ref: 0, evaluateName }
const node = (name: string, text: string, type: string, ref: number, evaluateName = name): Value => ({
  name,
  text,
  type,
  ref,
  evaluateName,
})
const group = (name: string, ref: number): Value => ({ name, text: '', type: '', ref, evaluateName: name })

/** As debugpy 1.8 lists it (groups, `len()`, `more`, padded names, mangled names). */
const table: Record<number, Value[]> = {
  1: [
    group('function variables', 10),
    node('order', '<Order object>', 'Order', 20),
    node('items', '[10, 20, 30]', 'list', 30),
    node('big', '[0, 1, ...]', 'list', 40),
    node('d', "{'k': 1}", 'dict', 50),
    node('cut', '{...}', 'dict', 51),
    node('s', '{1, 2}', 'set', 60),
    node('empty', '[]', 'list', 61),
    node('paged', '[...]', 'list', 70),
    { ...node('paged', '[...]', 'list', 70), name: 'pages', indexed: 5000 },
    leaf('n', '7', 'int', 'n'),
    leaf('word', "'a😀c'", 'str', 'word'),
    leaf('long', `'${'x'.repeat(65_000)}'`, 'str', 'long'),
    node('twice', '<Twice object>', 'Twice', 80),
    node('deaf', '<Deaf object>', 'Deaf', 85),
    node('same', '<Order object>', 'Order', 20),
  ],
  2: [group('class variables', 11), leaf('LIMIT', '100', 'int', 'LIMIT'), leaf('n', '8', 'int', 'n')],
  3: [leaf('hidden', '1', 'int')],
  10: [node('handler', '<function handler>', 'function', 12)],
  11: [node('Order', "<class 'Order'>", 'type', 13)],
  20: [
    group('special variables', 21),
    group('function variables', 22),
    leaf('total', '5', 'int', 'order.total'),
    node('lines', '[1]', 'list', 23, 'order.lines'),
    leaf('_Order__secret', '9', 'int', 'order._Order__secret'),
  ],
  21: [leaf('__dict__', '{}', 'dict'), leaf('__class__', '', 'type')],
  22: [node('method', '<bound method>', 'method', 24)],
  23: [leaf('0', '1', 'int', 'order.lines[0]'), leaf('len()', '1', 'int', 'len(order.lines)')],
  30: [0, 1, 2]
    .map((i) => leaf(String(i), String((i + 1) * 10), 'int', `items[${i}]`))
    .concat(leaf('len()', '3', 'int', 'len(items)')),
  40: Array.from({ length: 100 }, (_, i) => leaf(String(i).padStart(4, '0'), String(i), 'int', `big[${i}]`)).concat(
    { name: 'more', text: '...', type: 'MoreItems', ref: 41 },
    leaf('len()', '2500', 'int', 'len(big)'),
  ),
  41: [
    { name: '[100:1100]', text: '', type: 'MoreItemsRange', ref: 42 },
    { name: '[1100:2100]', text: '', type: 'MoreItemsRange', ref: 43 },
    { name: '[2100:2500]', text: '', type: 'MoreItemsRange', ref: 44 },
  ],
  42: Array.from({ length: 1000 }, (_, i) => leaf(String(100 + i).padStart(4, '0'), String(100 + i), 'int')),
  43: Array.from({ length: 1000 }, (_, i) => leaf(String(1100 + i).padStart(4, '0'), String(1100 + i), 'int')),
  44: Array.from({ length: 400 }, (_, i) => leaf(String(2100 + i).padStart(4, '0'), String(2100 + i), 'int')),
  50: [
    leaf("'k'", '1', 'int', "d['k']"),
    leaf('2', "'two'", 'str', 'd[2]'),
    leaf('-1', "'minus'", 'str', 'd[-1]'),
    leaf('None', '0', 'int', 'd[None]'),
    leaf("'q\"\\''", '3', 'int', `d['q"\\'']`),
    leaf('(1, 2)', '4', 'int', 'd[(1, 2)]'),
    leaf('len()', '6', 'int', 'len(d)'),
  ],
  51: [
    leaf('0', '0', 'int', 'cut[0]'),
    leaf('Unable to handle:', "'Maximum…'", 'str'),
    leaf('len()', '700', 'int', 'len(cut)'),
  ],
  60: [leaf('140', '1', 'int'), leaf('141', '2', 'int'), leaf('len()', '2', 'int', 'len(s)')],
  61: [leaf('len()', '0', 'int', 'len(empty)')],
  70: Array.from({ length: 5000 }, (_, i) => leaf(String(i), String(i), 'int')),
  80: [leaf('_A__x', '1', 'int', 'twice._A__x'), leaf('_B__x', '2', 'int', 'twice._B__x')],
  85: [group('special variables', 86)],
  86: [leaf('__bool__', '', 'method')],
}

async function ask(text: string, values = new FakeValues(table), limits = walkLimits): Promise<string> {
  const checked = python.check(text)
  if (!checked.ok) throw new Error(checked.reason)
  const result = await walk(checked.node, values, limits)
  return result.ok ? result.value.text : `! ${result.reason}`
}

void t.test('names, members and items are found where debugpy lists them', async (t) => {
  const answers: Record<string, string | RegExp> = {
    n: '7',
    LIMIT: '100',
    handler: '<function handler>',
    Order: "<class 'Order'>",
    'order.total': '5',
    'order.method': '<bound method>',
    'order.__secret': '9',
    'order._Order__secret + 1': '10',
    'twice.__x': /may be _A__x or _B__x/,
    'order.nope': "! AttributeError: 'Order' object has no attribute 'nope'",
    nope: "! NameError: name 'nope' is not defined",
    hidden: /NameError/,
    'order.lines[0]': '1',
    'items[-1]': '30',
    'items[True]': '20',
    'items[3]': '! IndexError: list index out of range',
    'items[-4]': '! IndexError: list index out of range',
    "items['a']": /^! TypeError: list indices must be integers/,
    'items[1.0]': /TypeError/,
    'items[1:]': '[20, 30]',
    'items[::-1][0]': '30',
    'big[99]': '99',
    'big[100]': '100',
    'big[-1]': '2499',
    'big[1100] + big[2099]': '3199',
    'big[0:1000]': /More than 100 items/,
    'pages[4321]': '4321',
    'pages[-1]': '4999',
    'len(pages)': '5000',
    "d['k']": '1',
    'd[2]': "'two'",
    'd[2.0]': "'two'",
    'd[-1]': "'minus'",
    'd[None]': '0',
    "d['q\"\\'']": '3',
    "d['zz']": "! KeyError: 'zz'",
    'cut[0]': '0',
    'cut[600]': /shows only the first items/,
    's[0]': /shows no items/,
    'len(d)': '6',
    'len(word)': '3',
    'word[1]': "'😀'",
    'word[::-1]': "'c😀a'",
    'len(big) > LIMIT and n': '7',
    'type(order)': "<class 'Order'>",
    'type(n)': "<class 'int'>",
    long: /^'x+'$/,
    'long == 1': /too long to compute with/,
  }
  for (const [text, wanted] of Object.entries(answers)) {
    const answer = await ask(text)
    if (typeof wanted === 'string') t.equal(answer, wanted, text)
    else t.match(answer, wanted, text)
  }
})

void t.test('what would run code is left unanswered; what would not is answered', async (t) => {
  const answers: Record<string, string | RegExp> = {
    'order == 5': /could run the program's code/,
    'order < 5': /could run the program's code/,
    'order + 1': /could run the program's code/,
    '-order': /could run the program's code/,
    'not deaf': /could run the program's code/,
    'not order': 'False',
    'order and n': '7',
    'empty or n': '7',
    'order is None': 'False',
    'order is same': 'True',
    'order is deaf': /same object cannot be told/,
    'items == 5': 'False',
    'items != None': 'True',
    'items == items': /could run/,
    '20 in items': 'True',
    '21 in items': 'False',
    '2400 in big': 'True',
    '9999 in big': 'False',
    '2 in s': 'True',
    '3 in s': 'False',
    "'k' in d": 'True',
    "'zz' in d": 'False',
    '0 in cut': 'True',
    '1 in cut': /does not show all/,
    '4999 in pages': 'True',
    "'😀' in word": 'True',
    'order in items': /could run/,
    'n in (1, 7)': 'True',
    'order in (1, 7)': /could run/,
    'nope if False else n': '7',
    'n and 1 / 0': '! ZeroDivisionError: division by zero',
    'False and nope': 'False',
    '1 < n < 5 < nope': 'False',
    '(n, order, "a")': "(7, <Order object>, 'a')",
    '[n]': '[7]',
    '(n,)[0]': '7',
    '(n,)[1]': /IndexError/,
    'n << 10 ** 6': /longer than/,
    '"a" * (n * 10 ** 6)': /longer than/,
    'n ** 9999': /longer than/,
  }
  for (const [text, wanted] of Object.entries(answers)) {
    const answer = await ask(text)
    if (typeof wanted === 'string') t.equal(answer, wanted, text)
    else t.match(answer, wanted, text)
  }
})

void t.test('round trips are few, counted and bounded', async (t) => {
  const counts: Record<string, string[]> = {
    '1 + 1': [],
    n: ['scopes', '1'],
    'order.total': ['scopes', '1', '20'],
    'order.lines[0]': ['scopes', '1', '20', '23'],
    'order.total == order.total + n': ['scopes', '1', '20'],
    LIMIT: ['scopes', '1', '10', '2'],
    'big[2400]': ['scopes', '1', '40', '41', '44'],
    'pages[3000]': ['scopes', '1', '70@3000+1'],
    'False and n': [],
  }
  for (const [text, wanted] of Object.entries(counts)) {
    const values = new FakeValues(table)
    await ask(text, values)
    t.strictSame(values.asked, wanted, text)
  }
  t.match(await ask('order.lines[0]', new FakeValues(table), { ...walkLimits, requests: 3 }), /more than 3 requests/)
  t.match(await ask('nope', new FakeValues(table, [{ name: 'Slow', ref: 3, expensive: true }])), /NameError/)
  const checked = python.check('n')
  if (!checked.ok) throw new Error(checked.reason)
  const stopped = AbortSignal.abort(new Error('the session ended'))
  await t.rejects(walk(checked.node, new FakeValues(table), walkLimits, stopped), /the session ended/)
  await t.rejects(walk(checked.node, new FakeValues({})), /nothing has the reference 1/, 'a broken source is no answer')
})

void t.test('the value that was found is handed on, so that it can be expanded', async (t) => {
  for (const text of ['order', 'None or order', 'order if n else 1', '(1, order)[1]']) {
    const checked = python.check(text)
    if (!checked.ok) throw new Error(checked.reason)
    const result = await walk(checked.node, new FakeValues(table))
    t.match(result, { ok: true, value: { ref: 20, evaluateName: 'order', type: 'Order' } }, text)
  }
})

void t.test('hit conditions are plain counts', (t) => {
  for (const text of ['5', ' 5 ', '== 5', '>5', '>= 5', '<5', '<=5', '%3', '% 3', '0', '==0'])
    t.ok(python.conditionOk(text), text)
  const bad = [
    '',
    ' ',
    '-5',
    '5.0',
    '1_0',
    '１',
    '0x5',
    '> f()',
    '> 0 or f()',
    '5 and f()',
    '%0',
    '%',
    '!=5',
    '= 5',
    '== 5 == f()',
    '5\n',
    '99999999999',
    'n',
    '@HIT@',
    '> @HIT@',
  ]
  for (const text of bad) t.notOk(python.conditionOk(text), text)
  t.end()
})

void t.test('log messages are split as debugpy splits them, and become one guarded text', (t) => {
  t.strictSame(python.guardMessage('plain 100% text }'), { ok: true, text: 'plain 100% text }' })
  t.strictSame(python.guardMessage('a {} b'), { ok: true, text: 'a  b' })
  t.match(python.guardMessage('a {n} b'), { ok: true, text: /^\{.*\}$/s })
  t.match(python.guardMessage('a {n'), { ok: false, reason: /braces/ })
  t.match(python.guardMessage('{f()}'), { ok: false, reason: /call of `f`/ })
  t.match(python.guardMessage('{n} {f()}'), { ok: false, reason: /call of `f`/ })
  t.match(python.guardMessage('{n!r}'), { ok: false })
  t.match(python.guardMessage('{n:>10}'), { ok: false })
  t.match(python.guardMessage('{n=}'), { ok: false })
  t.match(python.guardMessage('{{n}}'), { ok: false })
  t.match(python.guardMessage("{d['}']}"), { ok: false }, 'debugpy counts braces in strings too')
  t.match(python.guardMessage('{self.__x}'), { ok: false, reason: /written in full/ })
  const guarded = python.guardMessage("{{ brace \u0007 é {'\u00e9'} }}".replace('{{', '(').replace('}}', ')'))
  t.ok(guarded.ok && /^[ -~]*$/.test(guarded.text), 'it is ASCII')
  t.end()
})
