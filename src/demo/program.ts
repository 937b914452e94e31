import { spawn, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { deferred } from '../lib/deferred.ts'

const startWithinMs = 20_000

/** A sample service, its debugger, and what there is to see in it. */
export interface Sample {
  /** The name of our backend. */
  readonly backend: 'node' | 'debugpy'
  /** Of the debugger, for people. */
  readonly debugger: string
  /** The source that people look at. */
  readonly file: string
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
  /** What it prints when its debugger listens; the group is the port. */
  readonly listening: RegExp
  /** How a comment begins. */
  readonly comment: string
  readonly looks: readonly string[]
  readonly touches: readonly string[]
  /** A local variable of a number that cannot be changed. */
  readonly number: string
  readonly logMessage: string
  readonly logCondition: string
}

/** The running sample service. It ends when its stdin does, so that it outlives neither us nor our `kill -9`. */
export class Program implements AsyncDisposable {
  readonly sample: Sample
  readonly port: number
  readonly #child: ChildProcess
  readonly #lines: string[]

  /** Rejects when it does not say its port in time, with what it said instead. */
  static async start(sample: Sample): Promise<Program> {
    const [command, ...words] = sample.argv
    const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'], env: sample.env })
    const port = deferred<number>()
    const lines: string[] = []
    const keep = (line: string): void => {
      lines.push(line)
      if (lines.length > 1_000) lines.shift()
      const found = sample.listening.exec(line)
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
      return new Program(sample, child, await port.promise, lines)
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  private constructor(sample: Sample, child: ChildProcess, port: number, lines: string[]) {
    this.sample = sample
    this.#child = child
    this.port = port
    this.#lines = lines
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get file(): string {
    return this.sample.file
  }

  /** The number of the last order that it has handled: it grows while the program runs. */
  lastOrder(): number {
    const line = this.#lines.findLast((text) => text.startsWith('order '))
    return line === undefined ? 0 : Number(line.slice('order '.length))
  }

  /** The line with that name as its comment, from 1. */
  async line(name: string): Promise<number> {
    const lines = (await readFile(this.file, 'utf8')).split('\n')
    return lines.findIndex((text) => text.endsWith(`${this.sample.comment} ${name}`)) + 1
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}
