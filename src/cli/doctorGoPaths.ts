import { resolve } from 'node:path'
import type { Built } from '../backend/delve/probe.ts'
import type { TargetConfig } from '../config/config.ts'
import { Sources, type PathMapping } from '../session/sources.ts'
import { absolutePaths } from '../session/target.ts'
import type { Step } from './doctor.ts'
import { findSources } from './doctorPaths.ts'
import { pathStep } from './doctorSources.ts'

/** Of a project not all files are in one program: tests, other commands, other systems. */
const triedMax = 50

/** Whether the client's files are found in the program: by the mappings of the target, and by what is guessed. */
export async function* checkGoPaths(
  {
    target,
    cwd,
    configFile,
  }: { readonly target: TargetConfig; readonly cwd: string; readonly configFile: string | undefined },
  built: Built,
  held: boolean,
): AsyncGenerator<Step, void> {
  const mappings = absolutePaths(target.paths, cwd, configFile)
  const { module } = built.build
  const from = module === undefined ? '' : `, its own module is ${module}`
  const asked = held ? '; the program was held for some milliseconds to ask it' : ''
  yield { hop: 'paths', outcome: 'ok', detail: `the program has ${built.sources.length} sources${from}${asked}` }
  for (const mapping of mappings) yield await mappingStep(mapping, mappings, built)
  if (mappings.length === 0) yield await guessStep(cwd, built)
}

async function mappingStep(mapping: PathMapping, all: readonly PathMapping[], built: Built): Promise<Step> {
  const local = new Sources(all)
  const step = await pathStep(mapping, built.sources, local)
  if (step.outcome === 'ok') return step
  // With -trimpath, or a folder that the build did not have, the rest of the path may tell.
  const files = await findSources(resolve(mapping.local), '.go', triedMax)
  for (const file of files) {
    const far = local.toRemote(file)
    const { path, why } = await built.paths.toFar(far)
    if (why !== undefined) {
      return {
        hop: 'paths',
        outcome: 'ok',
        detail: `${mapping.remote} is ${mapping.local}: ${why} (${file} is ${path})`,
      }
    }
  }
  return step
}

async function guessStep(folder: string, { paths, sources }: Built): Promise<Step> {
  const files = await findSources(folder, '.go', triedMax)
  for (const file of files) {
    const { path, why } = await paths.toFar(file)
    if (why !== undefined) return { hop: 'paths', outcome: 'ok', detail: `none are set; ${why}` }
    if (sources.includes(path))
      return { hop: 'paths', outcome: 'ok', detail: `none are needed: ${path} is the same there` }
  }
  const [first] = files
  const detail = 'none are set: the client maps them, or they are guessed from the ends of their paths'
  if (first === undefined) return { hop: 'paths', outcome: 'ok', detail }
  const advice = `${paths.explain(first)}\nSay which folder of the program that is: paths: { /build: ${folder} }, or start doctor in the project's folder.`
  return { hop: 'paths', outcome: 'warning', detail: `none are set, and ${first} is none of the program's`, advice }
}
