import type { DebugProtocol } from '@vscode/debugprotocol'
import t from 'tap'
import type { AnyCall, AnyEvent, Body } from '../../src/dap/call.ts'
import { limits } from '../../src/policy/limits.ts'
import { chain, type PolicyContext } from '../../src/policy/policy.ts'
import { readOnly } from '../../src/policy/readOnly.ts'
import { Redactor } from '../../src/policy/redactor.ts'
import type { BreakpointSettings, LimitSettings } from '../../src/policy/settings.ts'
import { callOf, fakeContext, settingsOf, until } from '../support/policyFakes.ts'

type More = {
  limits?: Partial<LimitSettings>
  breakpoints?: Partial<BreakpointSettings>
  answer?: (call: AnyCall) => Promise<unknown>
  context?: Partial<PolicyContext>
}

function setUp({ answer, context: inContext, ...more }: More) {
  const context = fakeContext('inspect', inContext)
  const settings = settingsOf('inspect', more)
  const policy = limits(context, settings)
  t.teardown(() => policy[Symbol.asyncDispose]!())
  const asked: AnyCall[] = []
  let ids = 0
  const ask = chain([policy, readOnly(context, settings, new Redactor(settings.redact))], async (call) => {
    asked.push(call)
    if (answer !== undefined) return answer(call)
    const { breakpoints } = call.arguments as { breakpoints: { line?: number }[] }
    return {
      breakpoints: breakpoints.map(({ line }) => ({
        id: ++ids,
        verified: true,
        ...(line === undefined ? {} : { line }),
      })),
    }
  })
  return { context, policy, ask, asked }
}

const frames = (from: number, to: number): DebugProtocol.StackFrame[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, at) => ({
    id: from + at + 1,
    name: `f${from + at}`,
    line: 1,
    column: 1,
  }))

void t.test('frames: paged or not, the cut is a frame that says so', async (t) => {
  const depth = 50
  for (const total of [true, false]) {
    const { ask } = setUp({
      limits: { frames: 10 },
      answer: async (call) => {
        if (call.command !== 'stackTrace') return {}
        const { startFrame = 0, levels = 0 } = call.arguments
        const to = levels > 0 ? Math.min(depth, startFrame + levels) : depth
        return { stackFrames: frames(startFrame, to), ...(total ? { totalFrames: depth } : {}) }
      },
    })
    const stack = async (args: object) =>
      (await ask(callOf('stackTrace', { threadId: 1, ...args }))) as Body<'stackTrace'>
    const whole = await stack({})
    t.equal(whole.stackFrames.length, 11)
    t.equal(whole.totalFrames, 11)
    t.match(whole.stackFrames[10], {
      name: total
        ? '… 40 more frames are not shown: limit of 10 frames'
        : '… more frames are not shown: limit of 10 frames',
      presentationHint: 'label',
      line: 0,
    })
    t.same(
      (await stack({ startFrame: 0, levels: 4 })).stackFrames.map(({ name }) => name),
      ['f0', 'f1', 'f2', 'f3'],
    )
    t.equal((await stack({ startFrame: 8, levels: 4 })).stackFrames.length, 3, 'two and the label')
    t.equal((await stack({ startFrame: 10, levels: 1 })).stackFrames.length, 1, 'the label alone')
    t.same((await stack({ startFrame: 40, levels: 5 })).stackFrames, [])
    t.same(await ask(callOf('scopes', { frameId: whole.stackFrames[10]!.id })), { scopes: [] })
  }
  const { ask } = setUp({
    limits: { frames: 60 },
    answer: async () => ({ stackFrames: frames(0, 50), totalFrames: 50 }),
  })
  t.equal(
    ((await ask(callOf('stackTrace', { threadId: 1 }))) as Body<'stackTrace'>).stackFrames.length,
    50,
    'what fits is not touched',
  )
})

