import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

/** A real program under a real debugger, whatever its language. */
export interface Debuggee {
  readonly pid: number
  readonly port: number
  readonly file: string
  /** All lines that it has printed, on both streams. */
  readonly lines: readonly string[]
  readonly exited: Promise<number | string>
  /** The line number of the comment that says NAME, in `file`. */
  line(name: string): number
  /** The place of the comment that says NAME, in whichever of its sources. */
  place(name: string): Place
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

export interface Place {
  readonly path: string
  /** Counts from 1. */
  readonly line: number
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

/** What a program is made of, for those who start it. */
export interface ProgramParts {
  /** Started as a group of its own, so that all that it starts can be ended with it by id. */
  readonly child: ChildProcess
  readonly file: string
  readonly text: string
  /** Begins a comment in its language. */
  readonly comment: '#' | '//'
  /** Where it lives, and goes with it. */
  readonly folder: string
}

/** A started program, as every language has it. */
export class RunningProgram implements Debuggee {
  readonly #parts: ProgramParts
  readonly #lines: string[] = []
  readonly exited: Promise<number | string>
  port = 0
  #ended = false

  constructor(parts: ProgramParts) {
    this.#parts = parts
    const { child } = parts
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => this.#lines.push(line))
    }
    this.exited = once(child, 'exit').then(([code, signal]: unknown[]) => {
      this.#ended = true
      return (code ?? signal) as number | string
    })
  }

  get file(): string {
    return this.#parts.file
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  get pid(): number {
    return this.#parts.child.pid!
  }

  line(name: string): number {
    const { text, comment } = this.#parts
    const at = text.split('\n').findIndex((line) => line.includes(`${comment} ${name}`))
    if (at < 0) throw new Error(`the program has no line marked '${comment} ${name}'`)
    return at + 1
  }

  place(name: string): Place {
    return { path: this.file, line: this.line(name) }
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
    return writeFile(path.join(this.#parts.folder, name), '')
  }

  async end(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch (error) {
      // The whole group is gone already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    await this.exited
    rmSync(this.#parts.folder, { recursive: true, force: true })
  }
}
