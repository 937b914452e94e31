import type { Duplex } from 'node:stream'
import { abortable } from '../lib/abort.ts'
import { HopError } from './transport.ts'
import type { Address } from './transport.ts'

/**
 * What a far machine has of its own that can carry a stream or read with a time limit. Nothing is ever installed there.
 *
 * All scripts below are one line without a single quote: whatever the user's login shell is (sh, bash, zsh, csh,
 * fish), it hands them to `sh` unchanged.
 */
export interface FarSide {
  readonly has: ReadonlySet<Tool>
}

export type Tool =
  | 'sh'
  /** This bash can open /dev/tcp (it is a build option). */
  | 'bash'
  | 'python3'
  | 'socat'
  /** netcat that ends its side of the connection at the end of its input, and takes -U. */
  | 'nc-N'
  | 'nc'
  | 'busybox-nc'
  /** `sh` whose read has -t. */
  | 'sh-read-t'
  | 'bash-read-t'
  | 'busybox-read-t'
  /** timeout(1), for shells whose read has no -t (dash). */
  | 'timeout'

/** What our scripts begin each line with that is not their stream. */
export const MARK = 'breakwater'

const PROBE = [
  `p() { echo "${MARK} $1"; }`,
  'h() { command -v "$1" >/dev/null 2>&1; }',
  'p sh',
  'h bash && bash -c ": </dev/tcp/127.0.0.1/1" 2>&1 | grep -qi refused && p bash',
  'h python3 && python3 -I -S -c "import socket,threading,base64" 2>/dev/null && p python3',
  'h socat && p socat',
  'if h nc; then o=$(nc -h 2>&1); case "$o" in *BusyBox*) p nc;; *-*[a-z]N[a-z]*) p nc-N;; *) p nc;; esac; fi',
  'h busybox && busybox nc --help 2>&1 | grep -qi usage && p busybox-nc',
  '(echo x | (read -r -t 1 y && test "$y" = x)) 2>/dev/null && p sh-read-t',
  'h bash && p bash-read-t',
  'h busybox && (echo x | busybox sh -c "read -r -t 1 y && test x = \\$y") 2>/dev/null && p busybox-read-t',
  'h timeout && timeout 1 sh -c : 2>/dev/null && p timeout',
  'p end',
].join('; ')

/** Runs a command there: `Transport.exec`. */
export type Exec = (argv: readonly [string, ...string[]], signal: AbortSignal) => Promise<Duplex>

/**
 * Finds out, in one command, what the far side has. Rejects with HopError `command` where commands can't be run at
 * all (nologin, ForceCommand, internal-sftp), or the signal's reason.
 * @param options.timeoutMs how long the far side may take; 10 s by default.
 */
export async function probeFarSide(
  hop: string,
  exec: Exec,
  signal: AbortSignal,
  options: { readonly timeoutMs?: number } = {},
): Promise<FarSide> {
  const { timeoutMs = 10_000 } = options
  const stream = await exec(['sh', '-c', PROBE], signal)
  let text = ''
  let failure: Error | undefined
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-16_384)
    if (text.includes(`${MARK} end`)) stream.destroy()
  })
  stream.on('error', (error: Error) => {
    failure = error
  })
  stream.end()
  const timer = setTimeout(() => {
    failure = new HopError(hop, 'timeout', `sh gave no answer within ${timeoutMs / 1000} s`, 'Try: ssh HOST sh -c true')
    stream.destroy()
  }, timeoutMs)
  try {
    await abortable(new Promise((resolve) => stream.once('close', resolve)), signal)
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
  const has = new Set([...text.matchAll(/^breakwater (\S+)\r?$/gm)].map((match) => match[1] as Tool | 'end'))
  // Half a list is none: a machine that is very busy would be taken for one without tools, and not leased.
  if (has.delete('end')) return { has: has as Set<Tool> }
  if (failure instanceof HopError && failure.code !== 'command') throw failure
  const said = failure === undefined ? '' : ` (${failure.message})`
  const advice = 'The account can run no shell there: nologin, ForceCommand, internal-sftp.'
  throw new HopError(hop, 'command', `no shell can be run there${said}`, advice, failure && { cause: failure })
}

