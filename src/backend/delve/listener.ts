import { runThere } from '../../transport/farProcess.ts'
import type { Address, Transport } from '../../transport/transport.ts'

/**
 * Who listens where a Delve should, found out without a connection: a Delve that serves a single client is dead after
 * its first, even one that says nothing (notes/delve.md, 1).
 */
export interface Listening {
  readonly kind: 'listening'
  /** Of the process that listens. */
  readonly uid: number
  /** Ours at the far end; undefined where that does not say. */
  readonly ourUid: number | undefined
  /** Undefined where it may not be seen: it is another user's. */
  readonly listener: { readonly pid: number; readonly argv: readonly string[] } | undefined
  /** How many are connected to it. */
  readonly clients: number
}

export type Found =
  | Listening
  | { readonly kind: 'nobody' }
  /** Why it cannot be known. */
  | { readonly kind: 'unknown'; readonly why: string }

/** Bytes of a table of connections and of a list of open files: of a busy machine many. */
const maxBytes = 8 * 1024 * 1024
/** Between the words of a command line: it is in none. */
const separator = '\u001f'

/**
 * The tables of the kernel, in POSIX shell: `ls` is the one program that everybody has and that reads many links at
 * once. Another user's open files cannot be read; then the command line tells, which all may see.
 */
const script = String.raw`
say() { echo "breakwater $*"; }
IFS= read -r port; IFS= read -r hex; IFS= read -r path
test -r /proc/net/tcp || { say noproc; exit; }
say self "$(id -u 2>/dev/null)"
inode=
if test -n "$path"; then
  while read -r num refs proto flags type state socket name; do
    test "$name" = "$path" && test "$flags" = 00010000 && inode=$socket
  done </proc/net/unix
  uid=$(ls -nd "$path" 2>/dev/null | { read -r mode links owner rest; echo "$owner"; })
else
  clients=0
  for table in /proc/net/tcp /proc/net/tcp6; do
    test -r $table || continue
    while read -r slot here there state queues timer retries user timeout socket rest; do
      case "$here:$state" in
      *:"$hex":0A) inode=$socket; uid=$user;;
      *:"$hex":01) clients=$((clients + 1));;
      esac
    done <$table
  done
fi
test -n "$inode" || { say nobody; exit; }
say listener "$uid" "$clients"
found=
ls -l /proc/[0-9]*/fd 2>/dev/null | {
  while read -r line; do
    case "$line" in
    /proc/*) each=\${line#/proc/}; each=\${each%%/*};;
    *"socket:[$inode]") found=$each; break;;
    esac
  done
  test -n "$found" || for each in /proc/[0-9]*; do
    case " $(tr '\000' ' ' 2>/dev/null <"$each/cmdline")" in
    *' --headless'*:"$port "*|*' dap '*:"$port "*) found=\${each#/proc/};;
    esac
  done
  test -n "$found" && { say process "$found"; tr '\000\n' '\037 ' <"/proc/$found/cmdline"; echo; }
}
exit 0
`.replaceAll('\\$', '$')

/** Rejects where the far side cannot be reached at all. */
export async function findListener(address: Address, transport: Transport, signal: AbortSignal): Promise<Found> {
  const port = 'path' in address ? 0 : address.port
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  const input = `${port}\n${hex}\n${'path' in address ? address.path : ''}\n`
  return parseListener(await runThere(['sh', '-c', script], input, transport, signal, { maxBytes }))
}

/** What the script has printed; a login shell may greet before it. */
export function parseListener(text: string): Found {
  const said = (name: string): string[] | undefined =>
    new RegExp(`^breakwater ${name} ?(.*)$`, 'm').exec(text)?.[1]?.split(' ')
  if (said('noproc') !== undefined) return { kind: 'unknown', why: 'it has no /proc to look at' }
  if (said('nobody') !== undefined) return { kind: 'nobody' }
  const socket = said('listener')
  if (socket === undefined) return { kind: 'unknown', why: 'what its shell said was not understood' }
  const [pid] = said('process') ?? []
  const argv =
    /^breakwater process .*\n(.*)$/m
      .exec(text)?.[1]
      ?.split(separator)
      .filter((word) => word !== '') ?? []
  return {
    kind: 'listening',
    uid: Number(socket[0]),
    ourUid: /^\d+$/.test(said('self')?.[0] ?? '') ? Number(said('self')![0]) : undefined,
    listener: pid === undefined ? undefined : { pid: Number(pid), argv },
    clients: Number(socket[1] ?? 0),
  }
}

/** What a command line says of a Delve. */
export interface DelveCommand {
  /** `attach`, `exec`, `debug`, `test`, `core`, `replay`, `dap`. */
  readonly how: string
  readonly headless: boolean
  readonly multiclient: boolean
  /** It runs the program as soon as it serves. */
  readonly continues: boolean
  readonly sameUserOnly: boolean
  /** As it was asked for; Delve 1.20 has 1 by default. */
  readonly apiVersion: number | undefined
}

/** Undefined for what is no Delve. A copy of another name is known by `--headless`. */
export function parseDelve(argv: readonly string[]): DelveCommand | undefined {
  const end = argv.indexOf('--')
  const words = argv.slice(1, end === -1 ? undefined : end)
  const isDlv = nameOf(argv).startsWith('dlv')
  const how = words.find((word) => /^(attach|core|dap|debug|exec|replay|test|trace|connect)$/.test(word))
  const headless = flagOf(words, 'headless', false)
  if (how === undefined || !(isDlv || headless)) return undefined
  const version = words.map((word) => /^--api-version=(\d)$/.exec(word)?.[1]).find((found) => found !== undefined)
  const after = words[words.indexOf('--api-version') + 1]
  const apiVersion = version ?? (words.includes('--api-version') ? after : undefined)
  return {
    how,
    headless,
    multiclient: flagOf(words, 'accept-multiclient', false),
    continues: flagOf(words, 'continue', false),
    sameUserOnly: flagOf(words, 'only-same-user', true),
    apiVersion: apiVersion === undefined ? undefined : Number(apiVersion),
  }
}

function flagOf(words: readonly string[], name: string, usual: boolean): boolean {
  const word = words.findLast((each) => each === `--${name}` || each.startsWith(`--${name}=`))
  return word === undefined ? usual : !/=(0|f|false)$/i.test(word)
}

export function nameOf(argv: readonly string[]): string {
  return (argv[0] ?? '').split(/[\\/]/).at(-1)?.replace(/:$/, '') ?? ''
}

/** Programs that only pass on what they get: behind them may be a Delve. */
export function passesOn(argv: readonly string[]): boolean {
  return /^(sshd?(-session)?|dropbear|socat|n?cat|nc|docker-proxy|rootlessport|slirp4netns|pasta|kubectl|envoy|haproxy|nginx|gost)\b/.test(
    nameOf(argv),
  )
}
