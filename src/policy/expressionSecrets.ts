import type { Step } from './expression/steps.ts'
import type { SecretNames } from './redactNames.ts'

/** The first secret name anywhere in an expression. */
export function secretIn(step: Step, names: SecretNames): string | undefined {
  return step.name !== undefined && names.has(step.name) ? step.name : secretComputedWith(step, names)
}

/** The same, but the very last step may be secret: its value is shown hidden, and nothing is computed with it. */
export function secretComputedWith(step: Step, names: SecretNames): string | undefined {
  for (const below of step.below) {
    const secret = secretIn(below, names)
    if (secret !== undefined) return secret
  }
  return undefined
}

/** Is there a key that is not written out, so that nobody can tell which name it is? */
export function hasComputedKey(step: Step): boolean {
  return step.computedKey === true || step.below.some(hasComputedKey)
}
