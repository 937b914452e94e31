import type { SyntaxNode } from '@lezer/common'
import type { BinaryOperator, CompareOperator, Comparison, Node, UnaryOperator } from '../node.ts'

const operatorKinds = new Set(['UnaryExpression', 'BinaryExpression', 'ConditionalExpression'])

/** An operand, or the text of an operator or keyword between operands. */
type Item = { readonly at: number; readonly node: SyntaxNode } | { readonly at: number; readonly word: string }

/** The operands and operators of a tree of operators in the order of the text; what is in parentheses is one operand. */
export function rowOf(node: SyntaxNode, text: string): readonly Item[] {
  const items: Item[] = []
  const open = [node]
  for (let current = open.pop(); current; current = open.pop()) {
    if (!operatorKinds.has(current.name)) {
      const word = text.slice(current.from, current.to)
      items.push(words.has(word) ? { at: current.from, word } : { at: current.from, node: current })
      continue
    }
    for (let child = current.lastChild; child; child = child.prevSibling) open.push(child)
  }
  return items
}

/** Binary operators by how tightly they bind, loosest first: Python reference, 6.17. */
const levels: readonly (readonly BinaryOperator[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
]
const comparisons = new Set(['<', '<=', '>', '>=', '==', '!=', 'in', 'is', 'not in', 'is not'])
const unaries = new Set(['+', '-', '~'])
const words = new Set([...levels.flat(), ...comparisons, ...unaries, '**', '@', '<>', 'not', 'and', 'or', 'if', 'else'])

const isComparison = (word: string): word is CompareOperator => comparisons.has(word)
const isUnary = (word: string): word is UnaryOperator => unaries.has(word)

export interface Reader {
  /** Reads what is no operator, at so many operators' depth. */
  operand(node: SyntaxNode, depth: number): Node
  column(at: number): number
  refuse(at: number, what: string): Error
  /** Counts one more node; throws at a limit. */
  deepen(at: number, depth: number): void
}

/** CPython's grammar of operators, from `conditional` down to `power`. Everything left over is refused. */
export class Operators {
  readonly #items: readonly Item[]
  readonly #reader: Reader
  #next = 0

  constructor(items: readonly Item[], reader: Reader) {
    this.#items = items
    this.#reader = reader
  }

  whole(): Node {
    const node = this.#conditional(0)
    const left = this.#items[this.#next]
    if (left) throw this.#reader.refuse(left.at, 'word' in left ? `\`${left.word}\` here` : 'Another expression')
    return node
  }

  #word(ahead = 0): string | undefined {
    const item = this.#items[this.#next + ahead]
    return item && 'word' in item ? item.word : undefined
  }

  #at(): number {
    return this.#reader.column(this.#items[this.#next]?.at ?? 0)
  }

  #take(word: string): boolean {
    if (this.#word() !== word) return false
    this.#next += 1
    return true
  }

  /** The depth of what follows, counted as a node of its own. */
  #deeper(depth: number): number {
    this.#reader.deepen(this.#items[this.#next - 1]?.at ?? 0, depth + 1)
    return depth + 1
  }

  #conditional(depth: number): Node {
    const at = this.#at()
    const consequent = this.#boolean('or', depth)
    const start = this.#items[this.#next]?.at ?? 0
    if (!this.#take('if')) return consequent
    const inner = this.#deeper(depth)
    const test = this.#boolean('or', inner)
    if (!this.#take('else')) throw this.#reader.refuse(start, 'An `if` without `else`')
    return { kind: 'conditional', at, test, consequent, alternate: this.#conditional(inner) }
  }

  #boolean(operator: 'or' | 'and', depth: number): Node {
    const operand = (inner: number): Node => (operator === 'or' ? this.#boolean('and', inner) : this.#not(inner))
    const at = this.#at()
    let left = operand(depth)
    for (let inner = depth; this.#take(operator);) {
      inner = this.#deeper(inner)
      left = { kind: 'boolean', at, operator, left, right: operand(inner) }
    }
    return left
  }

  #not(depth: number): Node {
    const at = this.#at()
    if (!this.#take('not')) return this.#comparison(depth)
    return { kind: 'unary', at, operator: 'not', operand: this.#not(this.#deeper(depth)) }
  }

  #comparison(depth: number): Node {
    const at = this.#at()
    const first = this.#binary(0, depth)
    const rest: Comparison[] = []
    for (let operator = this.#comparisonWord(); operator; operator = this.#comparisonWord()) {
      rest.push({ operator, right: this.#binary(0, this.#deeper(depth)) })
    }
    return rest.length > 0 ? { kind: 'compare', at, first, rest } : first
  }

  #comparisonWord(): CompareOperator | undefined {
    const word = this.#word()
    const pair = `${word} ${this.#word(1)}`
    if (isComparison(pair)) {
      this.#next += 2
      return pair
    }
    if (word === undefined || !isComparison(word)) return undefined
    this.#next += 1
    return word
  }

  #binary(level: number, depth: number): Node {
    const operators = levels[level]
    if (!operators) return this.#factor(depth)
    const at = this.#at()
    let left = this.#binary(level + 1, depth)
    for (let inner = depth; ;) {
      const operator = operators.find((each) => this.#take(each))
      if (!operator) return left
      inner = this.#deeper(inner)
      left = { kind: 'binary', at, operator, left, right: this.#binary(level + 1, inner) }
    }
  }

  #factor(depth: number): Node {
    const at = this.#at()
    const operator = this.#word()
    if (operator === undefined || !isUnary(operator)) return this.#power(depth)
    this.#next += 1
    return { kind: 'unary', at, operator, operand: this.#factor(this.#deeper(depth)) }
  }

  #power(depth: number): Node {
    const at = this.#at()
    const item = this.#items[this.#next]
    if (!item || 'word' in item) {
      throw this.#reader.refuse(
        item?.at ?? this.#items.at(-1)?.at ?? 0,
        item ? `\`${item.word}\` here` : 'Half an expression',
      )
    }
    this.#next += 1
    const base = this.#reader.operand(item.node, depth)
    if (!this.#take('**')) return base
    return { kind: 'binary', at, operator: '**', left: base, right: this.#factor(this.#deeper(depth)) }
  }
}
