import { isCollection, isMap, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair, YAMLError } from 'yaml'
import { ConfigError, type Place, type Problem } from './problem.ts'

const maxAliases = 100
const variable = /\$\{([A-Za-z_]\w*(?::-[^}\n]*)?)\}/g

/**
 * `${…}` cannot stand unquoted in YAML's `{ flow, maps }`, where people want to write it. So its three marks are other
 * characters of the same width while YAML is parsed: places stay right, and no variable can bring in YAML of its own.
 */
const marks = { dollar: '\uE000', open: '\uE001', close: '\uE002' } as const
const maskedVariable = /\uE000\uE001([A-Za-z_]\w*)(?::-([^\uE002\n]*))?\uE002/g
const anyMark = /[\uE000-\uE002]/
const escaped = /\$(\uE000\uE001[^\uE002]*\uE002)/g

export type Path = readonly PropertyKey[]

/** A parsed configuration file: its plain value, and where in the file each part of it stands. */
export class ConfigDocument {
  readonly file: string
  readonly value: unknown
  readonly #document: Document
  readonly #lines: readonly string[]
  readonly #counter = new LineCounter()

  /** Throws {@link ConfigError} with everything that is wrong with the text as YAML, and its unset variables. */
  constructor(file: string, text: string, env: Readonly<Record<string, string | undefined>>) {
    this.file = file
    this.#lines = text.split(/\r?\n/)
    const odd = anyMark.exec(text)
    if (odd !== null) throw new ConfigError([this.#at(odd.index, 1, 'a private-use character cannot be used here')])
    const masked = text.replace(variable, `${marks.dollar}${marks.open}$1${marks.close}`)
    this.#document = parseDocument(masked, {
      lineCounter: this.#counter,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
      // 'silent' would also take a second document without a word.
      logLevel: 'error',
    })
    const faults = [...this.#document.errors, ...this.#document.warnings].map((error) => this.#yamlProblem(error))
    if (faults.length > 0) throw new ConfigError(faults)
    const unset = this.#fillVariables(env)
    if (unset.length > 0) throw new ConfigError(unset)
    this.value = this.#toValue()
  }

  /** The problem at the value under `path`, or at its key; at the nearest thing that exists when there is none. */
  problem(path: Path, message: string, advice?: string, at: 'value' | 'key' | 'hidden' = 'value'): Problem {
    const [start, end] = this.#range(path, at === 'value' ? 'value' : 'key')
    const problem = this.#at(start, end - start, message, advice)
    if (at !== 'hidden' || problem.place === undefined) return problem
    const { source: _, ...place } = problem.place
    return { ...problem, place }
  }

  /** Whether the file has something there; a key with nothing after it counts. */
  has(path: Path): boolean {
    return path.length === 0 || this.#document.hasIn(path)
  }

  #toValue(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: maxAliases }) as unknown
    } catch (error) {
      // The library's guard against alias bombs; it throws ReferenceError before anything has grown.
      const message = error instanceof Error ? error.message : String(error)
      throw new ConfigError([this.#at(0, 1, `the aliases of this file cannot be resolved: ${message}`)])
    }
  }

  #at(offset: number, length: number, message: string, advice?: string): Problem {
    const line = this.#lineOf(offset)
    const place: Place = { file: this.file, ...line, length }
    return { message, place, ...(advice === undefined ? {} : { advice }) }
  }

  #lineOf(offset: number): { line: number; column: number; source: string } {
    const found = this.#counter.lineStarts.length > 0 ? this.#counter.linePos(offset) : { line: 1, col: offset + 1 }
    const line = Math.max(1, found.line)
    return { line, column: Math.max(1, found.col), source: this.#lines[line - 1] ?? '' }
  }

  #yamlProblem(error: YAMLError): Problem {
    const [start, end] = error.pos
    const message = unmask(error.message.split('\n')[0]!.replace(/ at line \d+.*$/, ''))
    const told = faultTexts[error.code]
    return this.#at(
      start,
      Math.max(1, end - start),
      told?.message ?? `this is not valid YAML: ${message}`,
      told?.advice,
    )
  }

  /** Replaces variables in every string value; what stands unquoted may become a number, `true` or `false`. */
  #fillVariables(env: Readonly<Record<string, string | undefined>>): Problem[] {
    const unset: Problem[] = []
    visit(this.#document, {
      Scalar: (key, node) => {
        if (typeof node.value !== 'string' || !anyMark.test(node.value)) return
        const start = node.range?.[0] ?? 0
        if (key === 'key') {
          unset.push(this.#at(start, 1, 'a variable cannot be used in a key'))
          return
        }
        const filled = node.value
          .replace(escaped, (_, kept: string) => unmask(kept))
          .replace(maskedVariable, (_, name: string, fallback: string | undefined) => {
            const value = env[name]
            if (value !== undefined && value !== '') return value
            if (fallback !== undefined) return fallback
            const advice = `Set it, or give a default: \${${name}:-default}.`
            unset.push(this.#at(start, node.source?.length ?? 1, `the environment variable ${name} is not set`, advice))
            return ''
          })
        node.value = node.type === 'PLAIN' ? retype(filled) : filled
      },
    })
    return unset
  }

  #range(path: Path, at: 'value' | 'key'): [number, number] {
    let node = this.#resolve(this.#document.contents)
    let range = rangeOf(node) ?? [0, 1]
    path.forEach((step, i) => {
      const last = i === path.length - 1
      const pair = isMap(node) ? node.items.find((item) => keyOf(item) === String(step)) : undefined
      const next = pair === undefined && isCollection(node) ? node.get(step, true) : pair?.value
      const shown = pair !== undefined && (at === 'key' || next === null) && last ? pair.key : next
      range = rangeOf(shown) ?? (pair === undefined ? undefined : rangeOf(pair.key)) ?? range
      node = this.#resolve(next)
    })
    return range
  }

  #resolve(node: unknown): unknown {
    const alias = node as { resolve?: (document: Document) => Node | undefined } | null | undefined
    return typeof alias?.resolve === 'function' ? alias.resolve(this.#document) : node
  }
}

const faultTexts: { readonly [code: string]: { message: string; advice?: string } | undefined } = {
  DUPLICATE_KEY: { message: 'this key stands here for the second time', advice: 'Remove one of the two.' },
  TAB_AS_INDENT: { message: 'a tab cannot be used to indent', advice: 'Use spaces.' },
  MULTIPLE_DOCS: { message: 'a second document starts here', advice: "Remove the line '---': one file, one document." },
  NON_STRING_KEY: { message: 'a key must be plain text' },
  TAG_RESOLVE_FAILED: { message: 'tags (!…) are not used here', advice: 'Remove the tag.' },
}

function unmask(text: string): string {
  return text.replaceAll(marks.dollar, '$').replaceAll(marks.open, '{').replaceAll(marks.close, '}')
}

function retype(text: string): string | number | boolean {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}

function keyOf(item: unknown): string | undefined {
  if (!isPair(item)) return undefined
  const key: unknown = (item as Pair).key
  return isScalar(key) ? String(key.value) : undefined
}

function rangeOf(node: unknown): [number, number] | undefined {
  const range = (node as Node | null | undefined)?.range
  if (range === null || range === undefined) return undefined
  // A collection is shown by its first line only: the caret marks where it starts.
  return isCollection(node) ? [range[0], range[0] + 1] : [range[0], Math.max(range[0] + 1, range[1])]
}
