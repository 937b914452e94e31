import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The sources of the programs that are built for the tests. */
export const goFolder = fileURLToPath(new URL('./go', import.meta.url))

const tools = path.join(goFolder, '../../../.tools')
const run = promisify(execFile)

export interface GoBuild {
  /** Without the flags that make a program easy to look into (`-N -l`). */
  readonly optimised?: boolean
  /** Without symbols (`-s -w`): Delve 1.20 ends on such a program. */
  readonly stripped?: boolean
  /** Paths in the program are those of its module, and not of this machine. */
  readonly trimpath?: boolean
}

export interface Built {
  readonly binary: string
  /** Its main.go, as the compiler has seen it unless `trimpath` is asked for. */
  readonly file: string
}

export const readGo = (file: string): string => readFileSync(file, 'utf8')

/**
 * Builds a program by its name, or from its text, with this go. What has been built once is there for the next test: the
 * place of a program, and of its source if it is a text, comes of what it is made of.
 */
export async function buildGo(go: string, program: string, options: GoBuild): Promise<Built> {
  const isText = program.includes('\n')
  const folder = isText ? path.join(tools, 'go-texts', digest(program)) : path.join(goFolder, program)
  if (isText) {
    writeWhole(path.join(folder, 'go.mod'), 'module example.com/text\n\ngo 1.19\n')
    writeWhole(path.join(folder, 'main.go'), program)
  }
  const file = path.join(folder, 'main.go')
  const sources = readdirSync(folder).filter((name) => name.endsWith('.go'))
  const made = [go, JSON.stringify(options.optimised), JSON.stringify(options.stripped), String(options.trimpath)]
  const key = digest([folder, ...made, ...sources.map((name) => readGo(path.join(folder, name)))].join('\0'))
  const binary = path.join(tools, 'go-programs', key, path.basename(folder))
  // Two tests of one file may ask for the same program at once.
  const building = existsSync(binary)
    ? Promise.resolve()
    : (buildings.get(binary) ?? build(go, folder, binary, options))
  buildings.set(binary, building)
  await building
  return { binary, file }
}

const buildings = new Map<string, Promise<void>>()

async function build(go: string, folder: string, binary: string, options: GoBuild): Promise<void> {
  mkdirSync(path.dirname(binary), { recursive: true })
  const making = `${binary}.${process.pid}.making`
  const flags = [
    ...(options.optimised === true ? [] : ['-gcflags=-N -l']),
    ...(options.stripped === true ? ['-ldflags=-s -w'] : []),
    ...(options.trimpath === true ? ['-trimpath'] : []),
  ]
  await run(go, ['build', ...flags, '-o', making, '.'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      // Nothing of the machine's user counts, and nothing is kept outside the checkout.
      HOME: path.join(tools, 'go-home'),
      GOCACHE: path.join(tools, 'go-cache'),
      GOPATH: path.join(tools, 'go-path'),
      GOFLAGS: '-buildvcs=false',
      GOTOOLCHAIN: 'local',
      CGO_ENABLED: '0',
    },
  })
  renameSync(making, binary)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Somebody else may read it in the same moment. */
function writeWhole(file: string, text: string): void {
  if (existsSync(file)) return
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}.making`, text)
  renameSync(`${file}.${process.pid}.making`, file)
}
