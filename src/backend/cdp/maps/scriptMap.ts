import { setImmediate } from 'node:timers/promises'
import type { CompactMap, Mapped } from './compactMap.ts'
import type { Found, MapFinder, Search } from './mapFinder.ts'
import { comparable, pathOfUrl } from './paths.ts'
import type { SourcePaths } from './sourcePaths.ts'
import type { SourceRoots } from './sourceRoot.ts'
import type { GeneratedPlace, ProgramScript } from './types.ts'

/** The paths of a map's sources, by index; undefined for what is in no file. */
export type Paths = readonly (string | undefined)[]

/** Sessions on the same script resolve its sources to the same paths: one list for all of them. */
const sharedPaths = new WeakMap<CompactMap, Map<string, Promise<Paths>>>()

/** So many sources are resolved before others have their turn. */
const sliceLength = 500

/** What a session knows of one script and of its map. */
export class ScriptMap {
  readonly script: ProgramScript
  /** The far side's path of the script; undefined if it is in no file. */
  readonly path: string | undefined
  /** The path in comparable form, or the URL. */
  readonly key: string
  readonly textOf: () => Promise<string>
  /** What the script says of its map; without the map, if that is inline. */
  readonly mapUrl: string
  /** Settles when the map is here or known not to come. Never rejects. */
  loaded: Promise<void> = Promise.resolve()
  loading = false
  /** Undefined until it is loaded, and if there is none. */
  map: CompactMap | undefined
  paths: Paths = []
  origin: string | undefined
  tried: readonly string[] = []
  #release: (() => void) | undefined
  #gone = false

  constructor(script: ProgramScript, textOf: () => Promise<string>) {
    this.script = script
    this.path = pathOfUrl(script.url)
    this.key = this.path === undefined ? script.url : comparable(this.path)
    this.textOf = textOf
    const mapUrl = script.sourceMapUrl ?? ''
    // Not a slice of it: that would keep all of its megabytes.
    this.mapUrl = /^data:/i.test(mapUrl) ? 'data:' : mapUrl
  }

  /** Takes the map that was found, or the reasons why there is none. */
  async take(search: Search, { paths, roots, overrides, signal }: Loader): Promise<void> {
    this.tried = search.tried
    const { found } = search
    if (found === undefined) return
    this.#release = () => found.lease.release()
    if (!this.#gone) {
      const root = await roots.of(found.lease.map, this.path, found.base, signal)
      this.paths = await resolved(found, root, paths, overrides)
    }
    if (this.#gone) return this.release()
    this.origin = found.origin
    this.map = found.lease.map
  }

  /** The script is gone, or the session is. */
  release(): void {
    this.#gone = true
    this.map = undefined
    this.#release?.()
    this.#release = undefined
  }

  /** The indexes of the sources with that path: webpack lists one file several times, told apart by a query. */
  indexesOf(key: string): number[] {
    if (this.map === undefined) return []
    const windows = !key.startsWith('/')
    const found: number[] = []
    for (const [index, path] of this.paths.entries()) {
      if (path === key || (windows && path !== undefined && comparable(path) === key)) found.push(index)
    }
    return found
  }

  /** Positions of the debugger count from the beginning of the file that the script is a part of (vm's lineOffset). */
  toMap(line: number, column: number): { line: number; column: number } {
    const { startLine, startColumn } = this.script
    return { line: line - startLine, column: line === startLine ? column - startColumn : column }
  }

  place({ line, column, original }: Mapped): GeneratedPlace {
    const { script } = this
    const at = { line: line + script.startLine, column: line === 0 ? column + script.startColumn : column }
    return { script, url: script.url, hash: script.hash, scriptId: script.id, ...at, original }
  }
}

function resolved(found: Found, root: string | undefined, paths: SourcePaths, overrides: string): Promise<Paths> {
  const { map } = found.lease
  const key = JSON.stringify([found.base, root, overrides])
  const known = sharedPaths.get(map) ?? new Map<string, Promise<Paths>>()
  sharedPaths.set(map, known)
  const before = known.get(key)
  if (before !== undefined) return before
  const resolving = resolve(map, found.base, root, paths)
  known.set(key, resolving)
  return resolving
}

async function resolve(
  map: CompactMap,
  base: string | undefined,
  root: string | undefined,
  paths: SourcePaths,
): Promise<Paths> {
  const result: (string | undefined)[] = []
  for (let source = 0; source < map.sourceCount; source++) {
    if (source % sliceLength === sliceLength - 1) await setImmediate()
    result.push(paths.pathOf(map.sourceName(source), { base, root }))
  }
  return result
}

/** What is the same for all scripts of a session. */
export interface Loader {
  readonly finder: MapFinder
  readonly paths: SourcePaths
  readonly roots: SourceRoots
  /** What the paths depend on beside the map: the user's overrides, as text. */
  readonly overrides: string
  readonly signal: AbortSignal
}

/** Finds the map and takes it; `tried` says what became of it. */
export async function loadMap(state: ScriptMap, mapUrl: string, loader: Loader): Promise<void> {
  state.loading = true
  try {
    await state.take(await loader.finder.find(state.script, mapUrl, state.textOf), loader)
  } finally {
    state.loading = false
  }
}
