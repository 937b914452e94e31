import { isWindowsPath } from './paths.ts'

/** No pattern of a configuration is longer, or has more wildcards: V8 runs them over each script's URL. */
const patternLengthMax = 500
const wildcardsMax = 12

interface Rule {
  readonly negated: boolean
  readonly expression: RegExp
}

/**
 * Patterns of files as VS Code has them: `**` is any folders, `*` anything in a name, `?` one character of it, `{a,b}`
 * either, and `!` takes files out again that a pattern before it named. They are held against paths and against URLs.
 */
export class Patterns {
  readonly #rules: readonly Rule[]

  /** @param note hears of patterns that are not used, and why. */
  constructor(patterns: readonly string[], note: (text: string) => void) {
    this.#rules = patterns.flatMap((pattern) => ruleOf(pattern, note))
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  /** The last pattern that fits decides. A path of Windows is held against them with `/`, whatever case it has. */
  matches(pathOrUrl: string): boolean {
    const text = isWindowsPath(pathOrUrl) ? pathOrUrl.replaceAll('\\', '/') : pathOrUrl
    for (let index = this.#rules.length - 1; index >= 0; index--) {
      const { negated, expression } = this.#rules[index]!
      if (expression.test(text)) return !negated
    }
    return false
  }

  /** The same as expressions over a script's URL, all of which V8 knows; what a later pattern takes out is in them. */
  expressions(): string[] {
    return this.#rules.flatMap(({ negated, expression }, index) => {
      if (negated) return []
      const out = this.#rules.slice(index + 1).filter((later) => later.negated)
      const except = out.map((later) => `(?!${later.expression.source.replace(/^\^/, '')})`).join('')
      return [`^${except}${expression.source.replace(/^\^/, '')}`]
    })
  }
}

function ruleOf(pattern: string, note: (text: string) => void): Rule[] {
  const negated = pattern.startsWith('!')
  const glob = (negated ? pattern.slice(1) : pattern).replaceAll('\\', '/')
  const unknown = /\$\{[^}]*\}/.exec(glob)
  if (unknown !== null) {
    note(`The pattern '${pattern}' is not used: Breakwater does not know ${unknown[0]}, which is your editor's word.`)
    return []
  }
  if (glob.length > patternLengthMax || (glob.match(/\*+|\?|\{/g)?.length ?? 0) > wildcardsMax) {
    note(`The pattern '${pattern.slice(0, 80)}' is not used: it is too long, or has over ${wildcardsMax} wildcards.`)
    return []
  }
  const internals = /^<node_internals>(?:\/(.*))?$/.exec(glob)
  const source =
    internals === null
      ? fileExpression(glob)
      : `^node:${expressionOf(internals[1] === undefined ? '**' : internals[1])}$`
  return [{ negated, expression: new RegExp(source, /^[a-z]:\//i.test(glob) ? 'i' : '') }]
}

/** A pattern of a file is held against its path, and its `file:` URL. */
function fileExpression(glob: string): string {
  if (/^[a-z][a-z\d+.-]+:/i.test(glob)) return `^${expressionOf(glob)}$`
  if (/^[a-z]:\//i.test(glob))
    return `^(?:file:\\/\\/\\/)?[${glob[0]!.toLowerCase()}${glob[0]!.toUpperCase()}]${expressionOf(glob.slice(1))}$`
  if (glob.startsWith('/')) return `^(?:file:\\/\\/)?${expressionOf(glob)}$`
  return `^${expressionOf(glob)}$`
}

function expressionOf(glob: string): string {
  let result = ''
  let braces = 0
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!
    if (glob.startsWith('**/', at)) {
      result += '(?:.*\\/)?'
      at += 2
    } else if (glob.startsWith('**', at)) {
      result += '.*'
      at++
    } else if (character === '*') result += '[^\\/]*'
    else if (character === '?') result += '[^\\/]'
    else if (character === '{' && glob.includes('}', at)) {
      braces++
      result += '(?:'
    } else if (character === '}' && braces > 0) {
      braces--
      result += ')'
    } else if (character === ',' && braces > 0) result += '|'
    else result += character.replace(/[.+^$()|[\]{}\\/]/, '\\$&')
  }
  return result + ')'.repeat(braces)
}
