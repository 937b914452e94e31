import { setMaxListeners } from 'node:events'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { dapError } from '../../../dap/errors.ts'
import { deferred } from '../../../lib/deferred.ts'
import { present } from '../../../lib/present.ts'
import { explainPath, rowOf } from './explain.ts'
import { MapFinder } from './mapFinder.ts'
import { daemonStore } from './mapStore.ts'
import { matchSource } from './matching.ts'
import type { Match } from './matching.ts'
import { Patterns } from './patterns.ts'
import { loadMap, ScriptMap } from './scriptMap.ts'
import type { Loader } from './scriptMap.ts'
import { Skipping } from './skipping.ts'
import { SourceList } from './sourceList.ts'
import { SourcePaths } from './sourcePaths.ts'
import { SourceRoots } from './sourceRoot.ts'
import { readText } from './sourceText.ts'
import type { SourceText } from './sourceText.ts'
import type { GeneratedPlace, MapRow, Place, ProgramScript, SourcesOptions } from './types.ts'

export type { GeneratedPlace, MapRow, Place, ProgramScript, SourcesOptions, SourcesSettings } from './types.ts'

/** More than that of one range are no help to who looks for a place to stop at. */
const rangePlacesMax = 5_000

/** Sentences for the user; more would be noise. */
const notesMax = 50

/**
 * The sources of one program, as its author wrote them: which script and place is which source and line, both ways,
 * through source maps. Maps are shared by all sessions; this has only what is this session's. All positions are CDP's,
 * 0-based; all paths are the far side's.
 */
export class ProgramSources implements AsyncDisposable {
  readonly #options: SourcesOptions
  readonly #states = new Map<ProgramScript, ScriptMap>()
  readonly #all = new Set<ScriptMap>()
  readonly #list: SourceList
  readonly #skipping: Skipping
  readonly #wanted: Patterns
  readonly #loader: Loader
  readonly #listeners = new Set<(script: ProgramScript) => void>()
  readonly #noted = new Set<string>()
  readonly #end = new AbortController()
  #loading = 0
  /** Settles when the next map has come, or is known not to. */
  #progress = deferred<void>()

