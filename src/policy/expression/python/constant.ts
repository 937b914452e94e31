import { Unanswerable, type Node, type Scalar } from '../node.ts'
import { abs, binary, bool, compare, truth, unary } from './scalars.ts'

/** The value of an expression without names, undefined where it has one; throws what computing it would throw. */
export function constant(node: Node): Scalar | undefined {
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'unary':
      return map(node.operand, (operand) => unary(node.operator, operand))
    case 'binary': {
      const [left, right] = [quiet(node.left), quiet(node.right)]
      return left && right && binary(node.operator, left, right)
    }
    case 'boolean': {
      const [left, right] = [quiet(node.left), quiet(node.right)]
      return left && (truth(left) === (node.operator === 'and') ? right : left)
    }
    case 'conditional': {
      const [test, consequent, alternate] = [quiet(node.test), quiet(node.consequent), quiet(node.alternate)]
      return test && (truth(test) ? consequent : alternate)
    }
    case 'compare': {
      const values = [quiet(node.first), ...node.rest.map(({ right }) => quiet(right))]
      const [left, right] = values
      return values.length === 2 && left && right ? bool(compare(node.rest[0]!.operator, left, right)) : undefined
    }
    case 'intrinsic': {
      const argument = quiet(node.argument)
      if (!argument) return undefined
      return node.name === 'abs' ? abs(argument) : node.name === 'bool' ? bool(truth(argument)) : undefined
    }
    case 'member':
      quiet(node.object)
      return undefined
    case 'index':
      quiet(node.object)
      quiet(node.index)
      return undefined
    case 'slice':
      for (const part of [node.object, ...node.bounds]) if (part) quiet(part)
      return undefined
    case 'display':
      node.items.forEach(quiet)
      return undefined
    case 'name':
      return undefined
  }
}

function map(node: Node, compute: (value: Scalar) => Scalar): Scalar | undefined {
  const value = quiet(node)
  return value && compute(value)
}

/** A part that fails in Python's own words is no reason to refuse the whole: the part may never be reached. */
function quiet(node: Node): Scalar | undefined {
  try {
    return constant(node)
  } catch (error) {
    if (error instanceof Unanswerable && error.constructor === Unanswerable) return undefined
    throw error
  }
}