void t.test('children, long texts and large replies are cut, and say so', async (t) => {
  const variable = (at: number, value = '1'): DebugProtocol.Variable => ({
    name: `v${at}`,
    value,
    variablesReference: 0,
  })
  const ofMany = (count: number, value?: string) => async () => ({
    variables: Array.from({ length: count }, (_, at) => variable(at, value)),
  })
  const ask = async (more: More) =>
    (await setUp(more).ask(callOf('variables', { variablesReference: 1 }))) as Body<'variables'>
  const cut = await ask({ limits: { children: 10 }, answer: ofMany(12) })
  t.equal(cut.variables.length, 11)
  t.match(cut.variables[10], { name: '…', value: '2 more are not shown: limit of 10 children', variablesReference: 0 })
  t.equal((await ask({ limits: { children: 12 }, answer: ofMany(12) })).variables.length, 12)
  const long = await ask({ limits: { stringLength: 20 }, answer: ofMany(1, `${'x'.repeat(19)}😀y`) })
  t.equal(long.variables[0]!.value, `${'x'.repeat(19)}… (cut: limit of 20 characters)`, 'no half of a character')
  const large = await ask({ limits: { replyBytes: 10_000 }, answer: ofMany(500, 'é'.repeat(100)) })
  t.ok(Buffer.byteLength(JSON.stringify(large)) < 10_500)
  t.match(large.variables.at(-1), { value: /more are not shown: limit of 10000 bytes/ })
  const result = await setUp({
    limits: { stringLength: 5 },
    answer: async (call) =>
      call.command === 'scopes'
        ? { scopes: [{ name: 'Locals', variablesReference: 1, expensive: false }] }
        : { variables: [{ name: 'a', value: "'1234567890'", type: 'str', variablesReference: 0 }] },
  }).ask(callOf('evaluate', { expression: 'a', frameId: 1 }))
  t.match(result, { result: "'1234… (cut: limit of 5 characters)" })
  const tooMuch = setUp({
    limits: { replyBytes: 1_000 },
    answer: async () => ({ modules: Array.from({ length: 100 }, (_, id) => ({ id, name: 'm' })) }),
  })
  await t.rejects(tooMuch.ask(callOf('modules', {})), { code: 'overLimit', id: 5005, message: /replyBytes/ })
})

void t.test('source text that is too long ends with a line that says so', async (t) => {
  const { ask } = setUp({
    limits: { replyBytes: 1_000 },
    answer: async (call) =>
      call.command === 'source' ? { content: 'line\n'.repeat(1_000) } : { sources: [{ sourceReference: 3 }] },
  })
  await ask(callOf('loadedSources', {}))
  const { content } = (await ask(callOf('source', { sourceReference: 3 }))) as Body<'source'>
  t.ok(content.length < 1_100)
  t.match(content, /\n… \(cut: limit of 1000 bytes\)$/)
})

void t.test('expansion stops at the depth below a scope', async (t) => {
  const { ask } = setUp({
    limits: { depth: 3 },
    answer: async (call) => {
      if (call.command === 'scopes') return { scopes: [{ name: 'Locals', variablesReference: 1, expensive: false }] }
      const { variablesReference } = call.arguments as { variablesReference: number }
      return { variables: [{ name: 'next', value: 'Node', variablesReference: variablesReference + 1 }] }
    },
  })
  await ask(callOf('scopes', { frameId: 1 }))
  const expand = async (variablesReference: number) =>
    ((await ask(callOf('variables', { variablesReference }))) as Body<'variables'>).variables[0]!
  t.equal((await expand(1)).variablesReference, 2)
  t.equal((await expand(2)).variablesReference, 3)
  t.match(await expand(3), { variablesReference: 0, value: 'Node (not expandable: limit of 3 levels)' })
})

