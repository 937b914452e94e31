import { inflateRaw } from 'node:zlib'
import { promisify } from 'node:util'
import { bytesAt, bytesOf, textAt } from './flatMap.ts'
import type { FlatMap, Numbers, Texts } from './flatMap.ts'

/** A place in a source of the map. 0-based, as everything here. */
export interface Original {
  readonly source: number
  readonly line: number
  readonly column: number
  readonly name: string | undefined
}

/** A place of the generated text, and the place in the source that it is from. */
export interface Mapped {
  readonly line: number
  readonly column: number
  readonly original: { readonly line: number; readonly column: number }
}

/** More places of one source line than that are no use to anybody: a generic that was written out many times. */
const placesMax = 32

/** In columns: indentation. */
const littleBefore = 4

/** A source text longer than that is not shown, whatever it was deflated to. */
export const textBytesMax = 16 * 1024 * 1024

const inflate = promisify(inflateRaw)

/**
 * A decoded source map, never changed, shared by all who debug the same script. Both ways are looked up by halves in
 * typed arrays: 20 steps in a million segments, and no object for any of them.
 */
export class CompactMap {
  readonly #flat: FlatMap
  readonly #contents: Promise<Texts | undefined>
  readonly #ignored: ReadonlySet<number>
  #bytes: number
  /** Settles when its source text is here too. */
  readonly whole: Promise<void>

  constructor(flat: FlatMap, contents: Promise<Texts | undefined>) {
    this.#flat = flat
    this.#contents = contents
    this.#ignored = new Set(flat.ignored)
    this.#bytes = bytesOf(flat)
    this.whole = contents.then((texts) => {
      if (texts !== undefined) this.#bytes += texts.bytes.byteLength + texts.ends.byteLength
    })
  }

  /** What it takes, with its source text once that is here. */
  get bytes(): number {
    return this.#bytes
  }

  get sourceCount(): number {
    return this.#flat.sourceNames.ends.length
  }

  get segmentCount(): number {
    return this.#flat.columns.length
  }

  /** How many lines of generated text it maps: up to the last one that has a segment. */
  get lineCount(): number {
    const { lines, columns } = this.#flat
    return columns.length === 0 ? 0 : lineOf(lines, columns.length - 1) + 1
  }

  get file(): string | undefined {
    return this.#flat.file
  }

  get debugId(): string | undefined {
    return this.#flat.debugId
  }

  /** The source's name as the map has it, behind its sourceRoot; '' where it is null. */
  sourceName(source: number): string {
    return textAt(this.#flat.sourceNames, source)
  }

  isIgnored(source: number): boolean {
    return this.#ignored.has(source)
  }

  /** The text of `sourcesContent`; undefined if the map has none. Rejects with an error when it is over the limit. */
  async content(source: number): Promise<string | undefined> {
    const contents = await this.#contents
    if (contents === undefined) return undefined
    const deflated = bytesAt(contents, source)
    if (deflated.length === 0) return undefined
    return (await inflate(deflated, { maxOutputLength: textBytesMax })).toString('utf8')
  }

  /**
   * What the generated text at that place is from: the segment at or before it on its line, else the first one if it is
   * near (V8 stops at places that are a little before it). Undefined where the map says nothing, or that nothing is: a
   * minified bundle begins with helpers of its bundler, on the line that all is on.
   */
  original(line: number, column: number): Original | undefined {
    const { lines, columns, sources, originalLines, originalColumns, nameIndexes, names } = this.#flat
    if (line < 0 || line >= lines.length - 1) return undefined
    const start = lines[line]!
    const end = lines[line + 1]!
    if (start === end) return undefined
    const segment = Math.max(start, firstOver(columns, start, end, column) - 1)
    if (columns[segment]! - column > littleBefore) return undefined
    const source = sources[segment]!
    if (source === 0) return undefined
    const name = nameIndexes[segment] ?? 0
    return {
      source: source - 1,
      line: originalLines[segment]!,
      column: originalColumns[segment]!,
      name: name === 0 ? undefined : textAt(names, name - 1),
    }
  }

  /**
   * The generated places of a place in a source. Without a column it is the first one of the line. Where the line has
   * none it is the next line that has; with a column it is the next place of the line, else the last one before it.
   */
  generated(source: number, line: number, column: number | undefined): Mapped[] {
    const { sourceStarts, order, originalLines, originalColumns } = this.#flat
    const start = sourceStarts[source]
    const end = sourceStarts[source + 1]
    if (start === undefined || end === undefined) return []
    let first = this.#lowerBound(start, end, line, column ?? 0)
    const before = order[first - 1]
    const beyond = first === end || originalLines[order[first]!] !== line
    if (column !== undefined && beyond && first > start && before !== undefined && originalLines[before] === line) {
      first = this.#lowerBound(start, end, line, originalColumns[before]!)
    }
    if (first >= end) return []
    const places: Mapped[] = []
    const [foundLine, foundColumn] = [originalLines[order[first]!], originalColumns[order[first]!]]
    for (let at = first; at < end && places.length < placesMax; at++) {
      const segment = order[at]!
      if (originalLines[segment] !== foundLine || originalColumns[segment] !== foundColumn) break
      const place = this.#mapped(segment)
      if (places.at(-1)?.line !== place.line) places.push(place)
    }
    return places
  }

  /** The places of a source from line `from` to line `to`, by original place; at most `limit` of them. */
  mappedIn(source: number, from: number, to: number, limit: number): Mapped[] {
    const { sourceStarts, order, originalLines } = this.#flat
    const start = sourceStarts[source] ?? 0
    const end = sourceStarts[source + 1] ?? 0
    const places: Mapped[] = []
    for (let at = this.#lowerBound(start, end, from, 0); at < end && places.length < limit; at++) {
      if (originalLines[order[at]!]! > to) break
      places.push(this.#mapped(order[at]!))
    }
    return places
  }

  #mapped(segment: number): Mapped {
    const { lines, columns, originalLines, originalColumns } = this.#flat
    return {
      line: lineOf(lines, segment),
      column: columns[segment]!,
      original: { line: originalLines[segment]!, column: originalColumns[segment]! },
    }
  }

  /** The first of a source's segments in `order` that is at or after that original place. */
  #lowerBound(start: number, end: number, line: number, column: number): number {
    const { order, originalLines, originalColumns } = this.#flat
    let [low, high] = [start, end]
    while (low < high) {
      const middle = (low + high) >>> 1
      const segment = order[middle]!
      const segmentLine = originalLines[segment]!
      if (segmentLine < line || (segmentLine === line && originalColumns[segment]! < column)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The first index from `start` whose value is over `value`. */
function firstOver(values: Numbers, start: number, end: number, value: number): number {
  let [low, high] = [start, end]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}

/** The line of a segment: the last one that begins at or before it. */
function lineOf(lines: Uint32Array, segment: number): number {
  return firstOver(lines, 0, lines.length, segment) - 1
}
