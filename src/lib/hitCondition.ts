const pattern = /^ *(==|>=|<=|>|<|%)? *([0-9]{1,9}) *$/

/** How a hit count is compared; `%` is "each n-th", and a bare number is `==`. */
export interface HitCondition {
  readonly operator: '==' | '>=' | '<=' | '>' | '<' | '%'
  /** From 0 to 999,999,999; never 0 with `%`. */
  readonly count: number
}

/** A plain count, as `5`, `>= 5` or `%5`; undefined for everything else, which would be code to somebody. */
export function parseHitCondition(text: string): HitCondition | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const operator = (match[1] ?? '==') as HitCondition['operator']
  const count = Number(match[2])
  return operator === '%' && count === 0 ? undefined : { operator, count }
}
