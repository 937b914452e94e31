import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { AnyCall, Body } from '../../src/dap/call.ts'
import { DapError } from '../../src/dap/errors.ts'
import { capabilityOf, commands, type Command } from '../../src/dap/protocol.ts'
import { chain, type Mode } from '../../src/policy/policy.ts'
import { capabilityMask, readOnly, verdictOn, verdicts } from '../../src/policy/readOnly.ts'
import { Redactor } from '../../src/policy/redactor.ts'
import { Refusal } from '../../src/policy/refusal.ts'
import { callOf, dict, fakeContext, FakeFrame, list, num, object, settingsOf, str } from '../support/policyFakes.ts'

const modes: readonly Mode[] = ['observe', 'inspect', 'control']

function setUp(mode: Mode, locals = {}, answer?: (call: AnyCall) => Promise<unknown>) {
  const context = fakeContext(mode)
  const settings = settingsOf(mode)
  const frame = new FakeFrame(locals)
  const parts: { command: Command; rule: string }[] = []
  const policy = readOnly(context, settings, new Redactor(settings.redact), (command, { rule }) =>
    parts.push({ command, rule }),
  )
  const asked: AnyCall[] = []
  const ask = chain([policy], (call) => {
    asked.push(call)
    return (answer ?? frame.answer)(call)
  })
  return { context, ask, asked, parts, policy }
}

async function refused(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('was not refused')
}

void t.test('every command has the verdict that was thought through, in each mode', async (t) => {
  const row = (command: string): string =>
    `${command}: ${modes.map((mode) => `${mode} ${verdictOn(command, mode)}`).join(', ')}`
  const table = `${commands.map(row).join('\n')}\n`
  const golden = new URL('../../protocol-fixtures/verdicts.txt', import.meta.url)
  if (process.env['UPDATE']) writeFileSync(golden, table)
  t.equal(table, readFileSync(golden, 'utf8'))
  t.same(Object.keys(verdicts).toSorted(), [...commands].toSorted())
})

void t.test('a command that is refused never reaches the debugger, one that is allowed passes as it is', async (t) => {
  for (const mode of modes) {
    for (const command of commands) {
      const verdict = verdictOn(command, mode)
      if (verdict === 'check') continue
      const { ask, asked } = setUp(mode, {}, async () => ({
        scopes: [],
        stackFrames: [],
        sources: [],
        dataId: null,
        breakpoints: [],
      }))
      const call = callOf(command, { threadId: 1 } as never)
      if (verdict === 'allow') {
        await ask(call)
        t.equal(asked[0], call, `${command} in ${mode}`)
      } else {
        const error = await refused(ask(call))
        t.equal(asked.length, 0, `${command} in ${mode}`)
        t.equal(error.id, 5001)
        t.equal(error.rule, verdict)
        t.match(error.message, `Refused by the rule '${verdict}' of target 'orders'`)
        t.notMatch(error.message, /[{}]|undefined/)
        t.match(error.message, /\. .+\.$/, 'says what to do instead')
      }
    }
  }
})

void t.test('an unknown command is refused, also one that is a property of every object', async (t) => {
  for (const command of ['evaluateAll', 'constructor', 'toString', '__proto__', 'hasOwnProperty', '']) {
    for (const mode of modes) {
      const { ask, asked } = setUp(mode)
      const error = await refused(ask(callOf(command as Command, {} as never)))
      t.equal(error.rule, 'unknownCommand')
      t.equal(asked.length, 0)
    }
  }
})

void t.test('capabilities of what is refused are turned off, and no others', async (t) => {
  const all = Object.fromEntries(Object.values(capabilityOf).map((name) => [name, true]))
  const masked = capabilityMask('inspect')({ ...all, supportTerminateDebuggee: true, supportsLogPoints: true })
  for (const name of [
    'supportsSetVariable',
    'supportsSetExpression',
    'supportsRestartFrame',
    'supportsStepBack',
    'supportsGotoTargetsRequest',
    'supportTerminateDebuggee',
    'supportSuspendDebuggee',
    'supportsReadMemoryRequest',
  ])
    t.equal(masked[name as keyof typeof masked], false, name)
  for (const name of [
    'supportsLogPoints',
    'supportsFunctionBreakpoints',
    'supportsCompletionsRequest',
    'supportsExceptionInfoRequest',
    'supportsCancelRequest',
  ])
    t.equal(masked[name as keyof typeof masked], true, name)
  const control = capabilityMask('control')({ ...all, supportTerminateDebuggee: true })
  t.equal(control.supportsSetVariable, true)
  for (const name of ['supportTerminateDebuggee', 'supportsTerminateRequest', 'supportsRestartRequest'] as const)
    t.equal(control[name], false, `${name} of a program that was running before us`)
  t.same(
    capabilityMask('observe')({ exceptionBreakpointFilters: [{ filter: 'raised', label: 'x' }] })
      .exceptionBreakpointFilters,
    [],
  )
})

