import type { Readable } from 'node:stream'
import type { Surroundings } from '../config/config.ts'
import type { Output } from '../lib/terminal.ts'

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** Everything a command has of the process it runs in; `main.ts` makes it, and nothing else touches `process`. */
export interface Io extends Surroundings {
  readonly stdin: Readable
  readonly stdout: Output
  readonly stderr: Output
  /** Who runs this, for the audit. */
  readonly user: string
  /** Node itself, for starting this program once more. */
  readonly execPath: string
  /** Calls `listener` at each such signal, which then no longer ends the process, until disposed. */
  onSignal(name: SignalName, listener: () => void): Disposable
  /** Calls `listener` with what was thrown and nobody caught in a promise; it then no longer ends the process. */
  onUnhandled(listener: (error: unknown) => void): void
}

/** sysexits.h, where it has a word for it. */
export const exitCode = { ok: 0, failed: 1, usage: 2, unavailable: 69, noPermission: 77, config: 78 } as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** A command ends with this message on stderr and this exit code; anything else that is thrown is a bug. */
export class CliError extends Error {
  readonly code: ExitCode
  readonly advice: string | undefined

  constructor(code: ExitCode, message: string, advice?: string) {
    super(message)
    this.name = 'CliError'
    this.code = code
    this.advice = advice
  }
}

/** The command line is wrong. */
export function usageError(message: string, advice?: string): CliError {
  return new CliError(exitCode.usage, message, advice)
}
