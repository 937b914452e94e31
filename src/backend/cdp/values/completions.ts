import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../../dap/call.ts'
import type { Positions } from '../positions.ts'
import { whereOf, type EvaluateParts } from './evaluate.ts'
import { read, type NamesAnswer } from './reader.ts'
import { lookMs, type Where } from './runner.ts'

/** More than anybody reads through; the list is narrowed by typing on. */
const targetsMax = 500

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/** What stands before the cursor: `a.b.na`, `a["na`, or `na`. */
interface Typed {
  readonly owner: string | undefined
  readonly prefix: string
  /** The quote that the key was begun with. */
  readonly quote: string | undefined
}

/** Names that may follow; nothing with an effect is run to find them, and no getter of the last value. */
export async function completions(
  own: EvaluateParts & { readonly positions: Positions },
  call: Call<'completions'>,
): Promise<Body<'completions'>> {
  const { text, column, line, frameId } = call.arguments
  const lines = text.split('\n')
  const at = line === undefined ? 0 : own.positions.fromClientLine(line)
  const before = (lines[at] ?? text).slice(0, own.positions.fromClientColumn(column))
  const typed = typedBefore(before)
  const where = whereOf(own.parts, frameId)
  const names =
    typed.owner === undefined
      ? await visible(typed.prefix, where, call.signal)
      : await members(own, typed.owner, typed.prefix, where, call.signal)
  const start = own.positions.toClientColumn(before.length - typed.prefix.length)
  const targets = names.flatMap(([name, type, depth]): DebugProtocol.CompletionItem[] => {
    const rest = { type, start, length: typed.prefix.length, sortText: `${Math.min(depth, 9)}${name}` }
    if (typed.quote !== undefined) {
      const end = before.length < (lines[at] ?? '').length ? '' : `${typed.quote}]`
      return [{ label: name, text: `${JSON.stringify(name).slice(1, -1)}${end}`, ...rest }]
    }
    return identifier.test(name) ? [{ label: name, ...rest }] : []
  })
  return { targets: targets.slice(0, targetsMax) }
}

export function typedBefore(before: string): Typed {
  const key = /\[(["'])([^"'\\]*)$/.exec(before)
  if (key !== null) return { owner: pathBefore(before.slice(0, key.index)), prefix: key[2]!, quote: key[1] }
  const prefix = /[\p{ID_Continue}$]*$/u.exec(before)![0]
  const rest = before.slice(0, before.length - prefix.length)
  const dot = /\??\.\s*$/.exec(rest)
  if (dot === null || /\d$/.test(rest.slice(0, dot.index))) return { owner: undefined, prefix, quote: undefined }
  return { owner: pathBefore(rest.slice(0, dot.index)), prefix, quote: undefined }
}

const opening: Readonly<Record<string, string>> = { ']': '[', ')': '(' }

/** The longest run of names, members, subscripts and calls that the text ends with. */
function pathBefore(text: string): string {
  let at = text.length
  while (at > 0) {
    const end = text[at - 1]!
    if (end in opening) {
      const open = matching(text, at - 1)
      if (open < 0) break
      at = open
      continue
    }
    const name = /[\p{ID_Continue}$]+$/u.exec(text.slice(0, at))?.[0]
    if (name === undefined) break
    at -= name.length
    const dot = /\??\.$/.exec(text.slice(0, at))
    if (dot === null) break
    at = dot.index
  }
  return text.slice(at)
}

function matching(text: string, end: number): number {
  let depth = 0
  for (let at = end; at >= 0; at--) {
    const c = text[at]!
    if (c in opening) depth += 1
    else if (c === '[' || c === '(') depth -= 1
    if (depth === 0) return at
  }
  return -1
}

type Names = NamesAnswer['rows']

async function members(
  { runner }: EvaluateParts,
  owner: string,
  prefix: string,
  where: Where,
  signal: AbortSignal,
): Promise<Names> {
  if (owner === '') return []
  try {
    const box = await runner.run(`({__proto__:null,value:(${owner}\n)})`, where, {
      signal,
      timeoutMs: lookMs,
      pure: true,
    })
    const want = { action: 'names', steps: [{ k: 'value' }], prefix, max: targetsMax } as const
    const [answer] = await read<NamesAnswer>(where.thread, [{ base: box.objectId!, want }], signal)
    return unique(answer?.rows ?? [])
  } catch (error) {
    if (signal.aborted) throw error
    // What stands there is not complete, or not to be had without effects: nothing is offered, and nobody is told.
    return []
  }
}

/** Names of the frame's scopes, the innermost first; of the global one only those that begin as what is typed. */
async function visible(prefix: string, { thread, frame }: Where, signal: AbortSignal): Promise<Names> {
  const scopes = frame?.callFrame.scopeChain.filter(({ type }) => prefix !== '' || type !== 'global') ?? []
  if (scopes.length === 0) return []
  try {
    const starts = scopes.map(({ object }) => ({
      base: object.objectId!,
      want: { action: 'names', steps: [], prefix, max: targetsMax } as const,
    }))
    const answers = await read<NamesAnswer>(thread, starts, signal)
    return unique(
      answers.flatMap(({ rows }, depth) =>
        rows.map(([name, kind]) => [name, kind === 'method' ? 'function' : 'variable', depth] as const),
      ) as unknown as Names,
    )
  } catch (error) {
    if (signal.aborted) throw error
    return []
  }
}

function unique(names: Names): Names {
  const seen = new Set<string>()
  return names.filter(([name]) => !seen.has(name) && seen.add(name))
}
