import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { connect, type Connected } from '../../src/backend/delve/connect.ts'
import { DelveConnection } from '../../src/backend/delve/connection.ts'
import { AnswerSplitter, formatRequest, hex, parseAnswer, wordOf, type Answer } from '../../src/backend/delve/wire.ts'
import { direct } from '../../src/transport/direct.ts'
import { silentLog } from '../support/backendSession.ts'
import { until } from '../support/debuggee.ts'
import { delveVersions, startGo, type DelveOptions, type DelveVersion } from '../support/delve.ts'
import { FakeDelve, type Impostor } from '../support/fakeDelve.ts'
import { streamPair } from '../support/wires.ts'

const line = (answer: object): Buffer => Buffer.from(`${JSON.stringify(answer)}\n`)

function split(chunks: readonly Buffer[], limit?: number): (Answer | undefined)[] {
  const splitter = new AnswerSplitter(limit)
  return chunks.flatMap((chunk) => [...splitter.take(chunk)])
}

void t.test('a request is one line with one parameter', (t) => {
  const text = formatRequest(7, 'Eval', {
    Scope: { GoroutineID: -1, Frame: 0 },
    Expr: 'a == "x\n\u2028y"',
    Cfg: {
      FollowPointers: true,
      MaxVariableRecurse: 1,
      MaxStringLen: 512,
      MaxArrayValues: 64,
      MaxStructFields: -1,
    },
  })
  t.equal(text.indexOf('\n'), text.length - 1)
  t.match(JSON.parse(text), {
    id: 7,
    method: 'RPCServer.Eval',
    params: [{ Scope: { GoroutineID: -1, Frame: 0 }, Expr: 'a == "x\n\u2028y"' }],
  })
  t.end()
})

void t.test('answers are found in the bytes', async (t) => {
  const answers = [
    { id: 1, result: { text: 'grüße, 世界, \u{1f600}' }, error: null },
    { id: 2, result: null, error: 'could not find statement at /a.go:3' },
    { id: 3, result: {}, error: null },
  ]
  const expected = [
    { id: 1, kind: 'result', result: { text: 'grüße, 世界, \u{1f600}' } },
    { id: 2, kind: 'error', message: 'could not find statement at /a.go:3' },
    { id: 3, kind: 'result', result: {} },
  ]
  const bytes = Buffer.concat(answers.map(line))
  t.same(split([bytes]), expected, 'whole')
  for (let at = 0; at <= bytes.length; at++) {
    const found = split([bytes.subarray(0, at), bytes.subarray(at)])
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.fail(`cut at ${at}: ${JSON.stringify(found)}`)
  }
  t.same(split([...bytes].map((byte) => Buffer.of(byte))), expected, 'byte by byte')
  t.same(split([Buffer.from('\n\r\n  \n'), bytes]), expected, 'empty lines are nothing')
  t.same(split([bytes.subarray(0, bytes.length - 1)]), expected.slice(0, 2), 'the last has not ended')

  await t.test('any answer, cut anywhere', async (t) => {
    // Whole numbers of 16 digits have a test of their own.
    const result = fc
      .jsonValue({ maxDepth: 3 })
      .filter((value) => !/(?<![.\d])\d{16,}(?![.\d])/.test(JSON.stringify(value)))
    const answer = fc.record({ id: fc.nat(), result, error: fc.constant(null) })
    const cuts = fc.array(fc.nat(4_000), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 6 }), cuts, (all, places) => {
        const text = Buffer.concat(all.map(line))
        const sorted = [0, ...places.map((place) => Math.min(place, text.length)).sort((a, b) => a - b), text.length]
        const chunks = sorted.slice(1).map((end, at) => text.subarray(sorted[at], end))
        const found = split(chunks)
        const whole = all.map((one) => {
          // What a double holds stays a number, and nothing else is changed.
          return { id: one.id, kind: 'result', result: JSON.parse(JSON.stringify(one.result)) as unknown }
        })
        return JSON.stringify(found) === JSON.stringify(whole)
      }),
      { numRuns: 300 },
    )
    t.pass()
  })
})

