import type { Step } from '../steps.ts'
import { below, type Tree } from './tree.ts'

/** Is this key known by its text? `-1` and `'a'` are; `k` and `'a' + 'b'` are not. */
export function writtenOut(key: Tree): boolean {
  return key.kind === 'literal' || (key.kind === 'unary' && writtenOut(key.operand))
}

/** The key that a step goes by, also when it is a Map's. */
export function keyOf(tree: Tree): Tree | undefined {
  if (tree.kind === 'member') return tree.key
  return tree.kind === 'method' && tree.name === 'get' ? tree.arguments[0] : undefined
}

export function stepsOf(tree: Tree): Step {
  // A chain is as its last step: `a?.password` is the password.
  if (tree.kind === 'chain') return stepsOf(tree.inner)
  const key = keyOf(tree)
  const name = tree.kind === 'name' ? tree.name : key?.kind === 'literal' ? String(key.value) : undefined
  return {
    below: below(tree).map(stepsOf),
    ...(name === undefined ? {} : { name }),
    computedKey: key !== undefined && !writtenOut(key),
  }
}
