import { createHash } from 'node:crypto'
import { decodeMap } from './decode.ts'
import type { MapLimits } from './decode.ts'
import { MapProblem, TooManyMappings } from './flatMap.ts'
import type { FlatMap, Texts } from './flatMap.ts'

/** What is asked: the bytes of a map, or its `data:` URL. Of a digest in `known` no map is made. */
export interface Task {
  readonly input: Uint8Array | string
  readonly known: ReadonlySet<string>
}

/** The digest is SHA-256 of the map's bytes. */
export type Outcome =
  | { readonly kind: 'known'; readonly digest: string }
  | { readonly kind: 'problem'; readonly digest: string; readonly problem: string; readonly tooMany: boolean }
  | { readonly kind: 'map'; readonly digest: string; readonly map: FlatMap; readonly contents: () => Texts }

/** Never throws: whatever is wrong with a map is its problem. */
export function decodeTask({ input, known }: Task, limits?: MapLimits): Outcome {
  let digest = ''
  try {
    const bytes = typeof input === 'string' ? dataOf(input) : input
    digest = createHash('sha256').update(bytes).digest('hex')
    if (known.has(digest)) return { kind: 'known', digest }
    return { kind: 'map', digest, ...decodeMap(bytes, limits) }
  } catch (error) {
    // Not only MapProblem: JSON that is nested too deep, a text over V8's limit.
    const problem = error instanceof MapProblem ? error.message : `can't be read: ${String(error).slice(0, 200)}`
    return { kind: 'problem', digest, problem, tooMany: error instanceof TooManyMappings }
  }
}

/** The text of a `data:` URL (RFC 2397). */
function dataOf(url: string): Buffer {
  const comma = url.indexOf(',')
  if (comma < 0) throw new MapProblem('is no data: URL')
  if (/;base64$/i.test(url.slice(0, comma))) return Buffer.from(url.slice(comma + 1), 'base64')
  try {
    return Buffer.from(decodeURIComponent(url.slice(comma + 1)))
  } catch (error) {
    throw new MapProblem('is a data: URL that is badly escaped', { cause: error })
  }
}
