import type { Runtime } from 'node:inspector'
import { randomBytes } from 'node:crypto'
import type { Call } from '../../../dap/call.ts'
import { dapError, type DapError } from '../../../dap/errors.ts'
import { CdpError } from '../connection.ts'
import { tooLargeCode } from '../frames.ts'
import type { Frame, Thread } from '../parts.ts'
import { keptGroup, stopGroup, type Node, type Nodes } from './nodes.ts'
import { NotReadable, read, resolve, type Row } from './reader.ts'
import type { Scopes } from './scopes.ts'
import { rowOf } from './show.ts'

/** A look is not worth more: V8 ends it then, and the program goes on. */
export const lookMs = 500
/** Of a getter that somebody has opened. */
const getterMs = 2_000
/** What a client's own request may take where it has no deadline. */
const runMaxMs = 30_000
/** V8 ends it so much before the request's own deadline, so that the client gets V8's word on it. */
const marginMs = 250

export interface Where {
  readonly thread: Thread
  readonly frame: Frame | undefined
}

export interface How {
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Refused by V8 at the first side effect. */
  readonly pure: boolean
  /** Statements of a console: declared again without complaint, `await` where the program runs. */
  readonly repl?: boolean
}

export interface Result {
  readonly row: Row
  /** V8's handle; `''` for what has none. */
  readonly base: string
}

/** What was thrown, or V8's refusal, in words for the one who has written the expression. */
export class Thrown extends Error {
  readonly isSideEffect: boolean
  readonly isSyntax: boolean

  constructor(details: Runtime.ExceptionDetails) {
    const { exception, text } = details
    const said =
      exception?.description?.split('\n    at ')[0] ?? (exception === undefined ? text : plainText(exception))
    super(said)
    this.isSideEffect = said.startsWith('EvalError: Possible side-effect in debug-evaluate')
    this.isSyntax = said.startsWith('SyntaxError')
  }
}

function plainText(remote: Runtime.RemoteObject): string {
  return remote.type === 'string' ? String(remote.value) : rowOf(remote).t
}

/** What a request may take in the program, by its deadline. */
export function budgetMs(call: Pick<Call, 'remainingMs'>, maxMs = runMaxMs): number {
  return Math.max(1, Math.floor(Math.min(maxMs, call.remainingMs() - marginMs)))
}

/** Runs expressions in the program, each with an end that V8 itself sees to. */
export class Runner {
  readonly #nodes: Nodes
  readonly #scopes: Scopes
  readonly #global = `__breakwater_${randomBytes(4).toString('hex')}`

  constructor(nodes: Nodes, scopes: Scopes) {
    this.#nodes = nodes
    this.#scopes = scopes
  }

  /** Rejects with {@link Thrown}, and with DapError where V8 has ended it. */
  async run(expression: string, where: Where, how: How): Promise<Runtime.RemoteObject> {
    const { thread, frame } = where
    const { stop } = thread
    if (stop === undefined && frame === undefined) return this.#runGlobal(expression, thread, how)
    // A timeout of `Runtime.evaluate` never comes while V8 is paused (Node 20, 24).
    const top = frame ?? stop?.frames.at(-1)
    this.#nodes.stopHas(thread)
    if (!how.pure && stop !== undefined) this.#scopes.changed(stop)
    const params = { ...paramsOf(expression, how, stopGroup), callFrameId: top?.callFrame.callFrameId }
    try {
      return await this.#ask(thread, 'Debugger.evaluateOnCallFrame', params, how)
    } catch (error) {
      // It runs already: another client let it, and the event of that is on its way.
      const hasRun = error instanceof CdpError && error.message.startsWith('Can only perform operation while paused')
      if (!hasRun) throw error
      if (frame !== undefined) throw dapError('staleHandle', { kind: 'frame' }, { cause: error })
      return this.#runGlobal(expression, thread, how)
    }
  }