void t.test('output over the limit is dropped and counted; stops are not', async (t) => {
  const { policy, context } = setUp({ limits: { outputPerSecond: 10 } })
  const write = (output: string, category = 'stdout') => policy.event!({ event: 'output', body: { output, category } })
  let passed = 0
  for (let line = 0; line < 30; line++) if (write(`${line}\n`) !== undefined) passed++
  // A slow machine may take more than a second for this loop: then a second window has begun.
  const stop: AnyEvent = { event: 'stopped', body: { reason: 'pause', threadId: 1 } }
  t.equal(policy.event!(stop), stop)
  t.ok(write('telemetry\n', 'telemetry'))
  await until(() => context.said() !== '', 'the notice')
  const dropped = [...context.said().matchAll(/(\d+) lines of output were dropped: target 'orders' shows 10 a second/g)]
  t.equal(passed + dropped.reduce((sum, match) => sum + Number(match[1]), 0), 30, 'every line arrived or was counted')
  t.ok(dropped.length > 0)
  t.ok(write('x\n'.repeat(50)), 'a piece of many lines passes in a second of its own')
  write('one\ntwo\n')
  const before = context.events.length
  policy.event!({ event: 'terminated', body: undefined })
  t.match(context.events[before], { body: { output: /2 lines of output/ } }, 'told before the end')
})

void t.test('breakpoints of a session: those over the limit are refused in their place', async (t) => {
  const { ask, asked } = setUp({ limits: { breakpoints: 3 } })
  const set = async (path: string, ...lines: number[]) =>
    (
      (await ask(
        callOf('setBreakpoints', { source: { path }, breakpoints: lines.map((line) => ({ line })) }),
      )) as Body<'setBreakpoints'>
    ).breakpoints
  t.same(
    (await set('/a', 1, 2)).map(({ verified }) => verified),
    [true, true],
  )
  const over = await set('/b', 1, 2, 3)
  t.same(
    over.map(({ verified }) => verified),
    [true, false, false],
  )
  t.match(over[1], { line: 2, message: /Over the limit 'breakpoints' of target 'orders': more than 3/ })
  t.match(asked.at(-1), { arguments: { breakpoints: [{ line: 1 }] } })
  await set('/a')
  t.same(
    (await set('/b', 1, 2, 3)).map(({ verified }) => verified),
    [true, true, true],
  )
  t.match(await ask(callOf('setFunctionBreakpoints', { breakpoints: [{ name: 'f' }] })), {
    breakpoints: [{ verified: false }],
  })
  t.same(
    ((await ask(callOf('setBreakpoints', { source: { path: '/b' }, lines: [1, 2] }))) as Body<'setBreakpoints'>)
      .breakpoints.length,
    2,
    'the older form counts too',
  )
})

void t.test(
  'a breakpoint that is hit too often is taken out, the others of its source stay, guarded as before',
  async (t) => {
    const { ask, asked, policy, context } = setUp({ breakpoints: { maxHits: 3 } })
    const source = { path: '/a.py' }
    const breakpoints = [{ line: 1 }, { line: 2, condition: 'a > 1' }, { line: 3, condition: 'f()' }, { line: 4 }]
    const first = ((await ask(callOf('setBreakpoints', { source, breakpoints }))) as Body<'setBreakpoints'>).breakpoints
    const hit = (id: number) =>
      policy.event!({ event: 'stopped', body: { reason: 'breakpoint', threadId: 1, hitBreakpointIds: [id] } })
    for (let count = 0; count < 3; count++) hit(first[0]!.id!)
    await until(() => context.events.some(({ event }) => event === 'breakpoint'), 'the word to the user')
    t.match(context.said(), /a\.py:3: Refused by the rule 'expression'/, 'the condition that was refused')
    t.match(
      context.said(),
      /The breakpoint at \/a\.py:1 was taken out: it was hit 3 times, the limit of target 'orders'/,
    )
    t.match(context.events.at(-1), {
      event: 'breakpoint',
      body: { reason: 'changed', breakpoint: { id: first[0]!.id, verified: false, message: /^Taken out/ } },
    })
    const sent = (asked.at(-1)!.arguments as { breakpoints: { line: number; condition?: string }[] }).breakpoints
    t.same(
      sent.map(({ line }) => line),
      [2, 4],
    )
    t.match(sent[0]!.condition, /lambda/, 'guarded: it went through the policies inside')
    // The debugger has new ids since; the client knows the old ones.
    const renewed = hit(5)!
    t.match(renewed, { body: { hitBreakpointIds: [first[3]!.id] } })
    t.match(
      policy.event!({ event: 'breakpoint', body: { reason: 'changed', breakpoint: { id: 4, verified: true } } }),
      { body: { breakpoint: { id: first[1]!.id } } },
    )
    const again = ((await ask(callOf('setBreakpoints', { source, breakpoints }))) as Body<'setBreakpoints'>).breakpoints
    t.same(
      again.map(({ verified }) => verified),
      [false, true, false, true],
      'setting the source again brings it not back',
    )
    t.match(again[0], { message: /^Taken out/ })
    await ask(callOf('setBreakpoints', { source, breakpoints: [{ line: 4 }] }))
    const removed = ((await ask(callOf('setBreakpoints', { source, breakpoints }))) as Body<'setBreakpoints'>)
      .breakpoints
    t.equal(removed[0]!.verified, true, 'removing it does')
  },
)

