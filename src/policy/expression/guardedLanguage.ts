import { splitLogMessage } from '../../lib/logMessage.ts'
import type { Guarded, Language } from './expression.ts'
import type { Keys, Step } from './steps.ts'

export interface GuardedParts<Tree> {
  check(text: string): { readonly ok: true; readonly tree: Tree } | { readonly ok: false; readonly reason: string }
  stepsOf(tree: Tree): Step
  /** The expression anew, from its tree. */
  text(tree: Tree, keys: Keys): Guarded
  condition(tree: Tree, keys: Keys): Guarded
}

/** What languages have in common whose debugger has a guard of its own, and log messages with `{expression}` parts. */
export function guardedLanguage<Tree>(
  own: GuardedParts<Tree>,
): Pick<Language, 'check' | 'messageParts' | 'numericMessages' | 'guardMessage'> {
  return {
    check(text) {
      const checked = own.check(text)
      if (!checked.ok) return checked
      const { tree } = checked
      return {
        ok: true,
        look: {
          answers: 'guarded',
          steps: own.stepsOf(tree),
          text: (keys) => own.text(tree, keys),
          condition: (keys) => own.condition(tree, keys),
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
        const checked = own.check(part.expression)
        if (!checked.ok) return checked
        const guarded = own.text(checked.tree, keys)
        if (!guarded.ok) return guarded
        text += `{${guarded.text}}`
      }
      return { ok: true, text }
    },
  }
}
