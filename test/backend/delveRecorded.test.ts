import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Out } from '../../src/backend/delve/api.ts'
import { AnswerSplitter, formatRequest, hex, parseAnswer, type Answer } from '../../src/backend/delve/wire.ts'

/** What real Delves have said (test/support/recordDelve.ts), one connection at a time. */
const folder = new URL('../../protocol-fixtures/wire/', import.meta.url)

interface Request {
  readonly id: number
  readonly method: string
  readonly params: readonly [never]
}

for (const name of ['newest', '1.20']) {
  for (const connection of ['A', 'C']) {
    const lines = readFileSync(new URL(`delve-${name}.txt`, folder), 'utf8').split('\n')
    const said = (mark: string): string[] =>
      lines.filter((line) => line.startsWith(`${connection} ${mark} `)).map((line) => line.slice(4))
    const requests = said('>').map((line) => JSON.parse(line) as Request)
    const bytes = Buffer.from(`${said('<').join('\n')}\n`)

    void t.test(`Delve ${name}, connection ${connection}: what was asked is what we write`, async (t) => {
      t.ok(requests.length > 2)
      for (const [at, { id, method, params }] of requests.entries()) {
        const text = formatRequest(id, method.replace('RPCServer.', '') as 'Eval', params[0])
        t.equal(text, `${said('>')[at]!}\n`)
      }
    })

    void t.test(`Delve ${name}, connection ${connection}: every answer is found, however it is cut`, async (t) => {
      const whole = said('<').map(parseAnswer)
      t.equal(whole.includes(undefined), false)
      for (const size of [1, 7, 64, 1_000, 65_536]) {
        const splitter = new AnswerSplitter()
        const found: (Answer | undefined)[] = []
        for (let at = 0; at < bytes.length; at += size) found.push(...splitter.take(bytes.subarray(at, at + size)))
        t.same(found, whole, `in pieces of ${size}`)
      }
      // A continue whose end nobody waits for has no answer.
      const open = requests.filter(({ id }) => !whole.some((answer) => answer?.id === id))
      t.same(
        open.map(({ method, params }) => ({ method, ...(params[0] as object) })),
        connection === 'A' ? [{ method: 'RPCServer.Command', name: 'continue' }] : [],
      )
    })
  }

  void t.test(`Delve ${name}: what its refusals and addresses are read as`, async (t) => {
    const lines = readFileSync(new URL(`delve-${name}.txt`, folder), 'utf8').split('\n')
    const asked = (fits: (request: Request) => boolean): Answer => {
      const request = lines.find((line) => line.startsWith('A > ') && fits(JSON.parse(line.slice(4)) as Request))!
      const { id } = JSON.parse(request.slice(4)) as Request
      return lines
        .filter((line) => line.startsWith('A < '))
        .map((line) => parseAnswer(line.slice(4)))
        .find((answer) => answer?.id === id)!
    }
    const evaluated = (expression: string): Answer =>
      asked(({ method, params }) => method === 'RPCServer.Eval' && (params[0] as { Expr: string }).Expr === expression)
    t.match(evaluated('items[0].price + 1'), { kind: 'result', result: { Variable: { value: '4' } } })
    t.match(evaluated('missing'), { kind: 'error', message: /could not find symbol value for missing/ })
    t.match(evaluated('total(items)'), { kind: 'error', message: /function calls not allowed without using 'call'/ })
    const register = evaluated('_RAX')
    if (register.kind !== 'result') return t.fail('no register')
    // No place in memory, and over what a double holds.
    const text = lines.find((line) => line.startsWith(`A < {"id":${register.id},`))!
    const [, digits] = /"addr":(\d+)/.exec(text)!
    t.equal(hex((register.result as Out<'Eval'>).Variable!.addr), `0x${BigInt(digits!).toString(16)}`)
    const unknown = asked(({ method }) => method === 'RPCServer.ListTargets')
    if (name === '1.20') t.match(unknown, { kind: 'error', message: /unknown method/ })
    else t.equal(unknown.kind, 'result')
    const stack = asked(({ method }) => method === 'RPCServer.Stacktrace')
    if (stack.kind !== 'result') return t.fail('no stack')
    const { Locations } = stack.result as Out<'Stacktrace'>
    t.equal(Locations![0]!.function?.name, 'main.order')
    t.match(hex(Locations![0]!.pc), /^0x[0-9a-f]{6}$/)
  })
}
