import { pythonCommand } from '../../transport/farSide.ts'
import type { Address } from '../../transport/transport.ts'

/**
 * What the far end says to Delve when we are gone: one line of POSIX shell. It takes out the breakpoints whose names begin
 * with `prefix`, and all watchpoints (they have no names), and lets the program run on. It speaks by whatever is there
 * and gets an answer: bash, python3 (slower to start), socat, nc or busybox, with a connection for each question, since
 * in Delve 1.20.2 a halt is not read behind another one that waits.
 *
 * Harmless at any time: a program that is gone, a Delve that is gone or has let it go, nothing of ours in it. It ends
 * within 10 s, and usually within 1 s (6 s by nc, socat and busybox, which can't tell when an answer is complete).
 *
 * Where a later session of Breakwater is there already, a stop is that session's, and so are the watchpoints.
 *
 * @param resume false where the program was held before we came: it is left so, unless it runs when this is said.
 */
export function lastWordsScript(address: Address, prefix: string, resume: boolean): string {
  return [
    ...variables(address, prefix, resume),
    ...conversation,
    ...chooseTool,
    'n=0',
    // Held, and nothing of ours in it, or tried often enough.
    `while test $n -lt 8 && test $u -gt 0; do n=$((n+1)); ${clearOnce}; done`,
    'test $r = 1 || { test $g = 1 && test $z = 0; } || exit 0',
    'n=0; m=0; y=',
    `while test $n -lt 9 && test $u -gt 0; do n=$((n+1)); ${runOnce}; done`,
    'exit 0',
  ].join('; ')
}

function variables(address: Address, prefix: string, resume: boolean): string[] {
  const isPath = 'path' in address
  const host = isPath ? '' : address.host
  return [
    'set -f',
    `h=${quoted(host)}`,
    `p=${quoted(isPath ? address.path : String(address.port))}`,
    `q=${quoted(prefix)}`,
    `g=${resume ? 1 : 0}`,
    // Whether it was seen running, and whether a later session of Breakwater is there.
    'r=0; z=0',
    // The time that is left, in tenths of a second; an answer takes none of it.
    'u=100',
    `i=${quoted(isPath ? '-U' : host)}`,
    `a=${quoted(isPath ? `UNIX-CONNECT:${address.path}` : `TCP:${host.includes(':') ? `[${host}]` : host}:${address.port}`)}`,
    // Not every sleep takes fractions.
    's=1; d=10; sleep 0.01 2>/dev/null && s=0.4 && d=4',
  ]
}

/** Says lines to Delve, and prints its answers: as many as were asked for, within a time. */
const pythonAsk = pythonCommand(
  `
import socket,sys,time
h,p,text,limit,count=sys.argv[1:6]
end=time.monotonic()+float(limit); said=b""
try:
 if h: s=socket.create_connection((h,int(p)),float(limit))
 else: s=socket.socket(socket.AF_UNIX); s.connect(p)
 s.sendall(text.encode()+b"\\n")
 while said.count(b"\\n")<int(count) and time.monotonic()<end:
  s.settimeout(max(0.01,end-time.monotonic()))
  d=s.recv(65536)
  if not d: break
  said+=d
except OSError: pass
sys.stdout.buffer.write(said)
`,
  [],
)
  .map(quoted)
  .join(' ')

const bashAsk = [
  'exec 3<>"/dev/tcp/$1/$2" || exit',
  'printf "%s\\n" "$3" >&3',
  'n=0',
  'while test $n -lt "$5" && IFS= read -r -t "$4" x <&3; do printf "%s\\n" "$x"; n=$((n+1)); done',
].join('; ')

/** A program that copies never knows when an answer is complete: it is given a time, and ended. */
const copied = (program: string): string =>
  `x=$( { printf "%s\\n" "$1"; sleep $s; } | { exec 4<&0; ${program} <&4 & c=$!; exec 4<&-; sleep $s; kill $c; wait; } ); u=$((u-d))`

