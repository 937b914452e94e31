import { setMaxListeners } from 'node:events'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { DelveError } from '../connection.ts'
import { hex } from '../wire.ts'
import { changed, whereOf, type EvaluateParts } from './evaluate.ts'
import type { Place } from './nodes.ts'
import { told } from './reader.ts'

/** Bytes in one answer, and in one change, of which each is a request. */
const readMax = 256 * 1024
const writeMax = 4_096
/** Unreadable memory begins with a page. */
const pageBytes = 4_096

/** Bytes of the program's memory, however Delve gives them. */
export class Memory {
  readonly #own: EvaluateParts
  /** What this Delve gives at once: 1,000 bytes in 1.20.2, 65,536 from 1.24; it says so when asked for more. */
  #pieceMax = 65_536

  constructor(own: EvaluateParts) {
    this.#own = own
  }

  async read({ arguments: args, signal }: Call<'readMemory'>): Promise<Body<'readMemory'>> {
    const { memoryReference, offset = 0, count } = args
    // Each piece listens to it.
    setMaxListeners(0, signal)
    const place = whereOf(this.#own.parts, undefined)
    const start = addressAt(memoryReference, offset)
    const wanted = Math.min(readMax, Math.max(0, count))
    const bytes = await this.#bytes(place, start, wanted, signal)
    const missing = wanted - bytes.length
    return {
      address: hex(start),
      data: bytes.toString('base64'),
      ...(missing > 0 ? { unreadableBytes: missing } : {}),
    }
  }

  /** All of it, or what comes before the first page that cannot be read. */
  async #bytes(place: Place, start: number, count: number, signal: AbortSignal): Promise<Buffer> {
    if (count === 0) return Buffer.alloc(0)
    try {
      return await this.#pieces(place, start, count, signal)
    } catch (error) {
      const limit = error instanceof DelveError ? /less than or equal to (\d+)/.exec(error.message)?.[1] : undefined
      if (limit !== undefined && Number(limit) < this.#pieceMax) {
        this.#pieceMax = Number(limit)
        return this.#bytes(place, start, count, signal)
      }
      if (!(error instanceof DelveError) || !/input\/output error|bad address/i.test(error.message)) throw told(error)
    }
    const toPage = pageBytes - (start % pageBytes)
    if (count <= toPage) return Buffer.alloc(0)
    // Half of the pages, and where these can be read the other half.
    const pages = Math.ceil((count - toPage) / pageBytes)
    const half = toPage + Math.floor(pages / 2) * pageBytes
    const first = await this.#bytes(place, start, half, signal)
    if (first.length < half) return first
    return Buffer.concat([first, await this.#bytes(place, start + half, count - half, signal)])
  }

  async #pieces({ stop }: Place, start: number, count: number, signal: AbortSignal): Promise<Buffer> {
    const pieces: Promise<{ Mem: string }>[] = []
    for (let at = 0; at < count; at += this.#pieceMax) {
      const length = Math.min(this.#pieceMax, count - at)
      pieces.push(stop.read('ExamineMemory', { Address: start + at, Length: length }, signal))
    }
    const read = await Promise.all(pieces)
    return Buffer.concat(read.map(({ Mem }) => Buffer.from(Mem, 'base64')))
  }

  /** Byte by byte in one flight: Delve has no other way. */
  async write({ arguments: args, signal }: Call<'writeMemory'>): Promise<Body<'writeMemory'>> {
    const { memoryReference, offset = 0, data, allowPartial } = args
    if (this.#own.parts.context.guard.readOnly) {
      throw dapError('notAnswered', { why: 'Nothing is set in a session that only looks.' })
    }
    const place = whereOf(this.#own.parts, undefined)
    const start = addressAt(memoryReference, offset)
    const bytes = Buffer.from(data, 'base64')
    if (bytes.length > writeMax) throw dapError('notAnswered', { why: `More than ${writeMax} bytes are not written.` })
    // Nothing is written where not all can be, or only what can.
    const there = await this.#bytes(place, start, bytes.length, signal)
    if (there.length < bytes.length && allowPartial !== true) {
      throw dapError('notAnswered', {
        why: `Only ${there.length} of these ${bytes.length} bytes are memory of the program.`,
      })
    }
    if (place.stop.isOver) throw dapError('notStopped', {})
    const scope = { GoroutineID: place.goroutine, Frame: place.frame }
    try {
      await this.#own.parts.program.interject((ask) =>
        Promise.all(
          Array.from(bytes.subarray(0, there.length), (byte, at) =>
            ask('Set', { Scope: scope, Symbol: `*(*uint8)(${hex(start + at)})`, Value: String(byte) }),
          ),
        ),
      )
    } catch (error) {
      throw told(error)
    } finally {
      changed(this.#own, place)
    }
    return { offset: 0, bytesWritten: there.length }
  }
}

function addressAt(memoryReference: string, offset: number): number {
  if (!/^(?:0x[\da-f]+|\d+)$/i.test(memoryReference)) throw dapError('staleHandle', { kind: 'memory' })
  const address = Number(memoryReference) + offset
  if (!Number.isSafeInteger(address) || address < 0) {
    throw dapError('notAnswered', { why: `There is no memory at ${memoryReference} with the offset ${offset}.` })
  }
  return address
}
