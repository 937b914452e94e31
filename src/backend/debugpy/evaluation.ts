import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { sleep } from '../../lib/abort.ts'
import type { Log } from '../../lib/log.ts'
import type { Upstream } from './connection.ts'
import { answersFrameless, framelessForOld, pythonString, safeContext } from './quirks.ts'

/** How long a program that is stuck in an expression may take to notice that it is interrupted. */
const rescueMs = 1_500

/** An expression that takes longer than this gets an end of its own, in the program. */
const longMs = 500
/** That end: later than any limit of ours (`evaluate` is 9 s at most), so that it only counts when we are gone. */
const ownEndSeconds = 10

/** Expressions in the program, and the way out of those that never end. */
export class Evaluation {
  readonly #upstream: Upstream
  readonly #log: Log
  readonly #rescues = new Set<Promise<void>>()
  readonly #pending = new Set<() => void>()
  /** A frame of the stop: the way in when an expression without a frame blocks all others without one. */
  #frameId: number | undefined

  constructor(upstream: Upstream, log: Log) {
    this.#upstream = upstream
    this.#log = log
  }

  stoppedAt(frameId: number | undefined): void {
    this.#frameId = frameId
  }

  async evaluate(call: Call<'evaluate'>): Promise<Body<'evaluate'>> {
    const { expression, context, frameId } = call.arguments
    const old = frameId === undefined && !answersFrameless(this.#upstream.version)
    const text = old ? framelessForOld(expression) : expression
    const args = { ...call.arguments, expression: text, context: safeContext(context, frameId !== undefined) }
    return this.#guarded(text, frameId, this.#upstream.request('evaluate', args, call.signal), call.signal)
  }

  /** The whole text of a string that the expression must come to. For our own expressions, whose end is known. */
  async text(expression: string, frameId: number, signal: AbortSignal): Promise<string> {
    const args = { expression, frameId, context: 'clipboard', format: { rawString: true } }
    const body = (await this.#upstream.request('evaluate', args, signal)) as Body<'evaluate'>
    if (body.type !== 'str') throw dapError('debuggerFailed', { message: body.result.slice(0, 500) })
    return body.result
  }

  async setExpression(call: Call<'setExpression'>): Promise<Body<'setExpression'>> {
    const answer = this.#upstream.request('setExpression', call.arguments, call.signal)
    return this.#guarded(call.arguments.value, call.arguments.frameId, answer as never, call.signal) as never
  }

  /** The end: interrupts what is still evaluated, and waits for that in bounded time. */
  async end(): Promise<void> {
    for (const interrupt of this.#pending) interrupt()
    const stop = new AbortController()
    await Promise.race([Promise.allSettled(this.#rescues), sleep(rescueMs, stop.signal).catch(() => {})])
    stop.abort()
  }

  async #guarded<T>(
    text: string,
    frameId: number | undefined,
    answer: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<T> {
    // Given up, not answered: the program is still in it, and would stay there when its debugger has long gone.
    const interrupt = (): void => {
      if (this.#pending.delete(interrupt)) this.#rescue(text, frameId)
    }
    const ownEnd = setTimeout(() => this.#sendOwnEnd(text, frameId), longMs)
    this.#pending.add(interrupt)
    signal.addEventListener('abort', interrupt, { once: true })
    try {
      return (await answer) as T
    } finally {
      clearTimeout(ownEnd)
      this.#pending.delete(interrupt)
      signal.removeEventListener('abort', interrupt)
    }
  }

  /** When the tunnel is cut or the daemon is killed nobody can interrupt: then the program does it by itself. */
  #sendOwnEnd(text: string, frameId: number | undefined): void {
    this.#beside(ownEnd(text), frameId).then(
      () => this.#log.debug({ seconds: ownEndSeconds }, 'a long expression ends by itself'),
      (error: unknown) => this.#log.debug({ err: error }, 'a long expression got no end of its own'),
    )
  }

  /** An evaluation that is not blocked by the one that has this frame, or none. */
  #beside(expression: string, frameId: number | undefined): Promise<unknown> {
    const way = frameId === undefined ? this.#frameId : undefined
    const args = { expression, context: 'watch', ...(way === undefined ? {} : { frameId: way }) }
    return this.#upstream.request('evaluate', args, AbortSignal.timeout(rescueMs))
  }

  #rescue(text: string, frameId: number | undefined): void {
    const rescue = this.#beside(interruption(text), frameId).then(
      () => {},
      (error: unknown) => this.#log.warn({ err: error }, 'an expression that never ends could not be interrupted'),
    )
    this.#rescues.add(rescue)
    void rescue.finally(() => this.#rescues.delete(rescue))
  }
}

/**
 * `stuck(frame)`: the frame of pydevd's own, in this stack, that evaluates just this text. `raise_in(thread)`: raises
 * KeyboardInterrupt there. Between a look and a raise no other thread runs: both happen under one hold of the GIL. A
 * thread inside C code (`time.sleep`) takes notice when that returns.
 */
const inPython = [
  'import ctypes, sys, threading, time',
  'def stuck(frame):',
  ' while frame is not None:',
  "  if frame.f_code.co_name == 'evaluate_expression' and frame.f_code.co_filename.endswith('pydevd_vars.py'):",
  "   return frame if frame.f_locals.get('expression') == text else None",
  '  frame = frame.f_back',
  'def raise_in(ident):',
  ' return ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))',
]

/** Interrupts the expression, or none if it has ended. It may not have begun yet, so this looks for some 0.3 s. */
function interruption(text: string): string {
  return runInPython(text, [
    'found = False',
    'for attempt in range(10):',
    ' for ident, frame in list(sys._current_frames().items()):',
    '  if stuck(frame):',
    '   found = raise_in(ident)',
    ' if found:',
    '  break',
    ' time.sleep(0.03)',
  ])
}

/** Has the program interrupt it later, if it is still in just this evaluation: the same text may be evaluated again. */
function ownEnd(text: string): string {
  return runInPython(text, [
    'def later(ident, found):',
    ' frame = sys._current_frames().get(ident)',
    ' while frame is not None:',
    '  if frame is found:',
    '   return raise_in(ident)',
    '  frame = frame.f_back',
    'for ident, frame in list(sys._current_frames().items()):',
    ' found = stuck(frame)',
    ' if found:',
    `  timer = threading.Timer(${ownEndSeconds}, later, (ident, found))`,
    // As pydevd marks its own threads: neither shown nor held.
    '  timer.daemon = timer.pydev_do_not_trace = timer.is_pydev_daemon_thread = True',
    '  timer.start()',
  ])
}

/** The expression is `None`: 1.6.6 prints everything else. */
function runInPython(text: string, lines: readonly string[]): string {
  const source = [...inPython, ...lines].join('\n')
  return `(lambda: exec(${pythonString(source)}, {'text': ${pythonString(text)}}))()`
}
