import { fstatSync, statSync } from 'node:fs'
import { pino, type DestinationStream } from 'pino'
import type { AnyCall } from '../dap/call.ts'
import { DapError, dapError, type ErrorCode } from '../dap/errors.ts'
import type { Command } from '../dap/protocol.ts'
import { deferred, type Deferred } from '../lib/deferred.ts'
import { auditDetails, changes } from './auditDetails.ts'
import type { Policy, PolicyContext } from './policy.ts'
import { Redactor } from './redactor.ts'
import { Refusal } from './refusal.ts'
import type { PolicySettings } from './settings.ts'
import { verdicts } from './verdicts.ts'

/** Requests look for a file that was moved away at most this often: two system calls each are felt in a fast step. */
const lookEveryMs = 1_000

/** Where the audit goes. `stream` is for tests and for programs that embed us. */
export type AuditDestination =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'stream'; readonly stream: DestinationStream }

/** A file's descriptor and how to open it anew; pino's destination, as far as we use it. */
interface FileDestination extends DestinationStream {
  readonly fd: number
  on(event: 'error', listener: (error: Error) => void): unknown
  reopen(): void
  flushSync(): void
  end(): void
}

/**
 * The record of everything: one JSON line for each event, written before it is answered. Written synchronously, so that
 * a line is in the kernel when its request goes on: a `kill -9` of the daemon loses none, a power cut may.
 */
export class AuditLog {
  readonly #destination: AuditDestination
  readonly #file: FileDestination | undefined
  readonly #stream: DestinationStream
  #seq = 0
  #lookedMs = -Infinity
  #problem: Error | undefined
  #failed: Deferred<Error> = deferred()
  readonly #known = new WeakSet<Error>()

  /** Throws `auditFailed` if it cannot be opened; folders are made, a new file is readable by its owner only. */
  static open(destination: AuditDestination): AuditLog {
    try {
      return new AuditLog(destination)
    } catch (error) {
      throw dapError('auditFailed', { problem: messageOf(error) }, { cause: error })
    }
  }

