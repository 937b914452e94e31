import { splitLogMessage } from '../../../lib/logMessage.ts'
import { parseHitCondition } from '../../../lib/hitCondition.ts'
import type { Language } from '../expression.ts'
import { check } from './check.ts'
import { condition, guard } from './guard.ts'
import { stepsOf } from './steps.ts'

/** JavaScript as V8 runs it, which has a guard of its own: `throwOnSideEffect`. */
export const javascript: Language = {
  name: 'javascript',
  advice: "Use names, members, literals, operators and JavaScript's own methods that only read.",
  check(text) {
    const checked = check(text)
    if (!checked.ok) return checked
    const { tree } = checked
    return {
      ok: true,
      look: {
        answers: 'guarded',
        steps: stepsOf(tree),
        text: (keys) => guard(tree, keys),
        condition: (keys) => condition(tree, keys),
      },
    }
  },
  messageParts: (message) =>
    splitLogMessage(message)?.flatMap((part) => ('expression' in part ? [part.expression] : [])),
  numericMessages: true,
  guardMessage(message, keys) {
    const parts = splitLogMessage(message)
    if (!parts) return { ok: false, reason: 'The braces in the log message do not balance.' }
    let text = ''
    for (const part of parts) {
      if ('text' in part) {
        text += part.text
        continue
      }
      const checked = check(part.expression)
      if (!checked.ok) return checked
      const guarded = guard(checked.tree, keys)
      if (!guarded.ok) return guarded
      text += `{${guarded.text}}`
    }
    return { ok: true, text }
  },
  conditionOk: (text) => parseHitCondition(text) !== undefined,
  typed:
    /((?:(?:[\p{ID_Start}$_][\p{ID_Continue}$]*|\[(?:\d+|'[^'\\]*'|"[^"\\]*")\])(?:\?\.|\.|(?=\[)))*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u,
  identifier: /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u,
}
