import { addressText } from '../../transport/direct.ts'
import { lastSaid, notFound, runThere, withProcess, type ProcessQuery, type Said } from '../../transport/farProcess.ts'
import { HopError, type Address, type Transport } from '../../transport/transport.ts'

/** How a Delve comes to listen: by a command, or by `dlv attach` to a process to be found. */
export type StartRecipe =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  | ({ readonly kind: 'attach'; readonly dlv: string } & ProcessQuery)

/** Where nothing listens after all that. */
export const stillClosedAdvice = 'Does that dlv listen elsewhere (--listen), or has it ended meanwhile?'

/** A large program's debug information takes longer; then it is still read when this is over, which does no harm. */
const waitsTenths = 120
const withinMs = 30_000

/** Only Go's linker writes this. Of another user's process it cannot be read, and that is for dlv to say. */
const isGo = String.raw`
  case " $(tr '\000' ' ' 2>/dev/null <"/proc/$1/cmdline")" in *' --headless'*) return 1;; esac
  test -r "/proc/$1/exe" || return 0
  LC_ALL=C grep -q 'Go buildinf:' "/proc/$1/exe" 2>/dev/null`

/**
 * Leaves the session of the SSH login, whose end would otherwise be dlv's: it does not take SIGHUP, and dies with its
 * traps in the program (notes/delve.md, 11). What it prints is kept until it is known how it went.
 */
const detached = String.raw`
nap() { sleep 0.1 2>/dev/null || sleep 1; }
runs() {
  while read -r key state; do test "$key" != State: || { case "$state" in Z*|X*) return 1;; *) return 0;; esac; }; done 2>/dev/null <"/proc/$1/status"
  return 1
}
field() { while read -r key value; do test "$key" != "$1:" || { echo "$value"; return; }; done 2>/dev/null <"/proc/$2/status"; }
log=
for each in "\${TMPDIR:-/tmp}" /dev/shm /var/tmp "$HOME"; do
  test -n "$log" || log=$(mktemp "$each/breakwater-dlv.XXXXXX" 2>/dev/null)
done
test -n "$log" || { say nolog; exit; }
launch() {
  if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null >"$log" 2>&1 &
  else nohup "$@" </dev/null >"$log" 2>&1 &
  fi
  dlv=$!
}
listens() { grep -q 'server listening at' "$log" 2>/dev/null; }
ends() { say "$@"; cat "$log"; rm -f "$log"; exit; }
`

/** It listens before it attaches, and lets the program run on when it has read its debug information. */
const attaches = String.raw`
self=$(command -v "$dlv" 2>/dev/null)
case "$dlv" in */*) ;; *)
  for each in "$GOBIN" "\${GOPATH:-$HOME/go}/bin" "$HOME/go/bin" /go/bin /usr/local/go/bin /usr/local/bin; do
    test -n "$self" || test ! -x "$each/$dlv" || self=$each/$dlv
  done;;
esac
test -n "$self" || { say nodlv; exit; }
test "$mode" = start || { say found "$pid" "$self"; exit; }
${detached}
launch "$self" attach "$pid" "$@"
i=0
while test $i -lt ${waitsTenths}; do
  runs "$dlv" || ends failed "$pid"
  case "$(field TracerPid "$pid")" in 0|'') ;; *)
    case "$(field State "$pid")" in t*) ;; *) listens && ends attached "$pid" "$self";; esac;;
  esac
  i=$((i + 1)); nap
done
listens && ends held "$pid" "$self"
kill "$dlv" 2>/dev/null; ends failed "$pid"
`.replaceAll('\\$', '$')

/** A command of the user's: one that ends well, or that says that it listens. */
const commands = String.raw`
say() { echo "breakwater $*"; }
${detached}
launch "$@"
i=0
while test $i -lt ${waitsTenths}; do
  listens && ends listens
  runs "$dlv" || { wait "$dlv" && ends ended; ends failed $?; }
  i=$((i + 1)); nap
done
ends silent
`.replaceAll('\\$', '$')

/** What would be run there, and to which process; nothing is done to it. */
export async function findProcess(
  recipe: Extract<StartRecipe, { kind: 'attach' }>,
  address: Address,
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const said = await attached(recipe, [], 'find', transport, signal)
  if (said.outcome !== 'found') throw refusal(said, recipe, transport.name)
  const [pid, dlv] = said.words
  return `${dlv} attach ${pid} ${flagsFor(address).join(' ')}`
}

function flagsFor(address: Address): string[] {
  const listen = 'path' in address ? `unix:${address.path}` : addressText(address)
  return ['--headless', '--accept-multiclient', '--api-version=2', '--continue', `--listen=${listen}`]
}

/**
 * Starts a Delve, detached from the session that starts it, and says what was done. Resolves when it listens. Rejects
 * with HopError, whose advice says what to do.
 */
