import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { AuditLog } from '../../src/policy/audit.ts'
import { startServer, type Server } from '../../src/server.ts'
import { Sessions, type TargetSource } from '../../src/session/sessions.ts'
import { keptLog, type KeptLog } from './wires.ts'

export interface AuditLine {
  readonly kind: string
  readonly session: string
  readonly command?: string
  readonly outcome?: string
  readonly rule?: string
  readonly [key: string]: unknown
}

/** A daemon inside the test process, on a free port and a unix socket of its own. */
export interface TestDaemon extends AsyncDisposable {
  readonly port: number
  readonly unix: string
  readonly folder: string
  readonly sessions: Sessions
  readonly server: Server
  readonly config: Config
  readonly log: KeptLog
  readonly audit: AuditLine[]
}

export interface DaemonOptions {
  readonly yaml?: string
  readonly env?: Record<string, string>
  readonly audit?: AuditLog
}

/** `targets` makes the targets of the configuration; the real ones, or fakes for tests of faults. */
export async function startDaemon(
  targets: (config: Config, folder: string) => TargetSource,
  options: DaemonOptions = {},
): Promise<TestDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-test-'))
  const unix = join(folder, 'breakwater.sock')
  const surroundings = { env: options.env ?? {}, homedir: folder, cwd: folder, uid: 0 }
  const text = `listen: { tcp: 127.0.0.1:0, unix: ${unix}${options.yaml?.startsWith('  ') ? options.yaml : ` }\n${options.yaml ?? 'adHoc: true'}`}`
  const config = await parseConfig(join(folder, 'config.yaml'), text, surroundings)
  const lines: AuditLine[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as AuditLine) }
  const audit = options.audit ?? AuditLog.open({ kind: 'stream', stream })
  const log = keptLog()
  const sessions = new Sessions(config, targets(config, folder), audit, log)
  const server = await startServer(config, sessions, log)
  return {
    port: server.addresses.tcp!.port,
    unix,
    folder,
    sessions,
    server,
    config,
    log,
    audit: lines,
    async [Symbol.asyncDispose]() {
      await server.drain()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
