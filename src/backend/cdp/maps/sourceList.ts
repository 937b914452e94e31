import { statSync } from 'node:fs'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { present } from '../../../lib/present.ts'
import type { FarFiles } from '../../../transport/farFile.ts'
import { baseName, comparable } from './paths.ts'
import type { ScriptMap } from './scriptMap.ts'

/** A source that was named to the client: a script, or one of the sources of a map. */
export interface Entry {
  readonly source: DebugProtocol.Source
  readonly reference: number
  readonly path: string | undefined
  /** Where it is: the newest of the scripts that have it. */
  owner: Owner
}

export interface Owner {
  readonly state: ScriptMap
  /** Of which source of the map; undefined for the script itself. */
  readonly index: number | undefined
}

/** The sources as the client sees them; each is the same object and the same reference for the whole session. */
export class SourceList {
  readonly #files: FarFiles
  readonly #entries = new Map<string, Entry>()
  readonly #byReference = new Map<number, Entry>()

  constructor(files: FarFiles) {
    this.#files = files
  }

  byReference(reference: number): Entry | undefined {
    return this.#byReference.get(reference)
  }

  byPath(path: string): Entry | undefined {
    return this.#entries.get(comparable(path))
  }

  /** @param skipped greys it in the client's lists. */
  ofScript(state: ScriptMap, skipped: boolean): DebugProtocol.Source {
    const { script, path } = state
    const key = script.url === '' ? `script ${script.id} ${script.hash}` : state.key
    return this.#entry(key, { state, index: undefined }, () => {
      const hint = skipped || script.internal ? 'deemphasize' : undefined
      return { ...nameOf(state), presentationHint: hint, path: path ?? nameOf(state).path }
    }).source
  }

  ofMap(state: ScriptMap, index: number, skipped: boolean): DebugProtocol.Source {
    const path = state.paths[index]
    const name = state.map?.sourceName(index) ?? ''
    const key = path === undefined ? `${state.key} ${index} ${name}` : comparable(path)
    return this.#entry(key, { state, index }, () => ({
      name: path === undefined ? name.replaceAll('\0', '') || `source ${index}` : baseName(path),
      path,
      origin: `source map of ${baseName(state.script.url)}`,
      presentationHint: skipped ? 'deemphasize' : undefined,
    })).source
  }

  #entry(key: string, owner: Owner, describe: () => Described): Entry {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      known.owner = owner
      return known
    }
    const { path, ...described } = describe()
    const reference = this.#entries.size + 1
    // Editors prefer a reference to the path, and would show a copy of the file that they have.
    const here = path !== undefined && owner.state.path !== undefined && this.#files.local && isFile(path)
    const source = present({ ...described, path, sourceReference: here ? undefined : reference })
    const entry: Entry = { source, reference, path, owner }
    this.#entries.set(key, entry)
    this.#byReference.set(reference, entry)
    return entry
  }
}

interface Described {
  readonly name: string
  readonly path: string | undefined
  readonly origin?: string
  readonly presentationHint: 'deemphasize' | undefined
}

/** Node's own modules and what eval made have no file; a path all the same tells them apart in lists. */
function nameOf({ script }: ScriptMap): { name: string; path: string } {
  if (script.url === '') return { name: `VM${script.id}`, path: `<eval>/VM${script.id}` }
  if (script.internal) {
    const path = script.url.replace(/^node:/, '<node_internals>/')
    return { name: path, path }
  }
  return { name: baseName(script.url.replace(/[?#].*$/s, '')) || script.url, path: script.url }
}

/** One look at a local disk, once for each source that is shown, and never one of a far side's paths. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    return false // A folder that we may not look into, a path that is none: the client is given the text.
  }
}
