import { Duplex } from 'node:stream'

/** A message over this many bytes is not read into memory. A script with its map inline (21 MB seen) must fit. */
export const messageMaxBytes = 64 * 1024 * 1024

/** Of a message that is left out this much is read: the id or the method stands at its start (Node 20, 24). */
const startBytes = 256

/**
 * The inspector's stream below `ws`, with two duties that `ws` cannot have:
 * - A message from the inspector that is over the limit is left out, byte by byte, and an error answer with its id is put
 *   in its place: one string of 100 MB in the program's scope must end neither the session nor the daemon's memory.
 *   Node's inspector sends each message in one frame, never compressed (20, 24).
 * - What is written in one turn of the event loop leaves in one write: Node's inspector answers requests that arrive
 *   together in one go, while each small write of its own can cost 44 ms (notes/js-debug.md, CDP facts).
 */
export class FrameStream extends Duplex {
  readonly #inner: Duplex
  readonly #limit: number
  /** Bytes of the HTTP answer of the upgrade are passed as they are, until its empty line. */
  #upgraded = false
  #head = Buffer.alloc(0)
  #passing = 0
  #skipping = 0
  #skipped: { start: Buffer; length: number } | undefined
  readonly #early: EarlyBytes

  constructor(inner: Duplex, limit = messageMaxBytes) {
    super({ allowHalfOpen: false })
    this.#inner = inner
    this.#limit = limit
    this.#early = new EarlyBytes(inner)
    inner.on('data', (chunk: Buffer) => {
      if (this.#upgraded) this.#early.send()
      if (!this.#take(chunk)) inner.pause()
    })
    inner.once('end', () => this.push(null))
    inner.once('error', (error) => this.destroy(error))
    inner.once('close', () => this.destroy())
  }

  override _read(): void {
    this.#inner.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#inner.write(this.#early.rest(chunk), done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#inner.write(this.#early.rest(Buffer.concat(chunks.map(({ chunk }) => chunk))), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#inner.end(done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy()
    done(error)
  }

  /** False when the reader has enough. */
  #take(chunk: Buffer): boolean {
    let rest = chunk
    let more = true
    if (!this.#upgraded) {
      const seen = Buffer.concat([this.#head, rest])
      const end = seen.indexOf('\r\n\r\n')
      this.#head = end < 0 ? seen.subarray(-3) : Buffer.alloc(0)
      if (end < 0) return this.push(rest)
      this.#upgraded = true
      const taken = rest.length - (seen.length - (end + 4))
      more = this.push(rest.subarray(0, taken))
      rest = rest.subarray(taken)
    }
    while (rest.length > 0) {
      if (this.#passing > 0) {
        const part = rest.subarray(0, this.#passing)
        this.#passing -= part.length
        more = this.push(part)
        rest = rest.subarray(part.length)
      } else if (this.#skipping > 0) rest = this.#skip(rest)
      else {
        const head = this.#head.length === 0 ? rest : Buffer.concat([this.#head, rest])
        const frame = frameHead(head)
        if (frame === undefined) {
          this.#head = Buffer.from(head)
          return more
        }
        rest = this.#begin(head, frame)
        more = !this.readableFlowing || more
      }
    }
    return more && this.readableLength < this.readableHighWaterMark
  }

  #begin(head: Buffer, { headBytes, payloadBytes }: FrameHead): Buffer {
    this.#head = Buffer.alloc(0)
    if (payloadBytes <= this.#limit) {
      this.push(head.subarray(0, headBytes))
      this.#passing = payloadBytes
    } else {
      this.#skipping = payloadBytes
      this.#skipped = { start: Buffer.alloc(0), length: payloadBytes }
    }
    return head.subarray(headBytes)
  }

  #skip(rest: Buffer): Buffer {
    const part = rest.subarray(0, this.#skipping)
    const skipped = this.#skipped!
    if (skipped.start.length < startBytes) {
      skipped.start = Buffer.concat([skipped.start, part.subarray(0, startBytes - skipped.start.length)])
    }
    this.#skipping -= part.length
    if (this.#skipping === 0) this.push(textFrame(inPlaceOf(skipped.start.toString('latin1'), skipped.length)))
    return rest.subarray(part.length)
  }
}

/**
 * What the inspector writes in pieces (an answer, then two events of a step) is held back by its own kernel after the
 * first of them, until ours has acknowledged that: 44 ms later, when nothing of ours is on its way to carry it (Nagle's
 * algorithm against delayed acknowledgements; 44 ms became 2 for a step, Node 20 and 24). So what comes in is answered
 * at once with a byte of our next message's head, which says nothing yet: the inspector waits for the rest of it.
 */
class EarlyBytes {
  readonly #stream: Duplex
  #sent = 0

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  send(): void {
    if (this.#sent === earlyHead.length || this.#stream.writableLength > 0 || !this.#stream.writable) return
    this.#stream.write(earlyHead.subarray(this.#sent, ++this.#sent))
  }

  /** Of what `ws` writes, which begins with the head of a frame, what is not sent yet. */
  rest(bytes: Buffer): Buffer {
    if (this.#sent === 0) return bytes
    const sent = this.#sent
    this.#sent = 0
    const frame = frameHead(bytes)
    // Of another kind than was begun, which is the closing one: what was begun becomes an empty text.
    if (frame === undefined || bytes[0] !== earlyHead[0]) {
      return Buffer.concat([longHead(0).subarray(sent), Buffer.alloc(maskBytes), bytes])
    }
    return Buffer.concat([longHead(frame.payloadBytes).subarray(sent), bytes.subarray(frame.headBytes)])
  }
}

const maskBytes = 4
/** A masked text whose length stands in 8 bytes (RFC 6455, 5.2): the first of those are 0 for any length of ours. */
const earlyHead = Buffer.from([0x81, 0xff, 0, 0, 0, 0])

function longHead(payloadBytes: number): Buffer {
  const head = Buffer.concat([earlyHead, Buffer.alloc(4)])
  head.writeUInt32BE(payloadBytes, earlyHead.length)
  return head
}

/** Of the error that stands in for an answer that is too large. In JSON-RPC's range for the implementation. */
export const tooLargeCode = -32_099

/** The message that comes instead: an error for an answer, an event of our own for an event. */
function inPlaceOf(start: string, bytes: number): string {
  const id = /^\{"id":(\d{1,9})[,}]/.exec(start)?.[1]
  const words = `the answer of ${bytes} bytes is over the limit of ${messageMaxBytes}`
  if (id !== undefined) return JSON.stringify({ id: Number(id), error: { code: tooLargeCode, message: words } })
  const about = /^\{"method":"([\w.]{1,80})"/.exec(start)?.[1] ?? 'unknown'
  return JSON.stringify({ method: 'Breakwater.leftOut', params: { about, bytes } })
}

interface FrameHead {
  readonly headBytes: number
  readonly payloadBytes: number
}

/** RFC 6455, 5.2. A server's frames are not masked. Undefined while bytes of the head are missing. */
function frameHead(bytes: Buffer): FrameHead | undefined {
  if (bytes.length < 2) return undefined
  const length = bytes[1]! & 0x7f
  if (length < 126) return { headBytes: 2, payloadBytes: length }
  if (length === 126) return bytes.length < 4 ? undefined : { headBytes: 4, payloadBytes: bytes.readUInt16BE(2) }
  if (bytes.length < 10) return undefined
  return { headBytes: 10, payloadBytes: Number(bytes.readBigUInt64BE(2)) }
}

function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const head = payload.length < 126 ? Buffer.from([0x81, payload.length]) : Buffer.from([0x81, 126, 0, 0])
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
