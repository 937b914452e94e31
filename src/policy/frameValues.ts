import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, Arguments, Body } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import { present } from '../lib/present.ts'
import type { Page, Value, ValueSource } from './expression/walk.ts'
import type { Next } from './policy.ts'
import { redactVariables, type Redactor } from './redactor.ts'

/** Asks the debugger on behalf of `call`: within its time, and given up with it. */
export function asker(call: AnyCall, next: Next) {
  return <C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> =>
    next({ ...call, command, arguments: args } as AnyCall) as Promise<Body<C>>
}

/**
 * What the walker sees of a stopped frame. The values are redacted already here: whatever is computed over a hidden
 * value is computed over its mark, and a shape that was cut out of a text leaves something that is no literal.
 */
export function frameValues(call: AnyCall, next: Next, frameId: number, redactor: Redactor): ValueSource {
  const ask = asker(call, next)
  return {
    async scopes() {
      const { scopes } = await ask('scopes', { frameId })
      return scopes.map(({ name, variablesReference, expensive, presentationHint }) => ({
        name,
        ref: variablesReference,
        ...present({ expensive, presentationHint }),
      }))
    },
    async children(ref: number, page?: Page) {
      // A client cannot name this reference; but a hidden value must not be expanded by us for it either.
      if (redactor.withheld(ref)) return []
      const { variables } = await ask('variables', { variablesReference: ref, ...page })
      return redactVariables(variables, redactor).map(toValue)
    },
  }
}

function toValue(variable: DebugProtocol.Variable): Value {
  const { name, value, variablesReference, type, evaluateName, presentationHint } = variable
  const { indexedVariables: indexed, namedVariables: named } = variable
  return {
    name,
    text: value,
    ref: variablesReference,
    ...present({ type, evaluateName, indexed, named, presentationHint }),
  }
}
