import type { Debugger, Runtime } from 'node:inspector'
import type { Script, Thread } from '../parts.ts'
import type { WantedPlace } from './place.ts'

/** Scripts whose text V8 is asked to search, the newest. */
const scriptsMax = 2_000
/** V8 searches on the program's own thread: so many at a time, and the program runs in between. */
const atOnce = 50
/** Functions of one name. */
const placesMax = 20
const timeoutMs = 1_000

const namePattern = /^[\p{L}_$][\p{L}\p{N}_$]*(?:\.#?[\p{L}_$][\p{L}\p{N}_$]*){0,9}$/u
/** Words that stand before a bracket and a block, and declare no function. */
const noNames = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'function', 'return'])

/** A name that can be one of a function: `work`, `Order.total`. */
export function isFunctionName(name: string): boolean {
  return namePattern.test(name) && !noNames.has(name.split('.').at(-1)!)
}

/**
 * Where the functions of that name begin: the one that the name means in the program's global scope, and those that a
 * loaded script declares. Nothing of the program's code runs: V8 evaluates the name under `throwOnSideEffect`, and
 * searches the scripts' texts.
 */
export async function functionPlaces(thread: Thread, name: string): Promise<WantedPlace[]> {
  const global = await globalFunction(thread, name)
  const scripts = [...thread.scripts.all].filter(isSearched).slice(-scriptsMax)
  const all = global === undefined ? [] : [global]
  for (let at = 0; at < scripts.length && all.length < placesMax; at += atOnce) {
    const some = scripts.slice(at, at + atOnce)
    const declared = await Promise.all(some.map((script) => declaredPlaces(thread, script, name)))
    all.push(...declared.flat())
  }
  const keys = new Set<string>()
  return all
    .filter(({ url, hash, line, column }) => {
      const key = `${url} ${hash} ${line} ${column}`
      return !keys.has(key) && keys.add(key)
    })
    .slice(0, placesMax)
}

export function isSearched({ internal, url }: Script): boolean {
  return !internal && url !== '' && !url.includes('/node_modules/')
}

/** Those that one script declares, as far as its text tells. */
export async function declaredPlaces(thread: Thread, script: Script, name: string): Promise<WantedPlace[]> {
  const path = name.split('.')
  const [last, owner] = [path.at(-1)!, path.at(-2)]
  const pattern = declaration(last, owner)
  const { result } = await thread.cdp.request<Debugger.SearchInContentReturnType>('Debugger.searchInContent', {
    scriptId: script.id,
    query: owner === undefined ? pattern : `${pattern}|${classPattern}`,
    isRegex: true,
    caseSensitive: true,
  })
  const regexp = new RegExp(pattern)
  let classNow: string | undefined
  const starts: Debugger.Location[] = []
  for (const { lineNumber, lineContent } of result) {
    classNow = new RegExp(classPattern).exec(lineContent)?.slice(1).find(Boolean) ?? classNow
    const match = regexp.exec(lineContent)
    if (match === null || starts.length >= placesMax) continue
    if (owner !== undefined && classNow !== owner && !lineContent.includes(`${owner}.`)) continue
    starts.push({ scriptId: script.id, lineNumber, columnNumber: match.index + match[0].length })
  }
  const places = await Promise.all(starts.map((start) => firstPlace(thread, script, start)))
  return places.filter((place) => place !== undefined)
}

const classPattern = String.raw`\bclass\s+([\w$]+)|\b([\w$]+)\s*=\s*(?:class\b|\{\s*$)`

/** `function NAME(`, `NAME(…) {` of a class or an object, `NAME = (…) =>`, `NAME: function`. For one line. */
function declaration(last: string, owner: string | undefined): string {
  const name = last.replace(/[$#]/g, '\\$&')
  const args = String.raw`\((?:[^()]|\([^()]*\))*\)`
  return [
    ...(owner === undefined ? [String.raw`\bfunction\b\s*\*?\s*${name}\s*\(`] : []),
    String.raw`(?:^|[{};,]|\bstatic\b|\basync\b|\bget\b|\bset\b|\*)\s*${name}\s*${args}\s*\{`,
    String.raw`(?:^|[^\w$])${name}\s*[:=]\s*(?:async\b\s*)?(?:function\b[^(]*\(|${args}\s*=>|[\w$]+\s*=>)`,
  ].join('|')
}

/** V8's first possible place at or after the beginning of a body. */
async function firstPlace(thread: Thread, script: Script, start: Debugger.Location): Promise<WantedPlace | undefined> {
  const { locations } = await thread.cdp.request<Debugger.GetPossibleBreakpointsReturnType>(
    'Debugger.getPossibleBreakpoints',
    { start, end: { scriptId: script.id, lineNumber: start.lineNumber + 50, columnNumber: 0 } },
  )
  const [first] = locations
  return first === undefined ? undefined : placeIn(script, first)
}

function placeIn({ url, hash }: Script, { lineNumber, columnNumber = 0 }: Debugger.Location): WantedPlace {
  // By its content: a changed file has its function elsewhere, and is searched anew.
  return { by: 'hash', url, hash, line: lineNumber, column: columnNumber }
}

interface Evaluated {
  readonly result: Runtime.RemoteObject
  readonly exceptionDetails?: unknown
}

async function globalFunction(thread: Thread, name: string): Promise<WantedPlace | undefined> {
  const { result, exceptionDetails } = await thread.cdp.request<Evaluated>('Runtime.evaluate', {
    expression: name.replace('.#', '.'),
    throwOnSideEffect: true,
    timeout: timeoutMs,
    silent: true,
  })
  const { objectId } = result
  if (objectId === undefined) return undefined
  try {
    if (exceptionDetails !== undefined || result.type !== 'function') return undefined
    const { internalProperties } = await thread.cdp.request<Runtime.GetPropertiesReturnType>('Runtime.getProperties', {
      objectId,
      ownProperties: true,
      accessorPropertiesOnly: true,
    })
    const value = internalProperties?.find((property) => property.name === '[[FunctionLocation]]')?.value
    const at = value?.value as Debugger.Location | undefined
    const script = at === undefined ? undefined : thread.scripts.byId(at.scriptId)
    if (at === undefined || script === undefined) return undefined
    return await firstPlace(thread, script, at)
  } finally {
    thread.cdp.send('Runtime.releaseObject', { objectId })
  }
}
