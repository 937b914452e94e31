import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Checks } from './checks.ts'
import type { Site } from './sites.ts'

export type Kind = 'line' | 'function' | 'instruction' | 'data'

/** What the client asked for. */
export interface Wanted {
  readonly kind: Kind
  /** Delve's; 0 for what is no line of a source. */
  readonly line: number
  /** The name of a function, the address of an instruction in hexadecimal digits, or DAP's `dataId`. */
  readonly key: string
  /** Bits: 1 read, 2 write; 0 for all but data. */
  readonly access: number
  readonly condition: string | undefined
  readonly hitCondition: string | undefined
  readonly logMessage: string | undefined
}

/** One breakpoint as the client knows it. */
export interface Breakpoint {
  /** DAP's. */
  readonly id: number
  /** Undefined for what is no line of a source. */
  readonly source: DebugProtocol.Source | undefined
  wanted: Wanted
  checks: Checks
  /** Why it is not set. */
  problem: string | undefined
  /** Delve's line that it is at where that is another: for one in code that was inlined Delve tells any line. */
  line: number | undefined
  /** What is to be known of one that is set. */
  note: string | undefined
  /** Delve's breakpoints that it is one of the reasons for. */
  readonly sites: Set<Site>
  /** Addresses of other clients' breakpoints that are where this would be. */
  readonly foreign: Set<string>
  /** Counted here where several are at one place; else by Delve. */
  hits: number
}

const placeOf = ({ kind, line, key, access }: Wanted): string => JSON.stringify([kind, line, key, access])
const conditionsOf = ({ condition, hitCondition, logMessage }: Wanted): string =>
  JSON.stringify([condition, hitCondition, logMessage])

export interface Difference {
  /** In the client's order. */
  readonly all: readonly Breakpoint[]
  readonly added: readonly Breakpoint[]
  /** With other conditions than before; `wanted` is the new one. */
  readonly changed: readonly Breakpoint[]
  readonly removed: readonly Breakpoint[]
}

/** The client's new set against what is there. What failed is tried again: the program may be another by now. */
export function differ(
  before: readonly Breakpoint[],
  wanted: readonly Wanted[],
  make: (wanted: Wanted) => Breakpoint,
): Difference {
  const left = new Set(before.filter(({ problem }) => problem === undefined))
  const take = (each: Wanted, isSame: (known: Wanted) => boolean): Breakpoint | undefined => {
    for (const known of left) {
      if (placeOf(known.wanted) !== placeOf(each) || !isSame(known.wanted)) continue
      left.delete(known)
      return known
    }
    return undefined
  }
  const kept = wanted.map((each) => take(each, (known) => conditionsOf(known) === conditionsOf(each)))
  const added: Breakpoint[] = []
  const changed: Breakpoint[] = []
  const all = wanted.map((each, at) => {
    const same = kept[at]
    if (same !== undefined) return same
    const other = take(each, () => true)
    if (other !== undefined) {
      other.wanted = each
      changed.push(other)
      return other
    }
    const breakpoint = make(each)
    added.push(breakpoint)
    return breakpoint
  })
  return { all, added, changed, removed: before.filter((known) => !all.includes(known)) }
}
