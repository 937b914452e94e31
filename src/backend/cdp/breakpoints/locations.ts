import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Debugger } from 'node:inspector'
import type { GeneratedPlace, ProgramScript, ProgramSources } from '../maps/programSources.ts'
import type { Script, Thread } from '../parts.ts'

/** From where to where, in V8's positions of the source as the client sees it; both ends included. */
export interface Range {
  readonly line: number
  readonly column: number
  readonly endLine: number
  /** Infinity is the end of the line. */
  readonly endColumn: number
}

export interface Position {
  readonly line: number
  readonly column: number
}

const positionsMax = 1_000
/** Stretches of generated code that one range of a source became, in a bundle. */
const stretchesMax = 50

/** Where in that range of a source V8 can break, in order. Empty for what is not loaded. */
export async function possiblePositions(
  sources: ProgramSources,
  threads: Iterable<Thread>,
  source: DebugProtocol.Source,
  range: Range,
): Promise<Position[]> {
  const places = sources.mappedPlaces(source, range.line, range.endLine)
  const found =
    places === undefined ? await inScript(sources, threads, source, range) : await mapped(sources, threads, places)
  const unique = new Map<string, Position>()
  for (const position of found) {
    const { line, column } = position
    if (line < range.line || (line === range.line && column < range.column)) continue
    if (line > range.endLine || (line === range.endLine && column > range.endColumn)) continue
    unique.set(`${line}:${column}`, position)
  }
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, positionsMax)
}

async function inScript(
  sources: ProgramSources,
  threads: Iterable<Thread>,
  source: DebugProtocol.Source,
  { line, column, endLine, endColumn }: Range,
): Promise<Position[]> {
  const known = sources.scriptsOf(source).at(-1)
  const at = known === undefined ? undefined : owner(threads, known)
  if (at === undefined) return []
  const end = endColumn === Infinity ? { line: endLine + 1, column: 0 } : { line: endLine, column: endColumn + 1 }
  const locations = await possible(...at, { line, column }, end)
  return locations.map(({ lineNumber, columnNumber = 0 }) => ({ line: lineNumber, column: columnNumber }))
}

async function mapped(
  sources: ProgramSources,
  threads: Iterable<Thread>,
  places: readonly GeneratedPlace[],
): Promise<Position[]> {
  const wanted = new Set(places.map(({ original }) => `${original.line}:${original.column}`))
  const stretches = stretchesOf(places).slice(0, stretchesMax)
  const all = await Promise.all(
    stretches.map(async ({ script, start, end }) => {
      const at = owner(threads, script)
      if (at === undefined) return []
      const locations = await possible(...at, start, { line: end.line, column: end.column + 1 })
      return locations.map(({ lineNumber, columnNumber = 0 }) => sources.place(script, lineNumber, columnNumber))
    }),
  )
  return all
    .flat()
    .filter((place) => place.mapped && wanted.has(`${place.line}:${place.column}`))
    .map(({ line, column }) => ({ line, column }))
}

interface Stretch {
  readonly script: ProgramScript
  readonly start: Position
  end: Position
}

/** Neighbouring generated places as one range, so that V8 is asked seldom. */
function stretchesOf(places: readonly GeneratedPlace[]): Stretch[] {
  const stretches: Stretch[] = []
  const sorted = [...places].sort((a, b) => a.line - b.line || a.column - b.column)
  for (const { script, line, column } of sorted) {
    const last = stretches.findLast((stretch) => stretch.script === script)
    const isNear =
      last !== undefined && line - last.end.line <= 3 && (line > last.end.line || column - last.end.column < 500)
    if (isNear) last.end = { line, column }
    else stretches.push({ script, start: { line, column }, end: { line, column } })
  }
  return stretches
}

function owner(threads: Iterable<Thread>, script: ProgramScript): [Thread, Script] | undefined {
  for (const thread of threads) {
    const known = thread.scripts.byId(script.id)
    if (known !== undefined && known === script) return [thread, known]
  }
  return undefined
}

async function possible(
  thread: Thread,
  { id: scriptId }: Script,
  start: Position,
  end: Position,
): Promise<Debugger.BreakLocation[]> {
  const { locations } = await thread.cdp.request<Debugger.GetPossibleBreakpointsReturnType>(
    'Debugger.getPossibleBreakpoints',
    {
      start: { scriptId, lineNumber: start.line, columnNumber: start.column },
      end: { scriptId, lineNumber: end.line, columnNumber: end.column },
    },
  )
  return locations
}
