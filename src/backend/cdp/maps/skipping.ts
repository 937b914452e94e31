import { Patterns } from './patterns.ts'
import type { ScriptMap } from './scriptMap.ts'

/** What steps, exceptions and stacks pass by: skipFiles, and what a map says is not its author's code (ignoreList). */
export class Skipping {
  readonly #patterns: Patterns
  /** 0 not known yet, 1 no, 2 yes; by source, and the last one is the script itself. */
  readonly #verdicts = new WeakMap<ScriptMap, Uint8Array>()

  constructor(skipFiles: readonly string[], note: (text: string) => void) {
    this.#patterns = new Patterns(skipFiles, note)
  }

  /** @param index of the map's source; undefined for the generated code. */
  has(state: ScriptMap, index: number | undefined): boolean {
    const count = state.map?.sourceCount ?? 0
    let verdicts = this.#verdicts.get(state)
    if (verdicts?.length !== count + 1) this.#verdicts.set(state, (verdicts = new Uint8Array(count + 1)))
    const at = index ?? count
    if (verdicts[at] === 0) verdicts[at] = this.#skips(state, index) ? 2 : 1
    return verdicts[at] === 2
  }

  #skips(state: ScriptMap, index: number | undefined): boolean {
    if (index !== undefined && state.map?.isIgnored(index) === true) return true
    if (this.#patterns.isEmpty) return false
    if (this.#patterns.matches(state.path ?? state.script.url)) return true
    if (index === undefined) return false
    return this.#patterns.matches(state.paths[index] ?? state.map?.sourceName(index) ?? '')
  }

  expressions(): string[] {
    return this.#patterns.expressions()
  }
}
