import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { AnyCall } from '../../src/dap/call.ts'
import { dapError } from '../../src/dap/errors.ts'
import { AuditLog } from '../../src/policy/audit.ts'
import { readAudit, type AuditEntry } from '../../src/policy/auditRead.ts'
import { sessionPolicies } from '../../src/policy/policies.ts'
import { chain, type Mode } from '../../src/policy/policy.ts'
import { callOf, fakeContext, FakeFrame, num, settingsOf, str, until } from '../support/policyFakes.ts'
import { secret } from '../support/secrets.ts'

type Line = Record<string, unknown>

/** An audit into memory. */
function recorded() {
  const lines: Line[] = []
  const stream = { write: (text: string) => void lines.push(JSON.parse(text) as Line) }
  return { lines, log: AuditLog.open({ kind: 'stream', stream }) }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'breakwater-audit-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const locals = { a: num(1), password: str(secret) }

function session(mode: Mode = 'inspect', answer?: (call: AnyCall) => Promise<unknown>) {
  const { lines, log } = recorded()
  const context = fakeContext(mode)
  const made = sessionPolicies(context, settingsOf(mode), log)
  const ask = chain(made.list, answer ?? new FakeFrame(locals).answer)
  return { lines, context, made, ask }
}

void t.test('the order of the chain: audit is outermost, read-only is next to the debugger', async (t) => {
  const { log } = recorded()
  const names = ['audit', 'redact', 'deadline', 'limits', 'readOnly']
  t.same(
    sessionPolicies(fakeContext(), settingsOf('inspect'), log).list.map(({ name }) => name),
    names,
  )
  t.same(
    sessionPolicies(fakeContext('control'), settingsOf('control'), log).list.map(({ name }) => name),
    names,
  )
})

void t.test('one line for each start, decision, pause, change and end, with who, what and when', async (t) => {
  const { lines, made, ask } = session()
  made.started()
  await ask(callOf('evaluate', { expression: 'a + 1', frameId: 1, context: 'watch' }))
  await ask(callOf('evaluate', { expression: 'f()', frameId: 1 })).catch(() => {})
  await ask(callOf('setVariable', { variablesReference: 1, name: 'a', value: '2' })).catch(() => {})
  for (const policy of made.list)
    policy.event?.({ event: 'stopped', body: { reason: 'breakpoint', threadId: 1, allThreadsStopped: true } })
  await ask(callOf('continue', { threadId: 1 }))
  await made.ended('the client has gone')
  t.match(lines, [
    { kind: 'start', backend: 'debugpy', mode: 'inspect' },
    { kind: 'request', command: 'evaluate', outcome: 'allowed', expression: 'a + 1', context: 'watch', ms: Number },
    { kind: 'request', command: 'evaluate', outcome: 'refused', rule: 'expression', error: /^Refused by/ },
    { kind: 'request', command: 'setVariable', outcome: 'refused', rule: 'changesProgram', name: 'a', value: '2' },
    { kind: 'pause', heldMs: Number, why: 'continue' },
    { kind: 'request', command: 'continue', outcome: 'allowed', thread: 1 },
    { kind: 'end', why: 'the client has gone' },
  ])
  t.equal(lines.length, 7)
  lines.forEach((line, at) => {
    t.match(line, { v: 1, session: 's1', target: 'orders', identity: 'ann', client: 'neovim', peer: '127.0.0.1:5000' })
    t.equal(line['seq'], at + 1)
    t.match(line['time'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })
})

void t.test('a session that ends while the program is held says so, once', async (t) => {
  const { lines, made } = session()
  made.started()
  for (const policy of made.list) policy.event?.({ event: 'stopped', body: { reason: 'pause', threadId: 1 } })
  await made.ended('x')
  await made.ended('y')
  t.match(lines, [{ kind: 'start' }, { kind: 'pause', why: 'the session ended' }, { kind: 'end', why: 'x' }])
  t.equal(lines.length, 3)
})

void t.test('a change is recorded as one, a failure with its code, a bug without its text', async (t) => {
  const control = session('control', async () => ({ value: '2' }))
  await control.ask(callOf('setVariable', { variablesReference: 1, name: 'a', value: '2' }))
  await control.ask(callOf('evaluate', { expression: 'a = 3' }))
  t.match(control.lines, [
    { kind: 'change', command: 'setVariable', outcome: 'allowed' },
    { kind: 'change', command: 'evaluate' },
  ])
  const failing = session('control', () => Promise.reject(dapError('debuggerFailed', { message: 'no such variable' })))
  await failing.ask(callOf('setVariable', { variablesReference: 1, name: 'a', value: '2' })).catch(() => {})
  t.match(failing.lines[0], { kind: 'request', outcome: 'failed', code: 'debuggerFailed', error: 'no such variable' })
  const bug = session('control', () => Promise.reject(new TypeError('secret internals')))
  await bug.ask(callOf('threads', undefined)).catch(() => {})
  t.match(bug.lines[0], { outcome: 'failed', code: 'internal' })
  t.notMatch(JSON.stringify(bug.lines), /internals/)
})

void t.test('breakpoints: source, lines, conditions, and each that was refused', async (t) => {
  const { lines, ask } = session()
  const breakpoints = [
    { line: 4, condition: 'a > 1' },
    { line: 9, condition: 'f()' },
  ]
  await ask(callOf('setBreakpoints', { source: { path: '/app/a.py' }, breakpoints }))
  t.match(lines, [
    { command: 'setBreakpoints', outcome: 'refused', rule: 'expression', part: true },
    { command: 'setBreakpoints', outcome: 'allowed', source: '/app/a.py', lines: [4, 9], conditions: ['a > 1', 'f()'] },
  ])
  await ask(
    callOf('setBreakpoints', {
      source: { path: '/app/a.py' },
      breakpoints: Array.from({ length: 900 }, (_, line) => ({ line })),
    }),
  )
  t.ok(JSON.stringify(lines[2]).length < 1_000, 'a line stays small')
})

void t.test('no secret gets into the audit, in no mode and in no argument', async (t) => {
  for (const mode of ['inspect', 'control'] as const) {
    const { lines, made, ask } = session(mode, () =>
      Promise.reject(dapError('debuggerFailed', { message: `password=${secret}` })),
    )
    const attempts: AnyCall[] = [
      callOf('evaluate', { expression: `login(password='${secret}')` }),
      callOf('setVariable', { variablesReference: 1, name: 'password', value: secret }),
      callOf('setExpression', { expression: "d['token']", value: secret }),
      callOf('setBreakpoints', {
        source: { path: `/a?token=${secret}` },
        breakpoints: [{ line: 1, logMessage: `password=${secret}`, hitCondition: `password=${secret}` }],
      }),
      callOf('setFunctionBreakpoints', { breakpoints: [{ name: `password=${secret}` }] }),
      callOf('setExceptionBreakpoints', { filters: [`password=${secret}`] }),
      callOf('completions', { text: `password=${secret}`, column: 1 }),
      callOf('source', { sourceReference: 0, source: { path: `password=${secret}` } }),
      callOf('attach', { target: 'orders', token: secret } as never),
      callOf(`password=${secret}` as 'threads', undefined),
    ]
    made.started()
    for (const call of attempts) await ask(call).catch(() => {})
    await made.ended(`password=${secret}`)
    t.ok(lines.length > attempts.length)
    for (const line of lines) t.notMatch(JSON.stringify(line), secret, JSON.stringify(line))
  }
})

void t.test(
  'a file: made with its folders, for its owner only, appended to, and found anew after a rotation',
  async (t) => {
    const path = join(folder(), 'deep', 'er', 'audit.jsonl')
    const log = AuditLog.open({ kind: 'file', path })
    t.equal(statSync(path).mode & 0o777, 0o600)
    log.write({ kind: 'start' })
    t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 1, 'written when the call returns')
    AuditLog.open({ kind: 'file', path }).write({ kind: 'start' })
    t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 2, 'appended')
    renameSync(path, `${path}.1`)
    log.reopen()
    log.write({ kind: 'end' })
    t.match(JSON.parse(readFileSync(path, 'utf8')), { kind: 'end', seq: 2 })
    rmSync(path)
    log.check()
    log.write({ kind: 'end' })
    t.ok(existsSync(path), 'a file that is gone is made anew when the next session starts')
    log.close()
  },
)

void t.test('what cannot be opened is an error that says why', async (t) => {
  const path = join(folder(), 'file')
  writeFileSync(path, '')
  t.throws(() => AuditLog.open({ kind: 'file', path: join(path, 'below') }), {
    code: 'auditFailed',
    message: /ENOTDIR|EEXIST/,
  })
  t.throws(() => AuditLog.open({ kind: 'file', path: folder() }), { code: 'auditFailed', message: /EISDIR/ })
})

void t.test('a full disk: the failure is told, sessions are refused, running ones get nothing more', async (t) => {
  const log = AuditLog.open({ kind: 'file', path: '/dev/full' })
  const context = fakeContext()
  const made = sessionPolicies(context, settingsOf('inspect'), log)
  const asked: AnyCall[] = []
  const ask = chain(made.list, async (call) => void asked.push(call))
  made.started()
  const error = await log.failed
  t.match(error.message, /ENOSPC/)
  t.throws(() => sessionPolicies(context, settingsOf('inspect'), log), { code: 'auditFailed', message: /ENOSPC/ })
  await t.rejects(ask(callOf('threads', undefined)), { code: 'auditFailed' })
  t.equal(asked.length, 0)
  await ask(callOf('disconnect', {}))
  t.equal(asked.length, 1, 'leaving still works')
  await made.ended('over')
})

void t.test('after the disk has room again a reopen helps', async (t) => {
  const path = join(folder(), 'audit.jsonl')
  const log = AuditLog.open({ kind: 'file', path })
  log.write({ kind: 'start' })
  rmSync(join(path, '..'), { recursive: true })
  writeFileSync(join(path, '..'), 'a file where the folder was')
  t.throws(() => log.check(), { code: 'auditFailed' })
  t.match((await log.failed).message, /ENOTDIR|EEXIST/)
  rmSync(join(path, '..'))
  log.reopen()
  log.check()
  log.write({ kind: 'start' })
  t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 1)
  let failedAgain = false
  void log.failed.then(() => (failedAgain = true))
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(failedAgain, 'a new promise for a new failure')
})

