import { pathToFileURL } from 'node:url'
import type { ProgramSources } from './maps/programSources.ts'
import type { Script } from './parts.ts'
import type { DebugThread } from './thread.ts'

/** A line of an error's stack: what is before the place, the place, and what is after it. */
const placePattern = /^(\s+at (?:.*\()?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*):(\d+):(\d+)(\)?)$/
const linesMax = 200

/** The text of a stack with the places that the program's author knows. What is no place stays as it is. */
export function mappedStack(text: string, thread: DebugThread, sources: ProgramSources): string {
  const lines = text.split('\n')
  return lines
    .map((line, at) => {
      const found = at < linesMax ? placePattern.exec(line) : null
      if (found === null) return line
      const [, before, file, row, column, after] = found
      const script = scriptOf(file!, thread)
      if (script === undefined) return line
      const place = sources.place(script, Number(row) - 1, Number(column) - 1)
      if (!place.mapped) return line
      return `${before}${place.source.path ?? place.source.name ?? file}:${place.line + 1}:${place.column + 1}${after}`
    })
    .join('\n')
}

/** CommonJS says paths where V8 has URLs. */
function scriptOf(file: string, { scripts }: DebugThread): Script | undefined {
  const url = file.startsWith('/') ? pathToFileURL(file).href : file
  return scripts.byUrl(file)[0] ?? scripts.byUrl(url)[0]
}
