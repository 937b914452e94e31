import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import type { Handlers } from '../../backend.ts'
import type { Parts } from '../parts.ts'
import { Calls } from './callText.ts'
import { setExpression, setVariable } from './change.ts'
import { completions } from './completions.ts'
import { evaluate } from './evaluate.ts'
import { exceptionInfo } from './exceptionInfo.ts'
import { scopesOf } from './frameVariables.ts'
import { Memory } from './memory.ts'
import { Nodes, type Place } from './nodes.ts'
import { Variables } from './variables.ts'

/** The values of the program: what they look like, what is in them, and how they are changed. */
export class Values {
  readonly handlers: Handlers
  readonly #parts: Parts
  readonly #nodes: Nodes

  constructor(parts: Parts) {
    this.#parts = parts
    const nodes = (this.#nodes = new Nodes(parts))
    const variables = new Variables(nodes)
    const own = { parts, nodes, calls: new Calls(parts) }
    const memory = new Memory(own)
    this.handlers = {
      scopes: (call) => this.#scopes(call),
      variables: (call) => variables.list(call),
      evaluate: (call) => evaluate(own, call),
      setVariable: (call) => setVariable(own, call),
      setExpression: (call) => setExpression(own, call),
      completions: (call) => completions(own, call),
      exceptionInfo: (call) => exceptionInfo(parts, call),
      readMemory: (call) => memory.read(call),
      writeMemory: (call) => memory.write(call),
    }
  }

  /** What was shown under that name, where it has a name for Delve. */
  find(reference: number, name: string): (Place & { readonly expression: string }) | undefined {
    const { place, shown } = this.#nodes.get(reference)
    const item = shown.get(name)
    const expression = item?.path ?? item?.expression
    return expression === undefined ? undefined : { ...place, expression }
  }

  async #scopes({ arguments: { frameId } }: Call<'scopes'>): Promise<Body<'scopes'>> {
    const frame = this.#parts.frame(frameId)
    if (frame === undefined || frame.stop.isOver) throw dapError('staleHandle', { kind: 'frame' })
    return { scopes: scopesOf(this.#parts, this.#nodes, frame) }
  }
}
