import { lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliError, exitCode } from './io.ts'

/**
 * Makes the folder of the unix socket, 0700. Where there is no $XDG_RUNTIME_DIR it lies in /tmp, where others can make
 * folders too: one that is not ours, or that others can enter, is refused.
 */
export async function prepareSocketFolder(socket: string, uid: number): Promise<void> {
  const folder = dirname(socket)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const advice = 'Name another place with listen.unix in the configuration, or write listen: { unix: off }.'
    throw new CliError(
      exitCode.noPermission,
      `the folder '${folder}' of the unix socket cannot be made (${code})`,
      advice,
    )
  }
  if (!folder.startsWith('/tmp/')) return
  const stat = await lstat(folder)
  if (stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0) return
  const advice =
    'It must be a folder of yours with mode 0700. Make it one, or name another place with listen.unix in the configuration.'
  throw new CliError(exitCode.noPermission, `'${folder}' is not a private folder of this user`, advice)
}
