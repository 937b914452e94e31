import { parseHitCondition } from '../../../lib/hitCondition.ts'

/**
 * Is this hit condition a plain count, as `5`, `>= 5` or `%5`? debugpy evaluates everything else raw
 * (pydevd `_get_hit_condition_expression`, 1.6.6 to 1.8), and `> 0 or f()` as well; `%0` would raise at each hit.
 */
export const conditionOk = (text: string): boolean => parseHitCondition(text) !== undefined
