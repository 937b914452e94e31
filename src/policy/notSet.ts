import type { PolicyContext } from './policy.ts'
import { say } from './refusal.ts'

/**
 * A refused breakpoint is answered as not verified with its reason, which nvim-dap, dap-mode and dape show nobody (seen):
 * there the user only sees that the program does not stop. So the console has it too. Clients send all breakpoints of a
 * file again with each change, and what was told and still holds is not told again.
 */
export class NotSet {
  readonly #context: Pick<PolicyContext, 'emit'>
  readonly #told = new Map<string, ReadonlySet<string>>()

  constructor(context: Pick<PolicyContext, 'emit'>) {
    this.#context = context
  }

  /** `place` is what a request replaces as a whole, such as the breakpoints of one file. */
  tell(place: string, sentences: readonly string[]): void {
    const before = this.#told.get(place)
    const now = new Set(sentences)
    if (now.size > 0) this.#told.set(place, now)
    else this.#told.delete(place)
    for (const sentence of now) if (before?.has(sentence) !== true) say(this.#context, sentence)
  }
}
