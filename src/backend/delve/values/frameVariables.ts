import type { DebugProtocol } from '@vscode/debugprotocol'
import { packageOf } from '../names.ts'
import type { Frame, Parts } from '../parts.ts'
import { argumentsRead, localsRead, scopeOf } from '../reads.ts'
import { variableFlags, type LoadConfig, type Variable } from '../wire.ts'
import { expressionOf, isName, type Item } from './item.ts'
import { hasFlag, kinds } from './kinds.ts'
import type { Nodes, Part, Place } from './nodes.ts'
import type { Child } from './show.ts'

/** Of a whole package, which can have hundreds: less of each than of a local variable. */
const globalsConfig: LoadConfig = {
  FollowPointers: true,
  MaxVariableRecurse: 1,
  MaxStringLen: 128,
  MaxArrayValues: 16,
  MaxStructFields: -1,
}

export const placeOf = ({ stop, goroutine, index }: Frame): Place => ({ stop, goroutine, frame: index })

/**
 * What can be looked at in a frame. The variables of its package and its registers are read when they are opened, and
 * wanted with all the others only if the target's options say so.
 */
export function scopesOf(parts: Parts, nodes: Nodes, frame: Frame): DebugProtocol.Scope[] {
  const { showGlobalVariables, showRegisters } = parts.settings
  const place = placeOf(frame)
  const scope = (name: string, part: Part, expensive: boolean, presentationHint?: string): DebugProtocol.Scope => ({
    name,
    variablesReference: nodes.add(place, part),
    expensive,
    ...(presentationHint === undefined ? {} : { presentationHint }),
  })
  const isOptimized = frame.location.function?.optimized === true
  const locals = `Locals${isOptimized ? ' (warning: optimized function)' : ''}`
  const results = returnedAt(frame)
  const home = packageOf(frame.location.function?.name ?? '')
  return [
    scope(locals, { kind: 'locals', frame }, false, 'locals'),
    ...(results.length > 0
      ? [scope('Return values', { kind: 'results', variables: results }, false, 'returnValue')]
      : []),
    ...(home === ''
      ? []
      : [scope(`Globals (package ${home})`, { kind: 'globals', package: home }, !showGlobalVariables, 'globals')]),
    scope('Registers', { kind: 'registers', frame }, !showRegisters, 'registers'),
  ]
}

/** What the functions that a step has left have returned. */
function returnedAt({ stop, goroutine, index }: Frame): readonly Variable[] {
  const thread = stop.state.currentThread
  const isThere = index === 0 && (goroutine === stop.selected || goroutine < 0) && thread?.CallReturn !== true
  return isThere ? (thread?.ReturnValues ?? []) : []
}

/** Arguments and results first, then the other variables, as `dlv dap` has them. */
export async function localsOf({ stop, goroutine, index }: Frame, signal: AbortSignal): Promise<Item[]> {
  const [{ Args }, { Variables }] = await Promise.all([
    stop.read(...argumentsRead(goroutine, index), signal),
    stop.read(...localsRead(goroutine, index), signal),
  ])
  const locals = [...(Variables ?? [])]
  const parameters = (Args ?? []).map((parameter) => {
    const at = locals.findIndex((local) => isMoved(parameter, local))
    return at === -1 ? parameter : locals.splice(at, 1)[0]!
  })
  return [...parameters, ...locals].filter(({ name }) => !isOfCompiler(name)).map(localItem)
}

/** `.autotmp_12`: what the compiler has put between two others. */
const isOfCompiler = (name: string): boolean => name.startsWith('.autotmp')

/** An argument that escapes is copied to the heap at once; what is left on the stack is of no use to anybody. */
function isMoved(parameter: Variable, local: Variable): boolean {
  return (
    hasFlag(parameter, 'shadowed') &&
    hasFlag(local, 'escaped') &&
    local.name === parameter.name &&
    local.type === parameter.type &&
    local.DeclLine === parameter.DeclLine
  )
}

/** What another variable of the same name hides is `(name)`, and cannot be said in Go. */
function localItem(variable: Variable): Item {
  const { name } = variable
  const isShadowed = hasFlag(variable, 'shadowed')
  const path = isName(name) && !isShadowed ? name : undefined
  return { name: isShadowed ? `(${name})` : name, variable, expression: expressionOf(variable, path), path }
}

export async function globalsOf(place: Place, home: string, signal: AbortSignal): Promise<Item[]> {
  const filter = `^${home.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}\\.`
  const { Variables } = await place.stop.read('ListPackageVars', { Filter: filter, Cfg: globalsConfig }, signal)
  const items = (Variables ?? []).map((variable): Item => {
    const name = variable.name.slice(home.length + 1)
    const path = isName(name) ? `${packageWord(home)}.${name}` : undefined
    return { name, variable, expression: expressionOf(variable, path), path }
  })
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Delve takes a whole import path, in quotes. */
export const packageWord = (path: string): string => (isName(path) ? path : `"${path}"`)

export async function registersOf({ stop, goroutine, index }: Frame, signal: AbortSignal): Promise<Child[]> {
  const { Regs } = await stop.read('ListRegisters', { Scope: scopeOf(goroutine, index), IncludeFp: false }, signal)
  return (Regs ?? []).map(({ Name, Value }) => {
    const variable: Variable = { ...noVariable, name: Name, kind: kinds.uint, flags: variableFlags.register }
    const item = { name: Name.toLowerCase(), variable, expression: undefined, path: `_${Name.toUpperCase()}` }
    return { item, value: Value, isReadOnly: true }
  })
}

/** Results that have names are told by them; others are `~r0`, which is no name in Go. */
export function resultItems(variables: readonly Variable[]): Item[] {
  return variables.map((variable, at) => ({
    name: variable.name === '' ? `~r${at}` : variable.name,
    variable,
    // Where it was, the next call writes.
    expression: undefined,
    path: undefined,
  }))
}

export const noVariable: Variable = {
  name: '',
  addr: 0,
  onlyAddr: false,
  type: '',
  realType: '',
  flags: 0,
  kind: kinds.invalid,
  value: '',
  len: 0,
  cap: 0,
  children: null,
  base: 0,
  unreadable: '',
}