/**
 * `ask LINES SECONDS COUNT` sets `x` to what Delve answers; `call METHOD FIELDS` asks one thing; `has TEXT` looks in `x`.
 */
const conversation = [
  [
    'ask() { x=; test $u -gt 0 || return 0; case $t in',
    `python3) x=$(${pythonAsk} "$h" "$p" "$1" "$2" "$3");;`,
    `bash) x=$(bash -c ${quoted(bashAsk)} bash "$h" "$p" "$1" "$2" "$3");;`,
    `socat) ${copied('socat - "$a"')};;`,
    `nc) ${copied('nc $i "$p"')};;`,
    `busybox) ${copied('busybox nc $i "$p"')};;`,
    'esac 2>/dev/null; test -n "$x" || u=$((u-10)); ',
    // A program that was killed while it was held: Delve does not know (1.20.2, 1.27.2).
    `case "$x" in *'no such process"}'*) exit 0;; esac; }`,
  ].join(' '),
  'line() { printf "%s" "{\\"method\\":\\"RPCServer.$1\\",\\"params\\":[{$2}],\\"id\\":1}"; }',
  'call() { ask "$(line "$1" "$2")" 1 1; }',
  'has() { case "$x" in *"$1"*) return 0;; esac; return 1; }',
  `state() { call State '"NonBlocking":true'; has '"exited":true' && exit 0; case "$x" in *'"error":"Process '*) exit 0;; esac; }`,
]

/** The first one that gets an answer. If none does, Delve is busy or gone, and the first that is there asks on. */
const chooseTool = [
  'f=',
  [
    'for t in bash python3 socat nc busybox; do command -v $t >/dev/null 2>&1 || continue; test -n "$f" || f=$t;',
    'case $t in bash) test -n "$h" || continue;; esac; state; test -n "$x" && break; done',
  ].join(' '),
  'test -n "$x" || t=$f',
  'test -n "$t" || exit 0',
]

/**
 * One look: while it runs it is halted; once it is held, what is ours is taken out. Never a halt while it is held: it
 * would stop the next run.
 */
const clearOnce = [
  'state',
  'test -n "$x" || continue',
  `if has '"Running":true'; then r=1; call Command '"name":"halt"'; continue; fi`,
  `call ListBreakpoints '"All":false'`,
  'test -n "$x" || continue',
  'k=0; c=; v=; z=0; o=$IFS; IFS=",{"',
  // A text in a condition has its quotes escaped, so that these are Delve's own fields.
  [
    'for w in $x; do case "$w" in',
    '\'"id":\'*) b=${w#*:};;',
    '\'"name":"\'"$q"n*) v="$v $b";;',
    '\'"name":"bw\'????????n*) z=1;;',
    '\'"WatchType":\'[1-9]*) test $z = 1 || v="$v $b";; esac; done',
  ].join(' '),
  'IFS=$o',
  'for b in $v; do k=$((k+1)); c="$c$(line ClearBreakpoint "\\"Id\\":$b,\\"Name\\":\\"\\"")"; done',
  'test $k -gt 0 || break',
  'ask "$c" 1 $k',
].join('; ')

/**
 * It runs on, also out of a step that was under way, and is looked at: a halt that came late stops it once more. What holds
 * it after that is another's breakpoint, or a panic, which is not ours to run over. Never a second `continue` while the
 * first may still wait for its turn: it would wait too, and run over somebody's stop one day.
 */
const runOnce = [
  'if test $m -gt 0; then state',
  `if has '"Running":true'; then exit 0; fi`,
  'test -n "$x" && test -n "$y" || { y=$x; continue; }',
  `case "$x" in *'"breakPoint":{"id":'[-1-9]*) has "\\"name\\":\\"$q" || exit 0;; esac; fi`,
  // The second answer does not come while it runs.
  `ask "$(line CancelNext "")$(line Command '"name":"continue"')" 0.4 2`,
  'm=$((m+1)); y=$x',
].join('; ')

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
