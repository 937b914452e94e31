import { readFile } from 'node:fs/promises'
import {
  baseName,
  decoded,
  folderOf,
  isAbsolutePath,
  isWindowsPath,
  joinPath,
  normalPath,
  pathOfFileUrl,
} from './paths.ts'
import { pathOfUrl } from './paths.ts'
import type { CompactMap } from './compactMap.ts'
import { FarFileError } from '../../../transport/farFile.ts'
import type { FarFiles } from '../../../transport/farFile.ts'
import { MapProblem } from './flatMap.ts'
import { tooLarge } from './mapStore.ts'
import type { Lease, MapInput, MapStore } from './mapStore.ts'
import { matchOf, privateMaps } from './privateMaps.ts'
import type { Match, PrivateMap } from './privateMaps.ts'
import type { ProgramScript } from './types.ts'

/** A map that was found for a script. */
export interface Found {
  readonly lease: Lease
  /** In words: `inline`, `/app/dist/x.js.map at ssh prod-1`. */
  readonly origin: string
  /** What its sources are relative to; undefined for a script without a file. */
  readonly base: string | undefined
}

export interface Search {
  readonly found: Found | undefined
  /** Each place where it was looked for and what was there, in words that follow "the source map ". */
  readonly tried: readonly string[]
}

export interface FinderOptions {
  readonly store: MapStore
  readonly files: FarFiles
  /** Absolute folders of the daemon's machine. */
  readonly folders: readonly string[]
  /** The session's end. */
  readonly signal: AbortSignal
}

/**
 * Looks for the map of a script: in the private folders, in the script itself, and in the far side's file system where
 * the script says. Nothing is fetched over HTTP: what the program names could be anywhere in the network.
 */
export class MapFinder {
  readonly #options: FinderOptions

  constructor(options: FinderOptions) {
    this.#options = options
  }

  /** Never rejects. @param mapUrl the script's `sourceMapUrl`. @param textOf its text, asked for only for a debug id. */
  async find(script: ProgramScript, mapUrl: string, textOf: () => Promise<string>): Promise<Search> {
    const tried: string[] = []
    const from = mapLocation(script, mapUrl)
    const base = from.path ?? pathOfUrl(script.url)
    for (const take of [
      () => this.#private(script, textOf, tried),
      () => (/^data:/i.test(mapUrl) ? this.#inline(script, mapUrl, textOf, tried) : this.#named(script, from, tried)),
    ]) {
      const taken = await take()
      if (taken === undefined) continue
      const wrong = mismatch(taken.lease.map, script)
      if (wrong === undefined) return { found: { ...taken, base }, tried: [...tried, `${taken.origin} is used`] }
      taken.lease.release()
      tried.push(`${taken.origin} ${wrong}`)
    }
    return { found: undefined, tried }
  }

  async #private(
    script: ProgramScript,
    textOf: () => Promise<string>,
    tried: string[],
  ): Promise<Omit<Found, 'base'> | undefined> {
    const { folders, signal } = this.#options
    const maps: PrivateMap[] = []
    for (const folder of folders) {
      try {
        maps.push(...(await privateMaps(folder)))
      } catch (error) {
        tried.push(`folder ${folder} can't be read: ${(error as Error).message}`)
      }
    }
    if (signal.aborted || folders.length === 0) return undefined
    const match = await matching(maps, script, textOf)
    if (match === undefined) {
      tried.push(`is not in ${folders.join(' or ')}: no map there has the script's debug id, path or name`)
      return undefined
    }
    const { path, bytes, changedMs } = match.map
    const key = `private ${path} ${bytes} ${changedMs}`
    const origin = `${path}, found by ${match.by},`
    return this.#take(origin, { key, bytes, read: async () => whole(await readFile(path, { signal })) }, tried)
  }

