import type { Address } from '../../transport/transport.ts'

/*
 * What is odd about debugpy, each with the versions it was seen in ("both": 1.6.6 and 1.8.22) and what we do about it.
 * The commands it may be sent are the handlers of backend.ts and nothing else: a command that its schema knows and that
 * it does not implement (`cancel`, `readMemory`, `restartFrame`, ...) is never answered, nor is anything after it, and a
 * stopped program then stays stopped for ever (both).
 */

/**
 * Decides which events come. `visualstudio` and `vsformac` get no `continued` events (adapter/servers.py); everybody
 * else gets them for each resume, in the order answer, `continued`, `stopped`. We need them: they end what was read.
 */
export const clientId = 'breakwater'

/**
 * How long debugpy may take to show that it is debugpy. It greets every connection with two telemetry events and
 * `debugpySockets` before it is asked anything (both), so this is round trips and a busy machine, not work.
 */
export const greetingMs = 8_000

/** `attach` waits 15 s by itself for a program that is gone. One that lives has been connected all along. */
export const serverMs = 5_000

/**
 * A new client must not come while the one before is going: the adapter greets it through the oldest session that it
 * still knows, and when that one's stream is closed the error ends the thread that accepts clients. The port then takes
 * connections and serves none, until the program is started anew (both; seen with a reconnect within 2 ms of the end).
 */
export const settleMs = 300

/**
 * `evaluate` is the one request that the adapter does not wait for, and an answer whose client has gone ends its
 * connection to the program, and then the adapter: the program runs on, but its port is closed until it is started anew
 * (both; adapter/clients.py, `evaluate_request`). So an end waits for evaluations; they have been interrupted, and only
 * C code, as `time.sleep`, takes longer to notice. An end that we have no part in (the tunnel is cut) can still meet it.
 */
export const evaluatedMs = 4_000

/** `disconnect` takes no longer than this, whatever debugpy does: then the stream is closed, which detaches too. */
export const detachMs = 2_000

/**
 * Path mappings are global to the program, sticky, and kept by an attach that has none or an empty list (both), so a
 * former client's would go on. We map paths ourselves, so there must be one that does nothing:
 * - here: `/` is `/`. All files count as the client's and have no `sourceReference`.
 * - elsewhere: a prefix that no path has. Every file counts as unmapped and gets a `sourceReference` beside its path, so
 *   that the client can be shown what it lacks. (Session: drop the reference when a mapping of the target applies.)
 *   A breakpoint in a file that does not exist then makes pydevd print one line to the program's stderr.
 */
export function pathMappings(elsewhere: boolean): { localRoot: string; remoteRoot: string }[] {
  const root = elsewhere ? '/<paths are mapped by breakwater>' : '/'
  return [{ localRoot: root, remoteRoot: root }]
}

/** Is the program on the machine that its client is on, as far as we can know? Then its files are the client's. */
export function isElsewhere(transport: string, address: Address): boolean {
  if (transport !== 'direct') return true
  return 'host' in address && !/^(localhost|::1|127\.[\d.]+)$/.test(address.host)
}

/*
 * More that cannot be helped from here:
 * - Exception filters in a program that was running already stop it only when it has a breakpoint too (1.6.6; a
 *   condition that never holds is enough). A program that waits for its client is not concerned.
 * - At an exception stop pydevd itself words the exception for its `stopped` event: `str(exc)` runs, in every mode
 *   (both). `exceptionInfo` of ours does not in read-only modes.
 * - `variables` and the other requests but `evaluate` are done one after another. In control, a `__repr__` or a property
 *   that never returns blocks the adapter, and no client can reach the program any more (both).
 * - A class body whose metaclass has a `__prepare__` of its own: pydevd copies its namespace before any evaluation,
 *   and so asks that mapping (both).
 */

/** Options of a target that go into `attach` as they are (config/backends.ts checks them). */
const passed = ['justMyCode', 'django', 'jinja', 'redirectOutput', 'showReturnValue'] as const

/**
 * The arguments of `attach`.
 * - An empty object is refused ("missing 1 required positional argument", both): ours never is.
 * - `debugOptions` and `options` are lists of strings here; the other settings are sticky like the mappings, so each is
 *   said even where it has its default.
 * - `clientOS` is the system whose paths we send, and those are the program's own. Windows programs are not supported.
 * - `subProcess: false` has no effect here (both): children block until somebody attaches, see children.ts.
 */
