import type { Runtime } from 'node:inspector'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import type { Handlers } from '../../backend.ts'
import type { Parts, Stop, Thread } from '../parts.ts'
import { Positions } from '../positions.ts'
import { setExpression, setVariable } from './change.ts'
import { completions } from './completions.ts'
import { evaluate } from './evaluate.ts'
import { exceptionInfo } from './exceptionInfo.ts'
import { readMemory, writeMemory } from './memory.ts'
import { Nodes } from './nodes.ts'
import { Runner } from './runner.ts'
import { Scopes } from './scopes.ts'
import { isExpandable, rowOf } from './show.ts'
import { Variables } from './variables.ts'

/** A value as an event shows it; the reference is good until its thread runs on, or for the newest of the output. */
export interface Shown {
  readonly value: string
  readonly type?: string
  readonly variablesReference: number
}

/** The values of the program: what they look like, what is in them, and how they are changed. */
export class Values {
  readonly handlers: Handlers
  readonly #parts: Parts
  readonly #nodes: Nodes
  readonly #scopes = new Scopes()

  constructor(parts: Parts) {
    this.#parts = parts
    const nodes = (this.#nodes = new Nodes(parts))
    const runner = new Runner(nodes, this.#scopes)
    const variables = new Variables(nodes, this.#scopes, runner, parts.context.guard.readOnly)
    const positions = new Positions(parts.options.client)
    const own = { parts, nodes, runner, variables, positions, scopes: this.#scopes }
    this.handlers = {
      scopes: (call) => Promise.resolve(this.#list(call)),
      variables: (call) => variables.list(call),
      evaluate: (call) => evaluate(own, call),
      setVariable: (call) => setVariable(own, call),
      setExpression: (call) => setExpression(own, call),
      completions: (call) => completions(own, call),
      exceptionInfo: (call) => exceptionInfo(parts, call),
      readMemory: (call) => readMemory(nodes, call),
      writeMemory: (call) => writeMemory(nodes, call),
    }
  }

  /** Called in the `paused` event: what the first view needs is asked for in the flight that follows it. */
  stopped(stop: Stop): void {
    this.#scopes.stopped(stop)
  }

  /** What was read of the thread is no longer so. */
  resumed(thread: Thread): void {
    this.#nodes.resumed(thread)
  }

  /** For output events: V8's own view, which it has sent with them. */
  shown(remote: Runtime.RemoteObject, thread: Thread): Shown {
    const row = rowOf(remote)
    const { objectId } = remote
    let variablesReference = 0
    if (objectId !== undefined && isExpandable(row)) {
      this.#nodes.keep(objectId, thread)
      variablesReference = this.#nodes.add({ thread, base: objectId, steps: [], row, part: { kind: 'all' } })
    }
    return { value: row.t, type: row.y, variablesReference }
  }

  #list({ arguments: { frameId } }: Call<'scopes'>): Body<'scopes'> {
    const frame = this.#parts.frame(frameId)
    if (frame === undefined) throw dapError('staleHandle', { kind: 'frame' })
    const { thread } = frame.stop
    const row = { t: '', y: '', k: 'object' } as const
    const scopes = this.#scopes.list(frame, (index) =>
      this.#nodes.add({ thread, base: '', steps: [], row, part: { kind: 'scope', frame, index } }),
    )
    return { scopes }
  }
}
