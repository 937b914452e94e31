import { abortable, sleep } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import type { Ask } from './parts.ts'
import type { DelveProgram, Links } from './program.ts'
import { leaveMs, settleMs } from './quirks.ts'
import type { Out } from './wire.ts'

/** Looks whether it runs, this often. */
const lookEveryMs = 20
const lookWithinMs = 500

export interface LeaveParts {
  readonly program: DelveProgram
  readonly links: Links
  /** Takes out what is ours: asked in one turn. */
  readonly clear: (ask: Ask) => Promise<unknown>
  /** It was held when we came and was never run on by us: it is left as it was. */
  readonly leaveHeld: boolean
  readonly log: Log
}

/**
 * The end of a session, in this order: halt, our breakpoints out, run on, connections closed. In one flight, so that
 * the program is held for some milliseconds; after it the program is seen running before we go, since Delve does
 * not run it on by itself. Never `Detach` right after a halt: see `settleMs`. Bounded by `leaveMs`. Resolves to whether
 * all of that was done.
 */
export async function leave(parts: LeaveParts): Promise<boolean> {
  const { links, log } = parts
  const limit = AbortSignal.timeout(leaveMs)
  let isDone = false
  try {
    await abortable(links.main === links.control ? leaveSingle(parts, limit) : leaveShared(parts, limit), limit)
    isDone = true
  } catch (error) {
    log.warn({ err: error }, 'the end of a session with Delve was cut short')
  }
  await Promise.all([links.main.close(), links.control.close()])
  return isDone
}

async function leaveShared({ program, links, clear, leaveHeld }: LeaveParts, signal: AbortSignal): Promise<void> {
  await program.prepared
  const held = program.running === undefined
  if (held && program.stop === undefined) return
  if (program.running !== undefined) program.halts.halt(program.running)
  const cleared = clear(program.ask)
  if (held && leaveHeld) return void (await cleared)
  program.runOut()
  await cleared
  await seenRunning(program, links, signal)
}

/** A halt of ours that came late can stop the last resume too. Rejects when the time is over. */
async function seenRunning(program: DelveProgram, links: Links, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { State } = await lookedAt(links, signal)
    const last = program.running
    if (State.exited || (last === undefined && program.stop === undefined)) return
    if (State.Running && last !== undefined && !last.settled && !program.halts.isPending()) return
    if (program.stop !== undefined) program.runOut()
    await sleep(lookEveryMs, signal)
  }
}

/** On a new connection where the usual one is silent: 1.20.2 reads nothing behind a halt that waits. */
async function lookedAt({ control, fresh }: Links, signal: AbortSignal): Promise<Out<'State'>> {
  const usual = control.ask('State', { NonBlocking: true }, { signal })
  const given = new AbortController()
  const answer = await Promise.race([usual, sleep(lookWithinMs, given.signal)])
  given.abort()
  if (answer !== undefined || fresh === undefined) return answer ?? usual
  usual.catch(() => {})
  const connection = await abortable(fresh(), signal)
  try {
    return await connection.ask('State', { NonBlocking: true }, { signal })
  } finally {
    void connection.close()
  }
}

/** The connection is Delve's only one: when it closes Delve ends, and would kill a program that it has started. */
async function leaveSingle({ program, links, clear }: LeaveParts, signal: AbortSignal): Promise<void> {
  const halted = async (): Promise<void> => {
    const { running } = program
    if (running === undefined) return
    running.pausing = true
    program.halts.halt(running)
    await abortable(running.done.promise, signal)
  }
  await halted()
  if (program.stop === undefined) return
  await clear(program.ask)
  program.runOut()
  await sleep(settleMs, signal)
  await halted()
  await links.main.ask('Detach', { Kill: false }, { signal })
}
