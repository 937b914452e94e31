import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunningProgram, type Place, type ProgramParts } from './debuggee.ts'
import { generate } from './nodeBuild.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The Nodes that every story is told with: the one that runs the tests, and the one that `install.sh` fetches. */
export const nodeVersions = [
  { name: process.versions.node.split('.')[0]!, path: process.execPath },
  { name: '24', path: path.join(root, '.tools/node-24/bin/node') },
] as const

export type NodeVersion = (typeof nodeVersions)[number]

/** A program that counts: `tick N` twenty times a second, and a line to stop at. */
export const tickingProgram = `
class Order {
  constructor(number) {
    this.number = number
    this.lines = ['tea', 'milk']
  }
}
function work(n) {
  const order = new Order(n)
  const doubled = n * 2
  console.log('tick', n) // BREAK
  return doubled + order.lines.length // AFTER
}
let n = 0
setInterval(() => {
  n += 1
  work(n)
}, 50)
`

export interface NodeOptions {
  /** The sources are TypeScript, and are compiled before the start. */
  readonly typescript?: boolean
  /** All modules in one file, made by esbuild. */
  readonly bundle?: 'plain' | 'minified'
  /**
   * Where the source map of what is compiled or bundled is: beside the generated file (the default), inside of it, or
   * in the folder `maps`, which the generated file does not tell of, as with a private folder of maps.
   */
  readonly map?: 'beside' | 'inline' | 'elsewhere'
  /** The syntax that is left in what is generated; what is newer becomes helpers, which no map covers. */
  readonly target?: 'es2016' | 'es2022'
  /** The map holds the text of its sources. */
  readonly sourcesContent?: boolean
  /** The program is an ES module. */
  readonly esm?: boolean
  readonly args?: readonly string[]
  /** Options of Node itself. */
  readonly execArgv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Listening from the start (the default), waiting before the first line, or not before `openInspector`. */
  readonly inspect?: 'listen' | 'brk' | 'signal'
  /** Of the inspector; a free one by default. */
  readonly port?: number
  /** Runs in this network namespace (sshd.ts, makeNetwork): elsewhere, for all that can be reached of it. */
  readonly netns?: string
}

/** A real Node program, its inspector on. */
export class RunningNode extends RunningProgram {
  /** Everything of the program is in here; `src`, `out` and `maps` if it is generated. */
  readonly folder: string
  /** The script that Node runs; the same as `file` if nothing is compiled or bundled. */
  readonly generated: string
  readonly #sources: ReadonlyMap<string, string>

  constructor(parts: ProgramParts, generated: string, sources: ReadonlyMap<string, string>) {
    super(parts)
    this.folder = parts.folder
    this.generated = generated
    this.#sources = sources
  }

  override place(name: string): Place {
    for (const [file, text] of this.#sources) {
      const at = text.split('\n').findIndex((line) => line.includes(`// ${name}`))
      if (at >= 0) return { path: file, line: at + 1 }
    }
    throw new Error(`no source has a line marked '// ${name}'`)
  }

  /** As an operator does with a program that runs without: SIGUSR1. */
  async openInspector(): Promise<void> {
    process.kill(this.pid, 'SIGUSR1')
    await this.listens()
  }

  async listens(): Promise<void> {
    this.port = Number((await this.printed(/^Debugger listening on ws:\/\/[^/]+:(\d+)\//))[1])
  }
}

/** Starts the program: one file, or several by their names, of which the first is the one that is run. */
export async function startNode(
  version: NodeVersion,
  source: string | Readonly<Record<string, string>>,
  options: NodeOptions = {},
): Promise<RunningNode> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-node-'))
  const extension = options.typescript === true ? 'ts' : 'js'
  const files = typeof source === 'string' ? { [`program.${extension}`]: source } : source
  const isGenerated = options.typescript === true || options.bundle !== undefined
  const sources = new Map(
    Object.entries(files).map(([name, text]) => [path.join(folder, isGenerated ? 'src' : '', name), text]),
  )
  writeFileSync(path.join(folder, 'package.json'), options.esm === true ? '{ "type": "module" }' : '{}')
  for (const [file, text] of sources) {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const [[file, text] = ['', '']] = sources
  const generated = isGenerated ? await generate(folder, [...sources.keys()], options) : file
  const inspect = { listen: '--inspect', brk: '--inspect-brk', signal: '--inspect-port' }[options.inspect ?? 'listen']
  const elsewhere = options.netns === undefined ? [] : ['ip', 'netns', 'exec', options.netns]
  // tap puts a module of its own into all Nodes that are spawned here, which is none of the program's.
  const [command, ...words] = [
    ...elsewhere,
    'env',
    '-u',
    'NODE_OPTIONS',
    version.path,
    `${inspect}=127.0.0.1:${options.port ?? 0}`,
    ...(options.execArgv ?? []),
    generated,
    ...(options.args ?? []),
  ]
  const child = spawn(command!, words, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, ...options.env },
  })
  const debuggee = new RunningNode({ child, file, text, comment: '//', folder }, generated, sources)
  if (options.inspect !== 'signal') await debuggee.listens()
  return debuggee
}
