import type { Runtime } from 'node:inspector'
import { quote, rowOf } from './show.ts'
import type { Thread } from '../parts.ts'
import { resolve, type Row, type Step } from './reader.ts'

/** A row of V8's own view, with its handle. */
export interface NativeRow {
  readonly row: Row
  readonly base: string | undefined
}

type Properties = Runtime.GetPropertiesReturnType & {
  readonly privateProperties?: readonly {
    readonly name: string
    readonly value?: Runtime.RemoteObject
    readonly get?: Runtime.RemoteObject
  }[]
}

const properties = (thread: Thread, objectId: string, signal?: AbortSignal): Promise<Properties> =>
  thread.cdp.request<Properties>(
    'Runtime.getProperties',
    { objectId, ownProperties: true, nonIndexedPropertiesOnly: true },
    signal,
  )

const native = (remote: Runtime.RemoteObject, name: string): NativeRow => ({
  row: rowOf(remote, name),
  base: remote.objectId,
})

/** What only V8 knows of a value: private members, and internal ones such as a Promise's state. */
export async function innerRows(thread: Thread, objectId: string, signal?: AbortSignal): Promise<NativeRow[]> {
  const { privateProperties = [], internalProperties = [] } = await properties(thread, objectId, signal)
  const rows: NativeRow[] = []
  for (const { name, value, get } of privateProperties) {
    if (value !== undefined) rows.push(native(value, name))
    else if (get !== undefined) {
      const row: Row = { n: name, t: '(getter, not run)', y: 'accessor', k: 'unreadable' }
      rows.push({ row, base: undefined })
    }
  }
  for (const { name, value } of internalProperties) {
    if (value === undefined || name === '[[Prototype]]') continue
    const place = value.value as { scriptId?: string; lineNumber?: number; columnNumber?: number } | null | undefined
    if (name.endsWith('Location]]') && place?.scriptId !== undefined) {
      const url = thread.scripts.byId(place.scriptId)?.url ?? `script ${place.scriptId}`
      const t = `${url}:${(place.lineNumber ?? 0) + 1}:${(place.columnNumber ?? 0) + 1}`
      rows.push({ row: { n: name, t, y: 'location', k: 'primitive' }, base: undefined })
    } else rows.push(native(value, name))
  }
  return rows
}

/** All that V8 shows without the numbered ones: where our reader cannot be used, and for the named ones of a big array. */
export async function nativeRows(thread: Thread, objectId: string, signal?: AbortSignal): Promise<NativeRow[]> {
  const { result, internalProperties = [] } = await properties(thread, objectId, signal)
  const rows = result.map(({ name, value, get }): NativeRow => {
    if (value !== undefined) return native(value, name)
    const t = get === undefined || get.type === 'undefined' ? '(setter)' : '(getter, not run)'
    return { row: { n: name, t, y: 'accessor', k: 'unreadable' }, base: undefined }
  })
  for (const { name, value } of internalProperties) if (value !== undefined) rows.push(native(value, name))
  return rows
}

/** V8 alone can tell the pattern of a RegExp without running anything: the rows, with these texts. */
export async function withPatterns(
  thread: Thread,
  base: string,
  rows: readonly Row[],
  stepsOf: (row: Row) => readonly Step[],
  signal?: AbortSignal,
): Promise<readonly Row[]> {
  const patterns = rows.filter(({ k }) => k === 'regexp')
  if (patterns.length === 0) return rows
  const picked = await resolve(thread, base, patterns.map(stepsOf), signal)
  const texts = new Map<Row, string>()
  if (patterns.length === 1) texts.set(patterns[0]!, picked.description ?? '')
  else if (picked.objectId !== undefined) {
    const { result } = await thread.cdp.request<Runtime.GetPropertiesReturnType>(
      'Runtime.getProperties',
      { objectId: picked.objectId, ownProperties: true },
      signal,
    )
    for (const { name, value } of result) {
      const row = patterns[Number(name)]
      if (row !== undefined) texts.set(row, value?.description ?? '')
    }
  }
  return rows.map((row) => (texts.has(row) ? { ...row, t: texts.get(row)!.slice(0, 1_000) } : row))
}

/** The text of an error's stack, as V8 has it. */
export function stackRow(error: Runtime.RemoteObject | undefined): Row {
  if (error?.description === undefined) {
    const t = "(not read: the program's code would run)"
    return { n: 'stack', t, y: 'string', k: 'unreadable' }
  }
  return { n: 'stack', t: quote(error.description.slice(0, 8_000)), y: 'string', k: 'string', r: true }
}
