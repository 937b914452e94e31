import type { DebugProtocol } from '@vscode/debugprotocol'

/** Children in one answer where the client asks for no number of them; what is beyond comes in ranges. */
export const pageMax = 500
/** And where it does. */
const askedMax = 2_000
/** Ranges below one value; then they become longer, and have ranges themselves. */
const rangesMax = 100

export interface Page {
  readonly start: number
  readonly count: number
  /** Children from here to there are shown as ranges. */
  readonly rest: readonly [start: number, end: number] | undefined
}

/** Which of `length` children, that begin with `from`, are asked for. */
export function pageOf(
  { start = 0, count = 0 }: Pick<DebugProtocol.VariablesArguments, 'start' | 'count'>,
  length: number,
): Page {
  const from = Math.max(0, Math.floor(start))
  const asked = count > 0 ? Math.floor(count) : undefined
  const end = Math.min(length, asked === undefined ? length : from + asked)
  const shown = Math.max(0, Math.min(asked === undefined ? pageMax : askedMax, end - from))
  return { start: from, count: shown, rest: from + shown < end ? [from + shown, end] : undefined }
}

/** `[start, count]` of the ranges that `[from, end)` is shown as. */
export function ranges(from: number, end: number): [start: number, count: number][] {
  let size = pageMax
  while ((end - from) / size > rangesMax) size *= 10
  const found: [number, number][] = []
  for (let at = from; at < end; at += size) found.push([at, Math.min(size, end - at)])
  return found
}
