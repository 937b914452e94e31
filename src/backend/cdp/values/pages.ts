import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Range, Row } from './reader.ts'

/** Children in one answer where the client asks for no number of them; what is beyond comes in ranges. */
export const pageMax = 500
/** And where it does. */
const askedMax = 10_000
/** Ranges below one value; then they become longer, and have ranges themselves. */
const rangesMax = 100

/** What of the children of a value is asked for. */
export interface Page {
  readonly indexed: Range | undefined
  readonly named: Range | undefined
  /** Numbered children from here on are shown as ranges. */
  readonly restFrom: number | undefined
  /** All of the named ones are wanted, with those that only V8 knows. */
  readonly whole: boolean
}

/** From DAP's arguments, for a value with that many numbered children. They come first where both are asked for. */
export function pageOf(
  { filter, start = 0, count = 0 }: Pick<DebugProtocol.VariablesArguments, 'filter' | 'start' | 'count'>,
  indexedCount: number,
): Page {
  const from = Math.max(0, Math.floor(start))
  const asked = count > 0 ? Math.floor(count) : undefined
  const wantsIndexed = filter !== 'named' && from < indexedCount
  const indexedRange = (): Range => [from, Math.min(asked ?? pageMax, askedMax, indexedCount - from)]
  const indexed = wantsIndexed ? indexedRange() : undefined
  const end = indexed === undefined ? undefined : indexed[0] + indexed[1]
  const wantedEnd = asked === undefined ? indexedCount : Math.min(indexedCount, from + asked)
  const restFrom = end !== undefined && end < wantedEnd ? end : undefined
  if (filter === 'indexed') return { indexed, named: undefined, restFrom, whole: false }
  // Without a filter the named ones follow the numbered ones.
  const namedFrom = filter === 'named' ? from : Math.max(0, from - indexedCount)
  const room = asked === undefined ? undefined : filter === 'named' ? asked : asked - (indexed?.[1] ?? 0)
  if (room !== undefined && room <= 0) return { indexed, named: undefined, restFrom, whole: false }
  const named: Range = [namedFrom, Math.min(room ?? pageMax, askedMax)]
  return { indexed, named, restFrom, whole: room === undefined && namedFrom === 0 }
}

/** Rows that stand for ranges of `[from, end)`. */
export function ranges(from: number, end: number): { readonly row: Row; readonly range: Range }[] {
  let size = pageMax
  while ((end - from) / size > rangesMax) size *= 10
  const result = []
  for (let at = from; at < end; at += size) {
    const count = Math.min(size, end - at)
    const row: Row = { n: `[${at}…${at + count - 1}]`, t: '', y: '', k: 'entry', c: count }
    result.push({ row, range: [at, count] as const })
  }
  return result
}
