import path from 'node:path'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body } from '../../dap/call.ts'
import { present } from '../../lib/present.ts'
import type { ProgramSources } from './maps/programSources.ts'
import type { Parts } from './parts.ts'

/**
 * The files that V8 has loaded, each once, with whether they have a source map. Node's own are left out: they are no
 * part of the program.
 */
export function modulesOf(
  parts: Parts,
  sources: ProgramSources,
  { startModule = 0, moduleCount = 0 }: DebugProtocol.ModulesArguments,
): Body<'modules'> {
  const seen = new Map<string, DebugProtocol.Module>()
  for (const { scripts } of parts.threads()) {
    for (const script of scripts.all) {
      if (script.internal || script.url === '' || seen.has(script.url)) continue
      const { path: file, name } = sources.sourceOf(script)
      const { hasMap } = sources.place(script, script.startLine, script.startColumn)
      seen.set(
        script.url,
        present({
          id: script.url,
          name: name ?? path.posix.basename(script.url),
          path: file,
          isUserCode: !sources.isSkipped(script, script.startLine, script.startColumn),
          symbolStatus: hasMap
            ? 'source map'
            : sources.isLoading(script)
              ? 'source map is being loaded'
              : 'no source map',
        }),
      )
    }
  }
  const all = [...seen.values()]
  return {
    modules: all.slice(startModule, moduleCount > 0 ? startModule + moduleCount : undefined),
    totalModules: all.length,
  }
}