  async #runGlobal(expression: string, thread: Thread, how: How): Promise<Runtime.RemoteObject> {
    // V8 answers in this mode only at the program's next microtasks, which a stop can put off: not without need.
    const needsRepl = how.repl === true && !how.pure && /\b(?:await|const|let|class)\b/.test(expression)
    const repl = needsRepl ? { replMode: true, awaitPromise: true } : {}
    const params = { ...paramsOf(expression, how, keptGroup), ...repl }
    const remote = await this.#ask(thread, 'Runtime.evaluate', params, how)
    if (remote.objectId !== undefined) this.#nodes.keep(remote.objectId, thread)
    return remote
  }

  async #ask(thread: Thread, method: string, params: object, how: How): Promise<Runtime.RemoteObject> {
    let answer: Runtime.EvaluateReturnType
    try {
      answer = await thread.cdp.request<Runtime.EvaluateReturnType>(method, params, how.signal)
    } catch (error) {
      throw ended(error, how.timeoutMs)
    }
    if (answer.exceptionDetails !== undefined) throw new Thrown(answer.exceptionDetails)
    return answer.result
  }

  /** As a look if V8 lets it pass as one, so that what is known of the stop stays good. */
  async runPureFirst(expression: string, where: Where, how: Omit<How, 'pure'>): Promise<Runtime.RemoteObject> {
    if (where.thread.stop !== undefined) {
      try {
        return await this.run(expression, where, { ...how, pure: true })
      } catch (error) {
        if (!(error instanceof Thrown) || !error.isSideEffect) throw error
      }
    }
    return this.run(expression, where, { ...how, pure: false })
  }

  /** How it is shown, in the same words as a variable. */
  async describe(remote: Runtime.RemoteObject, thread: Thread, signal: AbortSignal): Promise<Result> {
    const { objectId } = remote
    if (objectId === undefined) return { row: rowOf(remote), base: '' }
    const want = { action: 'describe', steps: [] } as const
    try {
      const [answer] = await read(thread, [{ base: objectId, want }], signal)
      const row = answer?.rows?.[0] ?? rowOf(remote)
      return { row: row.k === 'regexp' ? rowOf(remote) : row, base: objectId }
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error
      return { row: rowOf(remote), base: objectId }
    }
  }

  /**
   * Runs a function's body with values of the program: `callFunctionOn` has no timeout, and nothing ends what it runs
   * (`Runtime.terminateExecution` is not answered in a pause; Node 20, 24). So they are put into a hidden global, from
   * where the evaluation takes them, and it away. `before` is put before the call: an assignment in the frame.
   */
  async runWith(
    body: string,
    values: readonly Runtime.CallArgument[],
    on: string,
    where: Where,
    how: Omit<How, 'pure'>,
    before = '',
  ): Promise<Runtime.RemoteObject> {
    const put = await where.thread.cdp.request<Runtime.CallFunctionOnReturnType>(
      'Runtime.callFunctionOn',
      {
        objectId: on,
        functionDeclaration: `function (name, ...values) {
          Object.defineProperty(globalThis, name, { value: values, configurable: true })
        }`,
        arguments: [{ value: this.#global }, ...values],
        silent: true,
      },
      how.signal,
    )
    if (put.exceptionDetails !== undefined) throw new Thrown(put.exceptionDetails)
    const expression = `${before}(function (values) { 'use strict'; delete globalThis.${this.#global}; ${body} })(${this.#global})`
    return this.run(expression, where, { ...how, pure: false })
  }

  /** What the getter of a property gives: the one thing that a look runs, when somebody asks for it. */
  async getter(node: Node, call: Call): Promise<Result> {
    const { thread, base, steps, row } = node
    const last = steps.at(-1)
    if (last === undefined) throw dapError('notAnswered', { why: 'This getter cannot be run.' })
    const owner = (await resolve(thread, base, [steps.slice(0, -1)], call.signal)).objectId
    if (owner === undefined) throw dapError('notAnswered', { why: 'This value is no longer there.' })
    const key = 's' in last ? `Object.getOwnPropertySymbols(values[0])[${last.s}]` : JSON.stringify(row.n)
    const how = { signal: call.signal, timeoutMs: budgetMs(call, getterMs) }
    try {
      const args = [{ objectId: owner }]
      const remote = await this.runWith(`return values[0][${key}]`, args, owner, { thread, frame: undefined }, how)
      return await this.describe(remote, thread, call.signal)
    } catch (error) {
      throw notAnswered(error)
    }
  }
}

function paramsOf(expression: string, { timeoutMs, pure }: How, objectGroup: string): object {
  return { expression, objectGroup, silent: true, timeout: timeoutMs, throwOnSideEffect: pure }
}

/** V8's end of an evaluation; anything else as it is. */
function ended(error: unknown, timeoutMs: number): unknown {
  if (!(error instanceof CdpError)) return error
  if (error.message === 'Execution was terminated') {
    return dapError('notAnswered', { why: `It took longer than ${timeoutMs} ms and was ended. The program goes on.` })
  }
  if (error.code === tooLargeCode) {
    return dapError('notAnswered', {
      why: 'The result is too large to be sent. Ask for a part of it: text.slice(0, 1000).',
    })
  }
  return error
}

/** An error of the evaluation for the client. */
export function notAnswered(error: unknown): DapError | Error {
  if (error instanceof NotReadable) {
    return dapError('notAnswered', { why: `This cannot be read here: ${error.message}.` }, { cause: error })
  }
  if (error instanceof CdpError) return dapError('debuggerFailed', { message: error.message }, { cause: error })
  if (!(error instanceof Thrown)) return error instanceof Error ? error : new Error(String(error))
  if (error.isSideEffect) {
    const why =
      'It would change the program, or run code of which V8 does not know that it changes nothing. ' +
      'Names, members, operators and pure functions can be evaluated here.'
    return dapError('notAnswered', { why }, { cause: error })
  }
  if (/\bawait\b/.test(error.message) && error.isSyntax) {
    const why = "A program that is paused cannot finish what is awaited. Evaluate it without 'await', or let it run."
    return dapError('notAnswered', { why }, { cause: error })
  }
  return dapError('notAnswered', { why: error.message }, { cause: error })
}
