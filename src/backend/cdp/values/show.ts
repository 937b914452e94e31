import type { Runtime } from 'node:inspector'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { present } from '../../../lib/present.ts'
import type { Kind, Row } from './reader.ts'

/** What is behind it are only its own descriptions, or nothing. */
const closed: ReadonlySet<Kind> = new Set(['primitive', 'string', 'empty', 'setter', 'unreadable', 'external'])

export const isExpandable = (row: Row): boolean => !closed.has(row.k)

/** Kinds whose bytes can be read. */
export const hasBytes = (kind: Kind): boolean =>
  kind === 'arraybuffer' || kind === 'typed' || kind === 'buffer' || kind === 'dataview'

/** The text of a row: numbers as the client wants them, and how much is cut. */
export function textOf(row: Row, format: DebugProtocol.ValueFormat | undefined): string {
  if (row.l !== undefined) return `${row.t} (${row.l} characters)`
  if (format?.hex !== true || (row.y !== 'number' && row.y !== 'bigint')) return row.t
  const digits = /^(-?)(\d+)n?$/.exec(row.t)
  if (digits === null) return row.t
  return `${digits[1]}0x${BigInt(digits[2]!).toString(16)}${row.y === 'bigint' ? 'n' : ''}`
}

export function hintOf(row: Row, name: string): DebugProtocol.VariablePresentationHint {
  const isInternal = name.startsWith('[[') && name.endsWith(']]')
  const attributes = [
    ...(row.r === true || row.k === 'setter' || row.k === 'unreadable' || isInternal ? ['readOnly'] : []),
    ...(row.k === 'string' ? ['rawString'] : []),
  ]
  return {
    ...present({
      kind: row.k === 'class' ? 'class' : row.k === 'function' ? 'method' : isInternal ? 'virtual' : undefined,
      attributes: attributes.length > 0 ? attributes : undefined,
      visibility: isInternal ? 'internal' : name.startsWith('#') ? 'private' : undefined,
    }),
    ...(row.k === 'getter' ? { lazy: true } : {}),
  }
}

/** How the child of a value is named in the program's language. */
export function pathTo(parent: string | undefined, name: string, row: Row, ofIndexed: boolean): string | undefined {
  if (parent === undefined || row.s !== undefined || row.z === true) return undefined
  if (ofIndexed && /^\d+$/.test(name)) return `${parent}[${name}]`
  if (name.startsWith('[[') || name.startsWith('#')) return undefined
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? `${parent}.${name}`
    : `${parent}[${JSON.stringify(name)}]`
}

const kinds: Readonly<Record<string, Kind>> = {
  array: 'array',
  typedarray: 'typed',
  error: 'error',
  map: 'map',
  set: 'set',
  date: 'date',
  regexp: 'regexp',
  promise: 'promise',
  proxy: 'proxy',
  arraybuffer: 'arraybuffer',
  dataview: 'dataview',
  weakmap: 'weak',
  weakset: 'weak',
  generator: 'generator',
}

/** V8's own view of a value, as a row: for what the reader cannot reach. */
export function rowOf(remote: Runtime.RemoteObject, name?: string): Row {
  const { type, subtype, description, className, unserializableValue } = remote
  const value: unknown = remote.value
  const named = name === undefined ? {} : { n: name }
  if (type === 'string') {
    const text = String(value)
    const cut = text.length > 1_000
    return { ...named, t: quote(cut ? text.slice(0, 1_000) : text) + (cut ? '…' : ''), y: type, k: 'string' }
  }
  if (type !== 'object' && type !== 'function') {
    return { ...named, t: unserializableValue ?? description ?? String(value), y: type, k: 'primitive' }
  }
  if (subtype === 'null') return { ...named, t: 'null', y: 'null', k: 'primitive' }
  if (type === 'function') {
    const isClass = description?.startsWith('class') === true
    const label = /^(?:async )?(?:function\s*\*?|class)\s*([\w$]*)/.exec(description ?? '')?.[1] ?? ''
    return { ...named, t: isClass ? `class ${label}`.trimEnd() : `ƒ ${label}()`, y: type, k: isClass ? 'class' : type }
  }
  const kind = kinds[subtype ?? ''] ?? 'object'
  const text = (kind === 'error' ? description?.split('\n    at ')[0] : description) ?? className ?? 'Object'
  const count = /\((\d+)\)$/.exec(description ?? '')?.[1]
  const counted = ['array', 'typed', 'map', 'set'].includes(kind) && count !== undefined ? { c: Number(count) } : {}
  return { ...named, t: text.slice(0, 1_000), y: className ?? type, k: kind, ...counted }
}

export function quote(text: string): string {
  return `'${text.replace(/[\\'\n\r\t\0]/g, (c) => escapes[c] ?? c)}'`
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\0',
}
