import type { Node } from './expression/node.ts'
import type { SecretNames } from './redactNames.ts'

/** The nodes directly below one. */
function below(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'name':
    case 'literal':
      return []
    case 'member':
      return [node.object]
    case 'index':
      return [node.object, node.index]
    case 'slice':
      return [node.object, ...node.bounds.filter((bound) => bound !== undefined)]
    case 'unary':
      return [node.operand]
    case 'binary':
    case 'boolean':
      return [node.left, node.right]
    case 'compare':
      return [node.first, ...node.rest.map(({ right }) => right)]
    case 'conditional':
      return [node.test, node.consequent, node.alternate]
    case 'intrinsic':
      return [node.argument]
    case 'display':
      return node.items
  }
}

/** The secret name that this step alone names: `password`, `x.password`, `d['password']`. */
function ownSecret(node: Node, names: SecretNames): string | undefined {
  const name =
    node.kind === 'name' || node.kind === 'member'
      ? node.name
      : node.kind === 'index' && node.index.kind === 'literal' && 'value' in node.index.value
        ? String(node.index.value.value)
        : undefined
  return name !== undefined && names.has(name) ? name : undefined
}

/** The first secret name anywhere in an expression. */
export function secretIn(node: Node, names: SecretNames): string | undefined {
  return ownSecret(node, names) ?? first(below(node), names)
}

/** The same, but the very last step may be secret: its value is shown hidden, and nothing is computed with it. */
export function secretComputedWith(node: Node, names: SecretNames): string | undefined {
  return first(below(node), names)
}

function first(nodes: readonly Node[], names: SecretNames): string | undefined {
  for (const node of nodes) {
    const secret = secretIn(node, names)
    if (secret !== undefined) return secret
  }
  return undefined
}

const zero: Node = { at: 1, kind: 'literal', value: { type: 'int', value: 0n } }

/** Is there a key that is not written out, so that nobody can tell which name it is? */
export function hasComputedKey(node: Node): boolean {
  return (node.kind === 'index' && !writtenOut(node.index)) || below(node).some(hasComputedKey)
}

function writtenOut(index: Node): boolean {
  return index.kind === 'literal' || (index.kind === 'unary' && writtenOut(index.operand))
}

/**
 * The same expression, in which a computed key counts only as a number: `d[k]` becomes `d[k + 0]`. So `orders[i]` still
 * works in a condition, and `d['pass' + 'word']` or a `k` that holds a secret name does not.
 */
export function withNumericKeys(node: Node): Node {
  switch (node.kind) {
    case 'name':
    case 'literal':
      return node
    case 'member':
      return { ...node, object: withNumericKeys(node.object) }
    case 'index': {
      const key = withNumericKeys(node.index)
      const index: Node = writtenOut(key) ? key : { at: key.at, kind: 'binary', operator: '+', left: key, right: zero }
      return { ...node, object: withNumericKeys(node.object), index }
    }
    case 'slice':
      return {
        ...node,
        object: withNumericKeys(node.object),
        bounds: node.bounds.map((bound) => bound && withNumericKeys(bound)),
      }
    case 'unary':
      return { ...node, operand: withNumericKeys(node.operand) }
    case 'binary':
    case 'boolean':
      return { ...node, left: withNumericKeys(node.left), right: withNumericKeys(node.right) }
    case 'compare':
      return {
        ...node,
        first: withNumericKeys(node.first),
        rest: node.rest.map((part) => ({ ...part, right: withNumericKeys(part.right) })),
      }
    case 'conditional':
      return {
        ...node,
        test: withNumericKeys(node.test),
        consequent: withNumericKeys(node.consequent),
        alternate: withNumericKeys(node.alternate),
      }
    case 'intrinsic':
      return { ...node, argument: withNumericKeys(node.argument) }
    case 'display':
      return { ...node, items: node.items.map(withNumericKeys) }
  }
}
