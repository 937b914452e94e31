/*
 * What is odd about Node's inspector, with the versions it was seen in (20 is 20.20.2, 24 is 24.21.0).
 *
 * - Blackboxing has no effect on Node's own scripts: those of the start-up snapshot belong to no context (their
 *   `executionContextId` is 0), so V8 asks no session whether they are to be passed by (20, 24). Steps pass them by in
 *   stepping.ts, at a round trip each.
 * - `reason` of a step and of a `debugger` statement is 'other' in 20; 24 says 'step', and 'ambiguous' for a step that
 *   ends at a `debugger` statement. Call frames have no `url` in `Debugger.paused` (20, 24).
 * - `Runtime.enable` repeats the last thousand console messages and uncaught exceptions to each client (20, 24).
 * - `Debugger.enable` of a second client tells it of a stop that there is, at once (20, 24). Both see each stop from
 *   then on, and either can resume. A client that leaves or vanishes resumes the program only if it was the last one
 *   (20, 24), so we let it run from a stop of ours by ourselves.
 * - An evaluation without a `timeout` that never ends cannot be ended by anybody: Node takes no message of any session
 *   while it works on one, so neither `Runtime.terminateExecution` nor the end of the connection is heard (20, 24).
 *   `terminateExecution` outside of an evaluation ends the program's own code. It is never sent; every evaluation has a
 *   timeout.
 * - A breakpoint whose condition is false mutes its statement: V8 does not stop at an exception that is thrown there either
 *   (20, 24). So do log points and hit counts, which are such conditions.
 * - `Debugger.restartFrame` needs `mode: 'StepInto'`; a frame that says `canBeRestarted` can still fail (20, 24).
 * - A program that ends waits for its clients to go, and says so on its stderr ("Waiting for the debugger to
 *   disconnect...", 20, 24). With `NodeRuntime.notifyWhenWaitingForDisconnect` it tells us, and we go at once.
 *   `process.exitCode` can then still be read after `process.exit`, an uncaught exception and (without a value) a
 *   signal; after the end of the event loop the answer is 'illegal access' (20, 24), and the code remains unknown.
 * - A worker that was told to wait for us stops at its first line ("Break on start") when it is let go (20, 24).
 * - `Debugger.pause` is lost where it finds V8 in a blackboxed script (20, 24): debuggerDomain.ts.
 * - `Debugger.enable` alone makes awaits about ten times slower (20, 24): debuggerDomain.ts.
 * - `Debugger.pause` waits for the next statement: an idle program is stopped when something happens (20, 24).
 */

/**
 * Node 20 and 22 die with SIGSEGV when the connection of a client that hears their console (`Runtime.enable`) is lost
 * while they write to it: 35 of 200 lost connections of a 20.20.2 that did nothing but log, 26 of 200 of a 22; none of a
 * 24, none of those that were stopped, and none with `Runtime` off. So the console of a program that is only to be looked
 * at is heard from 24 on. An end of ours is no danger: it switches `Runtime` off first. A log line of ours leaves by a
 * binding, which has the same fault (6 of 200, with a log point that was hit all the time): that can't be helped. Nor can
 * a connection that is lost in the midst of an evaluation in a stop, as the reader's behind each stop: 2 to 3 of 100 lost
 * at such a moment (20; none of 150 that were stopped and evaluated nothing).
 */
export function losesPrograms(version: string): boolean {
  return Number(/^v?(\d+)/.exec(version)?.[1] ?? 0) < 24
}

/** An inspector that owes an answer and says nothing for so long is asked whether it is there; see silence.ts. */
export const silentMs = 8_000

/** How long a program may take to answer the first requests. A busy one answers between two statements, at once. */
export const enablingMs = 10_000

/** `disconnect` takes no longer than this, whatever the program does: then the connection is closed, which detaches. */
export const leavingMs = 2_000

/** What is asked of a program that ends; it may be gone before it answers. Nothing in it runs. */
export const exitCodeQuestion = {
  expression: 'process.exitCode',
  throwOnSideEffect: true,
  returnByValue: true,
  silent: true,
  timeout: 100,
} as const

/** The program's end is delayed by no more than this for the answer: a round trip, as a rule. */
export const exitCodeMs = 250

/** Skipped where the target's options do not say otherwise. */
export const usualSkipFiles: readonly string[] = ['<node_internals>/**']

/** How often a program that has gone is looked for. */
export const reconnectEveryMs = 500
/** Option `reconnect: true`. */
export const reconnectUsualMs = 60_000
