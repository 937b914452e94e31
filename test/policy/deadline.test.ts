import t from 'tap'
import type { AnyCall, AnyEvent } from '../../src/dap/call.ts'
import { dapError } from '../../src/dap/errors.ts'
import { Alarm } from '../../src/lib/alarm.ts'
import { deadline } from '../../src/policy/deadline.ts'
import { chain, type PolicyContext } from '../../src/policy/policy.ts'
import type { TimeSettings } from '../../src/policy/settings.ts'
import { spell } from '../../src/policy/spell.ts'
import { callOf, fakeContext, settingsOf, until } from '../support/policyFakes.ts'

const far = 60_000

function setUp(
  time: Partial<TimeSettings>,
  more: { answer?: (call: AnyCall) => Promise<unknown>; context?: Partial<PolicyContext> } = {},
) {
  const context = fakeContext('inspect', more.context)
  const settings = settingsOf('inspect', {
    time: { requestMs: far, evaluateMs: far, pauseMaxMs: far, idleMs: far, sessionMs: far, warnMs: [], ...time },
  })
  const pauses: { heldMs: number; why: string }[] = []
  const policy = deadline(context, settings, (heldMs, why) => pauses.push({ heldMs, why }))
  t.teardown(() => policy[Symbol.asyncDispose]())
  const ask = chain([policy], more.answer ?? (async () => ({})))
  const stopped = (threadId?: number, reason = 'breakpoint'): AnyEvent =>
    policy.event({ event: 'stopped', body: { reason, ...(threadId === undefined ? {} : { threadId }) } })
  return { context, policy, ask, pauses, stopped }
}

const never = (): Promise<never> => new Promise(() => {})

void t.test('a call that takes too long is given up, says where, and its late answer is dropped', async (t) => {
  let answer!: (body: unknown) => void
  const signals: AbortSignal[] = []
  const { ask } = setUp(
    { requestMs: 20, evaluateMs: 20 },
    {
      answer: (call) => {
        signals.push(call.signal)
        return new Promise((resolve) => (answer = resolve))
      },
    },
  )
  const threads = ask(callOf('threads', undefined))
  await t.rejects(threads, {
    code: 'requestTimeout',
    id: 5002,
    message: /'threads' took longer than 20 ms .*waiting for the debugger/,
  })
  answer({ threads: [] })
  await t.rejects(threads, { code: 'requestTimeout' }, 'still the same answer')
  await t.rejects(ask(callOf('evaluate', { expression: 'a' })), { code: 'requestTimeout', message: /computed/ })
  t.ok(
    signals.every((signal) => signal.aborted),
    'what still runs inside is told',
  )
})

void t.test('what may run code has its own, shorter time; nothing has more than the call had', async (t) => {
  const left: Record<string, number> = {}
  const { ask } = setUp(
    { requestMs: 8_000, evaluateMs: 500, connectMs: 20_000 },
    {
      answer: async (call) => {
        left[call.command] = call.remainingMs()
        return {}
      },
    },
  )
  for (const command of ['evaluate', 'setVariable', 'completions', 'threads', 'attach'] as const)
    await ask(callOf(command, {} as never))
  for (const command of ['evaluate', 'setVariable', 'completions'])
    t.ok(left[command]! <= 500 && left[command]! > 0, command)
  t.ok(left['threads']! > 500 && left['threads']! <= 8_000)
  t.ok(left['attach']! > 8_000)
  await ask({ ...callOf('threads', undefined), remainingMs: () => 5 } as AnyCall)
  t.ok(left['threads']! <= 5, 'an outer budget is drawn on')
})

void t.test("the client's cancel passes inwards with its reason", async (t) => {
  const controller = new AbortController()
  const { ask } = setUp({}, { answer: never })
  const asked = ask(callOf('threads', undefined, controller.signal))
  controller.abort(dapError('cancelled', {}))
  await t.rejects(asked, { code: 'cancelled' })
})

