import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { kill } from 'node:process'
import type { Duplex } from 'node:stream'
import { reasonOf } from '../lib/abort.ts'
import { HopStream } from './hopStream.ts'
import { HopError } from './transport.ts'

/** Of what a command says on stderr we keep this much, for the error that explains its end. */
const STDERR_TAIL_BYTES = 2_048

/** Keeps the end of a text that comes in pieces. */
export class Tail {
  #text = ''

  add(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString('utf8')).slice(-STDERR_TAIL_BYTES)
  }

  /** The last lines in one, or '' when nothing was said. */
  get text(): string {
    const lines = this.#text.split('\n').map((line) => line.trim())
    return lines
      .filter((line) => line !== '')
      .slice(-4)
      .join(' | ')
  }
}

/** Says how a command ended, for a message: `exited with 1: permission denied`. */
export function ended(code: number | null | undefined, signalName: string | null | undefined, tail: Tail): string {
  const how = signalName != null ? `was ended by ${signalName}` : code == null ? 'ended' : `exited with ${String(code)}`
  return tail.text === '' ? how : `${how}: ${tail.text}`
}

/**
 * The commands of one transport. They are processes of our machine (`docker exec`, `kubectl exec`), each in a process
 * group of its own: a Ctrl-C in the terminal must reach us only, since a drain still needs them.
 */
export class Children {
  readonly #hop: string
  readonly #killAfterMs: number
  readonly #running = new Set<ChildProcessWithoutNullStreams>()
  #ended = false

  /** @param killAfterMs how long a command may take to end on SIGTERM before SIGKILL. */
  constructor(hop: string, killAfterMs = 2_000) {
    this.#hop = hop
    this.#killAfterMs = killAfterMs
  }

  /** Starts a command without a shell. Rejects with HopError `command`; once resolved, the stream tells how it ended. */
  async start(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<Duplex> {
    if (signal.aborted) throw reasonOf(signal)
    if (this.#ended) throw new HopError(this.#hop, 'lost', 'the transport was closed', '')
    const [program, ...words] = argv
    const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    const tail = new Tail()
    child.stderr.on('data', (chunk: Buffer) => tail.add(chunk))
    const stream = new HopStream(
      { input: child.stdout, output: child.stdin, close: () => void this.#end(child) },
      { allowHalfOpen: true },
    )
    child.once('close', (code, signalName) => {
      this.#running.delete(child)
      if (code === 0) return stream.finish()
      const how = ended(code, signalName, tail)
      const advice = `Run it by hand to see what is wrong: ${argv.join(' ')}`
      stream.finish(new HopError(this.#hop, 'command', `${program} ${how}`, advice))
    })
    try {
      await once(child, 'spawn')
    } catch (error) {
      stream.destroy()
      throw startError(this.#hop, program, error as NodeJS.ErrnoException)
    }
    this.#running.add(child)
    if (signal.aborted || this.#ended) {
      stream.destroy()
      throw signal.aborted ? reasonOf(signal) : new HopError(this.#hop, 'lost', 'the transport was closed', '')
    }
    return stream
  }

  /** Ends the command and what it started: SIGTERM to its group, SIGKILL after the bound. */
  async #end(child: ChildProcessWithoutNullStreams): Promise<void> {
    if (child.pid === undefined) return
    const exited = child.exitCode !== null || child.signalCode !== null
    const group = -child.pid
    signalGroup(group, 'SIGTERM')
    if (exited) return void this.#running.delete(child)
    const timer = setTimeout(() => signalGroup(group, 'SIGKILL'), this.#killAfterMs)
    await once(child, 'exit')
    clearTimeout(timer)
    // Its children had the SIGTERM too; one that ignores it must not outlive the command.
    signalGroup(group, 'SIGKILL')
  }

  /** Ends all, and starts no more. */
  async end(): Promise<void> {
    this.#ended = true
    await Promise.all([...this.#running].map(async (child) => this.#end(child)))
  }
}

function signalGroup(group: number, name: NodeJS.Signals): void {
  try {
    kill(group, name)
  } catch {
    // ESRCH: the group is gone already, which is what we want.
  }
}

function startError(hop: string, program: string, error: NodeJS.ErrnoException): HopError {
  const why = error.code === 'ENOENT' ? 'command not found' : error.message
  const advice = `Install ${program}, or write its full path in the config.`
  return new HopError(hop, 'command', `${program} could not be started: ${why}`, advice, { cause: error })
}