void t.test('what is no answer', (t) => {
  for (const text of [
    'HTTP/1.1 400 Bad Request',
    '{',
    'null',
    '7',
    '[]',
    '"text"',
    '{"id":"7","result":{}}',
    '{"result":{}}',
    '{"id":null,"result":null,"error":"x"}',
    '\u0000\u0001\u00ff',
  ]) {
    t.equal(parseAnswer(text), undefined, text)
  }
  t.match(parseAnswer('{"id":7}'), { id: 7, kind: 'result' }, 'an answer without result')
  t.match(parseAnswer('{"id":7,"result":{},"error":{"a":1}}'), { kind: 'error', message: '{"a":1}' }, 'an odd error')
  t.end()
})

void t.test('what is too large is passed by', (t) => {
  const limit = 200
  const small = line({ id: 4, result: {}, error: null })
  const large = line({ id: 3, result: { text: 'x'.repeat(1_000) }, error: null })
  const expected = [
    { id: 3, kind: 'tooLarge', bytes: large.length - 1 },
    { id: 4, kind: 'result', result: {} },
  ]
  t.same(split([large, small], limit), expected)
  t.same(
    split(
      Array.from(Buffer.concat([large, small]), (byte) => Buffer.of(byte)),
      limit,
    ),
    expected,
    'byte by byte',
  )
  const exact = line({ id: 5, result: '', error: null })
  t.match(split([exact], exact.length - 1), [{ kind: 'result' }], 'up to the limit and no less')
  t.match(split([exact], exact.length - 2), [{ id: 5, kind: 'tooLarge' }])
  t.same(split([Buffer.from(`${'x'.repeat(1_000)}\n`), small], limit), [undefined, expected[1]], 'and no answer')
  t.end()
})

void t.test('numbers that a double would round', (t) => {
  const result = (text: string): unknown => (parseAnswer(text) as { result?: unknown }).result
  t.same(result('{"id":1,"result":{"addr":13757652436686733111,"pc":4198400}}'), {
    addr: '13757652436686733111',
    pc: 4198400,
  })
  t.same(result('{"id":1,"result":[9007199254740991,9007199254740993,-9007199254740993]}'), [
    9007199254740991,
    '9007199254740993',
    '-9007199254740993',
  ])
  t.same(
    result(
      '{"id":1,"result":{"value":"18446744073709551615","a\\"b:12345678901234567890":"x\\\\","n":12345678901234567890}}',
    ),
    { value: '18446744073709551615', 'a"b:12345678901234567890': 'x\\', n: '12345678901234567890' },
    'in texts they stay what they are',
  )
  t.equal(wordOf('13757652436686733111'), 13757652436686733111n)
  t.equal(hex('18446744073699065856'), '0xffffffffff600000')
  t.equal(hex(4198400), '0x401000')
  const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  fc.assert(
    fc.property(word, fc.string(), (number, text) => {
      const parsed = result(`{"id":1,"result":{"addr":${number},"value":${JSON.stringify(text)}}}`)
      const { addr, value } = parsed as { addr: number | string; value: string }
      return wordOf(addr) === number && value === text
    }),
    { numRuns: 300 },
  )
  t.end()
})

