import type { GoroutineFilter } from './wire.ts'

/** What a target's `options` say for Delve. Names and meanings are those of vscode-go, where it has them. */
export interface DelveSettings {
  /** How many goroutines `threads` lists. */
  readonly goroutines: number
  readonly hideSystemGoroutines: boolean
  /** Only goroutines that all of them fit are listed. */
  readonly goroutineFilters: readonly GoroutineFilter[]
  /** The keys of pprof labels that are shown in a goroutine's name; `*` for all. */
  readonly showPprofLabels: readonly string[]
  /** The variables of the frame's package are a scope. */
  readonly showGlobalVariables: boolean
  readonly showRegisters: boolean
}

/** As many as `dlv dap` lists. */
const goroutinesDefault = 1024

/** The options as `config/backends.ts` has checked them. */
export function delveSettings(options: Readonly<Record<string, unknown>>): DelveSettings {
  const { goroutines, goroutineFilters, showPprofLabels } = options
  return {
    goroutines: typeof goroutines === 'number' ? goroutines : goroutinesDefault,
    hideSystemGoroutines: options['hideSystemGoroutines'] === true,
    goroutineFilters: typeof goroutineFilters === 'string' ? parseGoroutineFilters(goroutineFilters) : [],
    showPprofLabels: Array.isArray(showPprofLabels) ? (showPprofLabels as string[]) : [],
    showGlobalVariables: options['showGlobalVariables'] === true,
    showRegisters: options['showRegisters'] === true,
  }
}

const kinds: Readonly<Record<string, number>> = {
  curloc: 1,
  userloc: 2,
  goloc: 3,
  startloc: 4,
  label: 5,
  running: 6,
  user: 7,
}
const waitingOnChannel = 8

/** Delve's own words: `-with userloc shop -without running -chan 0xc000012345`. What is none of them is passed by. */
export function parseGoroutineFilters(text: string): GoroutineFilter[] {
  const words = text.split(/\s+/).filter((word) => word !== '')
  const filters: GoroutineFilter[] = []
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '-chan') filters.push({ Kind: waitingOnChannel, Negated: false, Arg: words.shift() ?? '' })
    const negated = /^-(wo|without)$/.test(word)
    if (!negated && !/^-(w|with)$/.test(word)) continue
    const field = words.shift() ?? ''
    const Kind = kinds[field]
    if (Kind === undefined) continue
    const plain = field === 'running' || field === 'user'
    filters.push({ Kind, Negated: negated, Arg: plain ? '' : (words.shift() ?? '') })
  }
  return filters
}