/**
 * A relay between its own stdin and stdout and the address. It says `breakwater PID` first, ends when either side
 * ends, and then closes the connection; `lastWords` are said to the debugger before that, also after a normal end, so they
 * must do no harm then. Undefined when nothing there can.
 *
 * python3 and socat set TCP_NODELAY; the others can't, so small writes that follow each other may wait for an
 * acknowledgement (up to 40 ms on Linux). Hence the order. busybox's nc (1.35) is last: it copies one direction at a time
 * and stops for good when more than the kernel keeps is under way in both; OpenBSD's notices the debugger's orderly end
 * only when it next has something to write.
 */
export function relayCommand(
  far: FarSide,
  address: Address,
  token: string,
  lastWords?: Buffer,
): [string, ...string[]] | undefined {
  const { has } = far
  const target = 'path' in address ? [address.path] : [address.host, String(address.port)]
  if (has.has('python3')) return pythonCommand(PYTHON_RELAY, [token, lastWords?.toString('hex') ?? '', ...target])
  const words =
    lastWords === undefined ? '' : [...lastWords].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  // Only a shell that has the connection itself can still speak on it.
  const speaks = words !== ''
  if (has.has('socat') && !speaks) {
    const to =
      'path' in address
        ? `UNIX-CONNECT:${socatWord(address.path)}`
        : `TCP:${socatWord(address.host.includes(':') ? `[${address.host}]` : address.host)}:${address.port},nodelay`
    return ['sh', '-c', childRelay('socat -t 0.1 - "$2"'), 'sh', token, to]
  }
  if (has.has('bash') && !('path' in address)) {
    return ['bash', '-c', BASH_RELAY, 'bash', token, words, address.host, String(address.port)]
  }
  if (speaks) return undefined
  if ('path' in address) {
    return has.has('nc-N') ? ['sh', '-c', childRelay('nc -N -U "$2"'), 'sh', token, address.path] : undefined
  }
  const netcat = has.has('nc-N') ? 'nc -N' : has.has('nc') ? 'nc' : has.has('busybox-nc') ? 'busybox nc' : undefined
  return netcat === undefined ? undefined : ['sh', '-c', childRelay(`${netcat} "$2" "$3"`), 'sh', token, ...target]
}

