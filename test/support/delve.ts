import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { RunningProgram, until } from './debuggee.ts'
import { buildGo, goFolder, readGo, type GoBuild } from './goBuild.ts'

const tools = path.join(goFolder, '../../../.tools')

/** The Delves that every story is told with, each with a Go that it knows. */
export const delveVersions = [
  { name: 'newest', dlv: path.join(tools, 'dlv-new/dlv'), go: 'go' },
  {
    name: '1.20',
    dlv: path.join(tools, 'dlv-1.20/usr/bin/dlv'),
    go: path.join(tools, 'go-1.19/usr/lib/go-1.19/bin/go'),
  },
] as const

export type DelveVersion = (typeof delveVersions)[number]

/** The programs in test/support/go; the comment at the head of each says what it does. */
export type GoProgram = 'shop' | 'zoo' | 'goroutines' | 'life' | 'crash'

export interface DelveOptions extends GoBuild {
  /**
   * The program runs already, and Delve comes to it and lets it run on (`attach`, the default); or Delve starts it, and
   * either lets it run at once (`exec`) or holds it before its first line (`exec-held`); or Delve serves its own DAP,
   * and is to be told by it what to do (`dap`; the program does not run).
   */
  readonly start?: 'attach' | 'attach-held' | 'exec' | 'exec-held' | 'dap'
  /** Serves one client only, whose end is the end of Delve. It holds the program until then: `start` is one of the held ones. */
  readonly single?: boolean
  /** 2 by default; 1 is what Delve 1.20 serves if nobody asks for 2. */
  readonly apiVersion?: 1 | 2
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Other flags of dlv. */
  readonly flags?: readonly string[]
  /** Delve, and the program if Delve starts it, are this user's. */
  readonly uid?: number
  /** A free one by default. */
  readonly port?: number
  /** Delve and the program run in this network namespace (sshd.ts, makeNetwork). */
  readonly netns?: string
}

/** A process of Delve, serving. */
export class RunningDelve {
  readonly pid: number
  /** All lines that it has printed, and those of the program if it has started it. */
  readonly lines: readonly string[]
  readonly exited: Promise<number | string>
  readonly port: number
  readonly child: ChildProcess
  #over = false

