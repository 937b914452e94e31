import { once } from 'node:events'
import fc from 'fast-check'
import t from 'tap'
import { DapError } from '../../src/dap/errors.ts'
import { encodeFrame, FrameDecoder, frameLimits, streamWire, type Message } from '../../src/dap/framing.ts'
import { streamPair } from '../support/wires.ts'

const request = (seq: number, text = 'x'): Message => ({ seq, type: 'request', command: 'evaluate', text }) as Message

function decode(chunks: Iterable<Buffer>): Message[] {
  const messages: Message[] = []
  const decoder = new FrameDecoder((message) => messages.push(message))
  for (const chunk of chunks) decoder.push(chunk)
  return messages
}

function* cut(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

void t.test('a message is written exactly as the strictest clients read it', (t) => {
  t.equal(encodeFrame({ seq: 1, type: 'event' }).toString(), 'Content-Length: 24\r\n\r\n{"seq":1,"type":"event"}')
  const body = '{"seq":1,"type":"request","command":"evaluate","text":"é🦀"}'
  t.equal(
    encodeFrame(request(1, 'é🦀')).toString(),
    `Content-Length: ${body.length + 3}\r\n\r\n${body}`,
    'bytes, not characters',
  )
  t.end()
})

void t.test('the same messages however the bytes are cut', (t) => {
  const messages = [request(1), request(2, 'é🦀中'.repeat(50)), request(3, ''), request(4, 'y'.repeat(200_000))]
  const bytes = Buffer.concat(messages.map(encodeFrame))
  for (const size of [1, 2, 3, 7, 1_000, 65_536, bytes.length]) t.same(decode(cut(bytes, size)), messages, `by ${size}`)
  const few = Buffer.concat([encodeFrame(request(1)), encodeFrame(request(2))])
  for (let at = 0; at <= few.length; at++) t.equal(decode([few.subarray(0, at), few.subarray(at)]).length, 2)
  t.end()
})

void t.test('round trips of any JSON, cut anywhere', (t) => {
  const property = fc.property(
    fc.array(fc.json(), { maxLength: 5 }),
    fc.integer({ min: 1, max: 50 }),
    (texts, size) => {
      const messages = texts.map(
        (text, seq) => ({ seq, type: 'event', event: 'x', body: JSON.parse(text) as unknown }) as Message,
      )
      t.same(decode(cut(Buffer.concat(messages.map(encodeFrame)), size)), JSON.parse(JSON.stringify(messages)))
    },
  )
  fc.assert(property, { numRuns: 200 })
  t.end()
})

void t.test('other headers, letter cases and spaces are taken', (t) => {
  const body = '{"seq":1,"type":"event"}'
  for (const head of [
    'content-length:24',
    'CONTENT-LENGTH:   24  ',
    'Content-Type: application/json\r\nContent-Length: 24',
    'Content-Length: 24\r\nX: y',
    'Content-Length: 24\r\nContent-Length: 24',
  ]) {
    t.equal(decode([Buffer.from(`${head}\r\n\r\n${body}`)]).length, 1, head)
  }
  t.end()
})

void t.test('what is not DAP is refused by name', (t) => {
  const refused: [string, string][] = [
    ['GET / HTTP/1.1\r\n\r\n', 'badHeader'],
    ['Content-Length: -1\r\n\r\n', 'badHeader'],
    ['Content-Length: 0x10\r\n\r\n', 'badHeader'],
    ['Content-Length: 1e3\r\n\r\n', 'badHeader'],
    ['Content-Length: 5\r\nContent-Length: 6\r\n\r\n', 'badHeader'],
    ['X: y\r\n\r\n', 'badHeader'],
    [`X: ${'y'.repeat(5_000)}`, 'headerTooLong'],
    [`Content-Length: ${frameLimits.bodyBytes + 1}\r\n\r\n`, 'bodyTooLong'],
    ['Content-Length: 999999999999999\r\n\r\n', 'bodyTooLong'],
    ['Content-Length: 3\r\n\r\nabc', 'badMessage'],
    ['Content-Length: 0\r\n\r\n', 'badMessage'],
    ['Content-Length: 2\r\n\r\n[]', 'badMessage'],
    ['Content-Length: 4\r\n\r\nnull', 'badMessage'],
    ['Content-Length: 2\r\n\r\n{}', 'badMessage'],
    ['Content-Length: 26\r\n\r\n{"seq":"1","type":"event" }', 'badMessage'],
    ['Content-Length: 24\r\n\r\n{"seq":1,"type":"other"}', 'badMessage'],
    // Interleaved: a second header inside the first body.
    ['Content-Length: 24\r\n\r\n{"seq":1Content-Length: 24\r\n\r\n', 'badMessage'],
  ]
  for (const [text, code] of refused) {
    const bytes = Buffer.from(text)
    for (const chunks of [[bytes], [...cut(bytes, 1)]]) {
      t.throws(() => decode(chunks), { name: 'DapError', code }, `${code}: ${text.slice(0, 40)}`)
    }
  }
  t.end()
})

void t.test('random bytes never do anything but decode or throw a DapError', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        decode([Buffer.from('Content-Length: 5\r\n'), Buffer.from(bytes)])
      } catch (error) {
        return error instanceof DapError
      }
      return true
    }),
    { numRuns: 500 },
  )
  t.end()
})

void t.test(
  'the work is linear in the bytes: a body of 8 MiB by single bytes copies at most a few times its size',
  (t) => {
    const copied = { bytes: 0 }
    const original = Buffer.prototype.copy
    Buffer.prototype.copy = function (this: Buffer, ...args: Parameters<Buffer['copy']>): number {
      const n = original.apply(this, args)
      copied.bytes += n
      return n
    }
    t.teardown(() => (Buffer.prototype.copy = original))
    const bytes = encodeFrame(request(1, 'z'.repeat(8 * 1024 * 1024)))
    t.equal(decode(cut(bytes, 1)).length, 1)
    t.ok(copied.bytes < 4 * bytes.length, `${copied.bytes} bytes copied for ${bytes.length}`)
    t.end()
  },
)

void t.test('a wire that is sent garbage says why, and closes', async (t) => {
  const [ours, theirs] = streamPair()
  const wire = streamWire(ours, 'peer')
  wire.start(
    () => t.fail('no message'),
    () => {},
  )
  const received: Buffer[] = []
  theirs.on('data', (chunk: Buffer) => received.push(chunk))
  theirs.write('Content-Length: 3\r\n\r\nabc')
  await once(theirs, 'end')
  theirs.end()
  t.match(await wire.closed, { code: 'badMessage' })
  t.match(Buffer.concat(received).toString(), /"category":"stderr","output":"A message was not understood/)
})

void t.test('an end in the middle of a message is named; one between messages is clean', async (t) => {
  for (const [text, expected] of [
    ['Content-Length: 30\r\n\r\n{"se', { code: 'connectionClosed', message: /in the middle of a message/ }],
    ['Content-Len', { code: 'connectionClosed' }],
    ['', undefined],
  ] as const) {
    const [ours, theirs] = streamPair()
    const wire = streamWire(ours, 'peer')
    wire.start(
      () => {},
      () => {},
    )
    theirs.resume()
    theirs.end(text)
    t.match(await wire.closed, expected as object)
  }
})
