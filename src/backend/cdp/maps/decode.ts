import { deflateRawSync } from 'node:zlib'
import { decodedMappings, FlattenMap } from '@jridgewell/trace-mapping'
import type { SourceMapInput } from '@jridgewell/trace-mapping'
import { MapProblem, narrow, textsFrom, textsOf, TooManyMappings } from './flatMap.ts'
import type { FlatMap, Texts } from './flatMap.ts'
import { checkShape } from './jsonShape.ts'
import { readMappings, sizeOf } from './mappings.ts'
import type { Segment, Sink, Size } from './mappings.ts'
import { sortedBySource } from './sortedBySource.ts'

/** What one map may hold. A bundle of 5.5 MB has about 900,000 segments, 600 sources and 30,000 names. */
export interface MapLimits {
  readonly segments: number
  /** Of an index map: trace-mapping makes two arrays of each of its segments. */
  readonly sectionSegments: number
  readonly sources: number
  readonly names: number
  readonly sections: number
}

export const mapLimits: MapLimits = {
  segments: 16_000_000,
  sectionSegments: 4_000_000,
  sources: 100_000,
  names: 2_000_000,
  sections: 10_000,
}

/** A map, and its source text, which is wanted later if at all. */
export interface Decoded {
  readonly map: FlatMap
  readonly contents: () => Texts
}

/**
 * Reads a source map (version 3, ECMA-426) and flattens it. It blocks for as long as that takes, so it runs in a worker.
 * @throws MapProblem: the reason why it can't be used.
 */
export function decodeMap(bytes: Uint8Array, limits: MapLimits = mapLimits): Decoded {
  const map = checked(parse(bytes), limits)
  const flat = new Flattened(map.size, map.sources.length, map.names.length)
  map.read(flat)
  const arrays = flat.arrays()
  const decoded: FlatMap = {
    ...arrays,
    ...sortedBySource(arrays, map.sources.length),
    sourceNames: textsFrom(map.sources),
    names: textsFrom(map.names),
    ignored: Uint32Array.from(map.ignored),
    file: map.file,
    debugId: map.debugId,
  }
  return { map: decoded, contents: () => deflated(map.contents, map.sources.length) }
}

