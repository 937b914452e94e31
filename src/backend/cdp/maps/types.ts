import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Log } from '../../../lib/log.ts'
import type { FarFiles } from '../../../transport/farFile.ts'
import type { MapStore } from './mapStore.ts'

/** What is read of a script. Its identity is the object: two threads have the same script ids. */
export interface ProgramScript {
  readonly id: string
  readonly url: string
  readonly hash: string
  /** Read in `scriptAdded` only: an inline map has megabytes, and nobody needs to keep it. */
  readonly sourceMapUrl: string | undefined
  readonly debugId?: string | undefined
  readonly startLine: number
  readonly startColumn: number
  readonly endLine: number
  readonly endColumn: number
  /** One of Node's own: `node:…`. */
  readonly internal: boolean
}

/** Keys of a target's `options`; all optional, their names as in launch.json. */
export interface SourcesSettings {
  /** True by default. */
  readonly sourceMaps?: boolean
  /** Absolute folders of the daemon's machine with source maps, which are never put beside the program. */
  readonly maps?: readonly string[]
  /** The project's folder at the far side, for `webpack://` and the like; found out when it is not given. */
  readonly root?: string
  readonly sourceMapPathOverrides?: Readonly<Record<string, string>>
  /** Scripts whose maps are read; by default all but those in node_modules. null is all. */
  readonly resolveSourceMapLocations?: readonly string[] | null
  readonly skipFiles?: readonly string[]
}

export interface SourcesOptions {
  readonly settings: SourcesSettings
  readonly files: FarFiles
  readonly log: Log
  /** Takes a sentence for the user; each is said once. */
  readonly note?: (text: string) => void
  /** The daemon's own by default. */
  readonly store?: MapStore
  /** How long `ready` and `generated` wait for maps that are being loaded; 8 s by default (dape gives up at 10 s). */
  readonly readyMs?: number
}

/** A place as the client sees it. Positions are CDP's: 0-based. */
export interface Place {
  readonly source: DebugProtocol.Source
  readonly line: number
  readonly column: number
  /** The name that the map has for what is there: a variable or function before it was minified. */
  readonly name?: string
  /** It is a place of an original source. */
  readonly mapped: boolean
  /** The script has a map. With `mapped` false it is the bundler's own code: what smart step passes by. */
  readonly hasMap: boolean
  /** skipFiles or the map's ignoreList have it. */
  readonly skipped: boolean
}

/** A place as the debugger knows it. */
export interface GeneratedPlace {
  /** The object that `scriptAdded` was given. */
  readonly script: ProgramScript
  readonly url: string
  readonly hash: string
  readonly scriptId: string
  readonly line: number
  readonly column: number
  /** The place in the source that this is: a later line than was asked for, if that one has no code. */
  readonly original: { readonly line: number; readonly column: number }
}

/** What became of a script's map, for `doctor`. */
export interface MapRow {
  readonly script: string
  /** Where its map is from; undefined if there is none. */
  readonly origin: string | undefined
  /** Why there is none, in words that follow "the source map ". */
  readonly problem: string | undefined
  /** Each place where one was looked for, and what was there. */
  readonly tried: readonly string[]
  readonly sources: number
  /** The path of one of its sources, as the far side has it. */
  readonly sample: string | undefined
}
