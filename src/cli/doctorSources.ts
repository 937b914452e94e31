import { stat } from 'node:fs/promises'
import { dialer, openInspector } from '../backend/cdp/discovery.ts'
import { farFiles } from '../transport/farFiles.ts'
import { ProgramSources, type MapRow } from '../backend/cdp/maps/programSources.ts'
import { Scripts } from '../backend/cdp/scripts.ts'
import type { InspectorTarget } from '../backend/cdp/wire.ts'
import type { PathConfig } from '../config/config.ts'
import type { Log } from '../lib/log.ts'
import { Sources } from '../session/sources.ts'
import { absolutePaths } from '../session/target.ts'
import type { Step } from './doctor.ts'
import type { NodeHops } from './doctorNode.ts'

/** As many of a kind as a screen bears; the rest is counted. */
const shownMax = 5

interface Found {
  readonly rows: readonly MapRow[]
  /** All sources and scripts that are files, by the far side's paths. */
  readonly paths: readonly string[]
  readonly scripts: number
}

/**
 * Whether the source map of each script is found, and whether the files of each path mapping are there. V8 is asked
 * for its scripts, by a client that sets no breakpoint and holds nothing.
 */
export async function* checkSources(
  hops: NodeHops & { readonly log: Log; readonly cwd: string; readonly configFile: string | undefined },
  program: InspectorTarget,
  entering: (hop: string) => void,
): AsyncGenerator<Step, void> {
  const { target, cwd, configFile } = hops
  entering('maps')
  const found = await lookAt(hops, program)
  const mappings = absolutePaths(target.paths, cwd, configFile)
  const local = new Sources(mappings)
  if (target.options['sourceMaps'] === false) yield { hop: 'maps', outcome: 'ok', detail: 'off, by sourceMaps: false' }
  else yield* mapSteps(found, (path) => local.toLocal(path))
  entering('paths')
  if (mappings.length === 0) {
    const detail = 'none: the files must have the same paths here and there, or the client maps them'
    yield { hop: 'paths', outcome: 'ok', detail }
  }
  for (const mapping of mappings) yield await pathStep(mapping, found.paths, local)
}

async function lookAt(hops: Parameters<typeof checkSources>[0], program: InspectorTarget): Promise<Found> {
  const { target, transport, address, where, log, signal } = hops
  const inspector = await openInspector(dialer(transport, address), program, where, log, signal)
  const sources = new ProgramSources({ settings: target.options, files: farFiles(transport, address), log })
  try {
    const scripts = new Scripts(inspector.main)
    await inspector.main.request('Debugger.enable', {}, signal)
    const all = [...scripts.all].filter(({ internal }) => !internal)
    for (const script of all) sources.scriptAdded(script, () => scripts.textOf(script, signal))
    await Promise.all(all.map((script) => sources.ready(script)))
    const paths = sources
      .allSources()
      .flatMap(({ path }) => (path === undefined || path.startsWith('node:') ? [] : [path]))
    return { rows: sources.report(), paths, scripts: all.length }
  } finally {
    await inspector.close()
    await sources[Symbol.asyncDispose]()
  }
}

function* mapSteps({ rows, scripts }: Found, toLocal: (path: string) => string): Generator<Step, void> {
  const mapped = rows.filter(({ origin }) => origin !== undefined)
  const leftOut = rows.filter(({ problem }) => problem?.startsWith('is not looked for') === true)
  const broken = rows.filter((row) => row.problem !== undefined && !leftOut.includes(row))
  for (const { script, origin, sources, sample } of mapped.slice(0, shownMax)) {
    const example = sample === undefined ? '' : `, such as ${sample}${here(sample, toLocal(sample))}`
    const many = sources === 1 ? '1 source' : `${sources} sources`
    yield { hop: 'maps', outcome: 'ok', detail: `${script}: ${origin!.replace(/,$/, '')}, ${many}${example}` }
  }
  for (const { script, problem, tried } of broken.slice(0, shownMax)) {
    const detail = `${script}: the source map ${problem!}`
    const advice = `${tried
      .slice(0, -1)
      .map((line) => `Before that: ${line}`)
      .join('\n')}
Its breakpoints can be set in the script itself. To find the map, put it into a folder of this machine that the target names: options: { maps: [FOLDER] }.`
    yield { hop: 'maps', outcome: 'warning', detail, advice: advice.trim() }
  }
  const rest = [
    mapped.length > shownMax ? `${mapped.length - shownMax} more have one` : undefined,
    broken.length > shownMax ? `${broken.length - shownMax} more name one that is not found` : undefined,
    leftOut.length > 0 ? `${leftOut.length} are left out by resolveSourceMapLocations` : undefined,
  ].filter((text) => text !== undefined)
  if (rest.length > 0) yield { hop: 'maps', outcome: 'ok', detail: rest.join(', ') }
  if (rows.length > 0) return
  const detail = `no script names one (${scripts} loaded), so breakpoints are set in the scripts as they are`
  yield { hop: 'maps', outcome: 'ok', detail }
}

function here(there: string, local: string): string {
  return there === local ? '' : ` (${local} here)`
}

/** Whether the files of a mapping are there on both sides; `paths` are those that the program has. */
export async function pathStep(
  { remote, local }: PathConfig,
  paths: readonly string[],
  sources: Sources,
): Promise<Step> {
  const mapping = `${remote} is ${local}`
  // A folder may have the same path here and there, so what is mapped is told by where it cannot be.
  const apart = new Sources([{ remote, local: '/dev/null' }])
  const below = paths.filter((path) => apart.toLocal(path) !== path)
  if (below.length === 0) {
    const [example] = paths.filter((path) => !path.includes('node_modules'))
    const has = example === undefined ? '' : `; it has ${example}`
    const advice = 'Correct paths in the configuration: which folder of the program is that?'
    return {
      hop: 'paths',
      outcome: 'warning',
      detail: `${mapping}, but no script or source of the program is below ${remote}${has}`,
      advice,
    }
  }
  for (const path of below.slice(0, 100)) {
    const file = sources.toLocal(path)
    if (await isFile(file)) return { hop: 'paths', outcome: 'ok', detail: `${mapping}: ${path} is ${file}` }
  }
  const advice = 'Correct paths in the configuration, or start doctor in the project folder: relative ones start there.'
  const detail = `${mapping}, but there is no ${sources.toLocal(below[0]!)} here`
  return { hop: 'paths', outcome: 'warning', detail, advice }
}

export function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