/** Some servers put `)]}'` before it, so that it is no script. */
function parse(bytes: Uint8Array): Json {
  checkShape(bytes)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  const json = text.replace(/^\uFEFF?(?:\)\]\}'[^\n]*\n)?/, '')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    // V8's message quotes the text, and the text may be of a file that is no map and nobody's business.
    const cut = /^\s*\{/.test(json) && !json.trimEnd().endsWith('}')
    throw new MapProblem(cut ? 'is cut off: its JSON does not end' : 'is no JSON', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MapProblem('is no JSON object')
  return value as Json
}

type Json = Readonly<Record<string, unknown>>

interface Checked {
  readonly size: Size
  read(sink: Sink): void
  readonly sources: readonly string[]
  readonly names: readonly string[]
  readonly contents: readonly unknown[]
  readonly ignored: readonly number[]
  readonly file: string | undefined
  readonly debugId: string | undefined
}

function checked(map: Json, limits: MapLimits): Checked {
  const sectioned = Array.isArray(map['sections'])
  const size = sectioned ? sectionsSize(map, limits, { left: limits.sections }, 0) : partSize(map, limits)
  const limit = sectioned ? limits.sectionSegments : limits.segments
  if (size.segments + size.lines > limit) {
    throw new TooManyMappings(`is too large: ${size.segments} mappings on ${size.lines} lines, over ${limit}`)
  }
  const flat = sectioned ? flattened(map) : map
  const sources = list(flat, 'sources', limits.sources)
  const root = typeof flat['sourceRoot'] === 'string' ? flat['sourceRoot'] : ''
  return {
    size,
    read: sectioned ? (flat['read'] as Checked['read']) : (sink) => readMappings(map['mappings'] as string, sink),
    sources: sources.map((source) => (typeof source === 'string' ? behindRoot(root, source) : '')),
    names: list(flat, 'names', limits.names).map(String),
    contents: Array.isArray(flat['sourcesContent']) ? flat['sourcesContent'] : [],
    ignored: ignoredSources(flat, sources.length),
    file: typeof map['file'] === 'string' ? map['file'] : undefined,
    debugId: debugIdOf(map),
  }
}

/** Sections are flattened by trace-mapping: their sources become one list, each behind its own section's sourceRoot. */
function flattened(map: Json): Json {
  try {
    const whole = new FlattenMap(map as unknown as SourceMapInput)
    const { names, resolvedSources, sourcesContent, ignoreList } = whole
    const read = (sink: Sink): void => readSegments(decodedMappings(whole) as readonly Segment[][], sink)
    return { read, names, sources: resolvedSources, sourcesContent, ignoreList }
  } catch (error) {
    throw new MapProblem(`has broken sections: ${(error as Error).message.slice(0, 200)}`, { cause: error })
  }
}

function readSegments(lines: readonly (readonly Segment[])[], sink: Sink): void {
  for (const line of lines) {
    for (const segment of line) sink.add(...segment)
    sink.endLine()
  }
}

function sectionsSize(map: Json, limits: MapLimits, sections: { left: number }, depth: number): Size {
  if (!Array.isArray(map['sections'])) return partSize(map, limits)
  if (depth > 8) throw new MapProblem('has sections in sections in sections')
  version(map)
  let [segments, lines] = [0, 0]
  for (const section of map['sections'] as unknown[]) {
    if (--sections.left < 0) throw new MapProblem(`has more than ${limits.sections} sections`)
    const { map: inner, offset } = (section ?? {}) as { map?: unknown; offset?: { line?: unknown; column?: unknown } }
    if (typeof inner !== 'object' || inner === null) throw new MapProblem('has a section without a map')
    if (!isCount(offset?.line) || !isCount(offset.column)) throw new MapProblem('has a section without an offset')
    const size = sectionsSize(inner as Json, limits, sections, depth + 1)
    segments += size.segments
    lines = Math.max(lines, offset.line + size.lines)
  }
  return { segments, lines }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}

function partSize(map: Json, limits: MapLimits): Size {
  version(map)
  if (typeof map['mappings'] !== 'string') throw new MapProblem('has no mappings')
  list(map, 'sources', limits.sources)
  list(map, 'names', limits.names)
  return sizeOf(map['mappings'])
}

function version(map: Json): void {
  if (map['version'] === 3 || map['version'] === '3') return
  const found = map['version'] === undefined ? 'no version' : `version ${JSON.stringify(map['version']).slice(0, 40)}`
  throw new MapProblem(`has ${found}, and only version 3 is known`)
}

function list(map: Json, key: 'sources' | 'names', limit: number): readonly unknown[] {
  const value = map[key]
  // Older tools leave out names when there are none.
  if (value === undefined && key === 'names') return []
  if (!Array.isArray(value)) throw new MapProblem(`has no list of ${key}`)
  if (value.length > limit) throw new MapProblem(`is too large: ${value.length} ${key}, over ${limit}`)
  return value
}

/** trace-mapping would resolve `..` here, before it is known what the root is relative to. */
function behindRoot(root: string, source: string): string {
  if (root === '' || /^(?:[a-z][a-z\d+.-]*:|[\\/])/i.test(source)) return source
  return root.endsWith('/') ? root + source : `${root}/${source}`
}

function ignoredSources(map: Json, sources: number): number[] {
  const value = map['ignoreList'] ?? map['x_google_ignoreList']
  return Array.isArray(value) ? value.filter((index): index is number => isCount(index) && index < sources) : []
}

/** `debugId` of ECMA-426's proposal, and what Sentry's tools write. */
function debugIdOf(map: Json): string | undefined {
  const value = map['debugId'] ?? map['debug_id']
  return typeof value === 'string' && value.length <= 64 ? value.toLowerCase() : undefined
}

/** Source text shrinks to a quarter, and is asked for once in a while if at all. */
function deflated(contents: readonly unknown[], sources: number): Texts {
  const none = new Uint8Array(0)
  const parts = Array.from({ length: sources }, (_, index) => {
    const content = contents[index]
    return typeof content === 'string' ? deflateRawSync(Buffer.from(content), { level: 1 }) : none
  })
  return textsOf(parts)
}

/** The arrays of a {@link FlatMap} while they are filled. */
class Flattened implements Sink {
  readonly #lines: Uint32Array
  readonly #columns: Uint32Array
  readonly #sources: Uint32Array
  readonly #originalLines: Uint32Array
  readonly #originalColumns: Uint32Array
  readonly #names: Uint32Array
  readonly #sourceCount: number
  readonly #nameCount: number
  #line = 0
  #length = 0
  #sorted = true

  constructor({ segments, lines }: Size, sourceCount: number, nameCount: number) {
    this.#lines = new Uint32Array(lines + 1)
    this.#columns = new Uint32Array(segments)
    this.#sources = new Uint32Array(segments)
    this.#originalLines = new Uint32Array(segments)
    this.#originalColumns = new Uint32Array(segments)
    this.#names = new Uint32Array(segments)
    this.#sourceCount = sourceCount
    this.#nameCount = nameCount
  }

  add(column: number, source?: number, line?: number, originalColumn?: number, name?: number): void {
    const at = this.#length++
    if (column < 0) throw this.#broken('a column before the first')
    this.#columns[at] = column
    if (at > this.#lines[this.#line]! && column < this.#columns[at - 1]!) this.#sorted = false
    if (source === undefined) return
    if (source < 0 || source >= this.#sourceCount) throw this.#broken(`source ${source} of ${this.#sourceCount}`)
    if (line! < 0 || originalColumn! < 0) throw this.#broken('a place before the first of its source')
    this.#sources[at] = source + 1
    this.#originalLines[at] = line!
    this.#originalColumns[at] = originalColumn!
    if (name === undefined) return
    if (name < 0 || name >= this.#nameCount) throw this.#broken(`name ${name} of ${this.#nameCount}`)
    this.#names[at] = name + 1
  }

  endLine(): void {
    if (!this.#sorted) this.#sort(this.#lines[this.#line]!)
    this.#lines[++this.#line] = this.#length
  }

  /** Columns of a line may come in any order, and are looked up by halves. */
  #sort(start: number): void {
    this.#sorted = true
    const segments = Array.from({ length: this.#length - start }, (_, index) => start + index)
    segments.sort((a, b) => this.#columns[a]! - this.#columns[b]!)
    const arrays = [this.#columns, this.#sources, this.#originalLines, this.#originalColumns, this.#names]
    for (const array of arrays)
      array.set(
        segments.map((segment) => array[segment]!),
        start,
      )
  }

  #broken(what: string): MapProblem {
    return new MapProblem(`is broken: the mappings of line ${this.#line + 1} have ${what}`)
  }

  arrays() {
    const used = (array: Uint32Array): Uint32Array => array.subarray(0, this.#length)
    const names = used(this.#names)
    return {
      lines: this.#lines.slice(0, this.#line + 1),
      columns: narrow(used(this.#columns)),
      sources: narrow(used(this.#sources)),
      originalLines: narrow(used(this.#originalLines)),
      originalColumns: narrow(used(this.#originalColumns)),
      nameIndexes: names.some((name) => name > 0) ? narrow(names) : new Uint8Array(0),
    }
  }
}
