import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import type { Node } from '../../src/policy/expression/expression.ts'
import type { Value, ValueSource } from '../../src/policy/expression/walk.ts'
import { formatScalar } from '../../src/policy/expression/python/text.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const hostileFile = `${root}test/support/hostile.py`

export interface CorpusLine {
  readonly accept: boolean
  readonly text: string
  readonly line: number
}

const pictures: Readonly<Record<string, string>> = {
  '␊': '\n',
  '␍': '\r',
  '␀': '\0',
  '␌': '\f',
  '␉': '\t',
  '␋': '\v',
  '␈': '\b',
  '␛': '\u001b',
  '␡': '\u007f',
}

/** The corpus of a language; how its lines are written stands at its top. */
export function corpus(language: string): CorpusLine[] {
  const lines = readFileSync(`${root}protocol-fixtures/expressions/${language}.txt`, 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return []
    const match = /^(accept|refuse)\t(.*)$/su.exec(line)
    if (!match) throw new Error(`line ${index + 1} of the corpus is neither a comment nor a verdict`)
    const text = match[2]!
      .replace(/«(\d+)×([^»]*)»/gu, (_, count: string, part: string) => part.repeat(Number(count)))
      .replace(/[␊␍␀␌␉␋␈␛␡]/gu, (picture) => pictures[picture]!)
    return [{ accept: match[1] === 'accept', text, line: index + 1 }]
  })
}

export interface Case {
  readonly text: string
  readonly parenthesized?: string
  readonly guard?: string
  readonly evaluate?: boolean
}

export interface Evaluated {
  readonly error?: string
  readonly repr?: string
  readonly type?: string
  readonly true?: boolean
}

export interface Answer {
  readonly parses: boolean
  readonly same?: boolean
  readonly guard?: Evaluated
  readonly value?: Evaluated
}

/** Asks a real CPython, once for all cases. */
export async function askPython(
  names: Readonly<Record<string, string>>,
  cases: readonly Case[],
): Promise<{ names: Record<string, { repr: string; type: string }>; cases: Answer[] }> {
  const child = spawn('python3', [`${root}test/support/askPython.py`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  child.stdin.end(JSON.stringify({ names, cases }))
  const [out] = await Promise.all([textOf(child.stdout), once(child, 'exit')])
  return JSON.parse(out) as Awaited<ReturnType<typeof askPython>>
}

/** The node as Python again, with every operator in parentheses, so that CPython's own tree can be compared with it. */
export function parenthesized(node: Node): string {
  const show = parenthesized
  switch (node.kind) {
    case 'name':
      return node.name
    case 'literal':
      return node.value.type === 'float' && node.value.value === Infinity ? '1e999' : formatScalar(node.value)
    case 'member':
      return `(${show(node.object)}).${node.name}`
    case 'index':
      return `(${show(node.object)})[${show(node.index)}]`
    case 'slice':
      return `(${show(node.object)})[${node.bounds.map((bound) => (bound ? show(bound) : '')).join(':')}]`
    case 'unary':
      return `(${node.operator} ${show(node.operand)})`
    case 'binary':
      return `(${show(node.left)} ${node.operator} ${show(node.right)})`
    case 'boolean':
      return `(${flat(node, node.operator).join(` ${node.operator} `)})`
    case 'compare':
      return `(${show(node.first)}${node.rest.map(({ operator, right }) => ` ${operator} ${show(right)}`).join('')})`
    case 'conditional':
      return `(${show(node.consequent)} if ${show(node.test)} else ${show(node.alternate)})`
    case 'intrinsic':
      return `${node.name}(${show(node.argument)})`
    case 'display': {
      const items = node.items.map((item) => `${show(item)},`).join('')
      return node.type === 'list' ? `[${items}]` : `(${items})`
    }
  }
}

/** CPython's tree has `a and b and c` as one node of three, and `(a and b) and c` as two: ours can't tell them apart. */
function flat(node: Node, operator: 'and' | 'or'): string[] {
  if (node.kind !== 'boolean' || node.operator !== operator) return [parenthesized(node)]
  return [...flat(node.left, operator), parenthesized(node.right)]
}

/** Python expressions over scalars called as in `scalarNames`, some of which have no value. */
export const scalarNames: Readonly<Record<string, string>> = {
  i: '7',
  j: '-3',
  zero: '0',
  big: '2 ** 70 + 1',
  huge: '-(10 ** 40)',
  f: '2.5',
  g: '-0.1',
  nz: '-0.0',
  e: '1e16',
  nan: 'float("nan")',
  inf: 'float("inf")',
  t: 'True',
  o: 'False',
  u: 'None',
  s: "'abc'",
  q: "'it\\'s \"ö😀\\n\\x07\\u200b'",
  w: "''",
  b: "b'a\\xff\\''",
}

const binaries = '+ - * / // % ** << >> & | ^ < <= > >= == != in is and or'.split(' ').concat('not in', 'is not')
const literals = [
  '0',
  '1',
  '2',
  '-1',
  '3',
  '10',
  '0x1F',
  '1.5',
  '1e3',
  '0.1',
  "'a'",
  "'b'",
  "b'a'",
  'True',
  'None',
  '100000000000000000000',
]

export const scalarExpressions: fc.Arbitrary<string> = fc.letrec<{ whole: string; atom: string }>((tie) => ({
  atom: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...Object.keys(scalarNames)) }, fc.constantFrom(...literals)),
  whole: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    tie('atom'),
    fc
      .tuple(tie('whole'), fc.constantFrom(...binaries), tie('whole'))
      .map(([a, operator, b]) => `${a} ${operator} ${b}`),
    fc
      .tuple(tie('whole'), fc.constantFrom(...binaries), tie('whole'))
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    fc.tuple(fc.constantFrom('-', '+', '~', 'not '), tie('whole')).map(([operator, a]) => `${operator}${a}`),
    fc.tuple(tie('whole'), tie('whole'), tie('whole')).map(([a, b, c]) => `${a} if ${b} else ${c}`),
    fc.tuple(fc.constantFrom('len', 'abs', 'bool'), tie('whole')).map(([name, a]) => `${name}(${a})`),
    fc.tuple(fc.constantFrom('s', 'q', 'b'), tie('atom')).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(fc.constantFrom('s', 'q', 'b'), tie('atom'), tie('atom')).map(([a, b, c]) => `${a}[${b}:${c}]`),
    fc.tuple(tie('whole'), tie('whole'), tie('whole')).map(([a, b, c]) => `${a} in (${b}, ${c})`),
  ),
})).whole