export function attachArguments(
  settings: Readonly<Record<string, unknown>>,
  elsewhere: boolean,
  process: number | undefined,
): Record<string, unknown> {
  const own: Record<string, unknown> = {
    justMyCode: true,
    redirectOutput: false,
    showReturnValue: false,
    django: false,
    jinja: false,
    clientOS: 'unix',
    pathMappings: pathMappings(elsewhere),
  }
  for (const name of passed) if (settings[name] !== undefined) own[name] = settings[name]
  if (process !== undefined) own['subProcessId'] = process
  return own
}

/**
 * Header and body of each message leave the program in two writes without TCP_NODELAY (both; upstream issue #2054), so
 * each answer of a burst waits some 40 ms for a delayed acknowledgement. One evaluate without a frame sets the option
 * on the debugger's own socket: a stop's stackTrace, scopes and variables go from 135 to 14 ms. It touches nothing of
 * the program's, leaves no name, imports nothing, and is `None`, since 1.6.6 prints any other value to the program's
 * stdout.
 */
export const noDelay =
  "(lambda m: m and m.get_global_debugger().writer.sock.setsockopt(6, 1, 1))(__import__('sys').modules.get('_pydevd_bundle.pydevd_constants'))"

/**
 * `repl` without a frame swaps `sys.stdout` for the time of the evaluation, while the program runs and may be inside
 * `print`, which until 3.12.10 and 3.13.3 holds a borrowed reference to it: the program then dies with SIGSEGV
 * (python/cpython#130163; seen on 3.12.1 and 3.13.0). Without a frame all contexts execute statements, so we send
 * `watch`, which swaps nothing. What such an expression prints goes to the program's own stdout.
 * With a frame the program is stopped, and `repl` is kept: it is the only context that executes statements.
 */
export function safeContext(context: string | undefined, hasFrame: boolean): string {
  if (!hasFrame) return 'watch'
  return context ?? 'watch'
}

/**
 * 1.6.6 answers an evaluation without a frame with an empty result and writes the value to `sys.stdout`, with `watch`
 * that is the program's. This asks for the same, and has the value sent as an `output` event of the debugger.
 */
export function framelessForOld(expression: string): string {
  const source = [
    'def run(text, names):',
    ' try:',
    "  code = compile(text, '<string>', 'eval')",
    ' except SyntaxError:',
    "  return exec(compile(text, '<string>', 'exec'), names)",
    ' value = eval(code, names)',
    ' if value is not None:',
    "  db = __import__('sys').modules['_pydevd_bundle.pydevd_constants'].get_global_debugger()",
    "  db.writer.add_command(db.cmd_factory.make_io_message(repr(value) + '\\n', 1))",
    'run(text, names)',
  ].join('\n')
  return `(lambda names: exec(${pythonString(source)}, {'text': ${pythonString(expression)}, 'names': names}))(globals())`
}

/** Does an evaluation without a frame answer with its value? The first 1.8.x does. */
export function answersFrameless(version: string | undefined): boolean {
  if (version === undefined) return true
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 1 || (major === 1 && minor >= 8)
}

/**
 * A Python literal of the text. `.__` must not appear in what we evaluate: when such an expression fails, pydevd takes
 * it apart at the dots and evaluates the pieces (pydevd_vars.py, name mangling, both). `@LINE@` would become a newline.
 */
export function pythonString(text: string): string {
  let literal = ''
  for (const character of text) {
    const point = character.codePointAt(0)!
    if (character === '"' || character === '\\') literal += `\\${character}`
    else if (point >= 0x20 && point < 0x7f) literal += character
    else if (point <= 0xff) literal += `\\x${hex(point, 2)}`
    else literal += point <= 0xffff ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`
  }
  return `"${literal.replaceAll('.__', '\\x2e__').replaceAll('@LINE@', '\\x40LINE@')}"`
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}

/** The adapter's sentence when another client has the program: `Server[pid=7] is already being debugged.` (both). */
export function debuggedProcess(message: string): string | undefined {
  if (!message.includes('is already being debugged')) return undefined
  const pid = /pid=(\d+)/.exec(message)?.[1]
  return pid === undefined ? 'The program' : `The program (process ${pid})`
}
