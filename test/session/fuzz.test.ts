import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { FrameDecoder, encodeFrame, type Message } from '../../src/dap/framing.ts'
import { commands, type Command } from '../../src/dap/protocol.ts'
import { Client } from '../support/client.ts'
import { startDaemon } from '../support/daemon.ts'
import { FakeDebugger, fakeTargets } from '../support/fakeBackend.ts'

/** What the fuzzed client and its debugger do, step by step. */
type Step =
  | { do: 'request'; command: string; args: unknown }
  | { do: 'cancel'; back: number }
  | { do: 'debugger'; event: 'stopped' | 'continued' | 'output' | 'thread' | 'exited' | 'breakpoint' }
  | { do: 'turn' }
  | { do: 'bytes'; bytes: Uint8Array }

const sensible: Partial<Record<Command, unknown>> = {
  initialize: { adapterID: 'fuzz' },
  attach: { target: 'shop' },
  setBreakpoints: { source: { path: '/home/me/app/a.py' }, breakpoints: [{ line: 1, condition: 'n > 1' }] },
  setExceptionBreakpoints: { filters: ['raised'] },
  stackTrace: { threadId: 1 },
  scopes: { frameId: 1 },
  variables: { variablesReference: 2 },
  evaluate: { expression: 'n', frameId: 1 },
  next: { threadId: 1 },
  continue: { threadId: 1 },
  pause: { threadId: 1 },
  setVariable: { variablesReference: 2, name: 'n', value: '2' },
  disconnect: {},
}

const request = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(...(Object.keys(sensible) as Command[])).map((c) => [c, sensible[c]] as const),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...commands), fc.jsonValue()) },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 12 }), fc.jsonValue()) },
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: request.map(([command, args]): Step => ({ do: 'request', command, args })) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5 }).map((back): Step => ({ do: 'cancel', back })) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('stopped', 'continued', 'output', 'thread', 'exited', 'breakpoint')
      .map((event): Step => ({ do: 'debugger', event: event as 'stopped' })),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'turn' }) },
)

const bodies = {
  stopped: { reason: 'breakpoint', threadId: 1, allThreadsStopped: true },
  continued: { threadId: 1, allThreadsContinued: true },
  output: { category: 'stdout', output: 'a line\n' },
  thread: { reason: 'started', threadId: 2 },
  exited: { exitCode: 0 },
  breakpoint: { reason: 'changed', breakpoint: { id: 1, verified: true } },
} as const

/** The shortest way to a session that runs: most random sequences would never get there. */
const opening: Step[] = [
  { do: 'request', command: 'initialize', args: { adapterID: 'fuzz' } },
  { do: 'request', command: 'attach', args: { target: 'shop' } },
  { do: 'turn' },
  { do: 'request', command: 'configurationDone', args: {} },
  { do: 'turn' },
]

const sequence = fc
  .tuple(fc.boolean(), fc.array(step, { maxLength: 25 }), fc.option(fc.uint8Array({ maxLength: 40 }), { freq: 3 }))
  .map(([opened, steps, bytes]) => [
    ...(opened ? opening : []),
    ...steps,
    ...(bytes === null ? [] : [{ do: 'bytes', bytes } as Step]),
  ])

void t.test('random sessions: each request is answered once, nothing breaks, and the debugger is let go', async (t) => {
  let debuggers: Record<string, FakeDebugger> = {}
  const daemon = await startDaemon(() => ({
    ...fakeTargets({ shop: new FakeDebugger(), steady: new FakeDebugger() }, 'inspect'),
    resolve: (name) => fakeTargets(debuggers, 'inspect').resolve(name),
  }))
  t.teardown(() => daemon[Symbol.asyncDispose]())
  debuggers = { steady: new FakeDebugger() }
  const steady = await Client.connect(daemon.port)
  await steady.attach({ target: 'steady' })

  const property = fc.asyncProperty(sequence, async (steps) => {
    const fake = new FakeDebugger()
    debuggers = { ...debuggers, shop: fake }
    const socket = net.connect(daemon.port, '127.0.0.1')
    await once(socket, 'connect')
    const answered = new Map<number, number>()
    const decoder = new FrameDecoder((message) => {
      const { type, request_seq } = message as { type: string; request_seq?: number }
      if (type === 'response') answered.set(request_seq!, (answered.get(request_seq!) ?? 0) + 1)
    })
    socket.on('data', (chunk: Buffer) => decoder.push(chunk))
    socket.on('error', () => {})
    const closed = once(socket, 'close')
    let seq = 0
    const send = (command: string, args: unknown): void => {
      socket.write(encodeFrame({ seq: ++seq, type: 'request', command, arguments: args } as Message))
    }
    for (const step of steps) {
      if (step.do === 'request') send(step.command, step.args)
      else if (step.do === 'cancel') send('cancel', { requestId: seq - step.back })
      else if (step.do === 'turn') await delay(2)
      else if (step.do === 'bytes') socket.write(step.bytes)
      else if (fake.story.includes('attached')) fake.context.emit(step.event, bodies[step.event] as never)
    }
    const garbage = steps.some((s) => s.do === 'bytes')
    if (!garbage) {
      send('disconnect', {})
      const end = Date.now() + 30_000
      while (!answered.has(seq) && !socket.readableEnded && !socket.destroyed && Date.now() < end) await delay(2)
      const left = steps.findIndex((s) => s.do === 'request' && s.command === 'disconnect') >= 0
      for (let i = 1; i <= seq; i++) {
        const count = answered.get(i) ?? 0
        // After the client's first disconnect the daemon hangs up; what was sent behind it may go unread.
        if (count !== 1 && !(left && count === 0)) throw new Error(`request ${i} was answered ${count} times`)
      }
    }
    socket.end()
    await Promise.race([closed, delay(3_000)])
    const end = Date.now() + 30_000
    while (fake.story.includes('attached') && !fake.story.includes('detached') && Date.now() < end) await delay(2)
    if (fake.story.includes('attached') && !fake.story.includes('detached')) throw new Error('the debugger was kept')
    const bugs = daemon.log.lines.filter((line) => line.level === 'error')
    if (bugs.length > 0)
      throw new Error(`a bug: ${JSON.stringify(bugs[0], (_, v: unknown) => (v instanceof Error ? v.stack : v))}`)
  })
  await fc.assert(property, { numRuns: 100, endOnFailure: true })
  t.match(await steady.request('threads', undefined), { threads: [{ id: 1 }] }, 'the other session goes on')
  t.equal(daemon.sessions.facts().length, 1, 'nothing is left of the others')
  await steady.disconnect()
})