void t.test('pauseMax: the program is resumed, the client is told, and the audit knows how long', async (t) => {
  const { context, pauses, stopped, policy } = setUp({ pauseMaxMs: 30 })
  stopped(7)
  t.ok(Math.abs(policy.times().pausedSince! - Date.now()) < 5_000)
  await until(() => context.said() !== '', 'the output line')
  t.same(context.asked, [{ command: 'continue', arguments: { threadId: 7 } }])
  t.match(context.events, [
    { event: 'continued', body: { threadId: 7, allThreadsContinued: true } },
    {
      event: 'output',
      body: { category: 'stderr', output: /held for 30 ms, the longest pause of target 'orders', and runs on\.\n$/ },
    },
  ])
  t.match(pauses, [{ why: 'pauseMax' }])
  t.ok(pauses[0]!.heldMs >= 30)
  t.equal(policy.times().pausedSince, undefined)
  t.same(context.ends, [])
  stopped(7)
  await until(() => context.asked.length === 2, 'the next stop has a clock of its own')
})

void t.test('whoever looks at a core file or a recording holds nobody', async (t) => {
  const { pauses, stopped, policy, context, ask } = setUp({ pauseMaxMs: 1 })
  policy.start({ isRecord: true })
  stopped(1)
  t.equal(policy.times().pausedSince, undefined)
  await ask(callOf('next', { threadId: 1 }))
  t.same([pauses, context.asked], [[], []])
})

void t.test('each stop begins a hold; what lets the program run ends it', async (t) => {
  const { pauses, stopped, ask, policy, context } = setUp({})
  for (const [command, args] of [
    ['continue', {}],
    ['next', {}],
    ['stepIn', {}],
    ['stepOut', {}],
  ] as const) {
    stopped(1)
    await ask(callOf(command, { threadId: 1, ...args } as never))
    t.equal(pauses.at(-1)?.why, command)
    t.equal(policy.times().pausedSince, undefined)
  }
  stopped(1)
  policy.event({ event: 'continued', body: { threadId: 1, allThreadsContinued: true } })
  t.equal(pauses.at(-1)?.why, 'continued')
  stopped(1)
  await ask(callOf('threads', undefined))
  t.ok(policy.times().pausedSince, 'looking lets nothing go')
  policy.event({ event: 'exited', body: { exitCode: 0 } })
  t.equal(pauses.at(-1)?.why, 'exited')
  t.equal(pauses.length, 6)
  t.same(context.asked, [])
})

void t.test('a step whose stop is seen before its answer does not lose the clock', async (t) => {
  const made = setUp(
    { pauseMaxMs: 400 },
    {
      answer: async () => {
        made.stopped(1, 'step')
        return {}
      },
    },
  )
  made.stopped(1)
  await made.ask(callOf('next', { threadId: 1 }))
  t.ok(made.policy.times().pausedSince, 'held by the new stop')
  await until(() => made.context.asked.length === 1, 'the resume after the new stop')
})

void t.test('a continue that fails or is late leaves the clock running', async (t) => {
  const failing = setUp(
    { pauseMaxMs: 40 },
    { answer: () => Promise.reject(dapError('debuggerFailed', { message: 'no' })) },
  )
  failing.stopped(1)
  await failing.ask(callOf('continue', { threadId: 1 })).catch(() => {})
  const late = setUp({ pauseMaxMs: 40, requestMs: 10 }, { answer: never })
  late.stopped(1)
  await late.ask(callOf('continue', { threadId: 1 })).catch(() => {})
  await until(() => failing.context.asked.length === 1 && late.context.asked.length === 1, 'both are resumed')
  t.match(failing.context.asked, [{ command: 'continue' }])
})

void t.test('threads that are held one by one are let go one by one', async (t) => {
  const { context, stopped, ask, pauses } = setUp(
    { pauseMaxMs: 500 },
    {
      answer: async () => ({ allThreadsContinued: false }),
      context: {
        call: (async (command: string, args: unknown) => {
          context.asked.push({ command: command as 'continue', arguments: args })
          return { allThreadsContinued: false }
        }) as PolicyContext['call'],
      },
    },
  )
  stopped(1)
  stopped(2)
  stopped(3)
  await ask(callOf('continue', { threadId: 2, singleThread: true }))
  t.same(pauses, [], 'others are still held')
  await until(() => pauses.length === 1, 'the rest is resumed')
  t.same(
    context.asked.map((each) => (each.arguments as { threadId: number }).threadId),
    [1, 3],
  )
})

void t.test('when resuming fails or takes too long the session ends, which detaches', async (t) => {
  for (const call of [() => Promise.reject(new Error('broken wire')), never]) {
    const { context, stopped } = setUp(
      { pauseMaxMs: 5, requestMs: 20 },
      { context: { call: call as PolicyContext['call'] } },
    )
    stopped(1)
    await until(() => context.ends.length > 0, 'the end')
    t.match(context.ends, [
      /^the program was held for 5 ms, the longest pause, and could not be resumed: ('continue' took|broken wire)/,
    ])
  }
})

