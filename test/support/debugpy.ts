import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningProgram, type Debuggee } from './debuggee.ts'

export { freePort, until, type Debuggee } from './debuggee.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The debugpys that every story is told with. `install.sh` puts them there. */
export const debugpyVersions = [
  { name: 'newest', folder: path.join(root, '.tools/debugpy-new') },
  { name: '1.6.6', folder: path.join(root, '.tools/debugpy-1.6.6') },
] as const

export type DebugpyVersion = (typeof debugpyVersions)[number]

/** A program that counts: `tick N` twenty times a second, and a line to stop at. */
export const tickingProgram = `
import sys, time
class Order:
    def __init__(self, number):
        self.number = number
        self.lines = ['tea', 'milk']
def work(n):
    order = Order(n)
    doubled = n * 2
    print('tick', n, flush=True)  # BREAK
    time.sleep(0.05)  # AFTER
    return doubled
n = 0
while True:
    n += 1
    work(n)
`

export interface StartOptions {
  /** The program connects to this port instead of listening. */
  readonly connectTo?: number
  /** Options of `python -m debugpy`, as `--wait-for-client`. */
  readonly debugpy?: readonly string[]
  readonly args?: readonly string[]
  readonly python?: string
  /** Runs in this network namespace (sshd.ts, makeNetwork): elsewhere, for all that can be reached of it. */
  readonly netns?: string
}

/**
 * Starts the program. It listens by `debugpy.listen(('127.0.0.1', 0))`, which returns when the adapter serves: a port
 * of one's own choice would have to be probed, and a client that comes and goes too early ends the adapter.
 */
export async function startPython(
  version: DebugpyVersion,
  source: string,
  options: StartOptions = {},
): Promise<Debuggee> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-py-'))
  const file = path.join(folder, 'program.py')
  const listen =
    options.connectTo === undefined
      ? "if __name__ == '__main__' and __import__('sys').argv[1:] != ['child']: import debugpy; print('PORT', debugpy.listen(('127.0.0.1', 0))[1], flush=True)"
      : 'pass'
  const wait = options.debugpy?.includes('--wait-for-client') === true ? '; debugpy.wait_for_client()' : ''
  const text = `${listen}${options.connectTo === undefined ? wait : ''}\n${source}`
  writeFileSync(file, text)
  const through =
    options.connectTo === undefined
      ? []
      : ['-m', 'debugpy', '--connect', `127.0.0.1:${options.connectTo}`, ...(options.debugpy ?? [])]
  // A group of its own, so that its adapter and its children can be ended with it by id.
  const elsewhere = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns]
  const python = [options.python ?? 'python3', '-Xfrozen_modules=off', ...through, file, ...(options.args ?? [])]
  const [command, ...words] = [...elsewhere, ...python]
  const child = spawn(command!, words, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONPATH: version.folder, PYDEVD_DISABLE_FILE_VALIDATION: '1' },
  })
  const debuggee = new RunningProgram({ child, file, text, comment: '#', folder })
  if (options.connectTo === undefined) {
    debuggee.port = Number((await debuggee.printed(/^PORT (\d+)$/))[1])
  }
  return debuggee
}
