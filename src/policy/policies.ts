import { audit, SessionAudit, type AuditLog } from './audit.ts'
import { deadline, type Deadline, type Times } from './deadline.ts'
import { limits } from './limits.ts'
import type { Policy, PolicyContext } from './policy.ts'
import { readOnly } from './readOnly.ts'
import { redact } from './redact.ts'
import { Redactor } from './redactor.ts'
import type { PolicySettings } from './settings.ts'

/** The policies of one session, and what the session does with them besides passing calls and events through. */
export interface SessionPolicies {
  /** Outermost first. */
  readonly list: readonly Policy[]
  /** When the session will end, for `breakwater sessions`. */
  times(): Times
  /** After a reload: limits that are tighter now hold from now on, looser ones are for new sessions. */
  tighten(settings: PolicySettings): void
  /** The debugger was made to listen, in a program whose debugger did not. */
  opened(how: string): void
  /** The debugger is attached: time runs from here, and the audit has its first line. */
  started(program?: { readonly isRecord: boolean }): void
  /** Releases all timers and writes the last line. */
  ended(why: string): Promise<void>
}

/** Throws `auditFailed` if the audit cannot be written. */
export function sessionPolicies(context: PolicyContext, settings: PolicySettings, log: AuditLog): SessionPolicies {
  log.check()
  const record = new SessionAudit(log, context, settings)
  const { list, time } = made(context, settings, log, record)
  return {
    list,
    times: () => time.times(),
    tighten: (tighter) => time.tighten(tighter.time),
    opened: (how) => record.opened(how),
    started(program) {
      record.started(context.backend)
      time.start(program)
    },
    async ended(why) {
      for (const policy of list) await policy[Symbol.asyncDispose]?.()
      record.ended(why)
    },
  }
}

/** In their order: audit, redact, deadline, limits, readOnly (DESIGN section 3). */
function made(
  context: PolicyContext,
  settings: PolicySettings,
  log: AuditLog,
  record: SessionAudit,
): { list: readonly Policy[]; time: Deadline } {
  // One for both: what is withheld from the client is withheld from the walker.
  const redactor = new Redactor(settings.redact)
  const time = deadline(context, settings, (heldMs, why) => record.pause(heldMs, why))
  const list = [
    audit(log, record),
    redact(context, settings, redactor),
    time,
    limits(context, settings),
    readOnly(context, settings, redactor, (command, refused) => record.refusedPart(command, refused)),
  ]
  return { list, time }
}
