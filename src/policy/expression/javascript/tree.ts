import { engineMethods } from '../../../lib/engineMethods.ts'

/**
 * An accepted JavaScript expression. Nothing in it is a call but of methods and functions by name, which the guard makes
 * only where they are the engine's own.
 */
export type Tree = { readonly at: number /* column in the text, from 1 */ } & (
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'this' }
  | { readonly kind: 'literal'; readonly value: string | number | bigint | boolean | null }
  | { readonly kind: 'template'; readonly texts: readonly string[]; readonly parts: readonly Tree[] }
  | { readonly kind: 'member'; readonly object: Tree; readonly key: Tree; readonly optional: boolean }
  | {
      readonly kind: 'method'
      readonly object: Tree
      readonly name: string
      readonly optional: boolean
      readonly arguments: readonly Tree[]
    }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Tree[] }
  /** Where the `?.` inside ends: a `null` makes all of it `undefined`. */
  | { readonly kind: 'chain'; readonly inner: Tree }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Tree }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'logical'; readonly operator: LogicalOperator; readonly left: Tree; readonly right: Tree }
  | { readonly kind: 'conditional'; readonly test: Tree; readonly consequent: Tree; readonly alternate: Tree }
  | { readonly kind: 'array'; readonly items: readonly Tree[] }
  | { readonly kind: 'object'; readonly entries: readonly { readonly key: string; readonly value: Tree }[] }
)

export const unaryOperators = ['!', '-', '+', '~', 'typeof'] as const
export const logicalOperators = ['&&', '||', '??'] as const
export const binaryOperators = [
  ...(['===', '!==', '==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '**'] as const),
  ...(['<<', '>>', '>>>', '&', '|', '^', 'in', 'instanceof'] as const),
] as const

export type UnaryOperator = (typeof unaryOperators)[number]
export type LogicalOperator = (typeof logicalOperators)[number]
export type BinaryOperator = (typeof binaryOperators)[number]

/** Functions that may be called by their bare name; each takes primitive values only. */
export const functions: ReadonlySet<string> = new Set(
  'String Number Boolean parseInt parseFloat isNaN isFinite'.split(' '),
)

/** Methods that the guard knows to run none of the program's code. */
export const methods: ReadonlySet<string> = new Set(engineMethods)

/** The trees directly below one. */
export function below(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'name':
    case 'this':
    case 'literal':
      return []
    case 'template':
      return tree.parts
    case 'member':
      return [tree.object, tree.key]
    case 'method':
      return [tree.object, ...tree.arguments]
    case 'call':
      return tree.arguments
    case 'chain':
      return [tree.inner]
    case 'unary':
      return [tree.operand]
    case 'binary':
    case 'logical':
      return [tree.left, tree.right]
    case 'conditional':
      return [tree.test, tree.consequent, tree.alternate]
    case 'array':
      return tree.items
    case 'object':
      return tree.entries.map(({ value }) => value)
  }
}
