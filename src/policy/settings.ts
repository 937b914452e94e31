import type { Mode } from './policy.ts'

/** One entry of the configuration's `policies`, with every default filled in. Times in ms, sizes in bytes. */
export interface PolicySettings {
  readonly mode: Mode
  readonly time: TimeSettings
  readonly limits: LimitSettings
  readonly redact: RedactSettings
  readonly breakpoints: BreakpointSettings
}

export interface TimeSettings {
  /** Reaching the program and its debugger. */
  readonly connectMs: number
  /** One request. Below 10 s, at which dape gives up by itself. */
  readonly requestMs: number
  /** One evaluate, condition or other request that may run code; never more than `requestMs`. */
  readonly evaluateMs: number
  /** The longest pause; then the program is resumed. Infinity in `control` unless set. */
  readonly pauseMaxMs: number
  /** Without a request of the client. */
  readonly idleMs: number
  readonly sessionMs: number
  /** How long before an end it is announced, longest first. */
  readonly warnMs: readonly number[]
}

/** Everything a program or a client can make grow (DESIGN section 4, "Amount"). */
export interface LimitSettings {
  readonly frames: number
  readonly children: number
  readonly stringLength: number
  readonly replyBytes: number
  readonly outputPerSecond: number
  readonly breakpoints: number
  readonly sessions: number
  /** Nested expansion below a scope. */
  readonly depth: number
}

export interface RedactSettings {
  /** `standard` hides by name and by shape; `strict` also by type and by entropy; nothing turns it off but `control`. */
  readonly level: 'off' | 'standard' | 'strict'
  /** Further names to hide, compared normalised (case, `_` and `-` ignored). */
  readonly names: readonly string[]
  /** Further type names to hide whole. */
  readonly types: readonly string[]
}

/** Brakes on breakpoints that are hit often: taken out when a brake is reached, with a word to the user. */
export interface BreakpointSettings {
  /** Hits a second for each breakpoint before it is taken out; Infinity for none. */
  readonly ratePerSecond: number
  readonly maxHits: number
  /** Share of hits that is taken, 0 to 1. For `observe`. */
  readonly sample: number
}

const minute = 60_000

/** The defaults of each mode; a policy in the configuration overrides single values. */
export function defaultSettings(mode: Mode): PolicySettings {
  return {
    mode,
    time: {
      connectMs: 15_000,
      requestMs: 8_000,
      evaluateMs: 5_000,
      pauseMaxMs: mode === 'control' ? Infinity : minute,
      idleMs: mode === 'control' ? 8 * 60 * minute : 10 * minute,
      sessionMs: mode === 'control' ? 8 * 60 * minute : 30 * minute,
      warnMs: [5 * minute, minute],
    },
    limits: {
      frames: 1_000,
      children: 10_000,
      stringLength: 64 * 1024,
      replyBytes: 8 * 1024 * 1024,
      outputPerSecond: 10_000,
      breakpoints: 1_000,
      sessions: 8,
      depth: 64,
    },
    redact: { level: mode === 'observe' ? 'strict' : mode === 'inspect' ? 'standard' : 'off', names: [], types: [] },
    breakpoints: { ratePerSecond: Infinity, maxHits: Infinity, sample: 1 },
  }
}
