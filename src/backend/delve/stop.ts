import { dapError } from '../../dap/errors.ts'
import { abortable } from '../../lib/abort.ts'
import type { Ask, Stop } from './parts.ts'
import { selectedGoroutine, type Read } from './reads.ts'
import type { DebuggerCommand, DebuggerState, EvalScope, In, Method, Out } from './wire.ts'

/** Who pages through a million elements at one stop asks for each but once. */
const keptMax = 128

/** Answers that were asked for, by what was asked: those of one stop, and the last of them where there are many. */
export class Answers {
  /** The least recently asked first. */
  readonly #kept = new Map<string, Promise<unknown>>()

  keep<M extends Method>([method, argument]: Read<M>, answer: Promise<Out<M>>): void {
    answer.catch(() => {})
    this.#kept.set(keyOf(method, argument), answer)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break
      this.#kept.delete(oldest)
    }
  }

  find<M extends Method>(method: M, argument: In<M>): Promise<Out<M>> | undefined {
    const key = keyOf(method, argument)
    const answer = this.#kept.get(key) as Promise<Out<M>> | undefined
    if (answer !== undefined && this.#kept.delete(key)) this.#kept.set(key, answer)
    return answer
  }

  clear(): void {
    this.#kept.clear()
  }
}

function keyOf(method: Method, argument: object): string {
  return `${method} ${JSON.stringify(argument)}`
}

export interface StopParts {
  readonly state: DebuggerState
  readonly command: DebuggerCommand
  readonly pausing: boolean
  readonly error: string | undefined
  /** What was written ahead. */
  readonly answers: Answers
  readonly ask: Ask
}

export class ProgramStop implements Stop {
  readonly state: DebuggerState
  readonly command: DebuggerCommand
  readonly pausing: boolean
  readonly error: string | undefined
  readonly #answers: Answers
  readonly #ask: Ask
  readonly #ends: (() => void)[] = []
  #over = false

  constructor(parts: StopParts) {
    this.state = parts.state
    this.command = parts.command
    this.pausing = parts.pausing
    this.error = parts.error
    this.#answers = parts.answers
    this.#ask = parts.ask
  }

  get selected(): number {
    const { currentGoroutine, currentThread } = this.state
    const id = currentGoroutine?.id ?? currentThread?.goroutineID ?? 0
    return id > 0 ? id : selectedGoroutine
  }

  get isOver(): boolean {
    return this.#over
  }

  read<M extends Method>(method: M, argument: In<M>, signal?: AbortSignal): Promise<Out<M>> {
    if (this.#over) return Promise.reject(dapError('notStopped', {}))
    const wanted = this.#asSelected(argument)
    let answer = this.#answers.find(method, wanted)
    if (answer === undefined) {
      // Without the signal: somebody else may want the same answer.
      answer = this.#ask(method, wanted)
      this.#answers.keep([method, wanted], answer)
    }
    return signal === undefined ? answer : abortable(answer, signal)
  }

  forget(): void {
    this.#answers.clear()
  }

  onOver(then: () => void): void {
    if (this.#over) then()
    else this.#ends.push(then)
  }

  end(): void {
    this.#over = true
    this.#answers.clear()
    for (const then of this.#ends.splice(0)) then()
  }

  /** What was written ahead names the selected goroutine by -1, since nobody knew which it would be. */
  #asSelected<T extends object>(argument: T): T {
    const { Scope, Id } = argument as { Scope?: EvalScope; Id?: number }
    if (Scope !== undefined && Scope.GoroutineID === this.selected) {
      return { ...argument, Scope: { ...Scope, GoroutineID: selectedGoroutine } }
    }
    // `Id` is a breakpoint's in other methods, which are no reads of a stop.
    return Id !== undefined && Id === this.selected ? { ...argument, Id: selectedGoroutine } : argument
  }
}
