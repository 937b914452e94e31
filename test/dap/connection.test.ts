import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Connection, type ConnectionOptions, type Incoming, type IncomingRequest } from '../../src/dap/connection.ts'
import { DapError, dapError, errorBody } from '../../src/dap/errors.ts'
import type { Message, Wire } from '../../src/dap/framing.ts'
import { deferred } from '../../src/lib/deferred.ts'
import { keptLog, wirePair } from '../support/wires.ts'

interface Loose {
  seq: number
  type: string
  request_seq?: number
  command?: string
  success?: boolean
  message?: string
  event?: string
  body?: Record<string, unknown>
}

/** A connection of ours, and the bare wire at its other end. */
function adapter(incoming: Partial<Incoming>, options: Partial<ConnectionOptions> = {}) {
  const [ours, theirs] = wirePair()
  const log = keptLog()
  const connection = new Connection(ours, { request: () => Promise.resolve(), ...incoming }, { log, ...options })
  const received: Loose[] = []
  theirs.start(
    (message) => received.push(message as Loose),
    () => {},
  )
  const send = (message: object): void => theirs.send(message as Message)
  const request = (seq: number, command: string, args?: object): void =>
    send({ seq, type: 'request', command, ...(args ? { arguments: args } : {}) })
  const answers = (seq: number): Loose[] => received.filter((m) => m.type === 'response' && m.request_seq === seq)
  return { connection, theirs, received, send, request, answers, log }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await turn()
}

void t.test('every request is answered once: done, failed, unknown, thrown at once, a bug', async (t) => {
  const a = adapter({
    request: ({ command }) => {
      if (command === 'threads') return Promise.resolve({ threads: [] })
      if (command === 'next') return Promise.reject(dapError('notStopped', {}))
      if (command === 'pause') throw dapError('unsupported', { backend: 'x', command, why: '' })
      throw new TypeError('secret detail')
    },
  })
  for (const [seq, command] of ['threads', 'next', 'pause', 'scopes'].entries()) a.request(seq + 1, command)
  await turns()
  t.match(a.answers(1), [{ success: true, body: { threads: [] } }])
  t.match(a.answers(2), [
    { success: false, message: 'notStopped', body: { error: { format: /^The program runs\. Pause it/ } } },
  ])
  t.match(a.answers(3), [{ success: false, message: /cannot do 'pause'/, body: { error: { id: 1002 } } }])
  t.match(a.answers(4), [{ success: false, body: { error: { id: 1013, showUser: true } } }])
  t.notMatch(JSON.stringify(a.received), /secret detail/, 'no word of a bug leaves the daemon')
  t.match(a.log.lines, [{ level: 'error', fields: { errorId: /^\w{8}$/ } }])
})

void t.test('message and format are the same sentence, without braces', (t) => {
  const error = dapError('debuggerFailed', { message: "KeyError: {'a': 1}" })
  t.equal(errorBody(error).error?.format, "KeyError: ('a': 1)")
  t.end()
})

void t.test('requests begin in order, and at most so many run', async (t) => {
  const begun: number[] = []
  const gates = new Map<number, ReturnType<typeof deferred<void>>>()
  const a = adapter(
    {
      request: ({ seq }) => {
        begun.push(seq)
        gates.set(seq, deferred<void>())
        return gates.get(seq)!.promise
      },
    },
    { maxRunning: 2, maxQueued: 2 },
  )
  for (let seq = 1; seq <= 5; seq++) a.request(seq, 'variables')
  a.request(6, 'disconnect')
  await turns()
  t.same(begun, [1, 2, 6], 'leaving does not wait in the queue')
  t.match(a.answers(5), [{ success: false, message: /Too many requests/ }])
  gates.get(2)!.resolve()
  gates.get(1)!.resolve()
  await turns()
  t.same(begun, [1, 2, 6, 3, 4])
})

void t.test('cancel: queued, running, already answered, never heard of; a progress', async (t) => {
  const signals = new Map<number, AbortSignal>()
  const progress: string[] = []
  const a = adapter(
    {
      request: ({ seq, command, signal }: IncomingRequest) => {
        signals.set(seq, signal)
        return command === 'threads' ? Promise.resolve() : new Promise(() => {})
      },
      cancelProgress: (id) => void progress.push(id),
    },
    { maxRunning: 1, maxQueued: 5 },
  )
  a.request(1, 'threads')
  await turns()
  a.request(2, 'evaluate')
  a.request(3, 'evaluate')
  a.request(4, 'cancel', { requestId: 3 })
  await turns()
  t.match(a.answers(3), [{ success: false, message: 'cancelled' }])
  t.notOk(signals.has(3), 'a queued request never begins')
  a.request(5, 'cancel', { requestId: 2 })
  await turns()
  t.match(a.answers(2), [{ success: false, message: 'cancelled' }])
  t.ok(signals.get(2)?.aborted)
  a.request(6, 'cancel', { requestId: 1 })
  a.request(7, 'cancel', { requestId: 99 })
  a.request(8, 'cancel', { progressId: 'p' })
  a.request(9, 'cancel')
  await turns()
  for (const seq of [4, 5, 6, 7, 8, 9]) t.match(a.answers(seq), [{ success: true }], `cancel ${seq} is answered`)
  t.equal(a.answers(1).length, 1)
  t.same(progress, ['p'])
})