void t.test('one connection', async (t) => {
  const open = (readOnly = false) => {
    const [near, far] = streamPair()
    const writes: string[] = []
    far.on('data', (chunk: Buffer) => writes.push(chunk.toString()))
    return { connection: new DelveConnection(near, { where: '127.0.0.1:4711', log: silentLog, readOnly }), far, writes }
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

  await t.test('answers come in any order', async (t) => {
    const { connection, far, writes } = open()
    const resume = connection.ask('Command', { name: 'continue' }, { limitMs: Infinity })
    const stack = connection.ask('Stacktrace', { Id: -1, Depth: 3 })
    await turn()
    t.same(
      writes
        .join('')
        .trim()
        .split('\n')
        .map((text) => (JSON.parse(text) as { id: number }).id),
      [1, 2],
      'in the order of asking',
    )
    far.write(Buffer.concat([line({ id: 2, result: { Locations: [] }, error: null }), line({ id: 1, result: 'x' })]))
    t.same(await stack, { Locations: [] })
    t.same(await resume, 'x')
    const refused = connection.ask('TypeInfo' as 'GetVersion', {})
    await turn()
    far.write(line({ id: 3, result: null, error: 'unknown method: RPCServer.TypeInfo' }))
    await t.rejects(refused, { name: 'DelveError', isUnknownMethod: true, method: 'TypeInfo' })
  })

  await t.test('nobody answers in time', async (t) => {
    const { connection, far } = open()
    const late = connection.ask('ListSources', { Filter: '' }, { limitMs: 5 })
    await t.rejects(late, {
      code: 'debuggerFailed',
      message: 'Delve has not answered ListSources within 0.005 s (127.0.0.1:4711).',
    })
    far.write(line({ id: 1, result: {}, error: null }))
    const given = new AbortController()
    const asked = connection.ask('ListSources', { Filter: '' }, { signal: given.signal })
    given.abort(new Error('no longer wanted'))
    await t.rejects(asked, { message: 'no longer wanted' })
    await t.rejects(connection.ask('GetVersion', {}, { signal: given.signal }), { message: 'no longer wanted' })
    const later = connection.ask('GetVersion', {})
    far.write(Buffer.concat([line({ id: 2, result: {} }), line({ id: 3, result: { APIVersion: 2 } })]))
    t.same(await later, { APIVersion: 2 }, 'late answers are nobody else’s')
  })

  await t.test('a session that only looks', async (t) => {
    const { connection, writes } = open(true)
    const refused = { code: 'unsupported', message: /session that only looks/ }
    const Scope = { GoroutineID: -1, Frame: 0 }
    await t.rejects(connection.ask('Set', { Scope, Symbol: 'a', Value: '1' }), refused)
    await t.rejects(connection.ask('Command', { name: 'call', expr: 'f()' }), refused)
    await t.rejects(connection.ask('Detach', { Kill: true }), refused)
    await t.rejects(connection.ask('Restart', {}), refused)
    await turn()
    t.same(writes, [], 'nothing of it has left')
  })

  await t.test('it says what nobody understands', async (t) => {
    const { connection, far } = open()
    const first = connection.ask('GetVersion', {})
    far.write(line({ id: 1, result: {} }))
    await first
    const next = connection.ask('GetVersion', {})
    far.write(Buffer.from('\u0007 garbage\n{"id":99,"result":{}}\n'))
    far.write(line({ id: 2, result: { APIVersion: 2 } }))
    t.same(await next, { APIVersion: 2 }, 'a Delve that has spoken goes on')
  })

  await t.test('an end takes all with it', async (t) => {
    const { connection, far } = open()
    const first = connection.ask('GetVersion', {})
    far.write(line({ id: 1, result: {} }))
    await first
    const asked = connection.ask('Command', { name: 'continue' }, { limitMs: Infinity })
    far.end()
    await t.rejects(asked, { code: 'debuggerGone', message: /Delve closed the connection \(127\.0\.0\.1:4711\)/ })
    t.match(await connection.closed, { code: 'debuggerGone' })
    await t.rejects(connection.ask('GetVersion', {}), { code: 'debuggerGone' }, 'and whoever comes later')
    const { connection: ours } = open()
    const pending = ours.ask('GetVersion', {})
    pending.catch(() => {})
    t.equal(await ours.close(), undefined, 'an end of our own is no error')
    await t.rejects(pending)
  })
})

void t.test('a port that is no Delve that can be debugged with', async (t) => {
  const ends: (() => Promise<unknown>)[] = []
  t.teardown(async () => {
    for (const end of ends.reverse()) await end()
  })
  const attach = async (port: number, signal = new AbortController().signal): Promise<Connected> => {
    const transport = direct()
    ends.push(async () => transport[Symbol.asyncDispose]())
    const options = { address: { host: '127.0.0.1', port }, listen: false, client: { adapterID: 'go' }, settings: {} }
    const connected = await connect(options, {
      transport,
      signal,
      log: silentLog,
      guard: { readOnly: false },
      emit() {},
      child() {},
    })
    ends.push(
      () => connected.links.main.close(),
      () => connected.links.control.close(),
    )
    return connected
  }
  const fake = async (impostor?: Impostor): Promise<FakeDelve> => {
    const one = await new FakeDelve().listen()
    one.impostor = impostor
    ends.push(() => one.end())
    return one
  }
  const no = (port: number, problem: RegExp) => {
    return { code: 'notThisDebugger', message: new RegExp(`^127\\.0\\.0\\.1:${port} .*${problem.source}`) }
  }
  const advice = /dlv attach PID --headless --accept-multiclient/

  await t.test('speaks something else', async (t) => {
    const speakers: [string, Impostor][] = [
      ['a web server', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
      ['an SSH server, which speaks first', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
      ['garbage', (socket) => socket.write(Buffer.from([0, 255, 10, 128, 10]))],
      ['JSON that is none of ours', (socket) => socket.write('{"jsonrpc":"2.0","error":{"code":-32700}}\n')],
    ]
    for (const [name, impostor] of speakers) {
      const { port } = await fake(impostor)
      await t.rejects(attach(port), no(port, /another protocol/), name)
      await t.rejects(attach(port), { message: advice }, name)
    }
    const endless = await fake((socket) => {
      const more = (): boolean =>
        !socket.destroyed && socket.write(Buffer.alloc(100_000, 'x'), () => setImmediate(more))
      more()
    })
    const given = new AbortController()
    const asked = attach(endless.port, given.signal)
    setImmediate(() => given.abort(new Error('given up')))
    await t.rejects(asked, { message: 'given up' }, 'one that never ends a line')
  })

  await t.test('says nothing', async (t) => {
    const silent = await fake(() => {})
    const given = new AbortController()
    const asked = attach(silent.port, given.signal)
    setImmediate(() => given.abort(new Error('given up')))
    await t.rejects(asked, { message: 'given up' }, 'who waits can give up')
    const closing = await fake((socket) => socket.end())
    await t.rejects(attach(closing.port), no(closing.port, /closed the connection without a word/))
    const resetting = await fake((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await t.rejects(attach(resetting.port), no(resetting.port, /reset the connection without a word/))
    await t.rejects(attach(resetting.port), { message: /another user.*--only-same-user=false/ })
    const nobody = net.createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const { port } = nobody.address() as AddressInfo
    await new Promise((resolve) => nobody.close(resolve))
    await t.rejects(attach(port), { name: 'HopError', message: /nothing listens there/ }, 'nobody listens')
  })

  await t.test('dies or stalls while it is greeted', async (t) => {
    for (const method of ['SetApiVersion', 'GetVersion', 'State']) {
      const one = await fake()
      one.answers.set(method, () => {
        one.cut()
        return undefined
      })
      await t.rejects(attach(one.port), { code: /^(debuggerGone|notThisDebugger)$/ }, `dies at ${method}`)
    }
    const stalled = await fake()
    stalled.answers.set('GetVersion', () => undefined)
    const given = new AbortController()
    const asked = attach(stalled.port, given.signal)
    await until('it was asked', () => stalled.words().includes('State'))
    given.abort(new Error('given up'))
    await t.rejects(asked, { message: 'given up' })
    const old = await fake()
    old.answers.set('SetApiVersion', () => ({ error: 'unknown API version' }))
    await t.rejects(attach(old.port), no(old.port, /version 2 of its API \(unknown API version\)/))
    const gone = await fake()
    gone.answers.set('State', () => ({ error: 'Process 4711 has exited with status 2' }))
    await t.rejects(attach(gone.port), { code: 'programEnded' })
  })

  await t.test('the real ones', async (t) => {
    const started = (more: DelveOptions, version: DelveVersion = delveVersions[0]) =>
      startGo(version, 'life', more).then((program) => {
        ends.push(() => program.end())
        return program
      })
    const dap = await started({ start: 'dap' })
    // Only once: its first client is its last.
    await t.rejects(attach(dap.port), no(dap.port, /without a word.*dlv dap.*--headless/), 'dlv dap')

    const nobody = 65_534
    for (const version of delveVersions) {
      const other = await started({ start: 'exec', uid: nobody }, version)
      // Whichever arrives first: its end, or what the kernel answers to what was written after it.
      const refused = no(other.port, /(?:reset|closed) the connection/)
      await t.rejects(attach(other.port), refused, `another user's (${version.name})`)
      await t.rejects(attach(other.port), { message: /client of another user/ })
    }

    const first = await started({ start: 'exec-held', apiVersion: 1 }, delveVersions[1])
    const connected = await attach(first.port)
    t.match(connected.facts, { version: /^1\.20/, multiclient: true, attached: false, wasRunning: false })
    const { Locations } = await connected.links.main.ask('Stacktrace', { Id: -1, Depth: 3 })
    t.ok(Locations!.length > 0, 'a version 1 API is told to be version 2')
    await first.delve.kill()
    t.match(await connected.links.main.closed, { code: 'debuggerGone', message: /127\.0\.0\.1/ }, 'it is killed')
    t.match(await connected.links.control.closed, { code: 'debuggerGone' })
    await t.rejects(connected.links.main.ask('GetVersion', {}), { code: 'debuggerGone' })
  })
})
