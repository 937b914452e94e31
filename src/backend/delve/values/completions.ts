import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import { packageOf } from '../names.ts'
import { loadConfig } from '../quirks.ts'
import type { Method, In, LoadConfig, Out } from '../wire.ts'
import { whereOf, type EvaluateParts } from './evaluate.ts'
import { localsOf } from './frameVariables.ts'
import { isName, membersOf, type Item } from './item.ts'
import { kinds } from './kinds.ts'
import type { Place } from './nodes.ts'
import { read } from './reader.ts'
import { opened } from './variables.ts'

/** More than anybody reads through; the list is narrowed by typing on. */
const targetsMax = 200

const builtins = ['len', 'cap', 'real', 'imag', 'complex', 'min', 'max', 'nil', 'true', 'false']

/** Only the names are wanted. */
const namesConfig: LoadConfig = {
  FollowPointers: false,
  MaxVariableRecurse: 0,
  MaxStringLen: 0,
  MaxArrayValues: 0,
  MaxStructFields: 0,
}

interface Name {
  readonly label: string
  readonly type: DebugProtocol.CompletionItemType
}

/** Names that may follow; nothing with an effect is run to find them. */
export async function completions(own: EvaluateParts, call: Call<'completions'>): Promise<Body<'completions'>> {
  const { text, column, line, frameId } = call.arguments
  const { parts } = own
  const lines = text.split('\n')
  const at = line === undefined ? 0 : parts.positions.fromClientLine(line) - 1
  const first = parts.positions.firstColumn
  const before = (lines[at] ?? text).slice(0, Math.max(0, column - first))
  const { owner, prefix } = typedBefore(before)
  const place = whereOf(parts, frameId)
  const isCall = /^\s*call\s/.test(before) && !parts.context.guard.readOnly
  const names =
    owner === undefined
      ? await visible(own, place, frameId, isCall, call.signal)
      : await below(place, owner, isCall, call.signal)
  const seen = new Set<string>()
  const targets = names
    .filter(({ label }) => label.startsWith(prefix) && isName(label) && !seen.has(label) && seen.add(label))
    .slice(0, targetsMax)
  const start = before.length - prefix.length + first
  return { targets: targets.map((target) => ({ ...target, start, length: prefix.length })) }
}

/** What stands before the cursor: `a.b[1].na`, or `na`. */
export function typedBefore(before: string): { readonly owner: string | undefined; readonly prefix: string } {
  const prefix = /[\p{L}\p{Nd}_]*$/u.exec(before)![0]
  const rest = before.slice(0, before.length - prefix.length).trimEnd()
  if (!rest.endsWith('.') || /^\d/.test(prefix)) return { owner: undefined, prefix }
  const owner = operandBefore(rest.slice(0, -1))
  return { owner: owner === '' ? undefined : owner, prefix }
}

/** The longest run of names, members, subscripts and brackets that the text ends with. */
function operandBefore(text: string): string {
  let at = text.length
  while (at > 0) {
    const end = text[at - 1]!
    if (end === ')' || end === ']') {
      const open = opening(text, at - 1)
      if (open < 0) break
      at = open
      if (end === ')' && !/[\p{L}\p{Nd}_\].]$/u.test(text.slice(0, at))) break
      continue
    }
    if (end === '.') {
      at -= 1
      continue
    }
    const name = /(?:[\p{L}\p{Nd}_]+|"[^"]*")$/u.exec(text.slice(0, at))?.[0]
    if (name === undefined) break
    at -= name.length
    if (text[at - 1] !== '.') break
  }
  return text.slice(at)
}

function opening(text: string, end: number): number {
  let depth = 0
  for (let at = end; at >= 0; at--) {
    const c = text[at]!
    if (c === ')' || c === ']') depth += 1
    else if (c === '(' || c === '[') depth -= 1
    if (depth === 0) return at
  }
  return -1
}

/** An answer, or nothing where Delve has none: nobody is told of a completion that fails. */
async function quietly<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}

