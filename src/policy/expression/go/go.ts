import { splitLogMessage } from '../../../lib/logMessage.ts'
import type { Language } from '../expression.ts'
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
  check(text) {
    const checked = check(text)
    if (!checked.ok) return checked
    const { tree } = checked
    return {
      ok: true,
      look: {
        answers: 'guarded',
        steps: stepsOf(tree),
        text: (keys) => write(tree, keys),
        condition: (keys) => write(tree, keys),
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
      const guarded = write(checked.tree, keys)
      if (!guarded.ok) return guarded
      text += `{${guarded.text}}`
    }
    return { ok: true, text }
  },
  /** Delve's own: a number or an operator and a number. It divides by that of `%`. */
  conditionOk(text) {
    const [, operator, count] = hits.exec(text) ?? []
    return count !== undefined && !(operator === '%' && Number(count) === 0)
  },
  typed: /((?:[\p{L}_][\p{L}\p{Nd}_]*\.)*)([\p{L}_][\p{L}\p{Nd}_]*)?$/u,
  identifier: /^[\p{L}_][\p{L}\p{Nd}_]*$/u,
}