  private constructor(destination: AuditDestination) {
    this.#destination = destination
    let stream: DestinationStream
    if (destination.kind === 'stream') stream = destination.stream
    else {
      const dest = destination.kind === 'file' ? destination.path : 1
      const file = pino.destination({ dest, append: true, mkdir: true, mode: 0o600, sync: true })
      file.on('error', (error: Error) => this.#fail(error))
      stream = file
      this.#file = file as unknown as FileDestination
    }
    this.#stream = stream
  }

  /** Settles at the first write that fails; anew after a `reopen` that helped. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  /** Throws `auditFailed` if nothing can be written, so that no session starts. Opens a file anew that is gone. */
  check(): void {
    if (this.#problem === undefined && this.#moved()) this.reopen()
    if (this.#problem !== undefined) throw dapError('auditFailed', { problem: this.#problem.message })
  }

  /** For each request of a session that has begun. Throws like `check`; a file that is gone may be seen a second later. */
  checkAgain(): void {
    const now = performance.now()
    if (this.#problem === undefined && now < this.#lookedMs + lookEveryMs) return
    this.#lookedMs = now
    this.check()
  }

  /** After the file was rotated away (SIGHUP), or after the disk has room again. */
  reopen(): void {
    if (this.#destination.kind !== 'file') return
    const hadFailed = this.#problem !== undefined
    this.#problem = undefined
    try {
      this.#file!.reopen()
      this.#file!.flushSync()
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
    // `#fail` may have been called by the stream just now.
    if (hadFailed && (this.#problem as Error | undefined) === undefined) this.#failed = deferred()
  }

  write(fields: object): void {
    try {
      // `v` is the version of the line's form. Times are ISO 8601 in UTC.
      const line = { v: 1, time: new Date().toISOString(), seq: ++this.#seq, ...fields }
      this.#stream.write(`${JSON.stringify(line)}\n`)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  close(): void {
    if (this.#destination.kind === 'file' && this.#problem === undefined) this.#file!.end()
  }

  #fail(error: Error): void {
    // A failed reopen throws, and is told a second time as an event: perhaps after the next one has helped.
    if (this.#known.has(error)) return
    this.#known.add(error)
    this.#problem ??= error
    this.#failed.resolve(this.#problem)
  }

  /** Is our file still the one that has its name? */
  #moved(): boolean {
    if (this.#destination.kind !== 'file') return false
    try {
      const there = statSync(this.#destination.path)
      const ours = fstatSync(this.#file!.fd)
      return there.ino !== ours.ino || there.dev !== ours.dev
    } catch {
      // No such file: it is made anew, or that fails and says why.
      return true
    }
  }
}

/** Who tried to attach, and to what, as far as it was known when it failed. */
export interface FailedAttach {
  readonly session: string
  readonly target: string
  readonly identity: string
  readonly client: string
  readonly peer: string
}

const refusals: ReadonlySet<string> = new Set<ErrorCode>([
  'badToken',
  'adHocRefused',
  'modeNotAvailable',
  'tooManySessions',
  'draining',
])

/** An attach that did not come about: a wrong token is worth a line, and so is a machine that did not answer. */
export function auditFailedAttach(log: AuditLog, attach: FailedAttach, error: unknown): void {
  const redactor = new Redactor({ level: 'standard', names: [], types: [] })
  const shown = (text: string): string => redactor.text(text.slice(0, 300)).text
  const code = error instanceof DapError ? error.code : 'internal'
  log.write({
    kind: 'request',
    ...attach,
    target: shown(attach.target),
    client: shown(attach.client),
    command: 'attach',
    outcome: refusals.has(code) ? 'refused' : 'failed',
    code,
    ...(error instanceof DapError ? { error: shown(error.message) } : {}),
  })
}

/** The lines of one session. Everything in them is redacted, at `standard` even where the client sees all. */
export class SessionAudit {
  readonly #log: AuditLog
  readonly #mode: PolicyContext['mode']
  readonly #who: object
  readonly #redactor: Redactor
  #life: 'new' | 'started' | 'ended' = 'new'

  constructor(log: AuditLog, context: PolicyContext, settings: PolicySettings) {
    const { sessionId: session, target, mode, who } = context
    this.#log = log
    this.#mode = mode
    this.#who = { session, target, identity: who.identity, client: who.client, peer: who.peer }
    const { level } = settings.redact
    this.#redactor = new Redactor({ ...settings.redact, level: level === 'off' ? 'standard' : level })
  }

  /** The program is not as it was: its debugger listens from now on. */
  opened(how: string): void {
    this.#write('change', { command: 'attach', outcome: 'allowed', why: this.#text(how) })
  }

  started(backend: string): void {
    this.#life = 'started'
    this.#write('start', { backend, mode: this.#mode })
  }

  /** Nothing for a session that never began: its failed attach has a line already. */
  ended(why: string): void {
    if (this.#life !== 'started') return
    this.#life = 'ended'
    this.#write('end', { why: this.#text(why) })
  }

  /** The program was held: from a stop until it ran on, `why` being the command or the rule that let it go. */
  pause(heldMs: number, why: string): void {
    this.#write('pause', { heldMs: Math.round(heldMs), why })
  }

  /** A part of a request that was refused while the rest passed: one breakpoint of several. */
  refusedPart(command: Command, { rule, message }: Refusal): void {
    this.#write('request', { command, outcome: 'refused', rule, part: true, error: this.#text(message) })
  }

  request(call: AnyCall, ms: number, error: unknown): void {
    const outcome = error === undefined ? 'allowed' : error instanceof Refusal ? 'refused' : 'failed'
    const change = outcome === 'allowed' && changes(call.command, this.#mode)
    this.#write(change ? 'change' : 'request', {
      // Any text at all, for a command that we do not know.
      command: Object.hasOwn(verdicts, call.command) ? call.command : this.#text(call.command),
      outcome,
      ms: Math.round(ms * 10) / 10,
      ...auditDetails(call, this.#redactor),
      ...(error === undefined ? {} : this.#errorFields(error)),
    })
  }

  #errorFields(error: unknown): object {
    if (!(error instanceof DapError)) return { code: 'internal' }
    const rule = error instanceof Refusal ? { rule: error.rule } : { code: error.code }
    return { ...rule, error: this.#text(error.message) }
  }

  #text(text: string): string {
    const { text: shown } = this.#redactor.text(text.slice(0, 2_000))
    return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown
  }

  #write(kind: string, fields: object): void {
    this.#log.write({ kind, ...this.#who, ...fields })
  }
}

/** Outermost: it sees refusals and time-outs like answers. */
export function audit(log: AuditLog, session: SessionAudit): Policy {
  return {
    name: 'audit',
    async request(call, next) {
      // Nothing more is done for a session whose record is lost, but leaving; the session room ends it at `failed`.
      if (call.command !== 'disconnect') log.checkAgain()
      const began = performance.now()
      let failure: unknown
      try {
        return await next(call)
      } catch (error) {
        failure = error
        throw error
      } finally {
        session.request(call, performance.now() - began, failure)
      }
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
