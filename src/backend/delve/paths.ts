import { nearest } from '../../lib/nearest.ts'
import { DelveError } from './connection.ts'
import type { Program } from './parts.ts'
import {
  guess,
  isWindows,
  keyOf,
  lastOf,
  parseModinfo,
  programFiles,
  same,
  segmentsOf,
  type BuildInfo,
  type Guess,
  type ProgramFiles,
  type SourceFile,
} from './pathGuess.ts'

export interface PathsParts {
  /** Every file of the program, as its compiler knew it: Delve's ListSources. Asked once. */
  sources(): Promise<readonly string[]>
  /** Asked once. */
  build(): Promise<BuildInfo>
  /** Told once of each folder that was guessed: a whole sentence. */
  note(sentence: string): void
}

export interface FarPath {
  /** As the program has it; the client's own where the program has none that fits. */
  readonly path: string
  /** How it was found, where it was guessed. */
  readonly why?: string
}

/** One folder under two names, which was guessed. */
interface Pair {
  readonly client: string
  readonly far: string
  /** How many segments agreed. */
  readonly same: number
  /** Of the program itself, which has one folder only; a module may be in the client's cache and be vendored. */
  readonly own: boolean
  readonly why: string
}

/** As many as a message bears. */
const shownMax = 3

/**
 * The client's files and the program's. The target's `paths` have been applied before (`session/sources.ts`); where they
 * say nothing, a file is guessed from the end of its path, and what was guessed is used both ways from then on. Links
 * are not followed: the compiler names files as they were named to it, and so do editors.
 */
export class SourcePaths {
  readonly #parts: PathsParts
  #asked: Promise<ProgramFiles> | undefined
  #files: ProgramFiles | undefined
  #pairs: Pair[] = []

  constructor(parts: PathsParts) {
    this.#parts = parts
  }

