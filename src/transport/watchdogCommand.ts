import { MARK, pythonCommand } from './farSide.ts'
import type { FarSide } from './farSide.ts'

/**
 * The watchdog: reads lines, and when none comes for `leaseSeconds`, or at the end of its input, ends the relays, so
 * that nothing that was under way can arrive after it, and says all words that it knows, all at once.
 * - `h`: heartbeat, answered by `h`.
 * - `+ PID TOKEN`: a relay; `- PID`: it has ended.
 * - `! ID - words…`: words, a POSIX shell snippet, answered by `w ID`; `. ID`: they are taken back; `> ID`: they are to
 *   be said at once, and `s ID` tells that they were.
 *
 * A PID is only ever signalled while its command line has the token: it may be another program's by then. Signals do not
 * end it, since what sends them to everybody (a terminal, a service manager) would leave nobody to say the words.
 *
 * Undefined when the far side has nothing that can wait with a time limit.
 */
export function watchdogCommand(far: FarSide, leaseSeconds: number): [string, ...string[]] | undefined {
  const { has } = far
  const seconds = String(leaseSeconds)
  const read = watchdogScript('read -r -t "$l" a b c d')
  if (has.has('sh-read-t')) return ['sh', '-c', read, 'sh', seconds]
  if (has.has('bash-read-t')) return ['bash', '-c', read, 'bash', seconds]
  if (has.has('busybox-read-t')) return ['busybox', 'sh', '-c', read, 'sh', seconds]
  if (has.has('python3')) return pythonCommand(PYTHON_WATCHDOG, [seconds])
  if (!has.has('timeout')) return undefined
  // One process for each line, which reads a character at a time and so takes nothing of the next. KILL, since it inherits
  // that it ignores TERM.
  const one = 'read -r y && printf \\"%s\\\\n\\" \\"\\$y\\"'
  const line = `x=$(timeout -s KILL "$l" sh -c "${one}") && test -n "$x" && f "$x"`
  return [
    'sh',
    '-c',
    watchdogScript(line, 'f() { a=${1%% *}; x="${1#* } "; b=${x%% *}; x=${x#* }; c=${x%% *}; d=${x#* }; }'),
    'sh',
    seconds,
  ]
}

function watchdogScript(read: string, prelude = ':'): string {
  const without = (list: string): string => `n=; for p in $${list}; do test "$p" = "$b" || n="$n $p"; done; ${list}=$n`
  const say = (id: string): string => `( eval "eval \\"\\$s${id}\\"" ) </dev/null >/dev/null 2>&1`
  return [
    // A link that is gone must not end it before its work is done.
    'trap "" PIPE HUP INT TERM',
    'l=$1; r=; w=',
    prelude,
    'm() { if test -r "/proc/$1/cmdline"; then tr "\\000" " " <"/proc/$1/cmdline"; else ps -o args= -p "$1"; fi 2>/dev/null; }',
    'k() { case "$(m "$2")" in *"$3"*) kill "$1" "$2" 2>/dev/null;; esac; }',
    'g() { for p in $r; do eval "t=\\$t$p"; k "$1" "$p" "$t"; done; }',
    `echo "${MARK} $$"`,
    [
      `while ${read}; do case "$a" in h) echo h 2>/dev/null;;`,
      '+) r="$r $b"; eval "t$b=\\$c";;',
      `-) ${without('r')};;`,
      '!) w="$w $b"; eval "s$b=\\$d"; echo "w $b" 2>/dev/null;;',
      `.) ${without('w')};;`,
      `">") ${without('w')}; ( ${say('$b')}; echo "s $b" ) & ;; esac; done`,
    ].join(' '),
    'g -TERM',
    `for p in $w; do ${say('$p')} & done`,
    'if test -n "$r"; then sleep 1; g -KILL; fi',
    'wait',
    'exit 0',
  ].join('; ')
}

const PYTHON_WATCHDOG = `
import os,select,signal,subprocess,sys,threading,time
for n in (signal.SIGHUP,signal.SIGPIPE,signal.SIGINT,signal.SIGTERM): signal.signal(n,signal.SIG_IGN)
lease=int(sys.argv[1]); relays={}; words={}; saying=[]; buf=b""
def out(b):
 try: os.write(1,b)
 except OSError: pass
def args(p):
 try: return open("/proc/%s/cmdline"%p,"rb").read().replace(b"\\0",b" ")
 except OSError: pass
 try: return subprocess.run(["ps","-o","args=","-p",p],capture_output=True).stdout
 except OSError: return b""
def end(n):
 for p,t in relays.items():
  try:
   if t in args(p): os.kill(int(p),n)
  except OSError: pass
def say(i,w):
 subprocess.run(["sh","-c",w],stdin=subprocess.DEVNULL,stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL)
 out(b"s %s\\n"%i.encode())
def begin(i):
 if i in words:
  saying.append(threading.Thread(target=say,args=(i,words.pop(i)))); saying[-1].start()
out(b"${MARK} %d\\n"%os.getpid())
while select.select([0],[],[],lease)[0]:
 d=os.read(0,65536)
 if not d: break
 *lines,buf=(buf+d).split(b"\\n")
 for l in lines:
  w=l.decode().split(" ",3)
  if w[0]=="h": out(b"h\\n")
  elif w[0]=="+": relays[w[1]]=w[2].encode()
  elif w[0]=="-": relays.pop(w[1],None)
  elif w[0]=="!": words[w[1]]=w[3]; out(b"w %s\\n"%w[1].encode())
  elif w[0]==".": words.pop(w[1],None)
  elif w[0]==">": begin(w[1])
end(signal.SIGTERM)
for i in list(words): begin(i)
if relays: time.sleep(1); end(signal.SIGKILL)
for t in saying: t.join()
`
