import type { CompactMap } from './compactMap.ts'
import type { FarFiles } from '../../../transport/farFile.ts'
import { joinPath } from './paths.ts'
import { foldersAbove, likelyRoot } from './sourcePaths.ts'
import type { SourcePaths } from './sourcePaths.ts'

/** So many folders above the script are looked into, for so many sources, in one flight. */
const foldersMax = 8
const samplesMax = 2

/**
 * The project's folder at the far side, which `webpack://` paths are relative to: the nearest folder above the script that
 * has a source of the map; where no file can be found, the folder that a build's is usually in.
 */
export class SourceRoots {
  readonly #paths: SourcePaths
  readonly #files: FarFiles
  readonly #given: string | undefined
  readonly #found = new Map<string, Promise<string>>()

  constructor(paths: SourcePaths, files: FarFiles, given: string | undefined) {
    this.#paths = paths
    this.#files = files
    this.#given = given
  }

  /** Never rejects; undefined when no source needs one, or the script has no file. */
  of(map: CompactMap, scriptPath: string | undefined, base: string | undefined, signal: AbortSignal) {
    if (this.#given !== undefined) return Promise.resolve(this.#given)
    if (scriptPath === undefined) return Promise.resolve(undefined)
    const samples = this.#samples(map, base)
    if (samples.length === 0) return Promise.resolve(undefined)
    const folder = foldersAbove(scriptPath)[0]!
    const known = this.#found.get(folder)
    if (known !== undefined) return known
    const root = this.#find(scriptPath, samples, signal)
    this.#found.set(folder, root)
    return root
  }

  async #find(scriptPath: string, samples: readonly string[], signal: AbortSignal): Promise<string> {
    const folders = foldersAbove(scriptPath).slice(0, foldersMax)
    const asked = folders.flatMap((folder) =>
      samples.map(async (sample) => {
        // No such file, or no way to know: the next folder then.
        await this.#files.size(joinPath(folder, sample), signal)
        return folder
      }),
    )
    const answers = await Promise.allSettled(asked)
    const first = answers.find((answer) => answer.status === 'fulfilled')
    return first?.value ?? likelyRoot(scriptPath)
  }

  /** Sources, below the root, that have no path without one. The project's own rather than those of its libraries. */
  #samples(map: CompactMap, base: string | undefined): string[] {
    const samples: string[] = []
    for (let source = 0; source < map.sourceCount && samples.length < samplesMax && source < 5_000; source++) {
      const name = map.sourceName(source)
      if (name.includes('node_modules') || name.includes('/~/')) continue
      if (this.#paths.pathOf(name, { base, root: undefined }) !== undefined) continue
      const path = this.#paths.pathOf(name, { base, root: '/' })
      if (path !== undefined) samples.push(path.slice(1))
    }
    return samples
  }
}
