import { statSync } from 'node:fs'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { present } from '../../lib/present.ts'
import { addressText, isHere } from '../../transport/direct.ts'
import { farFiles, noFiles, type FarFiles } from '../../transport/farFiles.ts'
import type { Parts } from './parts.ts'
import { isWindows } from './pathGuess.ts'

const textBytesMax = 8 * 1024 * 1024

/** A program names the files it was built from as it likes, `/etc/shadow` too: what is read has the name of a source. */
const sourceNames = /^[^.].*\.(?:go|s|sx|c|cc|cpp|cxx|h|hh|hpp|hxx|m|mm|f|f90|for|swig|swigcxx)$/i

interface Entry {
  readonly far: string
  readonly reference: number
  /** It is a file of this machine, which a client here opens by itself. */
  readonly here: boolean
}

/** The program's files as the client sees them, and their text where the client does not have them. */
export class Code {
  readonly #parts: Parts
  readonly #files: FarFiles
  readonly #entries = new Map<string, Entry>()
  readonly #byReference = new Map<number, Entry>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#files = filesOf(parts)
  }

  /** Undefined for what is no file: what the compiler made by itself, and what has no line table. */
  source(far: string): DebugProtocol.Source | undefined {
    if (far === '' || far === '?' || far.startsWith('<')) return undefined
    const { reference, here } = this.#entry(far)
    const path = this.#parts.paths.toClient(far)
    // Editors prefer a reference to the path, and would show a copy of the file that they have.
    const isClients = here || path !== far
    return present({ name: baseName(path), path, sourceReference: isClients ? undefined : reference })
  }

  async loadedSources(): Promise<Body<'loadedSources'>> {
    const { Sources } = await this.#parts.program.once('ListSources', { Filter: '' })
    const sources = [...new Set(Sources ?? [])].sort().map((far) => this.source(far))
    return { sources: sources.filter((source) => source !== undefined) }
  }

  /** Of a source that was named to the client before, and of nothing else. */
  async text({ arguments: args, signal }: Call<'source'>): Promise<Body<'source'>> {
    const { source, sourceReference } = args
    const reference = source?.sourceReference || sourceReference
    const entry = reference ? this.#byReference.get(reference) : this.#byPath(source?.path ?? '')
    const name = entry?.far ?? source?.path ?? source?.name ?? reference ?? ''
    if (entry === undefined) throw failed(`There is no source ${name} in this session.`)
    const fail = (why: string, cause?: unknown): Error => failed(`The text of ${name} can't be shown: ${why}.`, cause)
    if (!sourceNames.test(baseName(entry.far))) throw fail('it does not have the name of a source file')
    if (!entry.far.startsWith('/') && !isWindows(entry.far)) {
      throw fail('the program was built with -trimpath, which leaves out where its files are')
    }
    try {
      const content = (await this.#files.read(entry.far, textBytesMax, signal)).toString('utf8')
      return present({ content, mimeType: entry.far.endsWith('.go') ? 'text/x-go' : undefined })
    } catch (error) {
      if (signal.aborted) throw error
      throw fail(`at ${this.#files.name}: ${(error as Error).message}`, error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]()
  }

  #entry(far: string): Entry {
    const known = this.#entries.get(far)
    if (known !== undefined) return known
    const entry = { far, reference: this.#entries.size + 1, here: this.#files.local && isFile(far) }
    this.#entries.set(far, entry)
    this.#byReference.set(entry.reference, entry)
    return entry
  }

  #byPath(path: string): Entry | undefined {
    const { paths } = this.#parts
    return this.#entries.get(path) ?? [...this.#entries.values()].find(({ far }) => paths.toClient(far) === path)
  }
}

function filesOf({ context, options }: Parts): FarFiles {
  const { transport } = context
  const { address } = options
  if (transport.name !== 'direct' || isHere(transport, address)) return farFiles(transport, address)
  const why = "files of another machine can't be read over Delve's port (reach it through ssh)"
  return noFiles(addressText(address), why)
}

/** The program may have been built on Windows, and its client may be there. */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

/** One look at a local disk, once for each source that is shown, and never one of a far side's paths. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    return false // A folder that we may not look into, a path that is none: the client is given the text.
  }
}

function failed(message: string, cause?: unknown): Error {
  return dapError('debuggerFailed', { message }, { cause })
}
