import { parseHitCondition } from '../../../lib/hitCondition.ts'
import type { Language } from '../expression.ts'
import { guardedLanguage } from '../guardedLanguage.ts'
import { check } from './check.ts'
import { condition, guard } from './guard.ts'
import { stepsOf } from './steps.ts'

/** JavaScript as V8 runs it, which has a guard of its own: `throwOnSideEffect`. */
export const javascript: Language = {
  name: 'javascript',
  advice: "Use names, members, literals, operators and JavaScript's own methods that only read.",
  ...guardedLanguage({ check, stepsOf, text: guard, condition }),
  conditionOk: (text) => parseHitCondition(text) !== undefined,
  typed:
    /((?:(?:[\p{ID_Start}$_][\p{ID_Continue}$]*|\[(?:\d+|'[^'\\]*'|"[^"\\]*")\])(?:\?\.|\.|(?=\[)))*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u,
  identifier: /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u,
}
