import { go } from './go/go.ts'
import { javascript } from './javascript/javascript.ts'
import type { Node } from './node.ts'
import { python } from './python/python.ts'
import type { Keys, Step } from './steps.ts'

export type { Bounds, Intrinsic, Node, Scalar } from './node.ts'
export type { Keys, Step } from './steps.ts'

/** An accepted expression. */
export type Look = Conditional &
  (
    | { /** Answered by the walker: nothing is evaluated. */ readonly answers: 'walk'; readonly node: Node }
    | {
        /** Evaluated by a debugger that has a guard of its own, in a text in which nothing of the program can run. */
        readonly answers: 'guarded'
        text(keys: Keys): Guarded
      }
  )

interface Conditional {
  /** For redaction. */
  readonly steps: Step
  /**
   * The expression as a condition for the debugger, which runs none of the program's code whatever the values are; not
   * true where the answer would need it.
   */
  condition(keys: Keys): Guarded
}

/** `reason` is a whole sentence for the user: what is not allowed, and at which column. */
export type Check = { readonly ok: true; readonly look: Look } | { readonly ok: false; readonly reason: string }

/** A text made safe for the debugger, or why there is none. */
export type Guarded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

/** One language of debugged programs: what in it is only a look, and how its debugger can be asked safely. */
export interface Language {
  readonly name: string
  /** What may be written, as advice behind a refusal. */
  readonly advice: string
  /** Is this text only a look? Everything that is not known to be one is refused. Never throws. */
  check(text: string): Check
  /** The expressions of a log message, or undefined where it cannot be told which text they are. */
  messageParts(message: string): readonly string[] | undefined
  /** A log message with `{expression}` parts, each guarded. Braces in it are the debugger's. */
  guardMessage(message: string, keys: Keys): Guarded
  /** Can a guarded message hold computed keys to numbers? Otherwise they are refused where values are redacted. */
  readonly numericMessages: boolean
  /** Is this hit condition a plain count? */
  conditionOk(hitCondition: string): boolean
  /** A path of names up to the cursor, and the name that is being typed; undefined where nothing can be completed. */
  readonly typed: RegExp
  /** A name that can be written as it is. */
  readonly identifier: RegExp
}

export const languages: Readonly<Record<string, Language>> = { python, javascript, go }
