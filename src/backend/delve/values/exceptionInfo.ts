import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { abortable } from '../../../lib/abort.ts'
import { present } from '../../../lib/present.ts'
import { DelveError } from '../connection.ts'
import { functionName, isRuntime } from '../names.ts'
import type { Parts, Stop } from '../parts.ts'
import { loadConfig } from '../quirks.ts'
import { scopeOf, stackRead } from '../reads.ts'
import { deadlyText, errorReason, fatalThrow, unrecoveredPanic } from '../reasons.ts'
import type { Stackframe, Thread, Variable } from '../wire.ts'
import { formatValue } from './format.ts'
import { heldBy, kinds } from './kinds.ts'

/** A panic that nobody recovers from, or an error that the runtime ends the program with. */
interface Thrown {
  readonly kind: 'panic' | 'fatal error'
  /** What the program would print behind `panic:` or `fatal error:`. */
  readonly text: string
  /** Of the value that was given to `panic`. */
  readonly type: string | undefined
}

function threadOf({ state }: Stop, goroutine: number): Thread | undefined {
  const isAt = ({ goroutineID }: Thread): boolean => goroutineID === goroutine || goroutine < 0
  const { currentThread } = state
  return currentThread !== undefined && isAt(currentThread) ? currentThread : state.Threads?.find(isAt)
}

/** Undefined where the goroutine has stopped at something else. */
async function thrownAt(stop: Stop, goroutine: number, signal: AbortSignal): Promise<Thrown | undefined> {
  const breakpoint = threadOf(stop, goroutine)?.breakPoint
  if (breakpoint?.id !== unrecoveredPanic && breakpoint?.id !== fatalThrow) return undefined
  const isPanic = breakpoint.id === unrecoveredPanic
  // By now the runtime has put the text of an error in its place; one frame above, `gopanic` was given the value itself.
  const given = isPanic ? known(readAt(stop, goroutine, 'e', 1, signal)) : undefined
  const text = await known(abortable(deadlyText(stop, goroutine, breakpoint), signal))
  const variable = await given
  const held = variable?.kind === kinds.interface ? heldBy(variable) : undefined
  return {
    kind: isPanic ? 'panic' : 'fatal error',
    text: text ?? (held === undefined ? '' : formatValue(held)),
    type: held?.type,
  }
}

async function readAt(
  stop: Stop,
  goroutine: number,
  expression: string,
  frame: number,
  signal: AbortSignal,
): Promise<Variable | undefined> {
  const argument = { Scope: scopeOf(goroutine, frame), Expr: expression, Cfg: loadConfig }
  return (await stop.read('Eval', argument, signal)).Variable ?? undefined
}

/** A Go whose runtime has other names: less is told. */
async function known<T>(work: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof DelveError) return undefined
    throw error
  }
}

/** For a goroutine by its own id, which is not always DAP's. */
export async function exceptionInfo(parts: Parts, call: Call<'exceptionInfo'>): Promise<Body<'exceptionInfo'>> {
  const { stop } = parts.program
  if (stop === undefined) throw dapError('notStopped', {})
  const goroutine = call.arguments.threadId
  const thrown = await thrownAt(stop, goroutine, call.signal)
  const isSelected = goroutine === stop.selected || goroutine < 0
  if (thrown === undefined && (stop.error === undefined || !isSelected)) {
    throw dapError('wrongState', { command: 'exceptionInfo', why: 'the goroutine has not stopped at an exception' })
  }
  const stackTrace = await stackText(parts, stop, goroutine, call.signal)
  if (thrown === undefined) {
    const { text = '' } = errorReason(stop.error!)
    const details = { message: text, stackTrace }
    return { exceptionId: 'runtime error', description: text, breakMode: 'always', details }
  }
  const { kind, text, type } = thrown
  const details: DebugProtocol.ExceptionDetails = {
    message: text,
    ...present({ typeName: type, fullTypeName: type }),
    stackTrace,
  }
  return { exceptionId: kind, description: text, breakMode: 'unhandled', details }
}

/** As the runtime prints it: the function, and its place in the line below. */
async function stackText(parts: Parts, stop: Stop, goroutine: number, signal: AbortSignal): Promise<string> {
  const { Locations } = await stop.read(...stackRead(goroutine), signal)
  const frames = Locations ?? []
  const first = frames.findIndex((frame) => !isRuntime(frame.function))
  const shown = frames.filter((frame, at) => at >= first && !isRuntime(frame.function))
  const lines = (shown.length > 0 ? shown : frames).map((frame) => frameText(parts, frame))
  return `goroutine ${goroutine < 0 ? stop.selected : goroutine}:\n${lines.join('\n')}`
}

function frameText({ paths }: Parts, frame: Stackframe): string {
  return `${functionName(frame.function)}(...)\n\t${paths.toClient(frame.file)}:${frame.line}`
}
