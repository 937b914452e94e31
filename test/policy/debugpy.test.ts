import t from 'tap'
import type { AnyCall, AnyEvent, Arguments, Body } from '../../src/dap/call.ts'
import type { Command } from '../../src/dap/protocol.ts'
import { AuditLog } from '../../src/policy/audit.ts'
import { sessionPolicies } from '../../src/policy/policies.ts'
import { chain, filterEvent } from '../../src/policy/policy.ts'
import { debugpyVersions, startPython, type DebugpyVersion } from '../support/debugpy.ts'
import { attachTo } from '../support/debugpySession.ts'
import { callOf, fakeContext, settingsOf, until } from '../support/policyFakes.ts'
import { secret, shapes } from '../support/secrets.ts'

const program = `
import time
class User:
    def __init__(self):
        self.name = 'Ann'
        self.password = '${secret}'
        self.vault = {'token': '${secret}', 'ok': 'fine', 'nested': {'api_key': ['${secret}']}}
def work(n, password):
    user = User()
    headers = [(b'cookie', b'${secret}'), (b'accept', b'text')]
    note = 'card ${shapes['visa']}'
    bag = {'${shapes['jwt']}': 1}
    k = 'token'
    d = user.vault
    items = [10, 20, 30]
    print('tick', n, flush=True)  # BREAK
    print('password:', password, flush=True)  # AFTER
    time.sleep(0.05)
n = 0
while True:
    n += 1
    work(n, '${secret}')
`

/** A real debuggee behind all policies of `inspect`, and everything that came out of them. */
async function inspected(version: DebugpyVersion, pauseMaxMs: number) {
  const debuggee = await startPython(version, program)
  const session = await attachTo(debuggee.port, { readOnly: true })
  const out: string[] = []
  const lines: string[] = []
  const log = AuditLog.open({ kind: 'stream', stream: { write: (line) => void lines.push(line) } })
  const context = fakeContext('inspect', {
    call: (command, args) => session.ask(command, args) as never,
    emit: (event, body) => void out.push(JSON.stringify({ event, body })),
  })
  const made = sessionPolicies(context, settingsOf('inspect', { time: { pauseMaxMs } }), log)
  made.started()
  const innermost = (call: AnyCall): Promise<unknown> => session.ask(call.command, call.arguments)
  const ask = async <C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> => {
    try {
      const body = await chain(made.list, innermost)(callOf(command, args))
      out.push(JSON.stringify({ command, body }) ?? '')
      return body as Body<C>
    } catch (error) {
      out.push(String(error))
      throw error
    }
  }
  let at = 0
  /** Takes what the backend has sent through the filters. */
  const pump = (): void => {
    for (; at < session.seen.length; at++) {
      const event = filterEvent(made.list, session.seen[at] as unknown as AnyEvent)
      if (event !== undefined) out.push(JSON.stringify(event))
    }
  }
  const end = async (): Promise<void> => {
    await made.ended('the test is over')
    await session.end()
    await debuggee.end()
  }
  return { debuggee, session, ask, out, lines, pump, end, context }
}

for (const version of debugpyVersions) {
  void t.test(`nothing redacted comes out of a real program under debugpy ${version.name}`, async (t) => {
    const { debuggee, session, ask, out, lines, pump, end } = await inspected(version, 60_000)
    t.teardown(end)
    const source = { path: debuggee.file }
    const breakpoints = [
      { line: debuggee.line('BREAK'), condition: "items[n - n] == 10 and d['ok'] == 'fine'" },
      { line: debuggee.line('AFTER'), condition: "password[0] == 'h'" },
    ]
    const set = await ask('setBreakpoints', { source, breakpoints })
    t.same(
      set.breakpoints.map(({ verified }) => verified),
      [true, false],
    )
    await ask('configurationDone', undefined)
    const { frameId, threadId, line } = await session.stopped()
    pump()
    t.equal(line, debuggee.line('BREAK'), 'the guarded condition holds')
    const evaluate = async (expression: string): Promise<string> =>
      (await ask('evaluate', { expression, frameId, context: 'watch' })).result
    t.equal(await evaluate('items[1] + 1'), '21')
    t.equal(await evaluate("user.vault['ok']"), "'fine'")
    t.equal(await evaluate('user.password'), '••• (redacted: name)')
    t.equal(await evaluate('d[k]'), '••• (redacted: name)')
    for (const expression of [
      'password',
      'user',
      'd',
      'headers',
      'headers[0]',
      'headers[0][1]',
      'note',
      'bag',
      'password[0]',
      "d['to' + 'ken'][0]",
      'len(password)',
      'note[6]',
      'str(d)',
      'print(1)',
      '[user, d]',
      'user.vault',
    ])
      await evaluate(expression).catch(() => {})
    const expand = async (reference: number, depth: number): Promise<void> => {
      const { variables } = await ask('variables', { variablesReference: reference })
      if (depth === 0) return
      for (const each of variables) if (each.variablesReference > 0) await expand(each.variablesReference, depth - 1)
    }
    await ask('stackTrace', { threadId })
    const { scopes } = await ask('scopes', { frameId })
    await expand(scopes[0]!.variablesReference, 4)
    await ask('completions', { frameId, text: 'user.', column: 6 })
    await ask('setVariable', { variablesReference: scopes[0]!.variablesReference, name: 'n', value: '0' }).catch(
      () => {},
    )
    await ask('setBreakpoints', {
      source,
      breakpoints: [
        { line: debuggee.line('AFTER'), logMessage: 'n is {n} {password}' },
        { line: debuggee.line('AFTER') + 1, logMessage: 'note {note}' },
      ],
    })
    await ask('continue', { threadId })
    // With the settings of the backend the program's own output does not come; a log point's does.
    await until(() => JSON.stringify(session.seen).includes('1111 1111'), 'what the log point has printed')
    pump()
    t.ok(
      out.some((text) => text.includes('note card •••')),
      'its text is redacted',
    )
    t.ok(
      out.some((text) => text.includes('Ann')),
      'the rest is shown',
    )
    t.ok(out.length > 30)
    for (const text of [...out, ...lines]) {
      if (text.includes(secret) || text.includes('1111 1111') || text.includes(shapes['jwt']!))
        t.fail(text.slice(0, 500))
    }
  })

  void t.test(`pauseMax lets a real program run on under debugpy ${version.name}`, async (t) => {
    const { debuggee, session, ask, pump, end, lines } = await inspected(version, 300)
    t.teardown(end)
    await ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [{ line: debuggee.line('BREAK') }] })
    await ask('configurationDone', undefined)
    await session.stopped()
    await ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints: [] })
    pump()
    await until(() => lines.some((line) => line.includes('"why":"pauseMax"')), 'the resume')
    await debuggee.runsOn()
    t.pass('it runs')
  })
}
