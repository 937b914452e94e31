import fc from 'fast-check'
import t from 'tap'
import { check } from '../../src/policy/expression/python/check.ts'
import { guard } from '../../src/policy/expression/python/guard.ts'
import { walk, type Value } from '../../src/policy/expression/walk.ts'
import {
  askPython,
  corpus,
  FakeValues,
  parenthesized,
  pieces,
  scalarExpressions,
  scalarNames,
} from '../support/expressions.ts'

const python = { check, guard }
const seed = 20261124

void t.test('the corpus: each line has the verdict it says, and a refusal is a sentence', (t) => {
  const lines = corpus('python')
  t.ok(lines.filter(({ accept }) => !accept).length >= 150, 'at least 150 are refused')
  t.ok(lines.filter(({ accept }) => accept).length >= 100, 'at least 100 are accepted')
  for (const { accept, text, line } of lines) {
    const checked = python.check(text)
    if (checked.ok !== accept) t.fail(`line ${line}`, { text, checked })
    if (!checked.ok && !/^[A-Z`].*\.$/su.test(checked.reason))
      t.fail(`line ${line}: no sentence`, { reason: checked.reason })
  }
  const same = new Set(lines.map(({ text }) => text))
  t.equal(same.size, lines.length, 'no expression stands in it twice')
  t.end()
})

void t.test('what is accepted is read as CPython reads it', async (t) => {
  const accepted = corpus('python').filter(({ accept }) => accept)
  const texts = [
    ...accepted.map(({ text }) => text),
    ...fc.sample(scalarExpressions, { numRuns: 1500, seed }),
    ...fc.sample(pieces, { numRuns: 8000, seed }),
  ]
  const cases = texts.flatMap((text) => {
    const checked = python.check(text)
    return checked.ok ? [{ text, parenthesized: parenthesized(checked.node) }] : []
  })
  t.ok(cases.length > accepted.length + 1100, `${cases.length} of ${texts.length} are accepted`)
  const answers = await askPython({}, cases)
  for (const [index, { parses, same }] of answers.cases.entries()) {
    if (!parses || same !== true) t.fail('CPython reads it otherwise', { ...cases[index], parses })
  }
})

void t.test('what is computed is what CPython computes', async (t) => {
  const texts = [...new Set(fc.sample(scalarExpressions, { numRuns: 3500, seed }))]
  const checked = texts.map((text) => ({ text, checked: python.check(text) }))
  const cases = checked.flatMap(({ text, checked: one }) =>
    one.ok ? [{ text, evaluate: true, guard: python.guard(one.node)!, node: one.node }] : [],
  )
  // Of this grammar we refuse what is no Python, as `a + not b`, and what is too large.
  const refused = checked.flatMap(({ text, checked: one }) =>
    one.ok || /^An? (integer|string) longer/.test(one.reason) ? [] : [{ text }],
  )
  for (const [index, { parses }] of (await askPython({}, refused)).cases.entries()) {
    if (parses) t.fail('good Python was refused', { ...refused[index] })
  }
  const named = await askPython(scalarNames, [])
  const locals = Object.entries(named.names).map(([name, { repr, type }]): Value => ({
    name,
    text: repr,
    type,
    ref: 0,
  }))
  const walked = await Promise.all(cases.map(({ node }) => walk(node, new FakeValues({ 1: locals, 2: [] }))))
  // What we find too large to compute would keep CPython busy for ever.
  const sane = cases.flatMap((one, index) => {
    const result = walked[index]!
    return result.ok || !/longer than/.test(result.reason) ? [{ ...one, result }] : []
  })
  const answers = await askPython(
    scalarNames,
    sane.map(({ text, guard }) => ({ text, guard, evaluate: true })),
  )
  const counts = { equal: 0, errors: 0, unanswered: 0, guarded: 0 }
  for (const [index, { text, result }] of sane.entries()) {
    const { value, guard } = answers.cases[index]!
    if (result.ok) {
      counts.equal += 1
      if (result.value.text !== value!.repr || result.value.type !== value!.type) t.fail(text, { result, value })
    } else if (/^\w+Error: /.test(result.reason)) {
      counts.errors += 1
      if (!result.reason.startsWith(`${value!.error}: `)) t.fail(text, { result, value })
    } else counts.unanswered += 1
    // The guard says what is true, or nothing; and never raises.
    if (guard!.repr !== 'True' && guard!.repr !== 'False') t.fail('the guard is no bool', { text, guard })
    if (guard!.repr === 'True' && value!.true !== true && value!.error === undefined)
      t.fail('the guard lies', { text, value })
    if (guard!.repr === 'True') counts.guarded += 1
    if (guard!.repr === 'False' && result.ok && value!.true === true && !/[*~]/.test(text))
      t.fail('the guard misses', { text, value })
  }
  t.comment(counts)
  t.ok(counts.equal > 600 && counts.errors > 300 && counts.guarded > 300, 'enough of each kind was compared')
  t.ok(counts.unanswered < cases.length / 8, 'few are left unanswered')
})
