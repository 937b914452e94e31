import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deferred } from '../lib/deferred.ts'

/** The sample service lies beside `src` and `dist`, and is shipped with the package. */
const file = fileURLToPath(new URL('../../demo/orders.py', import.meta.url))
/** A checkout's own debugpy, which the tests install. */
const checkoutDebugpy = fileURLToPath(new URL('../../.tools/debugpy-new', import.meta.url))
const startWithinMs = 20_000

/**
 * Starts the program under debugpy and says its port. It ends when its stdin does, so that it outlives neither us nor
 * our `kill -9`; the thread that waits for that is one of pydevd's own kind, which a pause does not stop.
 */
const launcher = `
import os, runpy, sys, threading, debugpy
def leave():
    sys.stdin.read()
    os._exit(0)
watch = threading.Thread(target=leave, daemon=True)
watch.pydev_do_not_trace = watch.is_pydev_daemon_thread = True
watch.start()
print("PORT", debugpy.listen(("127.0.0.1", 0))[1], flush=True)
runpy.run_path(sys.argv[1], run_name="__main__")
`

export interface Python {
  readonly command: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly debugpyVersion: string
}

/** A Python 3 that has debugpy, from where Python looks or from this checkout; undefined if there is none. */
export async function findPython(env: Readonly<Record<string, string | undefined>>): Promise<Python | undefined> {
  const places = [env, ...(existsSync(checkoutDebugpy) ? [{ ...env, PYTHONPATH: checkoutDebugpy }] : [])]
  for (const command of ['python3', 'python']) {
    for (const place of places) {
      const debugpyVersion = await debugpyOf(command, place)
      if (debugpyVersion !== undefined) return { command, env: place, debugpyVersion }
    }
  }
  return undefined
}

async function debugpyOf(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  try {
    const script = 'import sys, debugpy; assert sys.version_info >= (3, 8); print(debugpy.__version__)'
    const { stdout } = await promisify(execFile)(command, ['-c', script], { env, timeout: startWithinMs })
    return stdout.trim()
  } catch {
    // No such command, or no debugpy in it: the next place may have one.
    return undefined
  }
}

/** The running sample service. */
export class Program implements AsyncDisposable {
  readonly file = file
  readonly port: number
  readonly #child: ChildProcess
  readonly #lines: string[]

  /** Rejects when it does not say its port in time, with what it said instead. */
  static async start(python: Python): Promise<Program> {
    const child = spawn(python.command, ['-Xfrozen_modules=off', '-c', launcher, file], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...python.env, PYDEVD_DISABLE_FILE_VALIDATION: '1' },
    })
    const port = deferred<number>()
    const lines: string[] = []
    const keep = (line: string): void => {
      lines.push(line)
      if (lines.length > 1_000) lines.shift()
      const found = /^PORT (\d+)$/.exec(line)
      if (found !== null) port.resolve(Number(found[1]))
    }
    createInterface(child.stdout).on('line', keep)
    createInterface(child.stderr).on('line', keep)
    const fail = (why: string): void =>
      port.reject(new Error(`the sample service ${why}:\n${lines.slice(-10).join('\n')}`))
    child.on('error', (error) => fail(`could not be started (${error.message})`))
    child.on('exit', (code, signal) => fail(`ended (${String(code ?? signal)})`))
    const timer = setTimeout(() => fail('did not open its port in time'), startWithinMs)
    try {
      return new Program(child, await port.promise, lines)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private constructor(child: ChildProcess, port: number, lines: string[]) {
    this.#child = child
    this.port = port
    this.#lines = lines
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The number of the last order that it has handled: it grows while the program runs. */
  lastOrder(): number {
    const line = this.#lines.findLast((text) => text.startsWith('order '))
    return line === undefined ? 0 : Number(line.slice('order '.length))
  }

  /** The line with the comment `# NAME`, from 1. */
  async line(name: string): Promise<number> {
    const lines = (await readFile(file, 'utf8')).split('\n')
    return lines.findIndex((text) => text.endsWith(`# ${name}`)) + 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}
