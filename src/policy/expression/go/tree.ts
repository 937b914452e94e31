/** An accepted Go expression, in the part of Go that Delve evaluates. There is no call in it. */
export type Tree = { readonly at: number /* column in the text, from 1 */ } & (
  | { readonly kind: 'name'; readonly name: string }
  /** `"encoding/json".name`, Delve's own. */
  | { readonly kind: 'global'; readonly path: string /* as it is written, quoted */; readonly name: string }
  /** `runtime.frame(1).name`, Delve's own: a local variable of a caller. */
  | { readonly kind: 'frame'; readonly frame: number; readonly name: string }
  | { readonly kind: 'select'; readonly object: Tree; readonly name: string }
  | { readonly kind: 'index'; readonly object: Tree; readonly key: Tree }
  | { readonly kind: 'slice'; readonly object: Tree; readonly low?: Tree; readonly high?: Tree }
  | { readonly kind: 'dereference' | 'address'; readonly object: Tree }
  | { readonly kind: 'assertion'; readonly object: Tree; readonly type: string }
  | {
      readonly kind: 'conversion'
      readonly type: string
      /** To a number, text, or a slice of such: it copies a value and is no other way to look at memory. */
      readonly plain: boolean
      readonly argument: Tree
    }
  | { readonly kind: 'intrinsic'; readonly name: string; readonly arguments: readonly Tree[] }
  /** `value` is the literal as a key: what it says, whatever escapes it is written with. */
  | { readonly kind: 'number' | 'rune' | 'string' | 'bool'; readonly text: string; readonly value: string }
  | { readonly kind: 'nil' }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Tree }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Tree; readonly right: Tree }
)

/** The trees directly below one. */
export function below(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'select':
    case 'dereference':
    case 'address':
    case 'assertion':
      return [tree.object]
    case 'index':
      return [tree.object, tree.key]
    case 'slice':
      return [tree.object, tree.low, tree.high].filter((part) => part !== undefined)
    case 'conversion':
      return [tree.argument]
    case 'intrinsic':
      return tree.arguments
    case 'unary':
      return [tree.operand]
    case 'binary':
      return [tree.left, tree.right]
    default:
      return []
  }
}
