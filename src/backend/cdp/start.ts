import type { Duplex } from 'node:stream'
import { abortable } from '../../lib/abort.ts'
import { HopError, type Transport } from '../../transport/transport.ts'

/** How the inspector of a program that runs without is opened: by a command, or by SIGUSR1 to a process to be found. */
export type StartRecipe =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: 'signal'; readonly by: 'pid' | 'pidFile' | 'process'; readonly what: string }

const answerMaxBytes = 16 * 1024
/** Reading the status of each process of a busy machine takes a while. */
const withinMs = 10_000

/**
 * Finds the process and signals it, with nothing but a POSIX shell and /proc. SIGUSR1 ends a process that does not
 * expect it, so it is sent only to one that catches it, as every Node does, and only where exactly one fits. What is
 * looked for comes by stdin: on a command line it would be found there.
 */
const signalScript = String.raw`
IFS= read -r by; IFS= read -r what; IFS= read -r number
test -r /proc/self/status || { echo noproc; exit; }
digits() { case "$1" in ''|*[!0-9]*) return 1;; esac; }
catches() {
  while read -r key mask; do case "$key" in SigCgt:) case "$mask" in *[2367abef]??) return 0;; esac; return 1;; esac; done 2>/dev/null <"/proc/$1/status"
  return 1
}
case "$by" in
pid) pid=$what;;
pidFile)
  test -r "$what" || { echo nofile; exit; }
  IFS= read -r pid <"$what"; pid=$(echo $pid)
  digits "$pid" || { echo nonumber; exit; };;
process)
  found=
  for each in /proc/[0-9]*; do
    pid=\${each#/proc/}
    case "$pid" in $$|$PPID) continue;; esac
    catches "$pid" || continue
    words=$(tr '\000' ' ' 2>/dev/null <"$each/cmdline")
    case "$words" in *"$what"*) found="$found $pid";; esac
  done
  set -- $found
  case $# in 0) echo none; exit;; 1) pid=$1;; *) echo "many $found"; exit;; esac;;
esac
test -d "/proc/$pid" || { echo "gone $pid"; exit; }
catches "$pid" || { echo "deaf $pid"; exit; }
kill -"$number" "$pid" 2>/dev/null && echo "sent $pid" || echo "denied $pid"
`.replaceAll('\\$', '$')

/** Whether the process of the recipe is there and may be signalled, and which it is; nothing is done to it. */
export async function findProcess(
  recipe: Extract<StartRecipe, { kind: 'signal' }>,
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  return signalled(recipe, '0', transport, AbortSignal.any([signal, AbortSignal.timeout(withinMs)]))
}

/** What would be done, for people: `SIGUSR1 to the process whose number is in /run/app.pid`. */
export function recipeText(recipe: StartRecipe): string {
  if (recipe.kind === 'command') return recipe.argv.join(' ')
  const { by, what } = recipe
  if (by === 'pid') return `SIGUSR1 to process ${what}`
  return by === 'pidFile'
    ? `SIGUSR1 to the process whose number is in ${what}`
    : `SIGUSR1 to the process whose command line has '${what}'`
}

/**
 * Makes the program open its inspector, and says what was done. Resolves when the command has ended; the port opens a
 * moment later. Rejects with HopError, whose advice says what to do.
 */
export async function start(recipe: StartRecipe, transport: Transport, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  if (recipe.kind === 'command') {
    const stream = await transport.exec(recipe.argv, limit)
    await said(stream, '', transport.name, limit)
    return `${recipe.argv.join(' ')} was run`
  }
  return `SIGUSR1 was sent to process ${await signalled(recipe, 'USR1', transport, limit)}`
}

async function signalled(
  recipe: Extract<StartRecipe, { kind: 'signal' }>,
  name: '0' | 'USR1',
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const { by, what } = recipe
  const stream = await transport.exec(['sh', '-c', signalScript], signal)
  const answer = await said(stream, `${by}\n${what}\n${name}\n`, transport.name, signal)
  // A login shell may greet before it.
  const [outcome, ...pids] = (answer.trim().split('\n').at(-1) ?? '').split(/\s+/)
  if (outcome === 'sent' && pids[0] !== undefined) return pids[0]
  const [problem, advice] = refusal(outcome ?? '', pids, recipe)
  throw new HopError(transport.name, 'command', problem, advice)
}

function refusal(
  outcome: string,
  pids: readonly string[],
  { what }: Extract<StartRecipe, { kind: 'signal' }>,
): [problem: string, advice: string] {
  const pid = pids[0] ?? ''
  const asUser = "Log in as the program's own user, or let the command be one that may: start: [sudo, …]."
  switch (outcome) {
    case 'none':
      return [`no process that takes SIGUSR1 has '${what}' in its command line`, 'Is the program running?']
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
      return [`there is no process ${pid}`, 'Is the program running?']
    case 'deaf':
      return [
        `process ${pid} does not take SIGUSR1, which would end it, so it was not sent`,
        'Is that the Node process, and not a shell or npm around it? With --disable-sigusr1 Node takes none.',
      ]
    case 'denied':
      return [`process ${pid} may not be signalled by this user`, asUser]
    case 'noproc':
      return ['there is no /proc to find the process in', 'Name the command in start: [kill, -USR1, "1234"].']
    default:
      return ['what the far side said was not understood', 'Name the command in start: [kill, -USR1, "1234"].']
  }
}

/** Everything the command prints, to its end. */
async function said(stream: Duplex, input: string, hop: string, signal: AbortSignal): Promise<string> {
  let text = ''
  try {
    stream.end(input)
    const read = async (): Promise<void> => {
      for await (const chunk of stream) {
        text += String(chunk)
        if (text.length > answerMaxBytes) throw new HopError(hop, 'command', 'the command talks too much', '')
      }
    }
    await abortable(read(), signal)
    return text
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      const advice = 'The command must end by itself, and ask nothing.'
      throw new HopError(hop, 'timeout', `the command did not end within ${withinMs / 1000} s`, advice)
    }
    throw error
  } finally {
    stream.destroy()
  }
}
