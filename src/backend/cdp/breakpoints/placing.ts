import { realpath } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import type { GeneratedPlace, ProgramSources } from '../maps/programSources.ts'
import { sleep } from '../../../lib/abort.ts'
import { isHere } from '../../../transport/direct.ts'
import { present } from '../../../lib/present.ts'
import type { Positions } from '../positions.ts'
import type { Parts, Script, Stop, Thread } from '../parts.ts'
import type { Armory } from './armory.ts'
import type { Breakpoint } from './breakpoint.ts'
import { declaredPlaces, functionPlaces, isSearched } from './functions.ts'
import { urlOfPath, type WantedPlace } from './place.ts'
import type { DebugProtocol } from '@vscode/debugprotocol'

/** A request does not wait longer for a map; the breakpoint is then verified by an event. */
const mapsMs = 2_000
const placesMax = 50
const pathsMax = 1_000

/** Where V8 is to break for a breakpoint of the client's, and where it does. */
export class Placing {
  readonly #parts: Parts
  readonly #sources: ProgramSources
  readonly #positions: Positions
  readonly #realPaths = new Map<string, string>()

  constructor(parts: Parts, sources: ProgramSources, positions: Positions) {
    this.#parts = parts
    this.#sources = sources
    this.#positions = positions
  }

  /** Waits for maps that are being loaded, for a while. */
  async places({ source, wanted }: Breakpoint): Promise<WantedPlace[]> {
    if (source === undefined) {
      const found = await Promise.all([...this.#parts.threads()].map((thread) => functionPlaces(thread, wanted.name!)))
      return distinct(found.flat())
    }
    const { line, column } = wanted
    await this.#resolve(source.path)
    const waited = new AbortController()
    const late = sleep(mapsMs, waited.signal).then(
      () => undefined,
      () => undefined,
    )
    const generated = await Promise.race([this.#sources.generated(source, line, column), late])
    waited.abort()
    return this.#chosen(
      source,
      wanted.line,
      wanted.column,
      generated ?? this.#sources.generatedNow(source, line, column),
    )
  }

  /** From memory, when a map has come; undefined if it has no say. */
  placesNow({ source, wanted: { line, column } }: Breakpoint): WantedPlace[] | undefined {
    if (source === undefined) return undefined
    return this.#chosen(source, line, column, this.#sources.generatedNow(source, line, column))
  }

  /** On this machine, what a link leads to: Node loads a module by its real path, without `--preserve-symlinks`. */
  async #resolve(path: string | undefined): Promise<void> {
    const { options, context } = this.#parts
    if (
      !isHere(context.transport, options.address) ||
      path === undefined ||
      !isAbsolute(path) ||
      this.#realPaths.size > pathsMax
    )
      return
    // A file that is not there has no other path.
    const real = await realpath(path).catch(() => path)
    if (real !== path) this.#realPaths.set(path, real)
  }

  /** More places of a function breakpoint, in a script that has just come. */
  async placesIn(thread: Thread, scriptId: string, { wanted }: Breakpoint): Promise<WantedPlace[]> {
    const script = thread.scripts.byId(scriptId)
    return script === undefined || !isSearched(script) ? [] : declaredPlaces(thread, script, wanted.name!)
  }

  merged(before: readonly WantedPlace[], more: readonly WantedPlace[]): WantedPlace[] {
    return distinct([...before, ...more])
  }

  /** It may be the same file by another url: `import('./orders.mjs?v=2')`, a link, a path that only ends alike. */
  mayBe({ source, places }: Breakpoint, { url }: Script): boolean {
    if (source === undefined || places.some((place) => place.url === url)) return false
    return endOf(url.split('?', 1)[0]!) === endOf(urlOfPath(source.path ?? '') ?? '')
  }

  #chosen(
    source: DebugProtocol.Source,
    line: number,
    column: number | undefined,
    generated: readonly GeneratedPlace[],
  ): WantedPlace[] {
    const own = [source.path, this.#realPaths.get(source.path ?? '')]
      .map((path) => (path === undefined ? undefined : urlOfPath(path)))
      .filter((url) => url !== undefined)
    const exact = generated.filter(
      (place) => place.url === '' || this.#sources.place(place.script, place.line, place.column).mapped,
    )
    const foreign = exact.filter((place) => place.url === '' || this.#isFrom(source, place))
    if (foreign.length > 0) {
      return distinct(
        foreign.map(({ url, hash, ...at }) => ({ by: 'hash', url, hash, line: at.line, column: at.column })),
      )
    }
    // By url, so that V8 itself has it in the file when it is loaded, and when it is loaded again.
    const urls = new Set([...own, ...generated.map(({ url }) => url)])
    urls.delete('')
    const plain = [...urls].filter((url) => own.includes(url) || !own.some((each) => sameFile(url, each)))
    return distinct(plain.map((url) => ({ by: 'url', url, hash: '', line, column: column ?? 0 })))
  }

  /** Not so where a script that has a map is asked for by its own lines. */
  #isFrom(source: DebugProtocol.Source, { script, line, column }: GeneratedPlace): boolean {
    const isScript = this.#sources.sourceOf(script).path === source.path
    return !isScript || this.#sources.place(script, line, column).source.path === source.path
  }

  /**
   * A breakpoint that was set by the url of a source turns out to be in a script that was made of it, at a place that
   * means another line: its map came after the hit.
   */
  isStale({ source, places }: Breakpoint, { thread, event }: Stop): boolean {
    const location = event.callFrames[0]?.location
    const script = location === undefined ? undefined : thread.scripts.byId(location.scriptId)
    if (location === undefined || script === undefined || source === undefined) return false
    if (places.some(({ by }) => by === 'hash')) return false
    const place = this.#sources.place(script, location.lineNumber, location.columnNumber ?? 0)
    return place.mapped && place.source.path === source.path && place.line !== location.lineNumber
  }

  /** As the client is told of it. */
  shown(breakpoint: Breakpoint, armories: Iterable<Armory>): DebugProtocol.Breakpoint {
    const { id, source, wanted, problem } = breakpoint
    let failure = problem
    for (const armory of armories) {
      const location = armory.location(breakpoint)
      failure ??= armory.problem(breakpoint)
      const script = location === undefined ? undefined : armory.thread.scripts.byId(location.scriptId)
      if (location === undefined || script === undefined) continue
      const { lineNumber, columnNumber = 0 } = location
      const place = this.#sources.place(script, lineNumber, columnNumber)
      if (source === undefined) return { id, verified: true, source: place.source, ...this.#client(place) }
      if (!place.hasMap || isSameName(place.source, source))
        return { id, verified: true, source, ...this.#client(place) }
      // By its own lines in a script that has a map; or where V8 has slid into code of another source.
      const isByUrl = breakpoint.places.every(({ by }) => by === 'url')
      const at = isByUrl ? { line: lineNumber, column: columnNumber } : { line: wanted.line, column: wanted.column }
      return { id, verified: true, source, ...this.#client(at) }
    }
    const message = failure ?? this.#missing(breakpoint)
    const at = source === undefined ? {} : { source, ...this.#client(wanted) }
    return { id, verified: false, message, reason: failure === undefined ? 'pending' : 'failed', ...at }
  }

  /** Its source is nothing that is loaded, and may be one that only a map tells of. */
  awaitsMap({ source, problem, isRemoved }: Breakpoint): boolean {
    if (source === undefined || problem !== undefined || isRemoved || /\.[cm]?js$/i.test(source.path ?? ''))
      return false
    return this.#sources.scriptsOf(source).length === 0
  }

  #client({ line, column }: { readonly line: number; readonly column: number | undefined }): {
    line: number
    column?: number
  } {
    const shown = column === undefined ? undefined : this.#positions.toClientColumn(column)
    return { line: this.#positions.toClientLine(line), ...present({ column: shown }) }
  }

  #missing({ source, wanted }: Breakpoint): string {
    if (source === undefined)
      return `No loaded script has a function '${wanted.name}'; it is looked for in those that come.`
    const isLoaded = this.#sources.scriptsOf(source).length > 0
    if (isLoaded) return 'There is no code at this line, nor below it.'
    const why = source.path === undefined ? undefined : this.#sources.explain(source.path)
    return why ?? 'The program has not loaded this file; the breakpoint is set when it does.'
  }
}

/** Its path may be another one than the client's, where only their ends are the same. */
function isSameName(a: DebugProtocol.Source, b: DebugProtocol.Source): boolean {
  const name = ({ path, name }: DebugProtocol.Source): string | undefined => (path ?? name)?.split(/[/\\]/).at(-1)
  return name(a) === name(b)
}

/** Folder and name: less is not taken for the same file. */
function endOf(url: string): string {
  return url.split('/').slice(-2).join('/')
}

function sameFile(url: string, own: string): boolean {
  try {
    return decodeURIComponent(url) === decodeURIComponent(own)
  } catch {
    // A name with a bare `%`: V8 is asked by both.
    return false
  }
}

function distinct(places: readonly WantedPlace[]): WantedPlace[] {
  const known = new Map(
    places.map((place) => [
      `${place.by} ${place.hash} ${place.by === 'url' ? place.url : ''} ${place.line} ${place.column}`,
      place,
    ]),
  )
  return [...known.values()].slice(0, placesMax)
}