export async function start(
  recipe: StartRecipe,
  address: Address,
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  if (recipe.kind === 'command') return startByCommand(recipe.argv, transport, signal)
  const said = await attached(recipe, flagsFor(address), 'start', transport, signal)
  const [pid, dlv] = said.words
  if (said.outcome === 'attached') {
    return `${dlv} attach ${pid} was run, which held the program while Delve read its debug information`
  }
  if (said.outcome === 'held') {
    return `${dlv} attach ${pid} was run, which holds the program until Delve has read its debug information`
  }
  throw refusal(said, recipe, transport.name)
}

function attached(
  recipe: Extract<StartRecipe, { kind: 'attach' }>,
  argv: readonly string[],
  mode: 'find' | 'start',
  transport: Transport,
  signal: AbortSignal,
): Promise<Said> {
  const script = { fits: isGo, does: attaches, input: { mode, dlv: recipe.dlv }, argv, limitMs: withinMs }
  return withProcess(recipe, script, transport, signal)
}

async function startByCommand(
  argv: readonly [string, ...string[]],
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const text = argv.join(' ')
  const said = lastSaid(
    await runThere(['sh', '-c', commands, 'sh', ...argv], '', transport, signal, { limitMs: withinMs }),
  )
  const refused = (problem: string, advice: string) => new HopError(transport.name, 'command', problem, advice)
  switch (said.outcome) {
    case 'listens':
    case 'ended':
      return `${text} was run`
    case 'failed': {
      const [problem, advice] = delveSays(said.rest) ?? [lastLine(said.rest), 'Try the command there.']
      throw refused(`'${argv[0]}' ended with ${said.words[0]}: ${problem}`, advice)
    }
    case 'nolog':
      throw refused(...noLog)
    default:
      throw refused(`${text} neither ended nor listened within ${waitsTenths / 10} s`, 'It still runs there.')
  }
}

const noLog = ['no folder there can be written to', 'A dlv needs one that it can write to: /tmp.'] as const

function refusal(said: Said, recipe: Extract<StartRecipe, { kind: 'attach' }>, hop: string): HopError {
  const refused = (problem: string, advice: string) => new HopError(hop, 'command', problem, advice)
  const [pid = ''] = said.words
  switch (said.outcome) {
    case 'unfit':
      return refused(
        `process ${pid} is no Go program, so dlv was not attached`,
        'Is that the program, and not a shell or a supervisor around it?',
      )
    case 'nodlv':
      return refused(
        `there is no ${recipe.dlv} there`,
        'Install it there (go install github.com/go-delve/delve/cmd/dlv@latest), or name it: start: { dlv: /path/to/dlv, … }.',
      )
    case 'nolog':
      return refused(...noLog)
    case 'failed': {
      const [problem, advice] = delveSays(said.rest) ?? [lastLine(said.rest), 'Try it there: dlv attach PID.']
      return refused(`'dlv attach ${pid}' has failed: ${problem}`, advice)
    }
    default:
      return notFound(said, recipe, 'is a Go program', hop, 'Name the command in start: [dlv, attach, "1234", …].')
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() || 'it ended without a word'
}

const mayTrace =
  "Log in as the program's own user or root. Where that is so, the kernel forbids it: as root, echo 0 > /proc/sys/kernel/yama/ptrace_scope; in a container, --cap-add=SYS_PTRACE."

/** What Delve's own words mean, and what to do. Undefined for words that are not known. */
export function delveSays(text: string): [problem: string, advice: string] | undefined {
  const line = (pattern: RegExp): string | undefined =>
    text
      .split('\n')
      .find((each) => pattern.test(each))
      ?.trim()
      .replace(/\.$/, '')
  const known: readonly (readonly [RegExp, string])[] = [
    [
      /already being debugged by/,
      'A process has one debugger at a time: end that one (dlv, gdb, strace), or attach to its port.',
    ],
    [/no such process/, 'Is the program running?'],
    [/does not own the process|operation not permitted|permission denied|security setting/i, mayTrace],
    [/address already in use/, 'Something else listens there: choose another port in at.'],
    [
      /too (old|new) for this version of Delve|Version of Delve is too old/i,
      "Install the Delve that fits the program's Go there, or let start be a command with --check-go-version=false.",
    ],
    [
      /could not open debug info|must not be built with/,
      "Build the program without -ldflags '-s -w' (go run strips too); the newest Delve attaches also to one that is stripped, and sees its functions.",
    ],
    [/unknown (flag|command)/, 'That dlv does not know this: is it Delve, and 1.20 or newer?'],
  ]
  for (const [pattern, advice] of known) {
    const problem = line(pattern)
    if (problem !== undefined) return [problem, advice]
  }
  return undefined
}
