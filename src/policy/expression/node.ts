/**
 * What an accepted expression is made of, in no particular language. Nothing here can run code of the program: there is
 * no call but of the closed set of intrinsics, which we compute ourselves, and no assignment of any kind.
 */
export type Node = { readonly at: number /* column in the text, from 1 */ } & (
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: Scalar }
  | { readonly kind: 'member'; readonly object: Node; readonly name: string }
  | { readonly kind: 'index'; readonly object: Node; readonly index: Node }
  | {
      readonly kind: 'slice'
      readonly object: Node
      readonly bounds: readonly (Node | undefined)[] /* start, stop, step */
    }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'compare'; readonly first: Node; readonly rest: readonly Comparison[] }
  | { readonly kind: 'boolean'; readonly operator: 'and' | 'or'; readonly left: Node; readonly right: Node }
  | { readonly kind: 'conditional'; readonly test: Node; readonly consequent: Node; readonly alternate: Node }
  | { readonly kind: 'intrinsic'; readonly name: Intrinsic; readonly argument: Node }
  | { readonly kind: 'display'; readonly type: 'tuple' | 'list'; readonly items: readonly Node[] }
)

export type UnaryOperator = '+' | '-' | '~' | 'not'
export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '<<' | '>>' | '&' | '|' | '^'
export type CompareOperator = '<' | '<=' | '>' | '>=' | '==' | '!=' | 'in' | 'not in' | 'is' | 'is not'
export type Comparison = { readonly operator: CompareOperator; readonly right: Node }

/** Functions that are ours, whatever the program calls by the same name. */
export type Intrinsic = 'len' | 'type' | 'abs' | 'bool'

/** A value that we can compute with. Integers have no bound but `Bounds.bits`. Strings never hold lone surrogates. */
export type Scalar =
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: string /* one character for each byte, U+0000 to U+00FF */ }
  | { readonly type: 'none' }

/** What one computation may grow to, in our own memory. */
export interface Bounds {
  /** The longest integer that a computation may make, in bits. */
  readonly bits: number
  /** The longest string or bytes that a computation may make, in characters. */
  readonly characters: number
}

export const bounds: Bounds = { bits: 4096, characters: 65_536 }

/** The expression is right, and cannot be answered: `message` is a whole sentence or the language's own words. */
export class Unanswerable extends Error {
  override readonly name = 'Unanswerable'
}

/** The same, because the answer would grow past `Bounds`. */
export class TooLarge extends Unanswerable {}
