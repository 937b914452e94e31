import t from 'tap'
import type { AnyCall, AnyEvent, Body } from '../../src/dap/call.ts'
import { dapError } from '../../src/dap/errors.ts'
import { chain, type Mode } from '../../src/policy/policy.ts'
import { readOnly } from '../../src/policy/readOnly.ts'
import { redact } from '../../src/policy/redact.ts'
import { Redactor } from '../../src/policy/redactor.ts'
import {
  callOf,
  dict,
  fakeContext,
  FakeFrame,
  type FakeValue,
  list,
  num,
  object,
  settingsOf,
  str,
} from '../support/policyFakes.ts'
import { secret, shapes } from '../support/secrets.ts'

const locals: Readonly<Record<string, FakeValue>> = {
  password: str(secret),
  user: object('User', {
    name: str('Ann'),
    password: str(secret),
    tokens: list(num(1)),
    vault: dict({ inner: str('x') }),
  }),
  d: dict({ token: str(secret), ok: str('fine'), k: str('token') }),
  credentials: dict({ user: str('bob'), other: str(secret) }),
  headers: list({
    text: `(b'cookie', b'${secret}')`,
    type: 'tuple',
    children: { 0: { text: "b'cookie'", type: 'bytes' }, 1: { text: `b'${secret}'`, type: 'bytes' }, 'len()': num(2) },
  }),
  note: str(`card ${shapes['visa']}`),
  k: str('token'),
  i: num(0),
}

function inspect(
  mode: Mode = 'inspect',
  more: Partial<FakeFrame> & { answer?: (call: AnyCall) => Promise<unknown> } = {},
  level: 'standard' | 'strict' = 'standard',
) {
  const context = fakeContext(mode)
  const settings = settingsOf(mode, { redact: { level } })
  const redactor = new Redactor(settings.redact)
  const frame = new FakeFrame(locals)
  const outer = redact(context, settings, redactor)
  const ask = chain([outer, readOnly(context, settings, redactor)], more.answer ?? frame.answer)
  return { ask, frame, outer, context }
}

