import { MapProblem } from './flatMap.ts'

/** A segment as trace-mapping decodes it. */
export type Segment = readonly [number, number?, number?, number?, number?]

/** The digit of each character of base64; 64 for a character that is none. */
const digits = new Uint8Array(128).fill(64)
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
for (let digit = 0; digit < alphabet.length; digit++) digits[alphabet.charCodeAt(digit)] = digit

const COMMA = 44
const SEMICOLON = 59

/** At most so many segments and lines: what must be there to hold them. */
export interface Size {
  readonly segments: number
  readonly lines: number
}

export function sizeOf(mappings: string): Size {
  let [segments, lines] = [1, 1]
  for (let at = 0; at < mappings.length; at++) {
    const code = mappings.charCodeAt(at)
    if (code === COMMA) segments++
    else if (code === SEMICOLON) {
      segments++
      lines++
    }
  }
  return { segments, lines }
}

/** Where the numbers of a mapping go, and what they may be. */
export interface Sink {
  add(column: number, source?: number, line?: number, originalColumn?: number, name?: number): void
  endLine(): void
}

/**
 * Reads the VLQ text straight into the sink. @jridgewell/sourcemap-codec does it with an array for each segment: four
 * times as long for a map of 12 MB (measured), 90 MB of memory for a moment, and it checks nothing: it reads over the end
 * of a number that is cut off, and takes what is no digit for a zero.
 * @throws MapProblem that says where.
 */
export function readMappings(mappings: string, sink: Sink): void {
  const state = [0, 0, 0, 0, 0]
  let [field, value, shift] = [0, 0, 0]
  for (let at = 0; at <= mappings.length; at++) {
    const code = at < mappings.length ? mappings.charCodeAt(at) : SEMICOLON
    if (code === COMMA || code === SEMICOLON) {
      if (shift > 0) throw broken('a number that is cut off', at)
      if (field === 5) sink.add(state[0]!, state[1], state[2], state[3], state[4])
      else if (field === 4) sink.add(state[0]!, state[1], state[2], state[3])
      else if (field === 1) sink.add(state[0]!)
      else if (field !== 0) throw broken(`a mapping of ${field} numbers`, at)
      field = 0
      if (code === COMMA) continue
      state[0] = 0
      sink.endLine()
      continue
    }
    const digit = code < 128 ? digits[code]! : 64
    if (digit > 63) throw broken('a character that is no digit', at)
    value |= (digit & 31) << shift
    shift += 5
    if (digit > 31) {
      if (shift > 30) throw broken('a number without end', at)
      continue
    }
    if (field > 4) throw broken('a mapping of more than 5 numbers', at)
    state[field]! += value & 1 ? -(value >>> 1) : value >>> 1
    field++
    value = shift = 0
  }
}

function broken(what: string, at: number): MapProblem {
  return new MapProblem(`is broken: ${what}, at ${at} of its mappings`)
}
