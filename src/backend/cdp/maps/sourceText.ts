import { dapError } from '../../../dap/errors.ts'
import { abortable } from '../../../lib/abort.ts'
import { textBytesMax } from './compactMap.ts'
import type { FarFiles } from '../../../transport/farFile.ts'
import { baseName } from './paths.ts'
import type { Entry } from './sourceList.ts'

export interface SourceText {
  readonly content: string
  readonly mimeType?: string
}

/**
 * A map may list any file of the far side, `../../../etc/passwd` too. What is read for it has the name of a source, and
 * none that starts with a dot.
 */
const sourceNames =
  /^[^.].*\.(?:[cm]?[jt]sx?|vue|svelte|astro|coffee|litcoffee|civet|ls|elm|re|res|ml|mli|purs|cljs|cljc|kt|scala|dart|fs|fsx|imba|mdx|html|css|scss|sass|less|graphql|gql|pug|hbs|ejs|rs|c|cc|cpp|h|hpp|go|zig|nim|hx)$/i

const languages: readonly (readonly [RegExp, string])[] = [
  [/\.[cm]?ts$/i, 'text/typescript'],
  [/\.tsx$/i, 'text/typescript-jsx'],
  [/\.[cm]?jsx?$/i, 'text/javascript'],
]

/** The text of a source that was named to the client: from its map, its file, or the debugger. Rejects with DapError. */
export async function readText(entry: Entry, files: FarFiles, signal: AbortSignal): Promise<SourceText> {
  const { owner, path } = entry
  const { state, index } = owner
  const name = path ?? entry.source.name ?? ''
  if (index === undefined) return limited(name, await abortable(state.textOf(), signal), 'text/javascript')
  const content = await state.map?.content(index).catch((error: unknown) => {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    throw failed(name, tooLong ? `it is over the limit of ${textBytesMax} bytes` : String(error))
  })
  const language = languages.find(([pattern]) => pattern.test(path ?? state.map?.sourceName(index) ?? ''))?.[1]
  if (content !== undefined) return limited(name, content, language)
  if (path === undefined) throw failed(name, 'its source map has no text for it, and it is in no file')
  if (!sourceNames.test(baseName(path))) {
    throw failed(name, 'its source map has no text for it, and it does not have the name of a source file')
  }
  try {
    return limited(name, (await files.read(path, textBytesMax, signal)).toString('utf8'), language)
  } catch (error) {
    if (signal.aborted) throw error
    const why = `its source map has no text for it, and at ${files.name}: ${(error as Error).message}`
    throw failed(name, why, error)
  }
}

function limited(name: string, content: string, mimeType: string | undefined): SourceText {
  if (content.length > textBytesMax) throw failed(name, `it is over the limit of ${textBytesMax} bytes`)
  return mimeType === undefined ? { content } : { content, mimeType }
}

function failed(name: string, why: string, cause?: unknown): Error {
  const message = `The text of ${name} can't be shown: ${why}.`
  return dapError('debuggerFailed', { message }, { cause })
}
