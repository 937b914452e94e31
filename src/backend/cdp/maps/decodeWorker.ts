import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { decodeMap } from './decode.ts'
import type { Decoded } from './decode.ts'
import type { Answer, Task } from './decoder.ts'
import { buffersOf, MapProblem } from './flatMap.ts'

/** The text of a `data:` URL (RFC 2397). */
function dataOf(url: string): Buffer {
  const comma = url.indexOf(',')
  if (comma < 0) throw new MapProblem('is no data: URL')
  if (/;base64$/i.test(url.slice(0, comma))) return Buffer.from(url.slice(comma + 1), 'base64')
  try {
    return Buffer.from(decodeURIComponent(url.slice(comma + 1)))
  } catch (error) {
    throw new MapProblem('is a data: URL that is badly escaped', { cause: error })
  }
}

function post(answer: Answer, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(answer, transfer)
}

function problemOf(error: unknown): string {
  // A RangeError too: JSON that is nested too deep, a text over V8's limit.
  return error instanceof MapProblem ? error.message : `can't be read: ${String(error).slice(0, 200)}`
}

/** One map at a time: `map` or `problem` first, then its source text. */
function run({ input, known }: Task): void {
  let decoded: Decoded | undefined
  let digest = ''
  try {
    const bytes = typeof input === 'string' ? dataOf(input) : Buffer.from(input.buffer, input.byteOffset, input.length)
    digest = createHash('sha256').update(bytes).digest('hex')
    if (known.has(digest)) return post({ kind: 'known', digest })
    decoded = decodeMap(bytes)
  } catch (error) {
    return post({ kind: 'problem', digest, problem: problemOf(error) })
  }
  post({ kind: 'map', digest, map: decoded.map }, buffersOf(decoded.map))
  const texts = decoded.contents()
  post({ kind: 'contents', texts }, [texts.bytes.buffer as ArrayBuffer, texts.ends.buffer as ArrayBuffer])
}

parentPort?.on('message', run)
