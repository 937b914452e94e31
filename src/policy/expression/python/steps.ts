import type { Node } from '../node.ts'
import type { Step } from '../steps.ts'

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

/** What this step alone names: `password`, `x.password`, `d['password']`. */
function ownName(node: Node): string | undefined {
  if (node.kind === 'name' || node.kind === 'member') return node.name
  const key = node.kind === 'index' && node.index.kind === 'literal' ? node.index.value : undefined
  return key !== undefined && 'value' in key ? String(key.value) : undefined
}

export function stepsOf(node: Node): Step {
  const name = ownName(node)
  const computedKey = node.kind === 'index' && !writtenOut(node.index)
  return { below: below(node).map(stepsOf), ...(name === undefined ? {} : { name }), computedKey }
}

const zero: Node = { at: 1, kind: 'literal', value: { type: 'int', value: 0n } }

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