void t.test('the waiters of a response run before the event that came with it', async (t) => {
  const order: string[] = []
  const [ours, theirs] = wirePair()
  const log = keptLog()
  const client = new Connection(ours, { request: () => Promise.resolve(), event: (e) => void order.push(e) }, { log })
  theirs.start(
    (message) => {
      const { seq, command } = message as Loose
      theirs.send({ seq: 1, type: 'response', request_seq: seq, success: true, command } as Message)
      theirs.send({ seq: 2, type: 'event', event: 'stopped', body: {} } as Message)
    },
    () => {},
  )
  await client.request('next', { threadId: 1 })
  // As many promises deep as a chain of policies makes it.
  for (let i = 0; i < 30; i++) await Promise.resolve()
  order.push('answered')
  await turns()
  t.same(order, ['answered', 'stopped'])
})

void t.test('a request given up is not answered twice, and its late answer is dropped quietly', async (t) => {
  const a = adapter({})
  const controller = new AbortController()
  const asked = a.connection.request('startDebugging', { request: 'attach', configuration: {} }, controller.signal)
  await turns()
  controller.abort(dapError('cancelled', {}))
  await t.rejects(asked, { code: 'cancelled' })
  a.send({ seq: 1, type: 'response', request_seq: a.received[0]!.seq, success: true, command: 'startDebugging' })
  await turns()
  t.same(a.log.lines, [])
  a.send({ seq: 2, type: 'response', request_seq: 77, success: true, command: 'x' })
  await turns()
  t.match(a.log.lines, [{ level: 'warn' }], 'an answer to nothing is worth a line')
})

void t.test('a failed answer keeps the sentence of the peer, its variables filled in', async (t) => {
  const a = adapter({})
  const asked = a.connection.request('startDebugging', { request: 'attach', configuration: {} })
  await turns()
  const error = { id: 1, format: 'no {what} here {left}', variables: { what: 'port' } }
  const response = { seq: 1, type: 'response', request_seq: a.received[0]!.seq, success: false, command: 'x' }
  a.send({ ...response, message: 'short', body: { error } })
  await t.rejects(asked, { code: 'debuggerFailed', message: 'no port here {left}' })
})

void t.test(
  'the end of the connection rejects what is pending, aborts what runs, and refuses what comes later',
  async (t) => {
    let signal: AbortSignal | undefined
    const a = adapter({
      request: (request) => {
        signal = request.signal
        return new Promise(() => {})
      },
    })
    a.request(1, 'evaluate')
    const asked = a.connection.request('startDebugging', { request: 'attach', configuration: {} })
    await turns()
    a.theirs.close()
    await t.rejects(asked, { code: 'connectionClosed' })
    t.equal(await a.connection.closed, undefined)
    t.match(signal?.reason, { code: 'connectionClosed' })
    await t.rejects(a.connection.request('startDebugging', { request: 'attach', configuration: {} }), {
      code: 'connectionClosed',
    })
    a.connection.emit('output', { output: 'x' })
  },
)

void t.test('a client that reads too slowly loses output, counted, and nothing else', async (t) => {
  const sent: Loose[] = []
  let buffered = 0
  let drained = (): void => {}
  const wire: Wire = {
    peer: 'slow',
    start: (_onMessage, onDrained) => (drained = onDrained),
    send: (message) => void sent.push(message as Loose),
    get bufferedBytes() {
      return buffered
    },
    close: (error) => closed.resolve(error),
    closed: (() => closed.promise)(),
  } as Wire
  const { connection } = { connection: new Connection(wire, { request: () => Promise.resolve() }, { log: keptLog() }) }
  const say = (output: string): void => connection.emit('output', { category: 'stdout', output })
  say('1')
  buffered = 5 * 1024 * 1024
  // A print that comes in two pieces is one line.
  say('2')
  say('\n')
  say('3\n')
  connection.emit('stopped', { reason: 'breakpoint', threadId: 1 })
  t.same(
    sent.map((m) => m.body?.['output'] ?? m.event),
    ['1', 'stopped'],
  )
  buffered = 0
  drained()
  t.match(sent.at(-1), { event: 'output', body: { output: / 2 lines of output were dropped/ } })
  say('4')
  t.equal(sent.at(-1)?.body?.['output'], '4')
  buffered = 200 * 1024 * 1024
  connection.emit('stopped', { reason: 'breakpoint', threadId: 1 })
  t.match(await connection.closed, { message: /does not read/ }, 'past the last limit the peer is given up')
})

const closed = deferred<Error | undefined>()

void t.test('a bug in taking an event does not end the connection', async (t) => {
  const a = adapter({
    event: () => {
      throw new Error('bug')
    },
  })
  a.send({ seq: 1, type: 'event', event: 'x' })
  a.request(2, 'threads')
  await turns()
  t.match(a.log.lines, [{ level: 'error' }])
  t.equal(a.answers(2).length, 1)
})

void t.test('abortRunning answers all but the one command', async (t) => {
  const a = adapter({ request: () => new Promise(() => {}) }, { maxRunning: 2 })
  a.request(1, 'evaluate')
  a.request(2, 'disconnect')
  a.request(3, 'threads')
  await turns()
  a.connection.abortRunning(new DapError('sessionEnded', 'over'), 'disconnect')
  await turns()
  t.match(a.answers(1), [{ success: false, message: 'over' }])
  t.match(a.answers(3), [{ success: false, message: 'over' }])
  t.same(a.answers(2), [])
})
