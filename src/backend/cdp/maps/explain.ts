import { mappingFor, similarPaths } from './matching.ts'
import { baseName, commonTail } from './paths.ts'
import type { ScriptMap } from './scriptMap.ts'
import type { MapRow } from './types.ts'

/** Why nothing loaded is that source, in one sentence; undefined if something is. */
export function explainPath(states: ReadonlySet<ScriptMap>, path: string): string {
  const loading = [...states].filter((state) => state.loading).length
  if (loading > 0) return `${loading === 1 ? 'A source map is' : `${loading} source maps are`} still being loaded.`
  const [near] = similarPaths(states, path)
  if (near !== undefined) {
    const { remote, local } = mappingFor(near.path, path)
    return `The program has ${near.path}, which is not mapped to this file; if it is, add to the target: paths: { ${remote}: ${local} }.`
  }
  const broken = withoutMap(states, path)
  if (broken !== undefined) {
    return `No script with this file is loaded yet; the source map of ${broken.script.url}: ${broken.tried.join('; ')}.`
  }
  return 'No script with this file is loaded yet.'
}

/** The script without a map that is likely made of that source: `src/orders.ts` and `dist/orders.js`; else the only one. */
function withoutMap(states: ReadonlySet<ScriptMap>, path: string): ScriptMap | undefined {
  const stem = stemOf(path)
  const failed = [...states].filter((state) => state.map === undefined && state.tried.length > 0)
  const same = failed.filter(({ script }) => stemOf(script.url) === stem)
  const near = same.sort((a, b) => commonTail(stemPath(b), stemPath(path)) - commonTail(stemPath(a), stemPath(path)))
  return near[0] ?? (failed.length <= 3 ? failed[0] : undefined)
}

function stemOf(path: string): string {
  return baseName(path)
    .replace(/(?:\.d)?\.[^.]*$/, '')
    .toLowerCase()
}

function stemPath(from: ScriptMap | string): string {
  const path = typeof from === 'string' ? from : (from.path ?? from.script.url)
  return path
    .replaceAll('\\', '/')
    .replace(/\.[^./]*$/, '')
    .toLowerCase()
}

/** What became of the map of that script. */
export function rowOf(state: ScriptMap): MapRow {
  const { script, map, origin, tried, paths, loading } = state
  const named = state.mapUrl === '' ? undefined : tried.at(-1)
  return {
    script: script.url,
    origin,
    problem: map === undefined ? (loading ? 'is still being loaded' : named) : undefined,
    tried,
    sources: map?.sourceCount ?? 0,
    sample: paths.find((path) => path !== undefined && !path.includes('node_modules')) ?? paths[0],
  }
}
