import type { Config } from '../config/config.ts'
import { findToken } from '../config/tokens.ts'
import type { Capabilities } from '../dap/call.ts'
import { dapError } from '../dap/errors.ts'
import type { Wire } from '../dap/framing.ts'
import type { Log } from '../lib/log.ts'
import type { AuditLog } from '../policy/audit.ts'
import type { Door, SessionFacts, SessionHost } from './host.ts'
import { Session } from './session.ts'
import type { Target } from './target.ts'
import type { Targets } from './targets.ts'

/** Who knows the targets; an interface, so that tests can bring their own. */
export type TargetSource = Pick<Targets, 'resolve' | 'usualCapabilities' | 'reload'>

/** All sessions of the daemon: who may come in, who is here, and how all of them leave. */
export class Sessions implements SessionHost {
  readonly log: Log
  readonly audit: AuditLog
  readonly #targets: TargetSource
  readonly #sessions = new Set<Session>()
  readonly #awaited = new Map<string, (attached: boolean) => void>()
  #config: Config
  #watched: Promise<Error> | undefined
  #draining = false

  constructor(config: Config, targets: TargetSource, audit: AuditLog, log: Log) {
    this.#config = config
    this.#targets = targets
    this.audit = audit
    this.log = log
    this.#watchAudit()
  }

  /** A client has connected. Over the daemon's limit it is hung up on: nothing of it is worth keeping. */
  open(wire: Wire, door: Door): void {
    if (this.#draining || this.#sessions.size >= this.#config.sessions) {
      this.log.warn({ peer: door.peer, sessions: this.#sessions.size }, 'a client was turned away')
      return wire.close(dapError(this.#draining ? 'draining' : 'tooManyRequests', { limit: this.#config.sessions }))
    }
    const session = new Session(wire, door, this)
    this.#sessions.add(session)
    void session.closed.then(() => this.#sessions.delete(session))
  }

  facts(): SessionFacts[] {
    return [...this.#sessions].flatMap((session) => session.facts() ?? [])
  }

  /** False if there is no such session. */
  endSession(id: string, why: string): boolean {
    const session = [...this.#sessions].find((one) => one.id === id)
    if (session === undefined) return false
    void session.leave(why)
    return true
  }

  /** No new sessions; programs resumed, breakpoints out, clients told. */
  async drain(why: string): Promise<void> {
    this.#draining = true
    await Promise.all([...this.#sessions].map((session) => session.leave(why)))
  }

  reload(config: Config): void {
    this.#config = config
    this.#targets.reload(config)
    for (const session of this.#sessions) {
      const { target } = session
      const settings = target && config.targets.get(target.name)?.settings
      if (settings !== undefined) session.tighten(settings)
    }
  }

  get configFile(): string | undefined {
    return this.#config.file
  }

  /** Web pages of these origins may connect by WebSocket. */
  get origins(): readonly string[] {
    return this.#config.listen.origins
  }

  usualCapabilities(): Capabilities {
    return this.#targets.usualCapabilities()
  }

  resolveTarget(target: unknown): Target {
    return this.#targets.resolve(target)
  }

  /** Those who can reach the unix socket or run the command are the daemon's own user; all others need a token if there are any. */
  authenticate(door: Door, token: string | undefined): string {
    if (door.identity !== undefined) return door.identity
    const { tokens } = this.#config.auth
    if (token !== undefined && tokens.length > 0) {
      const found = findToken(tokens, token)
      if (found === undefined) throw dapError('badToken', {})
      return found.name
    }
    if (tokens.length > 0 && (door.kind === 'tcp' || door.kind === 'websocket')) throw dapError('badToken', {})
    return 'local'
  }

  admit(session: Session, target: Target): void {
    if (this.#draining) throw dapError('draining', {})
    this.audit.check()
    const limit = target.settings.limits.sessions
    const others = [...this.#sessions].filter(
      (one) => one !== session && !one.hasEnded && one.target?.name === target.name,
    )
    if (others.length >= limit) throw dapError('tooManySessions', { target: target.name, limit })
  }

  childAttached(target: string, process: number): void {
    this.#awaited.get(`${target}/${process}`)?.(true)
  }

  childAwaited(target: string, process: number, ms: number, signal: AbortSignal): Promise<boolean> {
    const key = `${target}/${process}`
    return new Promise((resolve) => {
      const settle = (attached: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        this.#awaited.delete(key)
        resolve(attached)
      }
      const onAbort = (): void => settle(false)
      const timer = setTimeout(() => settle(false), ms)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#awaited.set(key, settle)
    })
  }

  /** Again after a reopen that helped: then new sessions start, and the next failure ends them. */
  auditReopened(): void {
    this.#watchAudit()
  }

  #watchAudit(): void {
    const { failed } = this.audit
    if (failed === this.#watched) return
    this.#watched = failed
    void failed.then((error) => {
      this.log.error({ err: error }, 'the audit cannot be written: sessions end and no new one starts')
      for (const session of this.#sessions) void session.leave(`the audit cannot be written (${error.message})`)
    })
  }
}