void t.test('a stop without a thread counts; control has no longest pause', async (t) => {
  const { context, stopped } = setUp({ pauseMaxMs: 5 })
  stopped()
  await until(() => context.asked.length === 1, 'the resume')
  const endless = setUp({ pauseMaxMs: Infinity })
  endless.stopped(1)
  t.ok(endless.policy.times().pausedSince)
  t.same(endless.context.asked, [])
})

void t.test('the session ends at its limit, after its warnings, whatever is asked', async (t) => {
  const { context, policy, ask } = setUp({ sessionMs: 120, warnMs: [60, 30, 90] })
  t.same(policy.times(), {}, 'nothing runs before the start')
  policy.start()
  t.ok(Math.abs(policy.times().endsAt! - Date.now() - 120) < 5_000)
  const busy = setInterval(() => void ask(callOf('threads', undefined)), 5)
  await until(() => context.ends.length > 0, 'the end')
  clearInterval(busy)
  t.match(context.ends, ["the session has lasted 120 ms, the limit of target 'orders'"])
  t.match(
    context.said(),
    /^\[breakwater\] This session ends in 60 ms.*\n\[breakwater\] This session ends in 30 ms.*\n$/,
    'not in the first half',
  )
})

void t.test('the idle end moves with every request', async (t) => {
  const { context, policy, ask } = setUp({ idleMs: 80, warnMs: [30] })
  policy.start()
  const first = policy.times().idleEndsAt!
  await new Promise((resolve) => setTimeout(resolve, 20))
  await ask(callOf('threads', undefined))
  t.ok(policy.times().idleEndsAt! > first, 'later than before')
  await until(() => context.ends.length > 0, 'the end')
  t.match(context.ends, ["nothing was asked for 80 ms, the limit of target 'orders'"])
  t.match(context.said(), /ends in 30 ms unless you do something/)
})

void t.test('where the session ends first, nobody is warned that it ends when idle', async (t) => {
  const { context, policy } = setUp({ sessionMs: 80, idleMs: 80, warnMs: [30] })
  policy.start()
  await until(() => context.ends.length > 0, 'the end')
  t.match(context.said(), /^\[breakwater\] This session ends in 30 ms: the program then runs on without you\.\n$/)
})

void t.test('a reload tightens and never loosens', async (t) => {
  const { context, policy, stopped } = setUp({})
  policy.start()
  const { endsAt, idleEndsAt } = policy.times()
  const loose = settingsOf('inspect', { time: { sessionMs: Infinity, idleMs: Infinity, pauseMaxMs: Infinity } }).time
  policy.tighten(loose)
  t.ok(Math.abs(policy.times().endsAt! - endsAt!) < 1_000)
  t.ok(Math.abs(policy.times().idleEndsAt! - idleEndsAt!) < 1_000)
  stopped(1)
  policy.tighten({ ...loose, pauseMaxMs: 5 })
  await until(() => context.asked.length === 1, 'the resume at the new limit')
  policy.tighten({ ...loose, sessionMs: 5 })
  await until(() => context.ends.length === 1, 'the end at the new limit')
})

void t.test('nothing rings after disposal, and an hour or a month is no timer that fires at once', async (t) => {
  const { context, policy, stopped, pauses } = setUp({ sessionMs: 20, idleMs: 20, pauseMaxMs: 20 })
  policy.start()
  stopped(1)
  await policy[Symbol.asyncDispose]()
  t.match(pauses, [{ why: 'the session ended' }])
  let rung = 0
  const alarms = [60 * 60_000, 40 * 24 * 60 * 60_000, Infinity].map((ms) => {
    const alarm = new Alarm(() => rung++)
    alarm.set(performance.now() + ms)
    return alarm
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.equal(rung, 0)
  for (const alarm of alarms) alarm.release()
  t.same([context.ends, context.asked, context.events], [[], [], []])
})

void t.test('spans of time in words', async (t) => {
  const spans = [40, 1_000, 45_000, 60_000, 90_000, 600_000, 1_800_000, 5_400_000, 28_800_000]
  t.same(spans.map(spell), ['40 ms', '1 s', '45 s', '1 min', '90 s', '10 min', '30 min', '1 h 30 min', '8 h'])
})