void t.test('no expression gets at a hidden value, directly or by computing over it', async (t) => {
  const { ask } = inspect()
  const direct = ['password', 'user.password', "d['token']", '(password)', 'credentials']
  for (const expression of direct) {
    const body = (await ask(callOf('evaluate', { expression, frameId: 1 }))) as Body<'evaluate'>
    t.same(body, { result: '••• (redacted: name)', variablesReference: 0 }, expression)
  }
  const computed = [
    'password[0]',
    `password == '${secret}'`,
    'len(password)',
    'password + ""',
    'password * 2',
    'password < "i"',
    '"h" in password',
    'not password',
    'password is None',
    'type(password)',
    'bool(password)',
    'password[1:3]',
    '[password]',
    '(password, 1)',
    '1 if password else 2',
    'password or 1',
    'user.password[0]',
    "d['token'][0]",
    "d['to' + 'ken'][0]",
    'd[k][0]',
    "d[k] == 'x'",
    "d['to' + 'ken'] + ''",
    'credentials["other"][0]',
    'len(credentials)',
    'headers[0][1][0]',
    'note[5]',
    "note == 'x'",
    'note + "x"',
    'len(note)',
    'note[:9]',
  ]
  for (const expression of computed) {
    let shown = ''
    try {
      shown = ((await ask(callOf('evaluate', { expression, frameId: 1 }))) as Body<'evaluate'>).result
    } catch (error) {
      shown = (error as Error).message
      t.type(error, Error)
      t.ok(['refused', 'notAnswered'].includes((error as { code: string }).code), `${expression}: ${shown}`)
      continue
    }
    t.match(shown, /^•••|^\(redacted|^True$/, `${expression} -> ${shown}`)
  }
  for (const expression of [
    'd[k]',
    "d['to' + 'ken']",
    'headers[0][1]',
    'note',
    'user',
    'd',
    'headers',
    "credentials['other']",
    '[d, user]',
  ]) {
    let shown = ''
    try {
      shown = ((await ask(callOf('evaluate', { expression, frameId: 1 }))) as Body<'evaluate'>).result
    } catch (error) {
      shown = (error as Error).message
    }
    t.notOk(shown.includes(secret) || shown.includes('4111'), `${expression} -> ${shown}`)
  }
  t.match(
    await ask(callOf('evaluate', { expression: 'user.name', frameId: 1 })),
    { result: "'Ann'" },
    'the rest is shown',
  )
  t.match(await ask(callOf('evaluate', { expression: "d['ok'] == 'fine'", frameId: 1 })), { result: 'True' })
})

void t.test('a hidden value is not expanded, not even by guessing its reference', async (t) => {
  const { ask } = inspect()
  const { variables } = (await ask(callOf('variables', { variablesReference: 1 }))) as Body<'variables'>
  t.match(
    variables.find(({ name }) => name === 'credentials'),
    { variablesReference: 0 },
  )
  const handed = new Set(variables.map(({ variablesReference }) => variablesReference))
  let guessed = 0
  for (let reference = 2; reference < 40; reference++) {
    if (handed.has(reference)) continue
    try {
      const body = (await ask(callOf('variables', { variablesReference: reference }))) as Body<'variables'>
      t.notOk(JSON.stringify(body).includes(secret), `reference ${reference}`)
    } catch {
      guessed++
    }
  }
  t.ok(guessed > 0)
  // The walker has references of its own, which no client was ever given.
  await ask(callOf('evaluate', { expression: 'user.name', frameId: 1 }))
  for (let reference = 2; reference < 60; reference++) {
    const body = await ask(callOf('variables', { variablesReference: reference })).catch(() => ({}))
    t.notOk(JSON.stringify(body).includes(secret), `reference ${reference}`)
  }
})

void t.test('breakpoints in the program are no way around: conditions and log messages', async (t) => {
  const { ask, frame } = inspect()
  const conditions = [
    "password[0] == 'h'",
    "user.password == 'x'",
    "d['token'] > 'a'",
    'len(password) > 3',
    'True if password else False',
  ]
  const messages = [
    '{password}',
    'x {user.password}',
    "{d['token']}",
    '{d[k]}',
    "{d['to' + 'ken']}",
    "{password + '{'}",
    "{'{x}' + password + '{y}'}",
    '{user.name} {password}',
  ]
  const breakpoints = [
    ...conditions.map((condition, line) => ({ line, condition })),
    ...messages.map((logMessage, line) => ({ line: 100 + line, logMessage })),
  ]
  const body = (await ask(callOf('setBreakpoints', { source: { path: '/a' }, breakpoints }))) as Body<'setBreakpoints'>
  for (const [at, { verified }] of body.breakpoints.entries()) t.equal(verified, false, JSON.stringify(breakpoints[at]))
  const fine = [
    { line: 1, condition: "d['ok'] == 'fine'" },
    { line: 2, logMessage: 'hello {user.name} {}' },
    { line: 3, condition: 'd[k] == 1' },
  ]
  const good = (await ask(
    callOf('setBreakpoints', { source: { path: '/a' }, breakpoints: fine }),
  )) as Body<'setBreakpoints'>
  t.same(
    good.breakpoints.map(({ verified }) => verified),
    [true, true, true],
  )
  t.match(
    frame.asked.at(-1),
    { arguments: { breakpoints: [{}, {}, { condition: /\+0|\+ 0|\+y/ }] } },
    'a computed key counts only as a number',
  )
})

void t.test('every answer and every event is looked through', async (t) => {
  const text = `password=${secret}`
  const bodies: Readonly<Record<string, unknown>> = {
    stackTrace: { stackFrames: [{ id: 1, name: `login(user='bob', password='${secret}')`, line: 1, column: 1 }] },
    threads: { threads: [{ id: 1, name: text }] },
    variables: { variables: [{ name: 'x', value: `{'password': '${secret}'}`, variablesReference: 0 }] },
    exceptionInfo: {
      exceptionId: 'E',
      breakMode: 'always',
      description: text,
      details: { message: text, stackTrace: text, innerException: [{ message: text }] },
    },
    setBreakpoints: { breakpoints: [{ verified: false, message: text }] },
    evaluate: { result: `x = ${text}`, variablesReference: 0 },
    setVariable: { value: text },
    setExpression: { value: text },
    completions: { targets: [{ label: 'x', detail: text }, { label: shapes['github'] }] },
    dataBreakpointInfo: { dataId: 'd', description: text },
    source: { content: `KEY = '${shapes['stripe']}'\npassword = form['password']  # ${shapes['mail']}` },
  }
  const args = {
    expression: 'f(x)',
    name: 'x',
    value: '1',
    variablesReference: 1,
    breakpoints: [],
    source: { path: '/a' },
    filters: [],
    text: '',
    column: 1,
    threadId: 1,
    frameId: 1,
    sourceReference: 1,
  }
  for (const [command, body] of Object.entries(bodies)) {
    const { ask } = inspect('control', { answer: async () => body })
    const shown = JSON.stringify(await ask(callOf(command as 'threads', args as never)))
    t.notOk(
      shown.includes(secret) || shown.includes(shapes['github']!) || shown.includes(shapes['stripe']!),
      `${command}: ${shown}`,
    )
  }
  const { ask: source } = inspect('control', { answer: async () => bodies['source'] })
  t.match(
    await source(callOf('source', { sourceReference: 1 })),
    { content: "KEY = '•••'\npassword = form['password']  # ann.smith+x@example.co.uk" },
    'code stays readable',
  )
  const failing = inspect('control', {
    answer: () => Promise.reject(dapError('debuggerFailed', { message: `KeyError: ${text}` })),
  })
  await t.rejects(failing.ask(callOf('threads', undefined)), { message: 'KeyError: password=•••' })
  const events: AnyEvent[] = [
    { event: 'output', body: { output: `${text}\n`, category: 'stdout', data: { x: secret } } },
    { event: 'stopped', body: { reason: 'exception', description: text, text } },
    { event: 'breakpoint', body: { reason: 'changed', breakpoint: { verified: false, message: text } } },
    { event: 'progressUpdate', body: { progressId: 'p', message: text } },
    { event: 'process', body: { name: `run --password ${secret}` } },
  ]
  for (const event of events) t.notOk(JSON.stringify(failing.outer.event!(event)).includes(secret), event.event)
})

void t.test(
  'in control with redaction on, naming a secret hides the whole answer, and raw memory is refused',
  async (t) => {
    const { ask } = inspect('control', {
      answer: async () => ({
        result: `'h'`,
        value: secret,
        type: 'str',
        variablesReference: 77,
        memoryReference: '0x1',
      }),
    })
    for (const expression of [
      'password[0]',
      'print(user.password)',
      "d['token']",
      'x["api-key"]',
      "getattr(user, 'password')",
    ]) {
      t.same(
        await ask(callOf('evaluate', { expression })),
        { result: '••• (redacted: name)', value: secret, variablesReference: 0 },
        expression,
      )
    }
    t.match(await ask(callOf('setVariable', { variablesReference: 1, name: 'password', value: 'x' })), {
      value: '••• (redacted: name)',
    })
    await t.rejects(ask(callOf('variables', { variablesReference: 77 })), { code: 'refused', message: /redaction/ })
    await t.rejects(ask(callOf('readMemory', { memoryReference: '0x1', count: 8 })), {
      code: 'refused',
      message: /rawMemory/,
    })
  },
)

void t.test('output in pieces: a secret is recognised across writes', async (t) => {
  const pieces = [
    ['password:', ' ', secret, '\n'],
    ['password=', secret, '\n'],
    ["{'password': '", secret, "'}\n"],
    ['Authorization: Bearer ', secret, '\n'],
    ['card 4111 1111 ', '1111 1111', '\n'],
    ['password=\n', 'next\n'],
  ]
  for (const [at, written] of pieces.entries()) {
    const { outer } = inspect()
    const shown = written
      .map(
        (output) =>
          (outer.event!({ event: 'output', body: { output, category: 'stdout' } })!.body as { output: string }).output,
      )
      .join('')
    t.notOk(shown.includes(secret) || shown.includes('1111 1111\n'), `${JSON.stringify(written)} -> ${shown}`)
    if (at === 5) t.equal(shown, 'password=\nnext\n', 'a line of its own is not its value')
  }
})
