import type { DebugProtocol } from '@vscode/debugprotocol'
import type { WantedPlace } from './place.ts'

/** What the client asked for; positions are V8's. */
export interface Wanted {
  readonly line: number
  readonly column: number | undefined
  /** Of a function breakpoint; `line` is then 0. */
  readonly name: string | undefined
  readonly condition: string | undefined
  readonly hitCondition: string | undefined
  readonly logMessage: string | undefined
}

/** One breakpoint as the client knows it. */
export interface Breakpoint {
  readonly id: number
  readonly wanted: Wanted
  /** Undefined for a function breakpoint. */
  readonly source: DebugProtocol.Source | undefined
  /** V8's condition: with the counting of hits and the log line in it. */
  text: string | undefined
  /** What must be hidden in the program for it. */
  needs: { readonly own: boolean; readonly guard: boolean }
  /** Why it can never be set. */
  problem: string | undefined
  places: readonly WantedPlace[]
  /** The client has taken it out. */
  isRemoved: boolean
  /** What the client was told last, as JSON; undefined before the answer. */
  told: string | undefined
}

/** Something to be found again when the client sends its whole set again: then it is the same breakpoint, and keeps its id and counts. */
export function sameWanted(wanted: Wanted): string {
  const { line, column, name, condition, hitCondition, logMessage } = wanted
  return JSON.stringify([line, column, name, condition, hitCondition, logMessage])
}

export interface Difference {
  /** In the client's order. */
  readonly all: readonly Breakpoint[]
  readonly added: readonly Breakpoint[]
  readonly removed: readonly Breakpoint[]
}

/** The client's new set against what is there. */
export function differ(
  before: readonly Breakpoint[],
  wanted: readonly Wanted[],
  make: (wanted: Wanted) => Breakpoint,
): Difference {
  const left = new Set(before)
  const added: Breakpoint[] = []
  const all = wanted.map((each) => {
    const key = sameWanted(each)
    for (const known of left) {
      // What failed is tried again: the program may have changed.
      if (known.problem !== undefined || sameWanted(known.wanted) !== key) continue
      left.delete(known)
      return known
    }
    const breakpoint = make(each)
    added.push(breakpoint)
    return breakpoint
  })
  return { all, added, removed: [...left] }
}