void t.test('evaluate is answered from scopes and variables, in every context', async (t) => {
  const locals = {
    order: object('Order', {
      total: num(12),
      lines: list(num(1), num(2), num(3)),
      customer: dict({ name: str('Ann') }),
    }),
    i: num(2),
  }
  for (const context of ['watch', 'repl', 'hover', 'clipboard', 'variables', undefined]) {
    const { ask, asked } = setUp('inspect', locals)
    const evaluate = async (expression: string) => {
      const args = { expression, frameId: 1, ...(context === undefined ? {} : { context }) }
      return (await ask(callOf('evaluate', args))) as Body<'evaluate'>
    }
    t.match(await evaluate('order.total + 1'), { result: '13', variablesReference: 0, type: 'int' })
    t.match(await evaluate("order.customer['name']"), { result: "'Ann'", type: 'str' })
    t.match(await evaluate('order.lines[i]'), { result: '3' })
    const order = await evaluate('order')
    t.equal(order.type, 'Order')
    t.ok(order.variablesReference > 0, 'can be expanded')
    t.notOk(
      asked.some(({ command }) => command === 'evaluate'),
      'nothing is evaluated in the program',
    )
    for (const expression of [
      'f()',
      'x := 1',
      'order.total = 5',
      'del order',
      '[x for x in y]',
      'import os',
      '__import__("os")',
      '',
      'a; b',
    ]) {
      const error = await refused(evaluate(expression))
      t.equal(error.rule, 'expression', expression)
      t.equal(error.showUser, false, 'shown in place')
    }
    await t.rejects(evaluate('nowhere'), { code: 'notAnswered' })
  }
})

void t.test('evaluate without a frame says what to do', async (t) => {
  const { ask, asked } = setUp('inspect')
  await t.rejects(ask(callOf('evaluate', { expression: 'a' })), { code: 'notAnswered', message: /choose a frame/ })
  t.equal(asked.length, 0)
})

void t.test('a backend without a grammar answers no expression', async (t) => {
  for (const backend of ['gdb', 'constructor', '']) {
    const settings = settingsOf('inspect')
    const policy = readOnly(fakeContext('inspect', { backend }), settings, new Redactor(settings.redact))
    const error = await refused(chain([policy], async () => ({}))(callOf('evaluate', { expression: 'a', frameId: 1 })))
    t.equal(error.rule, 'expression')
  }
})

void t.test('in control everything reaches the debugger untouched', async (t) => {
  const { ask, asked } = setUp('control')
  const call = callOf('evaluate', { expression: 'os.system("x")' })
  t.match(await ask(call), { result: 'evaluated in the program' })
  const set = callOf('setBreakpoints', { source: { path: '/a.py' }, breakpoints: [{ line: 1, condition: 'f()' }] })
  await ask(set)
  t.same(asked, [call, set])
})

void t.test('breakpoints: what is refused stays in its place, the others are set, in their order', async (t) => {
  const { ask, asked, parts } = setUp('inspect')
  const breakpoints = [
    { line: 1 },
    { line: 2, condition: 'f()' },
    { line: 3, condition: 'a > 1' },
    { line: 4, hitCondition: '> 0 or f()' },
    { line: 5, hitCondition: '>= 3' },
    { line: 6, logMessage: 'x {f()}' },
    { line: 7, logMessage: 'x {a.b}' },
    { line: 8, condition: '', hitCondition: '', logMessage: '' },
    { line: 9, condition: 'a', logMessage: '{__import__("os")}', column: 4 },
  ]
  const body = (await ask(
    callOf('setBreakpoints', { source: { path: '/a.py' }, breakpoints }),
  )) as Body<'setBreakpoints'>
  t.same(
    body.breakpoints.map(({ line, verified }) => [line, verified]),
    [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
      [6, false],
      [7, true],
      [8, true],
      [9, false],
    ],
  )
  t.same(
    parts.map(({ rule }) => rule),
    ['expression', 'hitCondition', 'expression', 'expression'],
  )
  for (const { verified, message } of body.breakpoints) if (!verified) t.match(message, /^Refused by the rule/)
  const sent = (asked[0] as Extract<AnyCall, { command: 'setBreakpoints' }>).arguments.breakpoints!
  t.same(
    sent.map(({ line }) => line),
    [1, 3, 5, 7, 8],
  )
  t.same(Object.keys(sent[4]!), ['line'], 'nothing empty is passed on')
  t.notSame(sent[1]!.condition, 'a > 1', 'the condition is the guarded one')
  t.match(sent[1]!.condition, /lambda/)
  t.match(sent[3]!.logMessage, /lambda/)
  t.equal(sent[2]!.hitCondition, '>= 3')
  const none = await ask(
    callOf('setBreakpoints', { source: { path: '/a.py' }, breakpoints: [{ line: 2, condition: 'f()' }] }),
  )
  t.match(none, { breakpoints: [{ verified: false }] })
  t.match(asked[1], { arguments: { breakpoints: [] } }, 'the debugger is told to forget the others')
})

