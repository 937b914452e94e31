import { readdir, readFile } from 'node:fs/promises'
import { Targets } from '../../src/session/targets.ts'
import { SshPool } from '../../src/transport/sshPool.ts'
import { startDaemon, type DaemonOptions, type TestDaemon } from './daemon.ts'

export interface RealOptions extends DaemonOptions {
  /** A home folder of the test's own: its `.ssh` is read. */
  readonly home?: string
  readonly user?: string
}

/** A daemon with everything real behind it: transports, backends, policies. */
export async function startRealDaemon(
  t: { teardown(end: () => Promise<void>): unknown },
  options: RealOptions = {},
): Promise<TestDaemon> {
  const pool = new SshPool({ files: { readFile: (path) => readFile(path) } })
  const daemon = await startDaemon((config, folder) => {
    const home = options.home ?? folder
    const env = options.env ?? {}
    return new Targets(config, {
      pool,
      sshConfig: {
        home,
        user: options.user ?? 'root',
        env,
        readFile: (path) => readFile(path, 'utf8'),
        readDir: (path) => readdir(path),
        systemConfig: undefined,
      },
      surroundings: { env, homedir: home, cwd: folder, uid: 0 },
    })
  }, options)
  t.teardown(async () => {
    await daemon[Symbol.asyncDispose]()
    await pool[Symbol.asyncDispose]()
  })
  return daemon
}
