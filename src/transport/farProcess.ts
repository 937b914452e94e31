import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { HopError, type Transport } from './transport.ts'

/** How a process of the far side is found: by its number, a file that has the number, or a part of its command line. */
export interface ProcessQuery {
  readonly by: 'pid' | 'pidFile' | 'process'
  readonly what: string
}

/** What is done there, in POSIX shell. */
export interface ProcessScript extends RunOptions {
  /** A body of a function: whether process `$1` may be meant. */
  readonly fits: string
  /** What is done with `$pid`; says how it went with `say OUTCOME WORDS…`. */
  readonly does: string
  /** Lines that it reads, by the names of its variables. */
  readonly input?: Readonly<Record<string, string>>
  /** The words of a command, as `$@`. */
  readonly argv?: readonly string[]
}

/** The last thing that a script has said, and what came after it. */
export interface Said {
  readonly outcome: string
  readonly words: readonly string[]
  readonly rest: string
}

const answerMaxBytes = 16 * 1024
/** Reading the status of each process of a busy machine takes a while. */
const withinMs = 10_000

/**
 * With nothing but a POSIX shell and /proc. What is looked for comes by stdin: on a command line it would be found
 * there. A login shell may greet before it, so what it says has a mark.
 */
function scriptOf({ fits, does, input = {} }: ProcessScript): string {
  const reads = Object.keys(input).map((name) => `; IFS= read -r ${name}`)
  return String.raw`
say() { echo "breakwater $*"; }
IFS= read -r by; IFS= read -r what${reads.join('')}
test -r /proc/self/status || { say noproc; exit; }
digits() { case "$1" in ''|*[!0-9]*) return 1;; esac; }
fits() {
${fits}
}
case "$by" in
pid) pid=$what;;
pidFile)
  test -r "$what" || { say nofile; exit; }
  IFS= read -r pid <"$what"; pid=$(echo $pid)
  digits "$pid" || { say nonumber; exit; };;
process)
  found=
  for each in /proc/[0-9]*; do
    pid=\${each#/proc/}
    case "$pid" in $$|$PPID) continue;; esac
    words=$(tr '\000' ' ' 2>/dev/null <"$each/cmdline")
    case "$words" in *"$what"*) fits "$pid" && found="$found $pid";; esac
  done
  case "$found" in '') say none; exit;; *' '*' '*) say many $found; exit;; esac
  pid=$(echo $found);;
esac
test -d "/proc/$pid" || { say gone "$pid"; exit; }
fits "$pid" || { say unfit "$pid"; exit; }
${does}
`.replaceAll('\\$', '$')
}

/** Finds the process and does that with it. What it says is for the caller; rejects where nothing can be run. */
export async function withProcess(
  { by, what }: ProcessQuery,
  script: ProcessScript,
  transport: Transport,
  signal: AbortSignal,
): Promise<Said> {
  const { input = {}, argv = [] } = script
  const lines = [by, what, ...Object.values(input)].map((line) => `${line}\n`).join('')
  const command = ['sh', '-c', scriptOf(script), 'sh', ...argv] as const
  return lastSaid(await runThere(command, lines, transport, signal, script))
}

/** Of everything that a script printed: `breakwater OUTCOME WORDS…`, and the lines behind it. */
export function lastSaid(text: string): Said {
  const [line = '', ...rest] =
    text
      .split(/^breakwater /m)
      .at(-1)
      ?.split('\n') ?? []
  if (!/^breakwater /m.test(text)) return { outcome: '', words: [], rest: text }
  const [outcome = '', ...words] = line.trim().split(/\s+/)
  return { outcome, words, rest: rest.join('\n').trim() }
}

/**
 * Why the process was not found, as HopError: for the outcomes that every script has. `fit` says what a process must
 * do: `takes SIGUSR1`.
 */
export function notFound(
  { outcome, words }: Said,
  { what }: ProcessQuery,
  fit: string,
  hop: string,
  otherwise: string,
) {
  const [problem, advice] = refusal(outcome, words, what, fit) ?? [
    'what the far side said was not understood',
    otherwise,
  ]
  return new HopError(hop, 'command', problem, advice)
}

function refusal(
  outcome: string,
  pids: readonly string[],
  what: string,
  fit: string,
): [problem: string, advice: string] | undefined {
  switch (outcome) {
    case 'none':
      return [`no process that ${fit} has '${what}' in its command line`, 'Is the program running?']
    case 'many':
      return [
        `${pids.length} processes have '${what}' in their command lines: ${pids.join(', ')}`,
        'Write more of the command line of the right one in start, or use pidFile.',
      ]
    case 'nofile':
      return [`the file ${what} cannot be read there`, 'Is the program running? Correct pidFile in start.']
    case 'nonumber':
      return [`the file ${what} does not begin with the number of a process`, 'Correct pidFile in start.']
    case 'gone':
      return [`there is no process ${pids[0] ?? ''}`, 'Is the program running?']
    case 'noproc':
      return ['there is no /proc to find the process in', 'Let start be the command that opens the port.']
    default:
      return undefined
  }
}

export interface RunOptions {
  /** How long it may take; 10 s by default. */
  readonly limitMs?: number
  /** How much it may print; 16 KiB by default. */
  readonly maxBytes?: number
}

/** Runs a command there to its end, and resolves with all that it printed. */
export async function runThere(
  argv: readonly [string, ...string[]],
  input: string,
  transport: Transport,
  signal: AbortSignal,
  { limitMs = withinMs, maxBytes = answerMaxBytes }: RunOptions = {},
): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)])
  const stream = await transport.exec(argv, limit)
  try {
    stream.end(input)
    return await abortable(allOf(stream, transport.name, maxBytes), limit)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError' && !signal.aborted) {
      const advice = 'The command must end by itself, and ask nothing.'
      throw new HopError(transport.name, 'timeout', `the command did not end within ${limitMs / 1000} s`, advice)
    }
    throw error
  } finally {
    stream.destroy()
  }
}

async function allOf(stream: Duplex, hop: string, maxBytes: number): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.length > maxBytes) throw new HopError(hop, 'command', 'the command talks too much', '')
  }
  return text
}
