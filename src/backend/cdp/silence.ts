import type { Log } from '../../lib/log.ts'

/** What of an inspector tells that it may be gone. */
export interface Listened {
  /** How long it has owed an answer and said nothing, in ms; 0 while it owes none. */
  readonly silentMs: number
  readonly closed: Promise<unknown>
  /** Ends it: nobody is there. */
  fail(error: Error): void
}

export interface SilenceOptions {
  /** So long an answer may be owed before it is asked whether anybody is there. */
  readonly afterMs: number
  /** Asks on another stream, and rejects when there is no answer. */
  readonly answers: () => Promise<unknown>
  readonly log: Log
}

/**
 * Notices a link that has gone silent. A program that is busy owes answers too, for as long as it likes, and Node's
 * WebSocket knows no ping (it hangs up on one, 20, 24); but its inspector answers HTTP on a thread of its own. So when
 * nothing comes it is asked there, and only when that is not answered either the link is given up: the user hears of it,
 * where a resume at `pauseMax` would seem to have been taken.
 */
export function watchSilence(inspector: Listened, { afterMs, answers, log }: SilenceOptions): void {
  let isAsking = false
  const timer = setInterval(() => {
    if (isAsking || inspector.silentMs < afterMs) return
    isAsking = true
    const askedAt = performance.now()
    answers().then(
      () => (isAsking = false),
      (error: unknown) => {
        isAsking = false
        // It has spoken meanwhile: it is alive, whatever became of the question.
        if (inspector.silentMs < performance.now() - askedAt) return
        log.info({ err: error }, 'the link to an inspector is silent')
        const seconds = Math.round(inspector.silentMs / 1000)
        inspector.fail(new Error(`it has not answered for ${seconds} s, and nobody answers at its port`))
      },
    )
  }, afterMs / 4)
  timer.unref()
  void inspector.closed.then(() => clearInterval(timer))
}
