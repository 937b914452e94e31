import { dapError, DapError } from '../../../dap/errors.ts'
import { abortable } from '../../../lib/abort.ts'
import { DelveError } from '../connection.ts'
import { loadConfig } from '../quirks.ts'
import { scopeOf } from '../reads.ts'
import type { LoadConfig, Variable } from '../wire.ts'
import { isOptimisedAway } from './format.ts'
import { bracketed, type Item } from './item.ts'
import { childrenOf, isMissing, kinds } from './kinds.ts'
import type { Place } from './nodes.ts'

/** Elements in one request to Delve, whose lock it holds meanwhile; pages are put together from pieces in one flight. */
export const pieceMax = loadConfig.MaxArrayValues

/** What Delve says of an expression, as our error. */
export function told(error: unknown): unknown {
  if (!(error instanceof DelveError)) return error
  const { message } = error
  if (message.startsWith('function calls not allowed')) {
    const why = "A function is not called in an evaluation: in the mode 'control' write `call` in front of it."
    return dapError('notAnswered', { why })
  }
  // A bug of Delve, with the stack of its own below.
  const [, internal] = /^Internal debugger error: (.*?)(?: \(recovered\))?$/m.exec(message) ?? []
  if (internal !== undefined) return dapError('notAnswered', { why: `Delve itself has failed at this: ${internal}.` })
  return dapError('notAnswered', { why: sentence(message) })
}

/** Begins with what the user has written, or with a type: in Go a capital would be another name. */
const named = /^\S+ \(type |^\S*\.| (?:has no member|is not a struct)|^\S+ is nil$/

function sentence(message: string): string {
  const [, column, syntax] = /^\d+:(\d+): (.*)/.exec(message) ?? []
  if (syntax === "expected '==', found '='") {
    return "An assignment is no expression: in the mode 'control' write `call` in front of it."
  }
  if (syntax !== undefined) return `This is not a Go expression (column ${column}): ${syntax}.`
  const [, goroutine] = /^unknown goroutine (\d+)/.exec(message) ?? []
  if (goroutine !== undefined) return `There is no goroutine ${goroutine}, or none any more.`
  if (message === 'selected goroutine not running') {
    return 'This goroutine waits: a function is called, and a text set, only in one that is on a thread.'
  }
  if (isOptimisedAway(message)) {
    return "The compiler has optimised it away here: build with -gcflags='all=-N -l' to see all."
  }
  if (message.startsWith('no type entry found')) return 'The program has no such type.'
  // Delve 1.20 does not name what has no name.
  if (message.startsWith(' has no member')) return `The value${message}.`
  if (named.test(message)) return `${message}.`
  return `${message[0]?.toUpperCase() ?? ''}${message.slice(1)}.`
}

export async function read(
  { stop, goroutine, frame }: Place,
  expression: string,
  signal: AbortSignal,
  config: LoadConfig = loadConfig,
): Promise<Variable> {
  const argument = { Scope: scopeOf(goroutine, frame), Expr: expression, Cfg: config }
  try {
    const { Variable: variable } = await abortable(stop.read('Eval', argument), signal)
    if (variable === null) throw dapError('notAnswered', { why: 'This expression has no value.' })
    return variable
  } catch (error) {
    throw error instanceof DapError && error.code === 'notStopped' && stop.isOver
      ? dapError('staleHandle', { kind: 'variable' })
      : told(error)
  }
}

/** Read once more, to its full depth; what cannot be is shown as far as it is known. */
export async function readAgain(place: Place, item: Item, signal: AbortSignal, config?: LoadConfig): Promise<Item> {
  if (item.expression === undefined) return item
  return { ...item, variable: await read(place, item.expression, signal, config) }
}

/** Children `[start, start + count)` of a slice, an array or a map (there keys and values in turn). */
export async function readPage(
  place: Place,
  { variable, expression }: Item,
  start: number,
  count: number,
  signal: AbortSignal,
): Promise<Variable[]> {
  const width = variable.kind === kinds.map ? 2 : 1
  const loaded = childrenOf(variable)
  const pieces: Promise<readonly Variable[]>[] = []
  const end = Math.min(start + count, variable.len)
  for (let from = start; from < end; from += pieceMax) {
    const to = Math.min(end, from + pieceMax)
    const here = loaded.slice(from * width, to * width)
    const isHere = here.length === (to - from) * width && !here.some(isMissing)
    if (isHere || expression === undefined) {
      pieces.push(Promise.resolve(here))
      continue
    }
    // A map cannot be cut at its end.
    const cut = variable.kind === kinds.map ? `[${from}:]` : `[${from}:${to}]`
    const piece = read(place, bracketed(expression)! + cut, signal)
    pieces.push(piece.then((read_) => childrenOf(read_).slice(0, (to - from) * width)))
  }
  return (await Promise.all(pieces)).flat()
}
