import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Config } from '../config/config.ts'
import type { SshConfigFiles } from '../config/sshConfig.ts'
import { formatHostPort } from '../config/values.ts'
import { DapError } from '../dap/errors.ts'
import type { Log } from '../lib/log.ts'
import { AuditLog, type AuditDestination } from '../policy/audit.ts'
import { startServer, type Server } from '../server.ts'
import { Sessions } from '../session/sessions.ts'
import { Targets } from '../session/targets.ts'
import { SshPool } from '../transport/sshPool.ts'
import { CliError, exitCode, type Io } from './io.ts'
import { prepareSocketFolder } from './socketFolder.ts'

/** The parts of a running daemon, put together by hand. */
export interface Daemon {
  readonly server: Server
  readonly sessions: Sessions
  reload(config: Config): void
  /** The audit's file may have been rotated away. */
  reopenAudit(): void
  /** Ends everything cleanly: programs are resumed, clients are told. */
  drain(): Promise<void>
  /** Cuts what is left; for the second signal. */
  end(): void
}

/** Rejects with a CliError where the machine does not let us: an address in use, a folder of somebody else. */
export async function startDaemon(
  config: Config,
  io: Io,
  log: Log,
  audit: AuditDestination = config.audit,
): Promise<Daemon> {
  const auditLog = openAudit(audit)
  const { pool, sessions } = startSessions(config, io, log, auditLog)
  if (config.listen.unix !== undefined) await prepareSocketFolder(config.listen.unix, io.uid)
  const server = await startServer(config, sessions, log).catch(async (error: unknown) => {
    await pool[Symbol.asyncDispose]()
    auditLog.close()
    throw listenError(error as NodeJS.ErrnoException, config)
  })
  return {
    server,
    sessions,
    reload: (next) => sessions.reload(next),
    reopenAudit() {
      auditLog.reopen()
      sessions.auditReopened()
    },
    async drain() {
      await server.drain()
      await pool[Symbol.asyncDispose]()
      auditLog.close()
    },
    end: () => server.end(),
  }
}

/** What serves clients, without a door: `connect` brings its own. */
export function startSessions(
  config: Config,
  io: Io,
  log: Log,
  audit: AuditLog,
): { pool: SshPool; sessions: Sessions } {
  const pool = new SshPool({ files: { readFile }, log: (message) => log.info({}, message) })
  const targets = new Targets(config, { pool, sshConfig: sshConfigFiles(io), surroundings: io })
  return { pool, sessions: new Sessions(config, targets, audit, log) }
}

export function sshConfigFiles({ homedir, user, env, uid }: Io): SshConfigFiles {
  return { home: homedir, user, env, uid, hostname: hostname(), readFile }
}

export function openAudit(destination: AuditDestination): AuditLog {
  try {
    return AuditLog.open(destination)
  } catch (error) {
    if (!(error instanceof DapError)) throw error
    const advice = 'Name a file that can be written with audit: { file: … } in the configuration.'
    throw new CliError(exitCode.unavailable, error.message, advice)
  }
}

function listenError(error: NodeJS.ErrnoException, { listen }: Config): Error {
  const { tcp, unix } = listen
  const atTcp = error.syscall === 'listen' && 'port' in error && tcp !== undefined
  const where = atTcp ? formatHostPort(tcp) : (unix ?? 'nowhere')
  const key = atTcp ? 'listen.tcp' : 'listen.unix'
  const advice = `Choose another with ${key} in the configuration, or end what is there.`
  if (error.code === 'EADDRINUSE') return new CliError(exitCode.unavailable, `'${where}' is in use already`, advice)
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new CliError(exitCode.noPermission, `this user may not listen at '${where}'`, advice)
  }
  if (error.code === undefined) return error
  return new CliError(exitCode.unavailable, `cannot listen at '${where}': ${error.message}`, advice)
}
