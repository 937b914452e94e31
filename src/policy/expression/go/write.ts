import type { Guarded, Keys } from '../expression.ts'
import type { Step } from '../steps.ts'
import { below, type Tree } from './tree.ts'

class Leak extends Error {
  override readonly name = 'Leak'
}

/** Is this key known by its text? `-1` and `"a"` are; `k` and `"a" + "b"` are not. */
function writtenOut(key: Tree): boolean {
  return (
    'text' in key || (key.kind === 'unary' && (key.operator === '-' || key.operator === '+') && writtenOut(key.operand))
  )
}

export function stepsOf(tree: Tree): Step {
  const key = tree.kind === 'index' ? tree.key : undefined
  const name = 'name' in tree && tree.kind !== 'intrinsic' ? tree.name : key && 'value' in key ? key.value : undefined
  return {
    below: below(tree).map(stepsOf),
    ...(name === undefined ? {} : { name }),
    computedKey: key !== undefined && !writtenOut(key),
  }
}

/**
 * The expression in parentheses and with every literal in one spelling, so that Delve reads what was accepted; in ASCII
 * but for names, and without a brace but of the type `interface {}`.
 *
 * With `numeric` keys, where values are redacted by their names: a computed key counts only as a number (`m[k]` becomes
 * `m[(k + 0)]`, which Delve refuses for a text), and memory is not looked at as another type than it has, because
 * `*(*string)(0xc000010010)` shows a password without saying its name.
 */
export function write(tree: Tree, keys: Keys): Guarded {
  try {
    return { ok: true, text: written(tree, keys) }
  } catch (error) {
    if (error instanceof Leak) return { ok: false, reason: error.message }
    throw error
  }
}

function written(tree: Tree, keys: Keys): string {
  const text = (part: Tree): string => written(part, keys)
  switch (tree.kind) {
    case 'name':
      return tree.name
    case 'global':
      return `${tree.path}.${tree.name}`
    case 'frame':
      return `runtime.frame(${tree.frame}).${tree.name}`
    case 'select':
      return `${text(tree.object)}.${tree.name}`
    case 'index': {
      const key = text(tree.key)
      return `${text(tree.object)}[${keys === 'numeric' && !writtenOut(tree.key) ? `(${key} + 0)` : key}]`
    }
    case 'slice':
      return `${text(tree.object)}[${tree.low ? text(tree.low) : ''}:${tree.high ? text(tree.high) : ''}]`
    case 'dereference':
      return `(*${text(tree.object)})`
    case 'address':
      return `(&${text(tree.object)})`
    case 'assertion':
      return `${text(tree.object)}.(${tree.type})`
    case 'conversion':
      if (keys === 'numeric' && !tree.plain)
        throw new Leak(
          `a conversion to \`${tree.type.slice(0, 60)}\` (column ${tree.at}) could show a redacted value by its address`,
        )
      return `${tree.type}(${text(tree.argument)})`
    case 'intrinsic':
      return `${tree.name}(${tree.arguments.map(text).join(', ')})`
    case 'number':
    case 'rune':
    case 'string':
    case 'bool':
      return tree.text
    case 'nil':
      return 'nil'
    case 'unary':
      return `(${tree.operator}${text(tree.operand)})`
    case 'binary':
      return `(${text(tree.left)} ${tree.operator} ${text(tree.right)})`
  }
}
