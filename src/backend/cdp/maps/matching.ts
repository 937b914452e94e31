import type { DebugProtocol } from '@vscode/debugprotocol'
import { baseName, commonTail, comparable, isWindowsPath } from './paths.ts'
import type { ScriptMap } from './scriptMap.ts'
import type { Owner, SourceList } from './sourceList.ts'

/** A source of the client's, in the scripts that have it. */
export interface Match {
  readonly owners: readonly Owner[]
  /** The program's path that the client's was taken for, if it is not the same. */
  readonly takenFor?: string
}

const none: Match = { owners: [] }

/** Scripts that are, or by their maps contain, what the client names by a path or a reference. */
export function matchSource(
  states: ReadonlySet<ScriptMap>,
  list: SourceList,
  source: DebugProtocol.Source,
  guess: boolean,
): Match {
  const entry = source.sourceReference ? list.byReference(source.sourceReference) : undefined
  const path = entry === undefined ? source.path : entry.path
  if (path === undefined) return entry === undefined ? none : { owners: [entry.owner] }
  const owners = ownersOf(states, comparable(path))
  if (owners.length > 0) return { owners }
  // `<node_internals>/fs`, `<eval>/VM12`: paths of ours, which no script has.
  const own = entry ?? list.byPath(path)
  if (own !== undefined) return { owners: [own.owner] }
  return guess ? likely(states, path) : none
}

function ownersOf(states: ReadonlySet<ScriptMap>, key: string): Owner[] {
  const owners: Owner[] = []
  for (const state of states) {
    if (state.key === key) owners.push({ state, index: undefined })
    for (const index of state.indexesOf(key)) owners.push({ state, index })
  }
  return owners
}

/** A path of the program that ends like the one asked for. */
export interface Similar {
  readonly path: string
  /** So many of their last parts are the same. */
  readonly parts: number
}

/** Paths of sources and scripts with the same file name, those with more of the path first. */
export function similarPaths(states: ReadonlySet<ScriptMap>, path: string): Similar[] {
  const wanted = path.replaceAll('\\', '/').toLowerCase()
  const name = `/${baseName(wanted)}`
  const found = new Map<string, Similar>()
  const look = (candidate: string | undefined): void => {
    if (candidate === undefined) return
    const text = candidate.replaceAll('\\', '/').toLowerCase()
    if (text.endsWith(name)) found.set(comparable(candidate), { path: candidate, parts: commonTail(text, wanted) })
  }
  for (const state of states) {
    if (!state.script.internal) look(state.path)
    for (const source of state.paths) look(source)
  }
  return [...found.values()].sort((a, b) => b.parts - a.parts)
}

/**
 * Where no path mapping fits, the one source whose path ends with the same folder and name. Two that end alike are
 * none: a breakpoint in the wrong file is worse than none. Libraries have too many files of the same name.
 */
function likely(states: ReadonlySet<ScriptMap>, path: string): Match {
  const [first, second] = similarPaths(states, path).filter(
    (similar) => similar.path.includes('node_modules') === path.includes('node_modules'),
  )
  if (first === undefined || first.parts < 2 || first.parts === second?.parts) return none
  return { owners: ownersOf(states, comparable(first.path)), takenFor: first.path }
}

/** The path mapping that would make one path the other: what is before their common end. */
export function mappingFor(remote: string, local: string): { remote: string; local: string } {
  const parts = similarity(remote, local)
  const cut = (path: string): string => {
    const separator = isWindowsPath(path) ? '\\' : '/'
    return path.split(/[\\/]/).slice(0, -parts).join(separator) || separator
  }
  return { remote: cut(remote), local: cut(local) }
}

function similarity(a: string, b: string): number {
  return commonTail(a.replaceAll('\\', '/').toLowerCase(), b.replaceAll('\\', '/').toLowerCase())
}
