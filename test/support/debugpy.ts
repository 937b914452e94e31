import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'

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

/** A real Python program under a real debugpy. */
export interface Debuggee {
  readonly pid: number
  readonly port: number
  readonly file: string
  /** All lines that it has printed, on both streams. */
  readonly lines: readonly string[]
  readonly exited: Promise<number | string>
  /** The line number of the comment `# NAME`. */
  line(name: string): number
  /** Waits until a printed line matches. */
  printed(pattern: RegExp, sinceLine?: number): Promise<RegExpMatchArray>
  /** Waits until it has ticked `times` more: proof that it runs, whatever happened before. */
  runsOn(times?: number): Promise<void>
  /** The last number that it has ticked. */
  ticks(): number
  /** Makes an empty file where it runs. */
  touch(name: string): Promise<void>
  end(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until `condition` holds; fails after `limitMs` with what was waited for. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`)
    await delay(15)
  }
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
  const lines: string[] = []
  const debuggee = new RunningPython(child, file, text, lines, folder)
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', (line) => lines.push(line))
  if (options.connectTo === undefined) {
    debuggee.port = Number((await debuggee.printed(/^PORT (\d+)$/))[1])
  }
  return debuggee
}

class RunningPython implements Debuggee {
  readonly #child: ChildProcess
  readonly #text: string
  readonly #folder: string
  readonly file: string
  readonly lines: readonly string[]
  readonly exited: Promise<number | string>
  port = 0
  #ended = false

  constructor(child: ChildProcess, file: string, text: string, lines: readonly string[], folder: string) {
    this.#child = child
    this.file = file
    this.#text = text
    this.lines = lines
    this.#folder = folder
    this.exited = once(child, 'exit').then(([code, signal]: unknown[]) => {
      this.#ended = true
      return (code ?? signal) as number | string
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  line(name: string): number {
    const at = this.#text.split('\n').findIndex((line) => line.includes(`# ${name}`))
    if (at < 0) throw new Error(`the program has no line marked '# ${name}'`)
    return at + 1
  }

  async printed(pattern: RegExp, sinceLine = 0): Promise<RegExpMatchArray> {
    let found: RegExpMatchArray | null = null
    let at = sinceLine
    await until(`the program prints ${String(pattern)}; it printed: ${this.lines.slice(-5).join(' | ')}`, () => {
      for (; at < this.lines.length && found === null; at++) found = this.lines[at]!.match(pattern)
      if (found === null && this.#ended) {
        throw new Error(`the program has ended before it printed ${String(pattern)}:\n${this.lines.join('\n')}`)
      }
      return found !== null
    })
    return found!
  }

  ticks(): number {
    for (let at = this.lines.length - 1; at >= 0; at--) {
      const found = /^tick (\d+)/.exec(this.lines[at]!)
      if (found !== null) return Number(found[1])
    }
    return 0
  }

  async runsOn(times = 3): Promise<void> {
    const from = this.ticks()
    await until(`the program ticks ${times} times beyond ${from}`, () => this.ticks() >= from + times)
  }

  touch(name: string): Promise<void> {
    return writeFile(path.join(this.#folder, name), '')
  }

  async end(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch (error) {
      // The whole group is gone already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await this.exited
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