  /** Nobody keeps the map of a script that was seen before: what is left of its URL is `data:`, and the text has it. */
  async #inline(
    script: ProgramScript,
    mapUrl: string,
    textOf: () => Promise<string>,
    tried: string[],
  ): Promise<Omit<Found, 'base'> | undefined> {
    const kept = mapUrl.length > 'data:'.length
    const text = kept ? '' : await textOf().catch(() => '') // A script that is gone by now needs no map.
    const url = kept
      ? mapUrl
      : text.slice(Math.max(0, text.lastIndexOf('sourceMappingURL=data:')) + 17).split(/\s/, 1)[0]!
    // The hash is the inspector's word, and some are weak: it counts among programs that are reached the same way.
    const key = `inline ${this.#options.files.name} ${script.url} ${script.hash} ${url.length}`
    return this.#take('in the script itself', { key, bytes: url.length, read: async () => url }, tried)
  }

  async #named(script: ProgramScript, from: Location, tried: string[]): Promise<Omit<Found, 'base'> | undefined> {
    const { files, signal, store } = this.#options
    if (from.path === undefined) {
      tried.push(from.problem)
      return undefined
    }
    const { path } = from
    const origin = files.local ? path : `${path} at ${files.name}`
    try {
      const bytes = await files.size(path, signal)
      if (bytes > store.mapBytesMax) throw tooLarge(bytes, store.mapBytesMax)
      const key = `far ${files.name} ${path} ${bytes} ${script.hash}`
      return await this.#take(origin, { key, bytes, read: () => files.read(path, bytes, signal) }, tried)
    } catch (error) {
      tried.push(`${origin} ${problemWords(error)}`)
      return undefined
    }
  }

  async #take(origin: string, input: MapInput, tried: string[]): Promise<Omit<Found, 'base'> | undefined> {
    try {
      return { lease: await this.#options.store.take(input), origin }
    } catch (error) {
      tried.push(`${origin} ${problemWords(error)}`)
      return undefined
    }
  }
}

/** Not a slice of Node's pool: it is handed to another thread as a whole. */
function whole(buffer: Buffer): Uint8Array<ArrayBuffer> {
  const own = buffer.byteLength === buffer.buffer.byteLength && buffer.buffer instanceof ArrayBuffer
  return own ? (buffer as Uint8Array<ArrayBuffer>) : Uint8Array.from(buffer)
}

/** Words that follow the map's name. */
function problemWords(error: unknown): string {
  if (error instanceof MapProblem) return error.message
  if (error instanceof FarFileError) return `could not be read: ${error.message}`
  return `could not be read: ${(error as Error).message}`
}

/** Only when no path fits and a map with a debug id is there is the script's own text read for it. */
async function matching(
  maps: readonly PrivateMap[],
  script: ProgramScript,
  textOf: () => Promise<string>,
): Promise<Match | undefined> {
  const path = pathOfUrl(script.url)
  const direct = matchOf(maps, { path, debugId: script.debugId })
  if (script.debugId !== undefined || direct?.by === 'its path' || !maps.some((map) => map.debugId)) return direct
  const text = await textOf().catch(() => '') // A script that is gone by now needs no map.
  const debugId = /^\/\/[#@] debugId=([\da-f-]{32,36})\s*$/im.exec(text.slice(-4_096))?.[1]
  return debugId === undefined ? direct : matchOf(maps, { path, debugId })
}

type Location = { readonly path: string } | { readonly path: undefined; readonly problem: string }

/** The far side's path of the map that a script names. */
function mapLocation(script: ProgramScript, mapUrl: string): Location {
  const scriptPath = pathOfUrl(script.url)
  const nowhere = (problem: string): Location => ({ path: undefined, problem })
  if (mapUrl === '') return nowhere('is not named by the script')
  if (/^data:/i.test(mapUrl)) return nowhere('is in the script')
  if (/^https?:/i.test(mapUrl)) return nowhere(`${mapUrl.slice(0, 200)} is not fetched: nothing is, over HTTP`)
  const given = mapUrl.replace(/[?#].*$/s, '')
  const path = /^file:\/\//i.test(given) ? pathOfFileUrl(given) : absolute(decoded(given), scriptPath)
  if (path === undefined) return nowhere(`${given.slice(0, 200)} is relative to a script that is in no file`)
  // A program may name any file; what is no map is not looked into.
  if (!/\.(?:map|json)$/i.test(path))
    return nowhere(`${path.slice(0, 200)} is not read: its name is no map's (.map, .json)`)
  return { path }
}

function absolute(path: string, scriptPath: string | undefined): string | undefined {
  if (isAbsolutePath(path)) return normalPath(path)
  if (scriptPath === undefined || /^[a-z][a-z\d+.-]+:/i.test(path)) return undefined
  const turned = isWindowsPath(scriptPath) ? path.replaceAll('/', '\\') : path
  return joinPath(folderOf(scriptPath), turned)
}

/** Why that map can't be of that script, or undefined. */
function mismatch(map: CompactMap, script: ProgramScript): string | undefined {
  const { debugId } = script
  if (debugId !== undefined && map.debugId !== undefined && debugId.toLowerCase() !== map.debugId) {
    return `is of another build: its debug id is ${map.debugId}, the script's ${debugId}`
  }
  const lines = script.endLine - script.startLine + 1
  if (map.lineCount > lines) {
    return `is of another build: it maps ${map.lineCount} lines, and ${baseName(script.url)} has ${lines}`
  }
  if (map.sourceCount === 0) return 'lists no sources'
  return undefined
}