async function visible(
  { parts }: EvaluateParts,
  place: Place,
  frameId: number | undefined,
  isCall: boolean,
  signal: AbortSignal,
): Promise<Name[]> {
  const frame = frameId === undefined ? undefined : parts.frame(frameId)
  const home = packageOf(frame?.location.function?.name ?? '')
  const filter = `^${escape(home)}\\.`
  const [locals, globals, functions] = await Promise.all([
    frame === undefined ? undefined : quietly(localsOf(frame, signal), signal),
    home === '' ? undefined : names(place, 'ListPackageVars', { Filter: filter, Cfg: namesConfig }, signal),
    home === '' || !isCall ? undefined : names(place, 'ListFunctions', { Filter: `${filter}[^.(]+$` }, signal),
  ])
  return [
    ...(locals ?? [])
      .filter(({ path }) => path !== undefined)
      .map(({ name }): Name => ({ label: name, type: 'variable' })),
    ...(globals?.Variables ?? []).map(({ name }): Name => ({ label: name.slice(home.length + 1), type: 'variable' })),
    ...(functions?.Funcs ?? []).map((name): Name => ({ label: name.slice(home.length + 1), type: 'function' })),
    ...builtins.map((label): Name => ({ label, type: 'keyword' })),
  ]
}

function names<M extends Method>(
  { stop }: Place,
  method: M,
  argument: In<M>,
  signal: AbortSignal,
): Promise<Out<M> | undefined> {
  return quietly(stop.read(method, argument, signal), signal)
}

/** Members of a value, or what a package has. */
async function below(place: Place, owner: string, isCall: boolean, signal: AbortSignal): Promise<Name[]> {
  // A package in quotes would be read as a text.
  const isPackage = owner.startsWith('"')
  const variable = isPackage ? undefined : await quietly(read(place, owner, signal, loadConfig), signal)
  if (variable !== undefined) {
    const given = { name: owner, variable, expression: owner, path: owner }
    const item = await quietly(opened({ place }, given, signal), signal)
    if (item === undefined) return []
    // `main` is a package, and the function in it.
    if (item.variable.kind !== kinds.func)
      return [...fieldsOf(item), ...(isCall ? await methodsOf(place, item.variable.type, signal) : [])]
  }
  const home = owner.replaceAll('"', '')
  const filter = `(^|/)${escape(home)}\\.`
  const [globals, functions] = await Promise.all([
    names(place, 'ListPackageVars', { Filter: filter, Cfg: namesConfig }, signal),
    isCall ? names(place, 'ListFunctions', { Filter: `${filter}[^.(]+$` }, signal) : undefined,
  ])
  const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
  return [
    ...(globals?.Variables ?? []).map(({ name }): Name => ({ label: last(name), type: 'variable' })),
    ...(functions?.Funcs ?? []).map((name): Name => ({ label: last(name), type: 'function' })),
  ]
}

/** Those of what is embedded too, which is named as its type. */
function fieldsOf(item: Item): Name[] {
  if (item.variable.kind !== kinds.struct) return []
  return membersOf(item).flatMap((field): Name[] => {
    const isEmbedded = field.variable.type.replace(/^.*[.*]/, '') === field.name
    const inner =
      field.variable.kind === kinds.pointer ? (field.variable.children?.[0] ?? field.variable) : field.variable
    const promoted = isEmbedded ? fieldsOf({ ...field, variable: inner }) : []
    return [{ label: field.name, type: 'field' }, ...promoted]
  })
}

async function methodsOf(place: Place, type: string, signal: AbortSignal): Promise<Name[]> {
  const dot = type.indexOf('.', type.lastIndexOf('/') + 1)
  if (dot === -1) return []
  const [home, name] = [type.slice(0, dot), type.slice(dot + 1)]
  const filter = `^${escape(home)}\\.(\\(\\*${escape(name)}\\)|${escape(name)})\\.[^.]+$`
  const found = await names(place, 'ListFunctions', { Filter: filter }, signal)
  return (found?.Funcs ?? []).map((one) => ({ label: one.slice(one.lastIndexOf('.') + 1), type: 'method' }))
}

/** For Go's regular expressions. */
const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