void t.test('function, instruction and data breakpoints take no code either', async (t) => {
  const answer = async (call: AnyCall): Promise<unknown> => {
    if (call.command === 'dataBreakpointInfo') return { dataId: 'd1', description: 'x' }
    return { breakpoints: (call.arguments as { breakpoints: unknown[] }).breakpoints.map(() => ({ verified: true })) }
  }
  const { ask, asked } = setUp('inspect', {}, answer)
  const verified = async (call: AnyCall) =>
    ((await ask(call)) as Body<'setBreakpoints'>).breakpoints.map((each) => each.verified)
  const functions = ['main', '*f()', '-x', 'ns::f', 'pkg.(*T).Method', '$(reboot)\n'].map((name) => ({ name }))
  t.same(
    await verified(callOf('setFunctionBreakpoints', { breakpoints: [...functions, { name: 'g', condition: 'f()' }] })),
    [true, false, false, true, true, false, false],
  )
  const addresses = ['0x40', 'f()', '40'].map((instructionReference) => ({ instructionReference }))
  t.same(await verified(callOf('setInstructionBreakpoints', { breakpoints: addresses })), [true, false, true])
  t.same(
    await verified(callOf('setDataBreakpoints', { breakpoints: [{ dataId: 'd1' }] })),
    [false],
    'an id that was not given out',
  )
  const asks = asked.length
  t.match(await ask(callOf('dataBreakpointInfo', { name: 'f()' })), { dataId: null, description: /Refused/ })
  t.match(await ask(callOf('dataBreakpointInfo', { name: '0x1', variablesReference: 3, asAddress: true })), {
    dataId: null,
  })
  t.match(await ask(callOf('dataBreakpointInfo', { name: 'password', variablesReference: 3 })), { dataId: null })
  t.equal(asked.length, asks)
  t.match(await ask(callOf('dataBreakpointInfo', { name: 'a', variablesReference: 3 })), { dataId: 'd1' })
  t.same(
    await verified(
      callOf('setDataBreakpoints', { breakpoints: [{ dataId: 'd1' }, { dataId: 'd1', condition: 'f()' }] }),
    ),
    [true, false],
  )
})

void t.test('exception breakpoints: filters pass, conditions and names do not, and it never fails', async (t) => {
  const answer = async (call: AnyCall) => {
    const { filters, filterOptions = [] } = call.arguments as { filters: string[]; filterOptions?: unknown[] }
    return { breakpoints: [...filters, ...filterOptions].map(() => ({ verified: true })) }
  }
  const { ask, asked, parts } = setUp('inspect', {}, answer)
  const body = await ask(
    callOf('setExceptionBreakpoints', {
      filters: ['raised', 'uncaught'],
      filterOptions: [{ filterId: 'a', condition: 'f()' }, { filterId: 'b' }],
      exceptionOptions: [{ path: [{ names: ['f()'] }], breakMode: 'always' }],
    }),
  )
  t.same(
    (body as Body<'setBreakpoints'>).breakpoints.map((each) => each.verified),
    [true, true, false, true, false],
  )
  t.same(asked[0]!.arguments, { filters: ['raised', 'uncaught'], filterOptions: [{ filterId: 'b' }] })
  t.equal(parts.length, 2)
  const observe = setUp('observe', {}, answer)
  const none = await observe.ask(callOf('setExceptionBreakpoints', { filters: ['raised'] }))
  t.match(none, { breakpoints: [{ verified: false, message: /observe/ }] })
  t.same(observe.asked[0]!.arguments, { filters: [] })
})

void t.test('in observe a breakpoint that would hold is not set', async (t) => {
  const { ask, asked } = setUp('observe')
  const breakpoints = [{ line: 1, mode: 'pause' }, { line: 2 }, { line: 3, mode: 'log' }]
  const body = (await ask(
    callOf('setBreakpoints', { source: { path: '/a.py' }, breakpoints }),
  )) as Body<'setBreakpoints'>
  t.same(
    body.breakpoints.map((each) => each.verified),
    [false, true, true],
  )
  t.match(asked[0], { arguments: { breakpoints: [{ line: 2 }, { line: 3, mode: 'log' }] } })
})