  constructor(options: SourcesOptions) {
    const { settings, files, store = daemonStore() } = options
    this.#options = options
    this.#list = new SourceList(files)
    this.#skipping = new Skipping(settings.skipFiles ?? [], (text) => this.#note(text))
    const locations = settings.resolveSourceMapLocations
    const wanted = locations === null ? ['**'] : (locations ?? ['**', '!**/node_modules/**'])
    this.#wanted = new Patterns(wanted, (text) => this.#note(text))
    const paths = new SourcePaths(settings.sourceMapPathOverrides)
    const { signal } = this.#end
    // One for each file that is being read.
    setMaxListeners(0, signal)
    this.#loader = {
      finder: new MapFinder({ store, files, folders: settings.maps ?? [], signal }),
      paths,
      roots: new SourceRoots(paths, files, settings.root),
      overrides: JSON.stringify(settings.sourceMapPathOverrides ?? {}),
      signal,
    }
  }

  /** Begins to load the script's map; nothing waits for it but who asks `ready` or `generated`. */
  scriptAdded(script: ProgramScript, textOf: () => Promise<string>): void {
    if (this.#states.has(script) || this.#end.signal.aborted) return
    const state = new ScriptMap(script, textOf)
    this.#states.set(script, state)
    this.#all.add(state)
    const { settings } = this.#options
    if (settings.sourceMaps === false || script.internal) return
    const mapUrl = script.sourceMapUrl ?? ''
    if (mapUrl === '' && (settings.maps ?? []).length === 0) return
    if (!this.#wanted.matches(state.path ?? script.url)) {
      if (mapUrl !== '') state.tried = ['is not looked for: resolveSourceMapLocations leaves this script out']
      return
    }
    state.loaded = this.#load(state, mapUrl)
  }

  async #load(state: ScriptMap, mapUrl: string): Promise<void> {
    this.#loading++
    try {
      await loadMap(state, mapUrl, this.#loader)
    } catch (error) {
      // Whatever it is, the script is shown as it is.
      this.#options.log.error({ err: error, script: state.script.url }, 'a source map could not be loaded')
      state.tried = [...state.tried, 'could not be loaded: the log of Breakwater has the details']
    } finally {
      this.#loading--
      this.#progress.resolve()
      this.#progress = deferred()
    }
    if (this.#states.get(state.script) !== state) return
    if (state.map === undefined) {
      if (mapUrl !== '') this.#options.log.debug({ script: state.script.url, tried: state.tried }, 'no source map')
      return
    }
    for (const listener of this.#listeners) listener(state.script)
  }

  /** Its context is destroyed, or its thread is gone. */
  scriptRemoved(script: ProgramScript): void {
    const state = this.#states.get(script)
    if (state === undefined) return
    this.#states.delete(script)
    this.#all.delete(state)
    state.release()
  }

  /** Hears of each script whose map has come; returns what ends it. Not of those that turn out to have none. */
  onMap(listener: (script: ProgramScript) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** From memory, never waits: where no map is loaded (yet) it is the generated place. */
  place(script: ProgramScript, line: number, column: number): Place {
    const state = this.#stateOf(script)
    const at = state.toMap(line, column)
    const original = state.map?.original(at.line, at.column)
    const hasMap = state.map !== undefined
    if (original === undefined || this.#isNameless(state, original.source)) {
      const skipped = this.#skipping.has(state, undefined)
      return { source: this.#list.ofScript(state, skipped), line, column, mapped: false, hasMap, skipped }
    }
    const skipped = this.#skipping.has(state, original.source)
    return present({
      source: this.#list.ofMap(state, original.source, skipped),
      line: original.line,
      column: original.column,
      name: original.name,
      mapped: true,
      hasMap,
      skipped,
    })
  }

  /** A source that is null in the map: nobody can say which it is. */
  #isNameless(state: ScriptMap, source: number): boolean {
    return state.paths[source] === undefined && state.map?.sourceName(source) === ''
  }

  /** A script that was never added, or is gone, is shown as it is. */
  #stateOf(script: ProgramScript): ScriptMap {
    return this.#states.get(script) ?? new ScriptMap(script, () => Promise.reject(gone(script.url)))
  }

  /** Resolves when the script's map is there, or is known not to come, or the time for that is over. Never rejects. */
  async ready(script: ProgramScript): Promise<void> {
    const state = this.#states.get(script)
    if (state?.loading === true) await within(state.loaded, this.#deadline())
  }

  isLoading(script: ProgramScript): boolean {
    return this.#states.get(script)?.loading ?? false
  }

  #deadline(): number {
    return performance.now() + (this.#options.readyMs ?? 8_000)
  }

  /**
   * The generated places of a source's line, a place in each script that has it. Waits for maps that are being loaded
   * only while no script is known to have the source. None: nothing that is loaded has it (`explain`).
   * @param column undefined for the first place of the line.
   */
  async generated(source: DebugProtocol.Source, line: number, column: number | undefined): Promise<GeneratedPlace[]> {
    await this.#known(source)
    return this.generatedNow(source, line, column)
  }

  async #known(source: DebugProtocol.Source): Promise<void> {
    const until = this.#deadline()
    while (matchSource(this.#all, this.#list, source, false).owners.length === 0) {
      if (this.#loading === 0 || !(await within(this.#progress.promise, until))) return
    }
  }

  /** The same from memory. */
  generatedNow(source: DebugProtocol.Source, line: number, column: number | undefined): GeneratedPlace[] {
    return this.#match(source).owners.flatMap(({ state, index }) => {
      if (index !== undefined) return state.map?.generated(index, line, column).map((m) => state.place(m)) ?? []
      const { script } = state
      const { startLine, startColumn, endLine, url, hash, id } = script
      if (line < startLine || line > endLine) return []
      const at = { line, column: column ?? (line === startLine ? startColumn : 0) }
      return [{ script, url, hash, scriptId: id, ...at, original: at }]
    })
  }

  /**
   * The places of a source that the maps have from `startLine` to `endLine`, by original place. Undefined when it is a
   * script itself: V8 knows those.
   */
  mappedPlaces(source: DebugProtocol.Source, startLine: number, endLine: number): GeneratedPlace[] | undefined {
    const { owners } = this.#match(source)
    if (owners.length === 0 || owners.some(({ index }) => index === undefined)) return undefined
    const places = owners.flatMap(({ state, index }) => {
      const mapped = state.map?.mappedIn(index!, startLine, endLine, rangePlacesMax) ?? []
      return mapped.map((m) => state.place(m))
    })
    return places.sort((a, b) => a.original.line - b.original.line || a.original.column - b.original.column)
  }

  /** Scripts that are this source, or have it by their maps. */
  scriptsOf(source: DebugProtocol.Source): ProgramScript[] {
    return [...new Set(this.#match(source).owners.map(({ state }) => state.script))]
  }

  #match(source: DebugProtocol.Source): Match {
    const match = matchSource(this.#all, this.#list, source, true)
    if (match.takenFor !== undefined && match.owners.length > 0) {
      this.#note(
        `${source.path} is taken for ${match.takenFor} of the program: the ends of their paths are the same. Add "paths" to the target to say so.`,
      )
    }
    return match
  }

  /** The script itself, whatever its map says. */
  sourceOf(script: ProgramScript): DebugProtocol.Source {
    const state = this.#stateOf(script)
    return this.#list.ofScript(state, this.#skipping.has(state, undefined))
  }

  /** All sources, each once: of the maps, and the scripts. */
  allSources(): DebugProtocol.Source[] {
    const sources = new Set<DebugProtocol.Source>()
    for (const state of this.#all) {
      for (let index = 0; index < (state.map?.sourceCount ?? 0); index++) {
        if (this.#isNameless(state, index)) continue
        sources.add(this.#list.ofMap(state, index, this.#skipping.has(state, index)))
      }
      sources.add(this.#list.ofScript(state, this.#skipping.has(state, undefined)))
    }
    return [...sources]
  }

  /** The text of a source that was named to the client before, and of nothing else. Rejects with DapError. */
  async text(
    source: DebugProtocol.Source | undefined,
    reference: number | undefined,
    signal: AbortSignal,
  ): Promise<SourceText> {
    const number = source?.sourceReference || reference
    const entry = number ? this.#list.byReference(number) : this.#list.byPath(source?.path ?? '')
    if (entry !== undefined) return readText(entry, this.#options.files, signal)
    const message = `There is no source ${source?.path ?? source?.name ?? number ?? ''} in this session.`
    throw dapError('debuggerFailed', { message })
  }

  isSkipped(script: ProgramScript, line: number, column: number): boolean {
    const state = this.#stateOf(script)
    const at = state.toMap(line, column)
    return this.#skipping.has(state, state.map?.original(at.line, at.column)?.source)
  }

  /** skipFiles as `Debugger.setBlackboxPatterns` takes them. They hold for scripts as wholes. */
  blackboxPatterns(): string[] {
    return this.#skipping.expressions()
  }

  /** Why a breakpoint there is not verified; undefined when a script has that source. */
  explain(sourcePath: string): string | undefined {
    if (this.#match({ path: sourcePath }).owners.length > 0) return undefined
    return explainPath(this.#all, sourcePath)
  }

  /** What became of the map of each script that has or wants one. */
  report(): MapRow[] {
    return [...this.#all].filter((state) => state.mapUrl !== '' || state.tried.length > 0 || state.map).map(rowOf)
  }

  #note(text: string): void {
    if (this.#noted.has(text) || this.#noted.size >= notesMax) return
    this.#noted.add(text)
    this.#options.note?.(text)
  }

  /** Lets go of the maps. What is still being loaded is given up, unless another session waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new Error('the session has ended'))
    for (const script of this.#states.keys()) this.scriptRemoved(script)
    this.#listeners.clear()
    await this.#options.files[Symbol.asyncDispose]()
  }
}

/** Waits, and for no longer than clients do: false when the time is over. */
async function within(promise: Promise<void>, until: number): Promise<boolean> {
  const late = deferred<boolean>()
  const timer = setTimeout(() => late.resolve(false), Math.max(0, until - performance.now()))
  try {
    return await Promise.race([promise.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function gone(url: string): Error {
  return dapError('debuggerFailed', { message: `The script ${url} is gone.` })
}
