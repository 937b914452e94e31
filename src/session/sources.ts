import type { DebugProtocol } from '@vscode/debugprotocol'

/** One folder under two names. */
export interface PathMapping {
  readonly remote: string
  readonly local: string
}

/**
 * Path mapping between the client's files and the program's. The longest prefix wins, and prefixes end at a separator:
 * `/app` is no prefix of `/apple`. Paths of a Windows client are compared without case, and separators are turned.
 */
export class Sources {
  readonly #toRemote: readonly Rule[]
  readonly #toLocal: readonly Rule[]

  constructor(mappings: readonly PathMapping[]) {
    const rules = mappings.map(({ remote, local }) => ({ remote: side(remote), local: side(local) }))
    this.#toRemote = rules.map(({ remote, local }) => ({ from: local, to: remote })).sort(longestFirst)
    this.#toLocal = rules.map(({ remote, local }) => ({ from: remote, to: local })).sort(longestFirst)
  }

  toRemote(path: string): string {
    return mapped(path, this.#toRemote)
  }

  toLocal(path: string): string {
    return mapped(path, this.#toLocal)
  }

  /** A source as the client names it, as the debugger knows it. */
  sourceToRemote(source: DebugProtocol.Source): DebugProtocol.Source {
    return typeof source.path === 'string' ? { ...source, path: this.toRemote(source.path) } : source
  }

  /**
   * A source as the debugger names it, as the client knows it. Where a mapping applies the client has the file, so a
   * reference to the far side's text is dropped: editors prefer it to the path, and would open a copy.
   */
  sourceToLocal(source: DebugProtocol.Source): DebugProtocol.Source {
    const nested = source.sources?.map((s) => this.sourceToLocal(s))
    const path = source.path === undefined ? undefined : this.toLocal(source.path)
    const { sourceReference, ...rest } = source
    return {
      ...rest,
      ...(path === undefined ? {} : { path }),
      ...(sourceReference === undefined || path !== source.path ? {} : { sourceReference }),
      ...(nested === undefined ? {} : { sources: nested }),
    }
  }
}

interface Side {
  readonly root: string
  readonly windows: boolean
}

interface Rule {
  readonly from: Side
  readonly to: Side
}

function side(path: string): Side {
  const windows = isWindows(path)
  const trimmed = path.replace(windows ? /[\\/]+$/ : /\/+$/, '')
  return { root: windows ? trimmed.replaceAll('/', '\\') : trimmed, windows }
}

function isWindows(path: string): boolean {
  return /^[a-zA-Z]:([\\/]|$)/.test(path) || path.startsWith('\\\\')
}

function longestFirst(a: Rule, b: Rule): number {
  return b.from.root.length - a.from.root.length
}

function mapped(path: string, rules: readonly Rule[]): string {
  for (const { from, to } of rules) {
    const rest = restBelow(path, from)
    if (rest === undefined) continue
    const separator = to.windows ? '\\' : '/'
    const tail = from.windows === to.windows ? rest : rest.replaceAll(from.windows ? '\\' : '/', separator)
    return tail === '' ? to.root || separator : `${to.root}${tail}`
  }
  return path
}

/** What is below the root, with its leading separator; '' for the root itself; undefined if the path is elsewhere. */
function restBelow(path: string, { root, windows }: Side): string | undefined {
  const given = windows ? path.replaceAll('/', '\\') : path
  const same = windows ? given.slice(0, root.length).toLowerCase() === root.toLowerCase() : given.startsWith(root)
  if (!same) return undefined
  const rest = given.slice(root.length)
  return rest === '' || rest.startsWith(windows ? '\\' : '/') ? rest : undefined
}

/**
 * Mappings of an attach request in the forms that users know: `pathMappings: [{ localRoot, remoteRoot }]` of debugpy,
 * and `localRoot` beside `remoteRoot` of VS Code's debugger of Node. A half of a pair maps nothing.
 */
export function clientMappings(args: Readonly<Record<string, unknown>>): PathMapping[] {
  const { pathMappings } = args
  return [...(Array.isArray(pathMappings) ? (pathMappings as unknown[]) : []), args].flatMap((entry) => {
    const { localRoot, remoteRoot } = (entry ?? {}) as { localRoot?: unknown; remoteRoot?: unknown }
    return typeof localRoot === 'string' && typeof remoteRoot === 'string'
      ? [{ local: localRoot, remote: remoteRoot }]
      : []
  })
}
