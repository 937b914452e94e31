import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'
import { until } from './debugpy.ts'

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly uid?: number
}

export interface Ended {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** The built program, in a home of its own, so that no configuration of this machine is found. */
export class Cli {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''
  #gone = false

  constructor(args: readonly string[], folder: string, options: CliOptions = {}) {
    if (!existsSync(main)) throw new Error(`${main} is missing: run 'npm run build'`)
    this.child = spawn(process.execPath, [main, ...args], {
      cwd: options.cwd ?? folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: folder, ...options.env },
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    })
    this.child.stdout!.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', (code, signal) => {
        this.#gone = true
        resolve({ code: code ?? signal ?? 'nothing', stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  /** Waits until the text is in what was written to stderr since `from`. */
  async says(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null
    await until(`stderr has ${String(pattern)}`, () => {
      found = pattern.exec(this.stderr.slice(from))
      if (found === null && this.#gone) throw new Error(`ended before it said ${String(pattern)}:\n${this.stderr}`)
      return found !== null
    })
    return found!
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.child.pid!, name)
  }

  /** Ends it, whatever it does; for the end of a test. */
  async kill(): Promise<void> {
    if (!this.#gone) this.child.kill('SIGKILL')
    await this.ended
  }
}

class Kept extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

interface TestCase {
  teardown(end: () => unknown): void
}

/** A folder with a configuration, and the commands that use it. */
export class CliHome {
  readonly folder: string
  readonly file: string
  readonly #t: TestCase

  constructor(t: TestCase, yaml = '') {
    this.#t = t
    this.folder = mkdtempSync(join(tmpdir(), 'breakwater-cli-'))
    this.file = join(this.folder, 'config.yaml')
    this.configure(yaml)
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  configure(yaml: string): void {
    writeFileSync(this.file, yaml)
  }

  run(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
    return new Cli(args, this.folder, options).ended
  }

  /** With the configuration of this folder. */
  with(args: readonly string[], options: CliOptions = {}): Promise<Ended> {
    return this.run(['--config', this.file, ...args], options)
  }

  /** In this process, where the words matter and not the process: a start costs half a second of a busy machine. */
  async inside(args: readonly string[]): Promise<Ended> {
    const [stdout, stderr] = [new Kept(), new Kept()]
    const io: Io = {
      env: { XDG_RUNTIME_DIR: this.folder },
      homedir: this.folder,
      cwd: this.folder,
      uid: process.getuid!(),
      user: 'test',
      execPath: process.execPath,
      stdin: Readable.from([]),
      stdout,
      stderr,
      onUnhandled: () => {},
      onSignal: () => ({ [Symbol.dispose]: () => {} }),
    }
    const code = await run(args, io)
    return { code, stdout: stdout.text, stderr: stderr.text }
  }

  /** A command that goes on until it is ended. */
  start(args: readonly string[], options: CliOptions = {}): Cli {
    const cli = new Cli(['--config', this.file, ...args], this.folder, options)
    this.#t.teardown(() => cli.kill())
    return cli
  }

  /** `serve`, once it listens, and the port it has. */
  async serve(options: CliOptions = {}): Promise<{ cli: Cli; port: number }> {
    const cli = this.start(['serve'], options)
    const [, port] = await cli.says(/"tcp":"127\.0\.0\.1:(\d+)".*"msg":"Breakwater listens"/)
    return { cli, port: Number(port) }
  }
}
