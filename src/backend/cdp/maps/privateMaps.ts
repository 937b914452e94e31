import { open, readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { baseName, comparable, commonTail } from './paths.ts'

/** A map in a private folder. */
export interface PrivateMap {
  readonly path: string
  /** Below its folder, with `/`. */
  readonly relative: string
  readonly bytes: number
  readonly changedMs: number
  readonly debugId: string | undefined
  /** The script that the map says it is of. */
  readonly file: string | undefined
}

/** How it was found, for the explanation. */
export interface Match {
  readonly map: PrivateMap
  readonly by: 'its debug id' | 'its path' | 'the file it names'
}

/** Of one folder: more is some other folder than was meant. */
const filesMax = 20_000
const depthMax = 12

/** `debugId` and `file` are looked for at the beginning and the end: the long parts are in between. */
const edgeBytes = 8 * 1024

/** A folder is read again when a session starts that long after it was read. */
const freshMs = 2_000

interface Listing {
  readonly maps: Promise<readonly PrivateMap[]>
  readonly atMs: number
}

const listings = new Map<string, Listing>()
/** What was found in a file, as long as it is the same. */
const edges = new Map<string, Promise<Pick<PrivateMap, 'debugId' | 'file'>>>()

/** The maps of a folder of the daemon's machine. Rejects if it can't be read. */
export function privateMaps(folder: string): Promise<readonly PrivateMap[]> {
  const known = listings.get(folder)
  if (known !== undefined && performance.now() - known.atMs < freshMs) return known.maps
  const maps = list(folder)
  // Asked for again by the next session, then.
  maps.catch(() => listings.delete(folder))
  listings.set(folder, { maps, atMs: performance.now() })
  return maps
}

async function list(folder: string): Promise<readonly PrivateMap[]> {
  const maps: PrivateMap[] = []
  const folders = [{ path: folder, depth: 0 }]
  for (let next = folders.shift(); next !== undefined; next = folders.shift()) {
    const { path, depth } = next
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name)
      if (entry.isDirectory() && depth < depthMax) folders.push({ path: inner, depth: depth + 1 })
      else if (entry.name.endsWith('.map') && (entry.isFile() || entry.isSymbolicLink())) {
        const map = await describe(folder, inner)
        if (map !== undefined) maps.push(map)
        if (maps.length > filesMax) throw new Error(`it has more than ${filesMax} maps`)
      }
    }
  }
  return maps
}

async function describe(folder: string, path: string): Promise<PrivateMap | undefined> {
  const found = await stat(path).catch(() => undefined) // Deleted since, or a link to nothing: no map then.
  if (!found?.isFile()) return undefined
  const key = `${path} ${found.size} ${found.mtimeMs}`
  const edge = edges.get(key) ?? edgesOf(path, found.size)
  edges.set(key, edge)
  if (edges.size > filesMax) edges.delete(edges.keys().next().value!)
  const relative = path.slice(folder.length + (folder.endsWith(sep) ? 0 : 1)).replaceAll(sep, '/')
  return { path, relative, bytes: found.size, changedMs: found.mtimeMs, ...(await edge) }
}

/** Reads two small pieces of it: a folder may hold hundreds of maps of many megabytes. */
async function edgesOf(path: string, size: number): Promise<Pick<PrivateMap, 'debugId' | 'file'>> {
  try {
    await using file = await open(path)
    const head = Buffer.alloc(Math.min(size, edgeBytes))
    const tail = Buffer.alloc(Math.min(size - head.length, edgeBytes))
    await file.read(head, 0, head.length, 0)
    await file.read(tail, 0, tail.length, size - tail.length)
    const text = `${head.toString('latin1')}\n${tail.toString('latin1')}`
    const debugId = /"debug(?:_id|Id)"\s*:\s*"([\da-f-]{32,36})"/i.exec(text)?.[1]?.toLowerCase()
    const name = /"file"\s*:\s*"([^"\\]{1,1000})"/.exec(text)?.[1]
    return { debugId, file: name }
  } catch {
    // A file that can't be read says what is wrong with it when it is wanted as a map.
    return { debugId: undefined, file: undefined }
  }
}

/**
 * The map of a script among those of the folders:
 * - by its debug id, which no other build has;
 * - by its path: `dist/x.js.map` in the folder is the map of any `…/dist/x.js`, the longest one wins; below folders of the
 *   user's own (`orders-api/1.4/dist/x.js.map`) two parts must be the same, and only one map may have so many;
 * - by the `file` it names, if only one does.
 */
export function matchOf(
  maps: readonly PrivateMap[],
  script: { readonly path: string | undefined; readonly debugId: string | undefined },
): Match | undefined {
  const debugId = script.debugId?.toLowerCase()
  const same = debugId === undefined ? undefined : maps.find((map) => map.debugId === debugId)
  if (same !== undefined) return { map: same, by: 'its debug id' }
  if (script.path === undefined) return undefined
  // A map that says it is of another build is not taken for this one's.
  const others = maps.filter((map) => debugId === undefined || map.debugId === undefined)
  const wanted = `${comparable(script.path)}.map`
  const ranked = others
    .map((map) => ({ map, parts: commonTail(map.relative, wanted), all: map.relative.split('/').length }))
    .filter(({ parts, all }) => parts === all || parts >= 2)
    // Of as many same parts, all of its path counts more than a part of it.
    .map(({ map, parts, all }) => ({ map, rank: 2 * parts + (parts === all ? 1 : 0) }))
    .sort((a, b) => b.rank - a.rank)
  const [first, second] = ranked
  if (first !== undefined && (second === undefined || second.rank < first.rank))
    return { map: first.map, by: 'its path' }
  if (first !== undefined) return undefined
  const name = baseName(script.path)
  const naming = others.filter((map) => map.file !== undefined && baseName(map.file) === name)
  return naming.length === 1 ? { map: naming[0]!, by: 'the file it names' } : undefined
}
