import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { reasonOf } from '../../lib/abort.ts'
import { deferred, type Deferred } from '../../lib/deferred.ts'
import type { Transport } from '../../transport/transport.ts'

/** A Node process below the program's that has its inspector open, or seems to. */
export interface ChildProcess {
  readonly pid: number
  /** The script it runs, for its name: `worker.js`. */
  readonly script: string
  /** Ports that may be its inspector; the one it was told first. */
  readonly ports: readonly number[]
}

/**
 * For each line read: the tree of processes below `$2` from Linux's /proc, one `c PID INODE… : WORD…` for each (the first
 * is the program itself), the listening sockets as `l ADDRESS INODE`, and the token. Reads /proc and nothing else; needs
 * `sh`, `cat`, `ls`, `sed`, `tr`. One line without a single quote, so that every login shell hands it on unchanged.
 */
const SCAN = [
  't=$1; s() { d=/proc/$1; test -r $d/cmdline || return 0;',
  'i=$(ls -l $d/fd 2>/dev/null | sed -n "s/.*socket:\\[\\([0-9]*\\)\\]$/\\1/p" | tr "\\n" " ");',
  'w=$(tr "\\000\\n" "\\n " <$d/cmdline 2>/dev/null | sed -n "1,40p" | tr "\\n" "\\t"); echo "c $1 $i: $w";',
  'for k in $(cat $d/task/*/children 2>/dev/null); do ( s $k ); done; };',
  'echo "$t ready"; while read -r x; do s $2;',
  'cat /proc/$2/net/tcp /proc/$2/net/tcp6 2>/dev/null | sed -n "s/^ *[0-9]*: \\([0-9A-F:]*\\) [0-9A-F:]* 0A .* \\([0-9]*\\) [0-9]* [0-9a-fA-F]* 100 .*/l \\1 \\2/p";',
  'echo "$t end"; done',
].join(' ')

/** A machine with more of them than this has no use for a list. */
const linesMax = 20_000
const bytesMax = 4 * 1024 * 1024

/**
 * Looks for child processes of the program from beside it, with the far side's /proc: the program is asked nothing, and
 * nothing is put into it (the peer's way, NODE_OPTIONS, breaks every child of a program on another machine). Only on
 * Linux, and where commands can be run.
 */
export class Processes {
  readonly #transport: Transport
  readonly #pid: number
  readonly #port: number
  readonly #token = randomBytes(9).toString('hex')
  #stream: Duplex | undefined
  #lines: string[] = []
  #rest = ''
  #received = 0
  #waiting: Deferred<string[]> | undefined

  /** `pid` is the program's there, `port` the one of its own inspector: it must be that process's, or nothing is found. */
  constructor(transport: Transport, pid: number, port: number) {
    this.#transport = transport
    this.#pid = pid
    this.#port = port
  }

  /** The Node processes below the program which have an inspector. One scan at a time. */
  async scan(signal: AbortSignal): Promise<ChildProcess[]> {
    const stream = await this.#open(signal)
    const waiting = deferred<string[]>()
    this.#waiting = waiting
    const onAbort = (): void => waiting.reject(reasonOf(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      stream.write('\n')
      return childrenIn(await waiting.promise, this.#pid, this.#port)
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#waiting = undefined
    }
  }

  close(): void {
    this.#stream?.destroy()
  }

  async #open(signal: AbortSignal): Promise<Duplex> {
    if (this.#stream !== undefined) return this.#stream
    const argv = ['sh', '-c', SCAN, 'sh', this.#token, String(this.#pid)] as const
    const stream = await this.#transport.exec(argv, signal)
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('error', () => {})
    stream.once('close', () => {
      this.#waiting?.reject(stream.errored ?? new Error('the process list ended'))
      this.#stream = undefined
    })
    return stream
  }

  #onData(chunk: Buffer): void {
    this.#received += chunk.length
    const lines = `${this.#rest}${chunk.toString('latin1')}`.split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line === `${this.#token} ready`) this.#lines = []
      else if (line === `${this.#token} end`) {
        this.#waiting?.resolve(this.#lines)
        this.#lines = []
        this.#received = 0
      } else this.#lines.push(line)
    }
    if (this.#lines.length > linesMax || this.#received > bytesMax) {
      this.#stream?.destroy(new Error('the process list is endless'))
    }
  }
}

interface Process {
  readonly pid: number
  readonly ports: readonly number[]
  readonly words: readonly string[]
}

/** Of the lines of one scan. Empty where the pid is another process than the one whose inspector is spoken to. */
export function childrenIn(lines: readonly string[], pid: number, port: number): ChildProcess[] {
  const portOf = new Map<string, number>()
  for (const line of lines) {
    const found = /^l [0-9A-F]+:([0-9A-F]{4}) (\d+)$/.exec(line)
    if (found !== null) portOf.set(found[2]!, Number.parseInt(found[1]!, 16))
  }
  const processes = lines.flatMap((line): Process[] => {
    const found = /^c (\d+) ([\d ]*): (.*)$/.exec(line)
    if (found === null) return []
    const ports = found[2]!.split(' ').flatMap((inode) => portOf.get(inode) ?? [])
    return [{ pid: Number(found[1]), ports, words: found[3]!.split('\t').filter((word) => word !== '') }]
  })
  const program = processes.find((each) => each.pid === pid)
  if (program === undefined || !program.ports.includes(port)) return []
  return processes.flatMap((each) => {
    if (each.pid === pid) return []
    const told = inspectPort(each.words)
    if (told === undefined) return []
    const ports = told === 0 ? each.ports : each.ports.filter((own) => own === told)
    return ports.length === 0 ? [] : [{ pid: each.pid, script: scriptOf(each.words), ports: ports.slice(0, 8) }]
  })
}

/** The port that its command line gives the inspector, 0 for any; undefined if it opens none. The last one counts. */
function inspectPort(words: readonly string[]): number | undefined {
  let port: number | undefined
  let opens = false
  for (const word of words.slice(1)) {
    if (!word.startsWith('-')) break
    const found = /^--(?:inspect(?:-brk|-wait|-port)?|debug-port)(?:=(?:.*:)?(\d+))?$/.exec(word)
    if (found === null) continue
    if (!/^--(?:inspect-port|debug-port)/.test(word)) opens = true
    if (found[1] !== undefined) port = Number(found[1])
  }
  return opens ? (port ?? 9229) : undefined
}

function scriptOf(words: readonly string[]): string {
  const script = words.slice(1).find((word) => !word.startsWith('-')) ?? words[0] ?? ''
  return script.split('/').at(-1)!.slice(0, 200)
}
