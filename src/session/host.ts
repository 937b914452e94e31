import type { AuditLog } from '../policy/audit.ts'
import type { Capabilities } from '../dap/call.ts'
import type { Log } from '../lib/log.ts'
import type { Session } from './session.ts'
import type { Target } from './target.ts'

/** The daemon as a session sees it. */
export interface SessionHost {
  readonly log: Log
  readonly audit: AuditLog
  /** What `initialize` declares before the target is known. */
  usualCapabilities(): Capabilities
  /** Throws `unknownTarget`, `adHocRefused` or `badArguments`. */
  resolveTarget(target: unknown): Target
  /** The file that relative paths of targets belong to. */
  readonly configFile: string | undefined
  /** Who has that token; throws `badToken`. */
  authenticate(door: Door, token: string | undefined): string
  /** Takes the session into the count of its target; throws `draining`, `auditFailed` or `tooManySessions`. */
  admit(session: Session, target: Target): void
  /** A session for that child process has attached. */
  childAttached(target: string, process: number): void
  /** Resolves true when one does, false after `ms`. */
  childAwaited(target: string, process: number, ms: number, signal: AbortSignal): Promise<boolean>
}

/** How a client came in. */
export interface Door {
  readonly kind: 'tcp' | 'unix' | 'websocket' | 'stdio'
  readonly peer: string
  /** Known already from the WebSocket's header. */
  readonly identity?: string
  /** `breakwater connect TARGET` names the target for clients that do not. */
  readonly target?: string
  /** The folder that `connect` was started in. */
  readonly root?: string
  /** The port that a child session of this client connects to. */
  readonly port?: number
}

/** One line of `breakwater sessions`. Times in ms, epoch. */
export interface SessionFacts {
  readonly id: string
  readonly target: string
  readonly backend: string
  readonly mode: string
  readonly identity: string
  readonly client: string
  readonly peer: string
  readonly since: number
  readonly endsAt?: number
  readonly idleEndsAt?: number
  readonly state: 'attaching' | 'running' | 'paused' | 'ending'
  readonly pausedSince?: number
}