/** Anything that looks like a piece of Python, in any order. */
export const pieces: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ..."a b.c f ( ) [ ] { } , : ; . + - * ** / // % @ < <= > == != <> = := -> ~ ! not in is and or if else for lambda await yield None True 1 0x1 1.5 .5 1e5 1j 0777 1_0 ... ' \" 'a' \"b\" b'c' r'd' f'{a}' ''' \\ # len type print exec match case async __x __x__ _ é ｅ".split(
        ' ',
      ),
      ' ',
      '\n',
      '\t',
      '\f',
    ),
    { minLength: 1, maxLength: 9 },
  )
  .chain((words) => fc.constantFrom('', ' ').map((space) => words.join(space)))

/** A source that answers from a table, and counts what it was asked. */
export class FakeValues implements ValueSource {
  readonly asked: string[] = []
  readonly #table: Readonly<Record<number, readonly Value[]>>
  readonly #scopes: readonly { name: string; ref: number; expensive?: boolean }[]

  constructor(
    table: Readonly<Record<number, readonly Value[]>>,
    scopes: readonly { name: string; ref: number; expensive?: boolean }[] = [
      { name: 'Locals', ref: 1 },
      { name: 'Globals', ref: 2 },
    ],
  ) {
    this.#table = table
    this.#scopes = scopes
  }

  scopes(): Promise<readonly { name: string; ref: number; expensive?: boolean }[]> {
    this.asked.push('scopes')
    return Promise.resolve(this.#scopes)
  }

  children(ref: number, page?: { start?: number; count?: number }): Promise<readonly Value[]> {
    this.asked.push(page ? `${ref}@${page.start}+${page.count}` : String(ref))
    const all = this.#table[ref]
    if (!all) return Promise.reject(new Error(`nothing has the reference ${ref}`))
    return Promise.resolve(page ? all.slice(page.start ?? 0, (page.start ?? 0) + (page.count ?? all.length)) : all)
  }
}
