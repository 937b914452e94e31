import net from 'node:net'
import t from 'tap'
import type { In, Method, Out, Variable } from '../../src/backend/delve/api.ts'
import { DelveConnection } from '../../src/backend/delve/connection.ts'
import { loadConfig } from '../../src/backend/delve/quirks.ts'
import { silentLog } from '../support/backendSession.ts'
import { languages, type Keys, type Look } from '../../src/policy/expression/expression.ts'
import { delveVersions, startGo, tellGo } from '../support/delve.ts'
import { corpus } from '../support/expressions.ts'
import { hostileGo } from '../support/hostileGo.ts'

const go = languages['go']!

function guarded(text: string, keys: Keys = 'any'): string | undefined {
  const checked = go.check(text)
  if (!checked.ok) throw new Error(checked.reason)
  const result = (checked.look as Look & { answers: 'guarded' }).text(keys)
  return result.ok ? result.text : undefined
}

const lines = corpus('go')
const accepted = lines.flatMap(({ accept, text }) => (accept ? [text] : []))
/** Delve has no limit of its own for these, and would end. */
const heavy = /<<|«|^.{200,}|[^\t -~]/su
const refused = lines.flatMap(({ accept, text }) => (accept || heavy.test(text) ? [] : [text]))

/** What is expected of the newest Delve: a value, or a part of why there is none. */
const values: Readonly<Record<string, string | RegExp>> = {
  n: '41',
  café: 'coffee',
  'order.Name': 'first',
  'order.Next.Name': 'second',
  'main.Global.Name': 'global',
  '"main".Global.Count': '1',
  'runtime.frame(0).n': '41',
  'n + k * 2': '45',
  '(n + k) * 2': '86',
  'n - k - 1': '38',
  '-n + k': '-39',
  'n / k / 2': '10',
  '2 + 3 * 4 == 14': 'true',
  'n > order.Count': 'true',
  'n + order.Count * 2': '47',
  '-order.Count': '-3',
  '-lst[0] + lst[1]': '1',
  'yes && order.Count == 3': 'true',
  'n == lst[0] || k < lst[1]': 'false',
  'lst[len(lst) - 1]': '3',
  'lst[order.Count - 1]': '3',
  'n - -k': '43',
  '&order.Next.Name': /^0x/,
  '*mr["x"]': 'main.Row',
  'e.(main.Row).Count + 1': '4',
  'n << 2': '164',
  '1 << 63': '9223372036854775808',
  "'a'": '97',
  "'\\''": '39',
  '"\\x41\\101\\u00e9\\U0001F600"': 'AAé😀',
  '`raw "text" \\n`': 'raw "text" \\n',
  '"{}"': '{}',
  's + "d"': 'abcd',
  's[0]': '97',
  's[0:1]': 'a',
  's[0:1000000000]': /^! index out of bounds/,
  'lst[0:1000000000]': /^! index out of bounds/,
  'lst[n]': /^! index out of bounds/,
  'lst[-1]': /^! index out of bounds/,
  'm["a"]': '1',
  'm[s]': /^! key not found/,
  'mi[-1]': 'minus',
  'mr["x"].Name': 'first',
  'money == 5': 'true',
  'order.Next == nil': 'false',
  'none == nil': 'true',
  'err != nil': 'true',
  'e.(data).Name': 'first',
  'e.(int)': /^! interface conversion/,
  'int(fl)': '2',
  'string(b)': 'bytes',
  'string(r)': 'x',
  '[]byte(s)': /uint8/,
  '"main.Money"(n)': '41',
  '(*main.hook)(1)': /^! /,
  '(*"main.hook")(1)': /^! /,
  '(*"main.hookPointer")(1)': /^! /,
  'len(ch)': '1',
  'cap(ch)': '3',
  'len(m) == 2 && m["a"] == 1': 'true',
  'min(n, 2, 3)': '2',
  'max(n, k)': '41',
  'imag(c)': '2',
}

/** With keys that count as numbers, a text is no key. */
const noKeys = [
  'm[s]',
  'm["a" + "b"]',
  'mr[s]',
  'mr[s].Name',
  'm[order.Name]',
  'mr["x" + ""]',
  'm[string(b)]',
  'mb[yes]',
]

