/**
 * Patterns as launch.json has them: `"webpack:///./src/*": "${workspaceFolder}/src/*"`. A `*` takes anything, and stands
 * for it in the result; `?:*` takes anything and drops it. The longest pattern that fits wins.
 */
export class PathOverrides {
  readonly #rules: readonly Rule[]

  constructor(patterns: Readonly<Record<string, string>>) {
    this.#rules = Object.entries(patterns)
      .sort(([a], [b]) => b.length - a.length)
      .map(([pattern, result]) => ({ parts: partsOf(pattern), result }))
  }

  /**
   * The result with `${workspaceFolder}` and `${webRoot}` in it replaced by the root; undefined if none fits, '' if it
   * needs the root and there is none.
   */
  apply(source: string, root: string | undefined): string | undefined {
    for (const { parts, result } of this.#rules) {
      const taken = match(parts, source)
      if (taken === undefined) continue
      let next = 0
      const filled = result.replace(/\*/g, () => taken[next++] ?? '')
      const folder = /\$\{(?:workspaceFolder|workspaceRoot|webRoot|cwd)\}/g
      return root === undefined && folder.test(filled) ? '' : filled.replace(folder, () => root ?? '')
    }
    return undefined
  }
}

interface Rule {
  readonly parts: readonly Part[]
  readonly result: string
}

/** A literal text, and the wildcard before it, if any. */
interface Part {
  readonly text: string
  readonly wildcard: 'keep' | 'drop' | undefined
}

function partsOf(pattern: string): Part[] {
  const parts: Part[] = []
  let wildcard: Part['wildcard']
  for (const piece of pattern.split(/(\?:\*|\*)/)) {
    if (piece === '*') wildcard = 'keep'
    else if (piece === '?:*') wildcard = 'drop'
    else {
      parts.push({ text: piece, wildcard })
      wildcard = undefined
    }
  }
  return parts
}

/** What the wildcards took; each takes as little as it can, but the last one all. No backtracking. */
function match(parts: readonly Part[], text: string): string[] | undefined {
  const taken: string[] = []
  let at = 0
  for (const [index, { text: literal, wildcard }] of parts.entries()) {
    if (wildcard === undefined) {
      if (!text.startsWith(literal, at)) return undefined
      at += literal.length
      continue
    }
    const last = index === parts.length - 1
    const found = last ? text.length - literal.length : text.indexOf(literal, at)
    if (found < at || !text.startsWith(literal, found)) return undefined
    if (wildcard === 'keep') taken.push(text.slice(at, found))
    at = found + literal.length
  }
  return at === text.length ? taken : undefined
}

/**
 * What bundlers write, if nobody says otherwise; the same that VS Code has for Node. `~` is webpack's word for
 * node_modules.
 */
export const usualOverrides: Readonly<Record<string, string>> = {
  'webpack:///./~/*': '${workspaceFolder}/node_modules/*',
  'webpack://?:*/./~/*': '${workspaceFolder}/node_modules/*',
  'webpack-internal:///./~/*': '${workspaceFolder}/node_modules/*',
  'meteor://💻app/*': '${workspaceFolder}/*',
  'turbopack://[project]/*': '${workspaceFolder}/*',
  'turbopack:///[project]/*': '${workspaceFolder}/*',
}
