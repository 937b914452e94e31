const hitCondition = /^ *(==|>=|<=|>|<|%)? *([0-9]{1,9}) *$/

/**
 * Is this hit condition a plain count, as `5`, `>= 5` or `%5`? debugpy evaluates everything else raw
 * (pydevd `_get_hit_condition_expression`, 1.6.6 to 1.8), and `> 0 or f()` as well; `%0` would raise at each hit.
 */
export function conditionOk(text: string): boolean {
  const match = hitCondition.exec(text)
  return match !== null && !(match[1] === '%' && Number(match[2]) === 0)
}
