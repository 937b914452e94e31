import t from 'tap'
import { PagedValues } from '../../src/backend/debugpy/values.ts'
import type { Body, Call } from '../../src/dap/call.ts'

/** debugpy's way to show a list of 10,100: a hundred elements, and ten buckets of a thousand behind `more`. */
function listing() {
  const asked: number[] = []
  const element = (at: number) => ({
    name: String(at),
    value: `${at}`,
    evaluateName: `l[${at}]`,
    variablesReference: 0,
  })
  const run = (from: number, count: number) => Array.from({ length: count }, (_, i) => element(from + i))
  const ask = ({ variablesReference }: { variablesReference: number }): Promise<Body<'variables'>> => {
    asked.push(variablesReference)
    if (variablesReference === 1) {
      const list = { name: 'l', type: 'list', value: '[0, 1, ...]', evaluateName: 'l', variablesReference: 2 }
      return Promise.resolve({ variables: [list] })
    }
    if (variablesReference === 2) {
      return Promise.resolve({ variables: [...run(0, 100), { name: 'more', value: '', variablesReference: 3 }] })
    }
    if (variablesReference === 3) {
      const bucket = (at: number) => ({ name: `[${at}]`, value: '', variablesReference: 10 + at })
      return Promise.resolve({ variables: Array.from({ length: 10 }, (_, at) => bucket(at)) })
    }
    return Promise.resolve({ variables: run(100 + (variablesReference - 10) * 1_000, 1_000) })
  }
  const values = new PagedValues(ask, () => Promise.resolve('10100'), true)
  const variables = async (args: object): Promise<string[]> => {
    const call = { command: 'variables', arguments: args, signal: new AbortController().signal } as unknown
    return (await values.variables(call as Call<'variables'>)).variables.map(({ value }) => value)
  }
  const page = (start: number, count: number) => variables({ variablesReference: 2, filter: 'indexed', start, count })
  const open = async (): Promise<void> => {
    values.scopes(7, { scopes: [{ name: 'Locals', variablesReference: 1, expensive: false }] })
    await variables({ variablesReference: 1 })
  }
  return { asked, page, open, values }
}

const numbers = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => String(from + i))

void t.test('who reads two buckets in a row gets the next one ahead, once, and right', async (t) => {
  for (const size of [1_000, 250]) {
    const { asked, page, open } = listing()
    await open()
    for (let at = 100; at < 2_100; at += size) t.same(await page(at, size), numbers(at, size))
    t.equal(asked.filter((reference) => reference === 12).length, 1, `the third bucket, by ${size}`)
    t.notOk(asked.includes(13), 'and no further')
    for (let at = 2_100; at < 10_100; at += size) t.same(await page(at, size), numbers(at, size))
    for (let bucket = 10; bucket < 20; bucket++) {
      t.equal(asked.filter((reference) => reference === bucket).length, 1, `bucket ${bucket} is asked for once`)
    }
  }
})

void t.test('who jumps about gets what was asked for, and no more', async (t) => {
  const { asked, page, open, values } = listing()
  await open()
  t.same(await page(5_100, 1_000), numbers(5_100, 1_000))
  t.same(await page(1_100, 1_000), numbers(1_100, 1_000))
  t.same(await page(150, 100), numbers(150, 100))
  t.same(await page(10_050, 100), numbers(10_050, 50), 'the end of the list')
  t.same(await page(95, 10), numbers(95, 10), 'across the first hundred')
  t.same(
    asked.filter((reference) => reference >= 10),
    [15, 11, 10, 19],
  )
  values.clear()
})