void t.test('disconnect always works, and ends no program in any mode', async (t) => {
  for (const mode of modes) {
    const { ask, asked, context, parts } = setUp(mode)
    await ask(callOf('disconnect', { terminateDebuggee: true, suspendDebuggee: true, restart: false }))
    t.same(asked[0]!.arguments, { terminateDebuggee: false, suspendDebuggee: false, restart: false })
    t.match(context.said(), /The program runs on/)
    t.same(parts, [{ command: 'disconnect', rule: 'endsProgram' }])
    context.events.length = 0
    await ask(callOf('disconnect', undefined))
    t.equal(context.said(), '')
  }
})

void t.test('a refused breakpoint is told in the console too, once for as long as it stands', async (t) => {
  const { ask, context } = setUp('inspect')
  const set = async (...lines: number[]): Promise<string> => {
    context.events.length = 0
    const breakpoints = lines.map((line) => ({ line, condition: line > 1 ? 'f()' : '' }))
    await ask(callOf('setBreakpoints', { source: { path: 'C:\\app\\orders.py' }, breakpoints }))
    return context.said()
  }
  const sentence = /^\[breakwater\] orders\.py:2: Refused by the rule 'expression' of target 'orders': .*\n$/
  t.match(await set(1, 2), sentence)
  t.match(await set(3, 2), /^\[breakwater\] orders\.py:3: .*\n$/, 'the other stands')
  await set(3)
  t.match(await set(3, 2), sentence, 'it was gone in between')
})

void t.test('only sources that the debugger has shown can be read', async (t) => {
  const answer = async (call: AnyCall): Promise<unknown> => {
    if (call.command === 'stackTrace')
      return {
        stackFrames: [{ id: 1, name: 'f', line: 1, column: 1, source: { path: '/app/a.py', sourceReference: 7 } }],
      }
    if (call.command === 'setBreakpoints') return { breakpoints: [{ verified: true, source: { path: '/etc/shadow' } }] }
    return { content: 'text' }
  }
  const { ask, policy } = setUp('inspect', {}, answer)
  const paths = ['/etc/shadow', '/app/a.py']
  for (const path of paths) await refused(ask(callOf('source', { sourceReference: 0, source: { path } })))
  await refused(ask(callOf('source', { sourceReference: 7 })))
  await ask(callOf('setBreakpoints', { source: { path: '/etc/shadow' }, breakpoints: [{ line: 1 }] }))
  await ask(callOf('stackTrace', { threadId: 1 }))
  await ask(callOf('source', { sourceReference: 7 }))
  await ask(callOf('source', { sourceReference: 0, source: { path: '/app/a.py' } }))
  const error = await refused(ask(callOf('source', { sourceReference: 0, source: { path: '/etc/shadow' } })))
  t.equal(error.rule, 'unknownSource')
  await refused(ask(callOf('source', { sourceReference: 8, source: { path: '/app/a.py' } })))
  policy.event!({ event: 'loadedSource', body: { reason: 'new', source: { path: '/app/b.py', sourceReference: 8 } } })
  t.match(await ask(callOf('source', { sourceReference: 8 })), { content: 'text' })
})

void t.test('completions come from what is shown, and run nothing', async (t) => {
  const locals = {
    order: object('Order', { total: num(1), tax: num(2), 'len()': num(2) }),
    other: num(1),
    password: str('hunter2'),
  }
  const { ask, asked } = setUp('inspect', locals)
  const complete = async (text: string) => {
    const args = { frameId: 1, text, column: text.length + 1 }
    return ((await ask(callOf('completions', args))) as Body<'completions'>).targets.map(({ label }) => label)
  }
  t.same(await complete('o'), ['order', 'other'])
  t.same(await complete('1 + order.t'), ['total', 'tax'])
  t.same(await complete('order.'), ['total', 'tax'])
  t.same(await complete('f().'), [])
  t.same(await complete('nowhere.x'), [])
  t.same(await complete(''), [])
  t.same(await complete('password.'), [])
  t.ok(asked.every(({ command }) => command === 'scopes' || command === 'variables'))
  t.same(await ask(callOf('completions', { text: 'o', column: 2 })), { targets: [] })
})

void t.test('a refusal is a DapError with the stable id', async (t) => {
  const { ask } = setUp('inspect')
  const error = await refused(ask(callOf('setVariable', { variablesReference: 1, name: 'a', value: '1' })))
  t.type(error, DapError)
  t.equal(
    error.message,
    "Refused by the rule 'changesProgram' of target 'orders': 'setVariable' would change the program, and in the mode 'inspect' it is only looked at. For changes, attach to a target whose policy has the mode 'control'.",
  )
  t.equal(error.showUser, true)
})
