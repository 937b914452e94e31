import type { Language } from '../expression.ts'
import { guardedLanguage } from '../guardedLanguage.ts'
import { check } from './check.ts'
import { stepsOf, write } from './write.ts'

const hits = /^ *(==|!=|>=|<=|>|<|%)? *([0-9]{1,9}) *$/

/**
 * Go as Delve evaluates it. Delve's evaluator is the second layer: without the command `call` it runs nothing of the
 * program. What an answer shows is bounded by the LoadConfig that the backend sends, and a slice by its capacity.
 */
export const go: Language = {
  name: 'go',
  advice: 'Use names, fields, indexes, slices, literals, operators, len, cap, min and max; a type is quoted.',
  ...guardedLanguage({ check, stepsOf, text: write, condition: write }),
  /** Delve's own: a number or an operator and a number. It divides by that of `%`. */
  conditionOk(text) {
    const [, operator, count] = hits.exec(text) ?? []
    return count !== undefined && !(operator === '%' && Number(count) === 0)
  },
  typed: /((?:[\p{L}_][\p{L}\p{Nd}_]*\.)*)([\p{L}_][\p{L}\p{Nd}_]*)?$/u,
  identifier: /^[\p{L}_][\p{L}\p{Nd}_]*$/u,
}
