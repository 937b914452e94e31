import type { LoadConfig } from './api.ts'

/**
 * What is odd about Delve, each with the version it was seen in (1.20.2 of Debian 12 and 1.27.2 were driven), and the
 * figures that follow from it.
 */

/**
 * The values that a variables view starts with: those of `dlv dap`. There is no cancel in Delve, so that every load is
 * bounded here: a huge one would hold its lock, and with it everybody (notes/delve.md, 9).
 */
export const loadConfig: LoadConfig = {
  FollowPointers: true,
  MaxVariableRecurse: 1,
  MaxStringLen: 512,
  MaxArrayValues: 64,
  MaxStructFields: -1,
}

/** Frames that are written ahead behind each resume: what an editor asks for first (VS Code: 20). */
export const aheadFrames = 20

/**
 * The goroutines are written ahead only where there are few: a list of 1,024 holds a program of 10,000 for 70 ms
 * (1.27.1), also in the moment in which only a breakpoint is set.
 */
export const aheadGoroutinesMax = 200

/**
 * A halt can be served before the `continue` that was written just before it, on the other connection, and is lost then
 * (1 of 12 under load); another halt on the same connection may never be read (1.20.2). So it is said again on a fresh
 * connection while the resume is not answered.
 */
export const haltAgainMs = 100
export const haltsAtOnce = 8
/** The last one after 14 s. */
export const haltsMax = 24

/** A step is usually over by then: breakpoints wait for it, since a halt in its midst would be a stop within it. */
export const stepGraceMs = 100

/** Every call on a stopped program has this long, also a page of values of a very large program. */
export const callMs = 20_000

/** `API server listening at:` is printed before the program's DWARF is read, which takes minutes for a large one. */
export const firstAnswerMs = 300_000

/**
 * A `Detach` right after a busy breakpoint kills the program (`SIGTRAP: trace trap`, 14 of 24): the signal of the halt is
 * still pending. Run once more without breakpoints for this long it has been taken (0 of 24).
 */
export const settleMs = 60

/** How long the end of a session may take in all before the connections are closed. */
export const leaveMs = 5_000

/** Between `API server listening at:` and the `continue` of --continue lie some milliseconds (1.27.2). */
export const continuesWithinMs = 150

/**
 * A text that is written in a call, and a call within a call, are run in the program while the registers hold the
 * arguments already; what is set then goes to the wrong thread (1.20.2, 1.21.0: 2 to 20 of 100 calls, most of them the end of
 * the program; 1.22.1: 0 of 320).
 */
export const spoilsArguments = (version: string): boolean => /^(?:0|1\.(?:\d|1\d|2[01]))\./.test(version)

/** So often Delve is asked for what it does not tell; see pulse.ts. */
export const beatMs = 2_000

/** An answer that is owed for so long makes us ask on a new connection, for as long again. */
export const silentMs = 8_000

/** A halt that is not heeded for so long: the program may be dead. */
export const unheededMs = 4_000

/** A held program shows by then whether it is alive. */
export const seenWithinMs = 2_000

/** How long one more connection may take. */
export const freshMs = 10_000