/** socat reads `:`, `,` and `!` in an address, unless escaped. */
function socatWord(text: string): string {
  return text.startsWith('[') ? text : text.replaceAll(/[\\,:!"'()]/g, (character) => `\\${character}`)
}

/**
 * The two directions are two processes. The one that reads from us is in the background too, since bash only runs a
 * trap while it waits. Nothing but the copy of the debugger's side keeps stdout open, so its end is seen.
 */
const BASH_RELAY = [
  'trap "" PIPE',
  'p="$2"',
  `exec 3<>"/dev/tcp/$3/$4" || { echo "${MARK} refused"; exit 0; }`,
  'exec 4<&0',
  `echo "${MARK} $$"`,
  'cat <&3 4<&- & c=$!',
  'cat <&4 >&3 2>/dev/null & w=$!',
  'e() { kill $w; test -z "$p" || printf "$p" >&3; kill $c; exit 0; }',
  'trap e TERM HUP INT',
  'exec 4<&- >&- 2>/dev/null',
  'wait $w',
  'e',
].join('; ')

/** A relay that is a program of its own. */
function childRelay(program: string): string {
  return [
    'exec 4<&0',
    `echo "${MARK} $$"`,
    `${program} <&4 & w=$!`,
    'e() { kill $w; exit 0; }',
    'trap e TERM HUP INT',
    'exec 4<&- >&- 2>/dev/null',
    'wait $w',
  ].join('; ')
}

/** Two threads, since one loop over both directions can block itself when both buffers are full. */
const PYTHON_RELAY = `
import os,signal,socket,sys,threading
words=bytes.fromhex(sys.argv[2])
try:
 if len(sys.argv)==4:
  s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[3])
 else:
  s=socket.create_connection((sys.argv[3],int(sys.argv[4])),10); s.settimeout(None)
  s.setsockopt(socket.IPPROTO_TCP,socket.TCP_NODELAY,1)
except OSError as e:
 os.write(1,("${MARK} refused %s\\n"%e).encode()); os._exit(0)
def last(*_):
 try:
  if words: s.settimeout(1); s.sendall(words)
  s.shutdown(socket.SHUT_RDWR)
 finally: os._exit(0)
for n in (signal.SIGTERM,signal.SIGHUP,signal.SIGINT): signal.signal(n,last)
os.write(1,b"${MARK} %d\\n"%os.getpid())
def up():
 try:
  while 1:
   d=os.read(0,65536)
   if not d: break
   s.sendall(d)
 finally: last()
threading.Thread(target=up,daemon=True).start()
try:
 while 1:
  d=s.recv(65536)
  if not d: break
  while d: d=d[os.write(1,d):]
finally: os._exit(0)
`

export function pythonCommand(script: string, words: readonly string[]): [string, ...string[]] {
  const code = Buffer.from(script).toString('base64')
  return ['python3', '-I', '-S', '-u', '-c', `import base64;exec(base64.b64decode("${code}"))`, ...words]
}

/** Waits for the line with which our scripts begin: the PID. What comes after it stays in the stream. */
export async function readPid(hop: string, stream: Duplex, signal: AbortSignal, timeoutMs: number): Promise<number> {
  const late = new HopError(
    hop,
    'timeout',
    `the relay did not start within ${timeoutMs / 1000} s`,
    'Is the far side very busy?',
  )
  const timer = setTimeout(() => stream.destroy(late), timeoutMs)
  try {
    return await abortable(firstLine(hop, stream), signal)
  } catch (error) {
    stream.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Shells that greet (a profile that prints) say at most this much before our line. */
const GREETING_BYTES_MAX = 16_384

function firstLine(hop: string, stream: Duplex): Promise<number> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0)
    const done = (): void => {
      stream.off('readable', onReadable).off('close', onClose)
    }
    const onReadable = (): void => {
      for (let chunk: unknown = stream.read(); chunk instanceof Buffer; chunk = stream.read()) {
        seen = Buffer.concat([seen, chunk])
        const match = /(?:^|\n)breakwater (\d+|refused)([^\n]*)\n/.exec(seen.toString('latin1'))
        if (match?.[1] === 'refused') {
          done()
          const advice = 'Start the debugger in the program, or check its address as seen from that machine.'
          return reject(new HopError(hop, 'unreachable', `nothing listens there:${match[2]}`.replace(/:$/, ''), advice))
        }
        if (match !== null) {
          done()
          const rest = seen.subarray(match.index + match[0].length)
          if (rest.length > 0) stream.unshift(rest)
          return resolve(Number(match[1]))
        }
        if (seen.length > GREETING_BYTES_MAX) {
          done()
          const advice = 'Does a login script print? It must be silent without a terminal.'
          return reject(new HopError(hop, 'command', 'the far side talks too much before the relay starts', advice))
        }
      }
    }
    const onClose = (): void => {
      done()
      const said = seen.toString('utf8').trim().slice(-200)
      const advice = 'See the target in: breakwater doctor'
      reject(stream.errored ?? new HopError(hop, 'command', `the relay ended at once${said && `: ${said}`}`, advice))
    }
    stream.on('readable', onReadable).once('close', onClose)
    onReadable()
  })
}
