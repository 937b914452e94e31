import type { Duplex } from 'node:stream'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { deferred } from '../lib/deferred.ts'
import { DapError, dapError } from './errors.ts'

export type Message = DebugProtocol.ProtocolMessage

/** One peer's stream of DAP messages, whatever carries it: a byte stream with headers here, WebSocket frames elsewhere. */
export interface Wire {
  /** Who is at the other end, for errors and the audit. */
  readonly peer: string
  /** Delivers messages from now on, in order. `drained` is told when all that was sent has left. */
  start(onMessage: (message: Message) => void, onDrained: () => void): void
  send(message: Message): void
  /** Bytes that are sent but not yet taken by the system. */
  readonly bufferedBytes: number
  /** Sends what is queued, then closes. With an error, that is what `closed` settles with. */
  close(error?: Error): void
  /** Settles once; with the error if the peer did not simply close. */
  readonly closed: Promise<Error | undefined>
}

export interface FrameLimits {
  readonly headerBytes: number
  readonly bodyBytes: number
}

export const frameLimits: FrameLimits = { headerBytes: 4 * 1024, bodyBytes: 64 * 1024 * 1024 }

/** `Content-Length: N` exactly so: lower case breaks VS Code, dap-mode and vimspector (notes/clients.md, framing). */
export function encodeFrame(message: Message): Buffer {
  const text = JSON.stringify(message)
  const length = Buffer.byteLength(text)
  const head = `Content-Length: ${length}\r\n\r\n`
  // Written into its place: a page of a long list is hundreds of kilobytes, and each further copy is felt.
  const frame = Buffer.allocUnsafe(head.length + length)
  frame.write(head, 0, 'latin1')
  frame.write(text, head.length, 'utf8')
  return frame
}

/**
 * Bytes to messages. Linear in the bytes, however they are cut: a body is gathered in one buffer that doubles up to
 * the announced length, so that neither a byte at a time nor a huge announcement costs more than what really came.
 */
export class FrameDecoder {
  readonly #limits: FrameLimits
  readonly #onMessage: (message: Message) => void
  #head = Buffer.alloc(256)
  #headLength = 0
  #body: Buffer | undefined
  #bodyLength = 0
  #wanted = 0

  constructor(onMessage: (message: Message) => void, limits: FrameLimits = frameLimits) {
    this.#onMessage = onMessage
    this.#limits = limits
  }

  /** True between two messages: an end of the stream here is a clean one. */
  get atBoundary(): boolean {
    return this.#headLength === 0 && this.#body === undefined
  }