const line = (more: Line): string =>
  `${JSON.stringify({ v: 1, time: '2026-11-24T10:00:00.000Z', seq: 1, kind: 'request', session: 's1', target: 'a', identity: 'ann', ...more })}\n`

async function all(entries: AsyncIterable<AuditEntry>): Promise<AuditEntry[]> {
  const result: AuditEntry[] = []
  for await (const entry of entries) result.push(entry)
  return result
}

void t.test('reading: broken lines, and a last line without its end', async (t) => {
  const path = join(folder(), 'audit.jsonl')
  const texts = [
    line({ seq: 1 }),
    line({ seq: 2, target: 'b', time: '2026-11-24T11:00:00.000Z' }),
    'not json\n',
    '\n',
    line({ seq: 3, outcome: 'refused', session: 's2' }),
    '[]\n',
    '{"time":"never"}\n',
    `${'x'.repeat(200_000)}\n`,
    line({ seq: 4, identity: 'bob', text: 'ü'.repeat(70_000) }),
    '{"v":1,"ti',
  ]
  writeFileSync(path, texts.join(''))
  const entries = await all(readAudit(path))
  t.same(
    entries.flatMap((entry) => (entry.ok ? [entry.line.seq] : [])),
    [1, 2, 3, 4],
  )
  t.same(
    entries.flatMap((entry) => (entry.ok ? [] : [entry.number])),
    [3, 6, 7, 8, 10],
  )
  await t.rejects(all(readAudit(`${path}.none`)), { code: 'ENOENT' })
})

void t.test('following: new lines, in pieces, over a rotation and a truncation, until it is given up', async (t) => {
  const path = join(folder(), 'audit.jsonl')
  writeFileSync(path, line({ seq: 1 }))
  const controller = new AbortController()
  const seen: number[] = []
  const following = (async () => {
    for await (const entry of readAudit(path, { follow: true, signal: controller.signal }))
      if (entry.ok) seen.push(entry.line.seq)
  })()
  await until(() => seen.length === 1, 'the first line')
  const second = line({ seq: 2 })
  appendFileSync(path, second.slice(0, 20))
  appendFileSync(path, second.slice(20))
  await until(() => seen.length === 2, 'the second line')
  renameSync(path, `${path}.1`)
  appendFileSync(`${path}.1`, line({ seq: 3 }))
  // Longer than what comes after it: a file that was cut back is known by its size.
  writeFileSync(path, line({ seq: 4, more: 'x'.repeat(500) }))
  await until(() => seen.length === 4, 'the lines after the rotation')
  truncateSync(path)
  appendFileSync(path, line({ seq: 5 }))
  await until(() => seen.length === 5, 'the line after the truncation')
  t.same(seen, [1, 2, 3, 4, 5])
  controller.abort()
  await following
})