  constructor(child: ChildProcess, port: number, lines: readonly string[], exited: Promise<number | string>) {
    this.child = child
    this.pid = child.pid!
    this.port = port
    this.lines = lines
    this.exited = exited
    void exited.then(() => (this.#over = true))
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Ends Delve alone. What becomes of the program is Delve's doing. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.#over) process.kill(this.pid, signal)
    await this.exited
  }
}

/** A real Go program, and the Delve that serves it. */
export class RunningGo extends RunningProgram {
  readonly delve: RunningDelve
  readonly version: DelveVersion
  /** What `go build` has made. Shared by all who build the same: never to be changed. */
  readonly binary: string
  /** Where the program runs: files that it looks for are made there (`touch`). Goes with it. */
  readonly folder: string
  readonly #pid: number

  constructor(parts: GoParts) {
    super({ ...parts, comment: '//' })
    this.version = parts.version
    this.binary = parts.binary
    this.folder = parts.folder
    this.#pid = parts.pid
    this.delve = parts.delve
    this.port = parts.delve.port
  }

  /** The program's; Delve's own is `delve.pid`. With `dap` it is Delve's. */
  override get pid(): number {
    return this.#pid
  }

  /** As the kernel has it: R, S, T (stopped by a signal), t (held by Delve), Z; undefined once it is gone. */
  state(): string | undefined {
    return stateOf(this.#pid)
  }

  /** The process that holds it by ptrace; 0 if there is none. */
  tracer(): number {
    return Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${this.#pid}/status`, 'latin1'))?.[1] ?? 0)
  }

  override async end(): Promise<void> {
    for (const pid of new Set([this.delve.pid, this.#pid])) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        // It is gone already.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await this.delve.exited
    await super.end()
  }
}

interface GoParts {
  /** The program, or the Delve that has started it: its streams are the program's. */
  readonly child: ChildProcess
  readonly pid: number
  readonly delve: RunningDelve
  readonly version: DelveVersion
  readonly binary: string
  readonly file: string
  readonly text: string
  readonly folder: string
}

/**
 * Builds a program (once for all tests) and starts it under a real Delve: one of those in test/support/go by its name, or
 * the text of a `main.go`. `file` is its main.go; lines are found by their comments (`// BREAK`).
 */
export async function startGo(
  version: DelveVersion,
  program: GoProgram | (string & {}),
  options: DelveOptions = {},
): Promise<RunningGo> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-go-'))
  if (options.uid !== undefined) await chmod(folder, 0o777)
  const { binary, file } = await buildGo(version.go, program, options)
  const args = options.args ?? []
  const shared = { version, binary, file, text: readGo(file), folder }
  if (options.start === 'dap') {
    const delve = await startDelve(version, ['dap'], { ...options, folder })
    return new RunningGo({ ...shared, child: delve.child, pid: delve.pid, delve })
  }
  if (options.start?.startsWith('exec') === true) {
    const passed = args.length > 0 ? ['--', ...args] : []
    const flags = [...headless(options), ...(options.start === 'exec' ? ['--continue'] : [])]
    const delve = await startDelve(version, ['exec', binary, ...flags, ...passed], { ...options, folder })
    const isItsProgram = (pid: number): boolean => commandOf(pid)[0] === binary
    await until('Delve has started the program', () => delve.isOver || childrenOf(delve.pid).some(isItsProgram))
    const pid = childrenOf(delve.pid).find(isItsProgram)
    if (pid === undefined) throw new Error(`Delve has not started the program:\n${delve.lines.join('\n')}`)
    await serves(delve, options)
    return new RunningGo({ ...shared, child: delve.child, pid, delve })
  }
  const child = spawnIn(folder, [binary, ...args], options)
  const program_ = new RunningProgram({ child, file, text: shared.text, comment: '//', folder })
  await program_.printed(/./)
  const flags = [...headless(options), ...(options.start === 'attach-held' ? [] : ['--continue'])]
  const delve = await startDelve(version, ['attach', String(child.pid), ...flags], { ...options, folder })
  await serves(delve, options)
  return new RunningGo({ ...shared, child, pid: child.pid!, delve })
}

/** Delve listens before it has the program; and it lets it run by a client of its own, after others could have come. */
async function serves(delve: RunningDelve, { start, single, uid, apiVersion }: DelveOptions): Promise<void> {
  // A single client's is not asked; version 1 would answer in another shape.
  if (single === true || apiVersion === 1) return
  // Another user's Delve speaks with nobody here.
  if (uid !== undefined) return until('the program runs', () => delve.lines.some((line) => line.startsWith('tick')))
  const isHeld = start?.endsWith('held') === true
  await until('Delve serves the program', async () => {
    if (delve.isOver) throw new Error(`Delve has ended:\n${delve.lines.join('\n')}`)
    const answer = await askDelve(delve.port, 'State', { NonBlocking: true }).catch(() => undefined)
    const { Running: runs } = (answer as { State: { Running: boolean } } | undefined)?.State ?? {}
    return runs === !isHeld
  })
}

/**
 * One call (`State`, `ListBreakpoints`) on a connection of its own, past Breakwater; not for a Delve with a single
 * client. While the program runs most calls are answered at its next stop only.
 */
export async function askDelve(port: number, method: string, argument: unknown = {}): Promise<unknown> {
  const socket = net.connect(port, '127.0.0.1')
  // Not ended: Delve closes at the end of what is asked, with its answers on the way.
  socket.write(`${JSON.stringify({ method: `RPCServer.${method}`, params: [argument], id: 1 })}\n`)
  let text = ''
  for await (const bytes of socket.setEncoding('utf8')) {
    text += String(bytes)
    if (text.endsWith('\n')) break
  }
  if (text === '') throw new Error(`Delve has closed the connection instead of an answer to ${method}`)
  const { result, error } = JSON.parse(text) as { result: unknown; error: string | null }
  if (error !== null) throw new Error(error)
  return result
}

function headless({ single, apiVersion }: DelveOptions): string[] {
  return ['--headless', `--api-version=${apiVersion ?? 2}`, ...(single === true ? [] : ['--accept-multiclient'])]
}

/** Starts dlv with these words (`--listen` is added), for the ways that `startGo` has not; waits until it listens. */
export async function startDelve(
  version: DelveVersion,
  words: readonly string[],
  options: DelveOptions & { readonly folder: string },
): Promise<RunningDelve> {
  const at = words.includes('--') ? words.indexOf('--') : words.length
  const listen = [`--listen=127.0.0.1:${options.port ?? 0}`, ...(options.flags ?? [])]
  const child = spawnIn(options.folder, [version.dlv, ...words.slice(0, at), ...listen, ...words.slice(at)], options)
  const program = new RunningProgram({ child, file: '', text: '', comment: '//', folder: options.folder })
  const [, port] = await program.printed(/^(?:API|DAP) server listening at: .*:(\d+)$/)
  return new RunningDelve(child, Number(port), program.lines, program.exited)
}

function spawnIn(folder: string, argv: readonly string[], { env, uid, netns }: DelveOptions): ChildProcess {
  const elsewhere = netns === undefined ? [] : ['ip', 'netns', 'exec', netns]
  const [command, ...rest] = [...elsewhere, ...argv]
  return spawn(command!, rest, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Delve writes a configuration into the home of its user.
    env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: path.join(folder, '.config'), ...env },
    ...(uid === undefined ? {} : { uid }),
  })
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    // It has ended meanwhile.
    return []
  }
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  } catch {
    // It has ended meanwhile.
    return []
  }
}

function stateOf(pid: number): string | undefined {
  try {
    return /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

/** Waits until Delve answers nobody: the program is let go, or gone. */
export async function letGo(debuggee: RunningGo): Promise<void> {
  await until('Delve has let the program go', () => debuggee.state() === undefined || debuggee.tracer() === 0)
}

/** Makes a file that tells a program to do something, with what is in it. */
export function tellGo(debuggee: RunningGo, name: string, text = ''): Promise<void> {
  return writeFile(path.join(debuggee.folder, name), text)
}
