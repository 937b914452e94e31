import type { Node } from './node.ts'
import { python } from './python/python.ts'

export type { Bounds, Intrinsic, Node, Scalar } from './node.ts'

/** `reason` is a whole sentence for the user: what is not allowed, and at which column. */
export type Check = { readonly ok: true; readonly node: Node } | { readonly ok: false; readonly reason: string }

/** A text made safe for the debugger, or why there is none. */
export type Guarded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

/** One language of debugged programs: what in it is only a look, and how its debugger can be asked safely. */
export interface Language {
  readonly name: string
  /** Is this text only a look? Everything that is not known to be one is refused. Never throws. */
  check(text: string): Check
  /**
   * The expression as a condition for the debugger, which runs none of the program's code whatever the types are; false
   * where the answer would need it. Undefined where there is no such text: `self.__x`, whose class only the frame knows.
   */
  guard(node: Node): string | undefined
  /** The same for a log message with `{expression}` parts. Braces in it are the debugger's. */
  guardMessage(message: string): Guarded
  /** Is this hit condition a plain count? */
  conditionOk(hitCondition: string): boolean
}

export const languages: Readonly<Record<string, Language>> = { python }