  /** Rejects as `sources` does. */
  async toFar(clientPath: string): Promise<FarPath> {
    const files = this.#files ?? (await this.#load())
    const exact = files.byKey.get(keyOf(clientPath))
    if (exact !== undefined) return { path: exact.path }
    for (const { client, far, why } of this.#pairs) {
      const moved = moveBelow(clientPath, client, far)
      const file = moved === undefined ? undefined : files.byKey.get(keyOf(moved))
      if (file !== undefined) return { path: file.path, why }
    }
    const found = guess(files, clientPath)
    if (found.kind !== 'found') return { path: clientPath }
    const pair = pairOf(clientPath, found)
    if (this.#rival(pair) !== undefined) return { path: clientPath }
    this.#remember(pair)
    return { path: found.file.path, why: pair.why }
  }

  /** A path of the program as the client knows it, as far as that was guessed before. */
  toClient(farPath: string): string {
    for (const { client, far } of this.#pairs) {
      const moved = moveBelow(farPath, far, client)
      if (moved !== undefined) return moved
    }
    return farPath
  }

  /** Why no file of the program is this one, and which come near: sentences for an unverified breakpoint. */
  explain(clientPath: string): string {
    const files = this.#files
    if (files === undefined) return 'The files of the program are not known yet.'
    const exact = files.byKey.get(keyOf(clientPath))
    if (exact !== undefined) return noLines(exact)
    const advice = "Name its folder in the target's paths."
    const found = guess(files, clientPath)
    switch (found.kind) {
      case 'several':
        return `Several files of the program could be this one: ${listed(found.files)}. ${advice}`
      case 'version':
        return `The program has ${found.there}, and this file is of ${found.here}: its lines may be others.`
      case 'found': {
        const rival = this.#rival(pairOf(clientPath, found))
        return rival === undefined
          ? noLines(found.file)
          : `The program's ${rival.far} was taken for ${rival.client} before. If this is the right one, name it in the target's paths.`
      }
      case 'none':
        return this.#nothingLike(files, clientPath)
    }
  }

  /** What was guessed so far, for people. */
  get guesses(): readonly { readonly client: string; readonly far: string; readonly why: string }[] {
    return this.#pairs
  }

  /** The program was built anew: what is known of its files is asked again. */
  forget(): void {
    this.#asked = undefined
    this.#files = undefined
  }

  async #load(): Promise<ProgramFiles> {
    const asked = (this.#asked ??= this.#ask())
    try {
      this.#files = await asked
      return this.#files
    } catch (error) {
      // The next one asks again.
      if (this.#asked === asked) this.#asked = undefined
      throw error
    }
  }

  async #ask(): Promise<ProgramFiles> {
    // Both in one flight: the program may be held for them.
    const [sources, build] = await Promise.all([this.#parts.sources(), this.#parts.build()])
    return programFiles(sources, build)
  }

  /** Another folder of the client that the same one of the program was taken for, with no worse reason. */
  #rival({ client, far, same: alike, own }: Pair): Pair | undefined {
    if (!own) return undefined
    return this.#pairs.find((pair) => pair.far === far && keyOf(pair.client) !== keyOf(client) && pair.same >= alike)
  }

  /** The deepest folder comes first, and of one folder the better guess. */
  #remember(pair: Pair): void {
    const { client, far, why } = pair
    if (this.#pairs.some((known) => known.far === far && keyOf(known.client) === keyOf(client))) return
    this.#pairs = [...this.#pairs, pair].sort((a, b) => b.far.length - a.far.length || b.same - a.same)
    this.#parts.note(`${why}. If it is another, set the target's paths: { ${far}: … }.`)
  }

  #nothingLike({ files, byName }: ProgramFiles, clientPath: string): string {
    const name = lastOf(segmentsOf(clientPath))
    const namesakes = byName.get(name.toLowerCase()) ?? []
    if (namesakes.length > 0) {
      const which = namesakes.length === 1 ? 'one in another folder' : 'others of that name in other folders'
      return `The program does not have this file, but ${which}: ${listed(namesakes)}. If that is it, name its folder in the target's paths.`
    }
    if (name.endsWith('_test.go')) return 'The program does not have this file: only a test binary has tests.'
    const own = files.filter(({ kind }) => kind === 'own')
    const near = nearest(name, new Set(own.map(({ segments }) => lastOf(segments))))
    const meant = near === undefined ? [] : (byName.get(near.toLowerCase()) ?? [])
    if (meant.length > 0) return `The program has no ${name}; near to it is ${listed(meant)}.`
    const sample = own.length === 0 ? '' : ` It was built from ${listed(own)}.`
    return `The program has no ${name}: its package is not in it, or was left out by a build constraint.${sample}`
  }
}

/** Those of a Delve's program. Asking needs no look at a stop: a program that runs is held for some milliseconds, once. */
export function pathsOf(program: Program, note: (sentence: string) => void): SourcePaths {
  return new SourcePaths({
    sources: async () => (await program.once('ListSources', { Filter: '' })).Sources ?? [],
    build: () => program.once('Eval', modinfoRead).then(({ Variable }) => parseModinfo(Variable?.value ?? ''), unbuilt),
    note,
  })
}

/** `runtime.modinfo` is what `go version -m` shows; it begins with the two paths. */
export const modinfoRead = {
  Scope: { GoroutineID: -1, Frame: 0 },
  Expr: 'runtime.modinfo',
  Cfg: { FollowPointers: false, MaxVariableRecurse: 0, MaxStringLen: 2048, MaxArrayValues: 0, MaxStructFields: 0 },
} as const

/** It is not there in a core without its data, or in a program whose linker left it out: then there is less to compare. */
function unbuilt(error: unknown): BuildInfo {
  if (error instanceof DelveError) return {}
  throw error
}

function listed(files: readonly SourceFile[]): string {
  const more = files.length > shownMax ? ` and ${files.length - shownMax} more` : ''
  return files
    .slice(0, shownMax)
    .map(({ path }) => path)
    .join(', ')
    .concat(more)
}

/** The widest folders that surely belong together: not above the program's own, nor above what differs. */
function pairOf(clientPath: string, { file, same: alike }: Extract<Guess, { kind: 'found' }>): Pair {
  const client = segmentsOf(clientPath)
  const byPath = same(client, file.segments, isWindows(clientPath))
  const below = Math.min(byPath, file.segments.length - file.root, client.length - 1)
  const far = withoutLast(file.path, below)
  const folder = withoutLast(clientPath, below)
  const why = `${folder} is taken for ${far} of the program, since ${clientPath} and its ${file.path} end alike and no other file does`
  return { client: folder, far, same: alike, own: file.kind === 'own', why }
}

/** Delve lists the file, and does not find it when it is to stop there. */
function noLines({ path }: SourceFile): string {
  return `The program has ${path}, and Delve finds no line of it: it has no debug information. Build it without -ldflags '-s -w', and do not strip it; until then breakpoints can be at its functions (main.main).`
}

function withoutLast(path: string, count: number): string {
  const separators = isWindows(path) ? /[\\/]+[^\\/]*$/ : /\/[^/]*$/
  let rest = path
  for (let i = 0; i < count; i++) rest = rest.replace(separators, '')
  return rest
}

/** Undefined for what is not below `from`; a name that only begins like it is not. */
function moveBelow(path: string, from: string, to: string): string | undefined {
  const key = keyOf(path)
  const root = keyOf(from)
  if (!key.startsWith(root) || key[root.length] !== '/') return undefined
  const rest = path.slice(from.length)
  return `${to}${isWindows(to) ? rest.replaceAll('/', '\\') : rest.replaceAll(isWindows(path) ? '\\' : '/', '/')}`
}