void t.test('hits a second, and a debugger that does not say which was hit', async (t) => {
  const rate = setUp({ breakpoints: { ratePerSecond: 5 } })
  const set = callOf('setBreakpoints', { source: { path: '/a.py' }, breakpoints: [{ line: 7 }] })
  await rate.ask(set)
  const stop: AnyEvent = { event: 'stopped', body: { reason: 'breakpoint', threadId: 1, hitBreakpointIds: [1] } }
  for (let count = 0; count < 6; count++) rate.policy.event!(stop)
  await until(() => rate.context.events.length === 2, 'the breakpoint is out')
  t.match(rate.context.said(), /hit more than 5 times in a second/)

  const call = (async () => ({
    stackFrames: [{ id: 1, name: 'f', line: 7, column: 1, source: { path: '/a.py' } }],
  })) as unknown as PolicyContext['call']
  const old = setUp({ breakpoints: { maxHits: 2 }, context: { call } })
  await old.ask(set)
  for (let count = 0; count < 2; count++)
    old.policy.event!({ event: 'stopped', body: { reason: 'breakpoint', threadId: 1 } })
  await until(() => old.context.events.length === 2, 'found by the line of the top frame')
})

void t.test('a breakpoint that cannot be taken out ends the session', async (t) => {
  let broken = false
  const made = setUp({
    breakpoints: { maxHits: 1 },
    answer: async () => {
      if (broken) throw new Error('the wire is gone')
      return { breakpoints: [{ id: 1, verified: true }] }
    },
  })
  await made.ask(callOf('setFunctionBreakpoints', { breakpoints: [{ name: 'f' }] }))
  broken = true
  made.policy.event!({ event: 'stopped', body: { reason: 'function breakpoint', threadId: 1, hitBreakpointIds: [1] } })
  await until(() => made.context.ends.length === 1, 'the end')
  t.match(made.context.ends, [/^a breakpoint was hit too often and could not be taken out/])
})

void t.test('a set that is never answered keeps no later one waiting', async (t) => {
  let answers = false
  const { ask } = setUp({
    answer: () => (answers ? Promise.resolve({ breakpoints: [{ id: 1, verified: true }] }) : new Promise(() => {})),
  })
  const controller = new AbortController()
  const set = (signal?: AbortSignal): Promise<unknown> =>
    ask(callOf('setBreakpoints', { source: { path: '/a' }, breakpoints: [{ line: 1 }] }, signal))
  const first = set(controller.signal)
  const second = set()
  answers = true
  controller.abort(new Error('too late'))
  await t.rejects(first, { message: 'too late' })
  t.match(await second, { breakpoints: [{ verified: true }] })
})
