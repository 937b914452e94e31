/**
 * What redaction must know of an accepted expression, in no particular language: which names it goes through. The last
 * step, whose value is the answer, is the outermost.
 */
export interface Step {
  /** The name that this step takes: a variable's, a member's, a key that is written out. */
  readonly name?: string
  /** It takes something by a key that is not written out, so that nobody can tell its name. */
  readonly computedKey?: boolean
  /** The steps of what it is taken from, or computed with. */
  readonly below: readonly Step[]
}

/** Which computed keys count: all of them, or none but numbers, so that a name that is hidden cannot be put together. */
export type Keys = 'any' | 'numeric'