for (const version of delveVersions) {
  void t.test(`delve ${version.name}: nothing of the program runs for a look`, async (t) => {
    const program = await startGo(version, hostileGo)
    t.teardown(() => program.end())
    const socket = net.connect(program.port, '127.0.0.1')
    const connection = new DelveConnection(socket, { where: 'here', log: silentLog, readOnly: false })
    t.teardown(() => connection.close())
    const ask = <M extends Method>(method: M, argument: In<M>): Promise<Out<M>> => connection.ask(method, argument)
    const command = (name: 'continue' | 'halt' | 'call', expr?: string): Promise<Out<'Command'>> =>
      ask('Command', {
        name,
        ...(expr === undefined ? {} : { expr, ReturnInfoLoadConfig: loadConfig }),
      } as In<'Command'>)
    const scope = { GoroutineID: -1, Frame: 0, DeferredCall: 0 }
    const evaluate = async (texts: readonly string[]): Promise<string[]> =>
      (await Promise.allSettled(texts.map((Expr) => ask('Eval', { Scope: scope, Expr, Cfg: loadConfig })))).map(
        (one) => (one.status === 'fulfilled' ? told(one.value.Variable) : `! ${(one.reason as Error).message}`),
      )
    const nothingRan = async (when: string): Promise<void> =>
      void t.strictSame(
        await evaluate(['main.alarms', 'order.Count', 'main.Global.Count', 'len(ch)']),
        ['0', '3', '1', '1'],
        when,
      )

    // To the scene: the program is held to set the breakpoint, and then told to go there.
    await command('halt')
    const line = program.line('BREAK')
    const place = { file: program.file, line }
    const made = await ask('CreateBreakpoint', { Breakpoint: place } as In<'CreateBreakpoint'>)
    await tellGo(program, 'go')
    const onward = async (): Promise<Out<'Command'>['State']> => {
      const { State: state } = await command('continue')
      if (state.currentThread?.line !== line) t.fail('it has stopped elsewhere', { state })
      return state
    }
    await onward()
    await nothingRan('nothing has run before')

    // 1. As an evaluation.
    const answers = await evaluate(accepted.map((text) => guarded(text)!))
    await nothingRan('nothing ran for an evaluation')
    const answerTo = new Map(accepted.map((text, index) => [text, answers[index]!]))
    const broken = accepted.filter((text) => /panic|internal debugger error|runtime error/i.test(answerTo.get(text)!))
    t.strictSame(
      broken.map((text) => [text, answerTo.get(text)]),
      [],
      'none is more than Delve can take',
    )
    const called = accepted.filter((text) => /without using 'call'/.test(answerTo.get(text)!))
    t.strictSame(
      called.filter((text) => !/^(min|max)\(/.test(text)),
      [],
      'none is a call for Delve',
    )
    if (version.name === 'newest') {
      t.strictSame(called, [], 'it knows min and max')
      for (const [text, wanted] of Object.entries(values)) {
        const answer = answerTo.get(text) ?? 'not in the corpus'
        if (typeof wanted === 'string') t.equal(answer, wanted, text)
        else t.match(answer, wanted, text)
      }
    }
    // What Delve makes of the text as it was written is the same, where it takes it.
    const written = await evaluate(accepted)
    for (const [index, text] of accepted.entries())
      if (!written[index]!.startsWith('! ') && written[index] !== answers[index])
        t.fail('Delve reads the written text otherwise', { text, was: written[index], is: answers[index] })
    await nothingRan('nothing ran for the texts as they were written')

    // 2. Where values are redacted by their names.
    const keyed = await evaluate(noKeys.map((text) => guarded(text, 'numeric')!))
    t.strictSame(
      keyed.filter((answer) => !answer.startsWith('! ')),
      [],
      'a text that is computed is no key',
    )
    t.strictSame(await evaluate([guarded('lst[k]', 'numeric')!, guarded('mi[k - 1]', 'numeric')!]), ['3', 'one'])

    // 3. As a condition, and as what a log point prints.
    const booleans = accepted.filter((text) => /^(true|false)$/.test(answerTo.get(text)!))
    t.ok(booleans.length > 40, `${booleans.length} are conditions`)
    const { id, name } = made.Breakpoint
    const amend = (Cond: string, variables: readonly string[] = []): Promise<unknown> =>
      ask('AmendBreakpoint', {
        Breakpoint: { ...place, id, name, Cond, variables },
      } as unknown as In<'AmendBreakpoint'>)
    await amend(
      `(${booleans.map((text) => `((${guarded(text)!}) || true)`).join(' && ')})`,
      accepted.map((text) => guarded(text)!),
    )
    const state = await onward()
    const shown = state.currentThread?.breakPointInfo?.variables ?? []
    t.equal(shown.length, accepted.length, 'each is shown')
    await nothingRan('nothing ran for conditions and log points')
    await amend('')

    // 4. What is refused, Delve alone runs neither: the second layer.
    const alone = await evaluate(refused)
    t.ok(alone.filter((answer) => answer.startsWith('! ')).length > 300)
    await nothingRan('nothing ran for what is refused')

    // 5. The control: a call does run.
    const before = await evaluate(['main.shown'])
    await command('call', 'main.f()')
    t.strictSame(await evaluate(['main.alarms', 'main.shown']), ['1', before[0]], 'the alarms do ring')
  })
}

/** A value in few words. */
function told(variable: Variable | null): string {
  if (variable === null) return '! nothing'
  if (variable.unreadable) return `! ${variable.unreadable}`
  if (variable.value !== '') return variable.value
  const [child] = variable.children ?? []
  if (variable.kind === 22 && child) return `0x${child.addr.toString(16)}`
  return variable.kind === 24 ? '' : variable.type
}
