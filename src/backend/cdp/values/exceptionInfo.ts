import type { Runtime } from 'node:inspector'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import { present } from '../../../lib/present.ts'
import type { Parts, Thread } from '../parts.ts'
import { isCalm, NotReadable, read, resolve, type Row, type Step } from './reader.ts'
import { rowOf } from './show.ts'

/** Causes of causes, and errors of an AggregateError. */
const causesMax = 10
const errorsMax = 20

/** V8 adds to the thrown value whether anything of the program catches it. */
type Data = Runtime.RemoteObject & { readonly uncaught?: boolean }

/** The exception that a thread has stopped at. Its causes are read as values are: no getter is run. */
export async function exceptionInfo(parts: Parts, call: Call<'exceptionInfo'>): Promise<Body<'exceptionInfo'>> {
  const stop = parts.thread(call.arguments.threadId)?.stop
  const reason: string | undefined = stop?.event.reason
  if (stop === undefined || (reason !== 'exception' && reason !== 'promiseRejection')) {
    throw dapError('wrongState', { command: 'exceptionInfo', why: 'the thread has not stopped at an exception' })
  }
  const data = (stop.event.data ?? { type: 'undefined' }) as Data
  const row = rowOf(data)
  const isError = data.subtype === 'error'
  const typeName = isError ? (data.className ?? 'Error') : row.y
  const message = isError ? messageOf(row.t) : row.t
  const inner =
    data.objectId === undefined
      ? []
      : await innerOf(stop.thread, data.objectId, [], isError ? causesMax : 0, call.signal)
  return {
    exceptionId: typeName,
    description: isError ? row.t : `${typeName}: ${row.t}`,
    breakMode: data.uncaught === true ? 'unhandled' : 'always',
    details: {
      message,
      typeName,
      fullTypeName: typeName,
      ...present({
        stackTrace: isError ? data.description : undefined,
        innerException: inner.length > 0 ? inner : undefined,
      }),
    },
  }
}

/** `Order: 7 is missing` without the name. */
function messageOf(text: string): string {
  const colon = text.indexOf(': ')
  return colon < 0 ? '' : text.slice(colon + 2)
}

async function innerOf(
  thread: Thread,
  base: string,
  steps: readonly Step[],
  left: number,
  signal: AbortSignal,
): Promise<DebugProtocol.ExceptionDetails[]> {
  if (left <= 0) return []
  const below: { row: Row; steps: readonly Step[] }[] = []
  try {
    const at = (step: Step) => [...steps, step]
    const [cause, errors] = await read(
      thread,
      [
        { base, want: { action: 'describe', steps: at({ k: 'cause' }) } },
        { base, want: { action: 'children', steps: at({ k: 'errors' }), indexed: [0, errorsMax] } },
      ],
      signal,
    )
    const causeRow = cause?.rows?.[0]
    if (causeRow !== undefined && causeRow.y !== 'undefined') below.push({ row: causeRow, steps: at({ k: 'cause' }) })
    for (const row of errors?.rows ?? []) below.push({ row, steps: [...at({ k: 'errors' }), { k: row.n! }] })
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error
    return []
  }
  return Promise.all(
    below.map(async ({ row, steps: path }) => {
      const isError = row.k === 'error'
      const [inner, stackTrace] = await Promise.all([
        isError ? innerOf(thread, base, path, left - 1, signal) : [],
        isError ? stackOf(thread, base, path, row, signal) : undefined,
      ])
      return {
        message: isError ? messageOf(row.t) : row.t,
        typeName: row.y,
        fullTypeName: row.y,
        ...present({ stackTrace, innerException: inner.length > 0 ? inner : undefined }),
      }
    }),
  )
}

async function stackOf(
  thread: Thread,
  base: string,
  steps: readonly Step[],
  row: Row,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    if (!(await isCalm(thread, base, steps, row, signal))) return undefined
    return (await resolve(thread, base, [steps], signal)).description
  } catch (error) {
    if (!(error instanceof NotReadable)) throw error
    return undefined
  }
}
