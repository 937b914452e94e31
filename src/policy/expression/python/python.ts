import type { Language } from '../expression.ts'
import { check } from './check.ts'
import { guard, guardMessage } from './guard.ts'
import { conditionOk } from './hits.ts'
import { stepsOf, withNumericKeys } from './steps.ts'

/** Python 3, as debugpy runs it. */
export const python: Language = {
  name: 'python',
  advice: 'Use names, attributes, subscripts, literals and operators.',
  check(text) {
    const checked = check(text)
    if (!checked.ok) return checked
    const { node } = checked
    return {
      ok: true,
      look: {
        answers: 'walk',
        node,
        steps: stepsOf(node),
        condition(keys) {
          const guarded = guard(keys === 'numeric' ? withNumericKeys(node) : node)
          if (guarded !== undefined) return { ok: true, text: guarded }
          // `self.__x`, whose class only the frame knows; or a text that is too long.
          return { ok: false, reason: 'this cannot be asked without running code of the program' }
        },
      },
    }
  },
  /** Braces within braces: which part is the expression is then for the debugger to say, so it is not taken. */
  messageParts(message) {
    if (/[{}]/.test(message.replace(/\{[^{}]*\}/g, ''))) return undefined
    return [...message.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1]!.trim()).filter((part) => part !== '')
  },
  guardMessage: (message) => guardMessage(message),
  numericMessages: false,
  conditionOk,
  typed: /((?:[\p{L}_][\p{L}\p{N}_]*\.)*)([\p{L}_][\p{L}\p{N}_]*)?$/u,
  identifier: /^[\p{L}_][\p{L}\p{N}_]*$/u,
}
