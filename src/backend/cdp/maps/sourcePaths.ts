import { PathOverrides, usualOverrides } from './overrides.ts'
import { decoded, folderOf, isAbsolutePath, isWindowsPath, joinPath, normalPath, pathOfFileUrl } from './paths.ts'

/** What the paths of a map's sources are relative to. */
export interface Bases {
  /** The far side's path of the map, or of the script that it is in; undefined for a script without a file. */
  readonly base: string | undefined
  /** The far side's folder of the project, for `webpack://` and the like. */
  readonly root: string | undefined
}

/** The rules by which the sources of maps become paths of the far side. */
export class SourcePaths {
  readonly #overrides: PathOverrides

  /** @param overrides the user's, which come before the usual ones. */
  constructor(overrides: Readonly<Record<string, string>> = {}) {
    this.#overrides = new PathOverrides({ ...usualOverrides, ...overrides })
  }

  /**
   * The absolute path of a source; undefined for what is in no file: `webpack/bootstrap`, `external "fs"`, `ng://…`.
   * @param source as {@link CompactMap.sourceName} has it.
   */
  pathOf(source: string, { base, root }: Bases): string | undefined {
    if (source === '' || isMade(source)) return undefined
    const overridden = this.#overrides.apply(source, root)
    if (overridden !== undefined) return below(withoutQuery(overridden), root)
    if (/^file:\/\//i.test(source)) return pathOfFileUrl(source)
    if (isWindowsPath(source)) return normalPath(withoutQuery(source))
    const url = /^([a-z][a-z\d+.-]+):(.*)$/is.exec(source)
    if (url !== null) return pathInProject(url[1]!.toLowerCase(), url[2]!, root)
    const plain = withoutQuery(decoded(source))
    // What vite serves from outside of its root.
    if (plain.startsWith('/@fs/')) return normalPath(plain.slice(/^\/@fs\/[a-z]:/i.test(plain) ? 5 : 4))
    if (plain.startsWith('/')) return normalPath(plain)
    return base === undefined ? undefined : joinPath(folderOf(base), turned(plain, base))
  }
}

const madeByWebpack =
  /^(?:webpack(?:-internal)?:\/\/(?:@[^/]*\/)?[^/]*\/)?(?:webpack\/(?:bootstrap|runtime|startup|before|after|universal|container|sharing)|\(webpack\)|ignored |external )/

/** A source that no file has: the bundler made it. rollup marks what it makes with a NUL. */
function isMade(source: string): boolean {
  return (
    source.includes('\0') ||
    source.startsWith('<') ||
    madeByWebpack.test(source) ||
    /^(?:data|blob|native|node|internal|browser-external|ignored|disabled|evalmachine):/i.test(source)
  )
}

/** webpack and vite tell versions of one module apart by a query: `./src/App.vue?4f2c`. */
function withoutQuery(path: string): string {
  return path.replace(/\?[\w=&.,~%-]*$/, '')
}

function below(path: string, root: string | undefined): string | undefined {
  if (isAbsolutePath(path)) return normalPath(path)
  // '' names nothing: no file, or the root that is not known.
  return root === undefined || path === '' ? undefined : joinPath(root, turned(path, root))
}

function turned(path: string, base: string): string {
  return isWindowsPath(base) ? path.replaceAll('/', '\\') : path
}

/**
 * `webpack://name/./src/x.ts`, `webpack://@scope/name/./src/x.ts`, `webpack:///src/x.ts`, `webpack:////app/x.ts`,
 * `vite:/src/x.ts`, `http://host/src/x.ts`: after the name, which says nothing about folders, comes a path in the
 * project, or an absolute one.
 */
function pathInProject(scheme: string, rest: string, root: string | undefined): string | undefined {
  if (scheme === 'ng' && !rest.startsWith('///')) return undefined
  const named = rest.startsWith('//')
  const inside = named ? rest.replace(/^\/\/(?:@[^/]*\/)?[^/]*\/?/, '') : rest.replace(/^\//, '')
  const path = withoutQuery(decoded(inside))
  if (path.startsWith('@fs/')) return normalPath(path.slice(/^@fs\/[a-z]:/i.test(path) ? 4 : 3))
  return below(path.replace(/^\/(?=[a-z]:[\\/])/i, ''), root)
}

/** Folders that a build writes to: what is beside them is the project. */
const builtFolders = new Set([
  'dist',
  'build',
  'out',
  'lib',
  'bin',
  'bundle',
  'output',
  '.output',
  '.next',
  '.nuxt',
  'target',
])

/** The folder above the build's own, else the script's: the project, as far as a path can say. */
export function likelyRoot(scriptPath: string): string {
  const folder = folderOf(scriptPath)
  const separator = isWindowsPath(scriptPath) ? '\\' : '/'
  const parts = folder.split(/[\\/]/)
  // Not `/usr/lib/…/server.js`: the build's folder is near.
  const at = parts.findLastIndex((part) => builtFolders.has(part))
  if (at < 0 || at < parts.length - 3) return folder
  return parts.slice(0, at).join(separator) || separator
}

/** The script's folder and those above it, the nearest first: the project is one of them. */
export function foldersAbove(scriptPath: string): string[] {
  const folders: string[] = []
  for (let folder = folderOf(scriptPath); folders.at(-1) !== folder; folder = folderOf(folder)) folders.push(folder)
  return folders
}