  /** Throws a {@link DapError} at the first byte that can't be part of DAP; the decoder is of no use afterwards. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) at = this.#body === undefined ? this.#pushHead(chunk, at) : this.#pushBody(chunk, at)
  }

  #pushHead(chunk: Buffer, from: number): number {
    let at = from
    while (at < chunk.length) {
      if (this.#headLength === this.#limits.headerBytes) {
        throw dapError('headerTooLong', { limit: this.#limits.headerBytes })
      }
      if (this.#headLength === this.#head.length) this.#head = grown(this.#head, this.#head.length * 2)
      const byte = chunk[at++]!
      this.#head[this.#headLength++] = byte
      if (byte === 0x0a && this.#headEnds()) {
        this.#wanted = contentLength(this.#head.toString('latin1', 0, this.#headLength), this.#limits)
        this.#headLength = 0
        this.#body = empty
        this.#bodyLength = 0
        if (this.#wanted === 0) this.#deliver()
        return at
      }
    }
    return at
  }

  #headEnds(): boolean {
    const n = this.#headLength
    const h = this.#head
    return n >= 4 && h[n - 4] === 0x0d && h[n - 3] === 0x0a && h[n - 2] === 0x0d
  }

  #pushBody(chunk: Buffer, from: number): number {
    const take = Math.min(this.#wanted - this.#bodyLength, chunk.length - from)
    if (take === this.#wanted) {
      // All of it at once, which is the rule: nothing to gather.
      this.#body = undefined
      this.#onMessage(parseMessage(chunk.toString('utf8', from, from + take)))
      return from + take
    }
    const needed = this.#bodyLength + take
    if (needed > this.#body!.length) {
      this.#body = grown(this.#body!, Math.min(this.#wanted, Math.max(needed, this.#body!.length * 2)))
    }
    chunk.copy(this.#body!, this.#bodyLength, from, from + take)
    this.#bodyLength = needed
    if (this.#bodyLength === this.#wanted) this.#deliver()
    return from + take
  }

  #deliver(): void {
    const text = this.#body!.toString('utf8', 0, this.#wanted)
    this.#body = undefined
    this.#onMessage(parseMessage(text))
  }
}

const empty = Buffer.alloc(0)

function grown(buffer: Buffer, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(length)
  buffer.copy(larger)
  return larger
}

/** What every client writes; the rest is for those that may. */
const usualHead = /^Content-Length: (\d{1,15})\r\n\r\n$/

function contentLength(head: string, limits: FrameLimits): number {
  const length = Number(usualHead.exec(head)?.[1] ?? lengthIn(head))
  if (length > limits.bodyBytes) throw dapError('bodyTooLong', { length, limit: limits.bodyBytes })
  return length
}

function lengthIn(head: string): number {
  let length: number | undefined
  for (const line of head.split('\r\n')) {
    if (line === '') continue
    const colon = line.indexOf(':')
    if (colon < 0) throw dapError('badHeader', { problem: `the header line ${quoted(line)} has no colon` })
    if (line.slice(0, colon).trim().toLowerCase() !== 'content-length') continue
    const value = line.slice(colon + 1).trim()
    if (!/^\d{1,15}$/.test(value)) throw dapError('badHeader', { problem: `Content-Length is ${quoted(value)}` })
    if (length !== undefined && length !== Number(value)) {
      throw dapError('badHeader', { problem: 'there are two different Content-Length headers' })
    }
    length = Number(value)
  }
  if (length === undefined) throw dapError('badHeader', { problem: 'the header has no Content-Length' })
  return length
}

/** The JSON text of one message, checked as far as every message must agree; throws a {@link DapError}. */
export function parseMessage(text: string): Message {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    throw dapError('badMessage', { problem: `the body is not JSON: ${quoted(text)}` })
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw dapError('badMessage', { problem: `the body is not a JSON object: ${quoted(text)}` })
  }
  const { seq, type } = message as Record<string, unknown>
  if (!Number.isSafeInteger(seq)) throw dapError('badMessage', { problem: `'seq' is not a whole number` })
  if (type !== 'request' && type !== 'response' && type !== 'event') {
    throw dapError('badMessage', { problem: `'type' is ${quoted(String(type))}` })
  }
  return message as Message
}

function quoted(text: string): string {
  const start = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return JSON.stringify(start)
}

/** DAP over a byte stream: a socket, a pipe, an SSH channel, a process. */
export function streamWire(stream: Duplex, peer: string, limits: FrameLimits = frameLimits): Wire {
  const closed = deferred<Error | undefined>()
  let failure: Error | undefined
  let ended = false
  let onDrained = (): void => {}
  const fail = (error: Error): void => {
    failure ??= error
    stream.destroy()
  }
  stream.on('error', (error) => (failure ??= error))
  stream.on('close', () => {
    ended = true
    closed.resolve(failure)
  })
  stream.on('drain', () => onDrained())
  return {
    peer,
    closed: closed.promise,
    start(onMessage, drained) {
      onDrained = drained
      const decoder = new FrameDecoder(onMessage, limits)
      stream.on('data', (chunk: Buffer) => {
        try {
          decoder.push(chunk)
        } catch (error) {
          if (!(error instanceof DapError)) throw error
          goodbye(stream, error)
          failure ??= error
        }
      })
      stream.on('end', () => {
        if (!decoder.atBoundary) fail(dapError('connectionClosed', { peer, why: ' in the middle of a message' }))
        else stream.end()
      })
    },
    send(message) {
      if (!ended && !stream.writableEnded) stream.write(encodeFrame(message))
    },
    get bufferedBytes() {
      return stream.writableLength
    },
    close(error) {
      failure ??= error
      if (ended) return
      stream.end()
      // A peer that does not read would keep the half-closed stream for ever.
      const timer = setTimeout(() => stream.destroy(), 1_000)
      stream.once('close', () => clearTimeout(timer))
      stream.resume()
    },
  }
}

/** Tells a peer that breaks the protocol why it is cut off, in words its user may get to see, and cuts it off. */
function goodbye(stream: Duplex, error: DapError): void {
  stream.removeAllListeners('data')
  stream.resume()
  const output = { category: 'stderr', output: `${error.message}\n` }
  stream.end(encodeFrame({ seq: 0, type: 'event', event: 'output', body: output } as DebugProtocol.OutputEvent))
  const timer = setTimeout(() => stream.destroy(), 1_000)
  stream.once('close', () => clearTimeout(timer))
}
