/** Unsigned numbers in the narrowest array that holds them: columns of a source file rarely need more than 16 bits. */
export type Numbers = Uint8Array | Uint16Array | Uint32Array

/** Many texts in one piece of memory outside of the heap. `ends[i]` is where text `i` ends; it begins where the one before ends. */
export interface Texts {
  readonly bytes: Uint8Array
  readonly ends: Uint32Array
}

/**
 * A source map flattened into typed arrays, so that a worker can hand it over without a copy, and a map of a million
 * segments costs some 14 MB instead of 100. Positions are 0-based. Segments are in the order of the generated text.
 */
export interface FlatMap {
  /** Index of the first segment of each generated line, and one more: the number of segments. */
  readonly lines: Uint32Array
  /** Of each segment: its column in the generated line. */
  readonly columns: Numbers
  /** Of each segment: 1 + the index of its source; 0 where it says that this text is from no source. */
  readonly sources: Numbers
  readonly originalLines: Numbers
  readonly originalColumns: Numbers
  /** Of each segment: 1 + the index of its name; 0 for none. Empty when no segment has one. */
  readonly nameIndexes: Numbers
  /** The segments that have a source, by source, original line and column, then generated order. */
  readonly order: Uint32Array
  /** Where each source begins in `order`, and one more: its length. */
  readonly sourceStarts: Uint32Array
  /** `sources` as the map has them, behind its sourceRoot; '' for null. */
  readonly sourceNames: Texts
  readonly names: Texts
  /** Indexes of the sources of `ignoreList`, or of the older x_google_ignoreList. */
  readonly ignored: Uint32Array
  readonly file: string | undefined
  readonly debugId: string | undefined
}

/** Why a map can't be used, in a few words that follow "the source map x ". */
export class MapProblem extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MapProblem'
  }
}

/** It has more mappings than it may have where it was read. */
export class TooManyMappings extends MapProblem {}

export function narrow(values: Uint32Array): Numbers {
  let largest = 0
  // Iterators are slow until V8 has optimized them, and a map is often the first and only one.
  for (let at = 0; at < values.length; at++) if (values[at]! > largest) largest = values[at]!
  if (largest < 256) return new Uint8Array(values)
  return largest < 65_536 ? new Uint16Array(values) : values.slice()
}

export function textsOf(parts: readonly Uint8Array[]): Texts {
  const ends = new Uint32Array(parts.length)
  let end = 0
  for (const [index, part] of parts.entries()) ends[index] = end += part.length
  const bytes = new Uint8Array(end)
  for (const [index, part] of parts.entries()) bytes.set(part, ends[index]! - part.length)
  return { bytes, ends }
}

/** The same of strings, without a buffer for each: a map may have a million names. */
export function textsFrom(strings: readonly string[]): Texts {
  const ends = new Uint32Array(strings.length)
  let end = 0
  for (const [index, text] of strings.entries()) ends[index] = end += Buffer.byteLength(text)
  const bytes = Buffer.alloc(end)
  for (const [index, text] of strings.entries()) bytes.write(text, index === 0 ? 0 : ends[index - 1]!)
  return { bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, end), ends }
}

/** The bytes of text `index`, in place. */
export function bytesAt({ bytes, ends }: Texts, index: number): Uint8Array {
  return bytes.subarray(index === 0 ? 0 : ends[index - 1]!, ends[index])
}

export function textAt(texts: Texts, index: number): string {
  const part = bytesAt(texts, index)
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8')
}

/** What is transferred, and what the map costs. */
export function buffersOf(map: FlatMap): ArrayBuffer[] {
  const { lines, columns, sources, originalLines, originalColumns, nameIndexes, order, sourceStarts, ignored } = map
  const numbers = [lines, columns, sources, originalLines, originalColumns, nameIndexes, order, sourceStarts, ignored]
  const texts = [map.sourceNames, map.names].flatMap(({ bytes, ends }) => [bytes, ends])
  return [...new Set([...numbers, ...texts].map((array) => array.buffer as ArrayBuffer))]
}

export function bytesOf(map: FlatMap): number {
  return buffersOf(map).reduce((sum, buffer) => sum + buffer.byteLength, 0)
}
