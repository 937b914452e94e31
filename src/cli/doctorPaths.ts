import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TargetConfig } from '../config/config.ts'
import { HopError, type Transport } from '../transport/transport.ts'
import type { Step } from './doctor.ts'

const python = '.py'
const maxDepth = 4
const maxEntries = 2_000
const maxAnswerBytes = 4_096

/** Looks for one Python file of each mapping on both sides. A wrong mapping is the usual reason for a grey breakpoint. */
export async function* checkPaths(
  target: TargetConfig,
  transport: Transport,
  cwd: string,
  signal: AbortSignal,
): AsyncGenerator<Step, void> {
  if (target.paths.length === 0) {
    const detail = 'none: the files must have the same paths here and there, or the client maps them'
    yield { hop: 'paths', outcome: 'ok', detail }
    return
  }
  for (const { remote, local } of target.paths)
    yield await checkPath(target, remote, resolve(cwd, local), transport, signal)
}

async function checkPath(
  target: TargetConfig,
  remote: string,
  local: string,
  transport: Transport,
  signal: AbortSignal,
): Promise<Step> {
  const mapping = `${remote} is ${local}`
  const [file] = await findSources(local, python, 1)
  if (file === undefined) {
    const advice =
      'Correct paths in the configuration, or start doctor in the project folder: relative ones start there.'
    return { hop: 'paths', outcome: 'warning', detail: `${mapping}, where no ${python} file was found`, advice }
  }
  const path = joinRemote(remote, relative(local, file))
  const there = await sizeThere(target, path, transport, signal)
  const example = `${mapping}: ${path} is ${file}`
  if (there === 'unknown')
    return { hop: 'paths', outcome: 'ok', detail: `${example}; the far side could not be looked at` }
  if (there === 'missing') {
    const advice = `Correct paths in the configuration: which folder of the program is '${local}'?`
    return { hop: 'paths', outcome: 'failed', detail: `${mapping}, but there is no ${path} there`, advice }
  }
  const { size } = await stat(file)
  if (size === there) return { hop: 'paths', outcome: 'ok', detail: example }
  const advice = 'Check out the version that runs there: breakpoints are set by line number.'
  return {
    hop: 'paths',
    outcome: 'warning',
    detail: `${path} is another version (${there} bytes, here ${size})`,
    advice,
  }
}

/** The first source files below a folder, breadth first, in bounded time. */
export async function findSources(folder: string, extension: string, most: number): Promise<string[]> {
  const folders: { path: string; depth: number }[] = [{ path: folder, depth: 0 }]
  const found: string[] = []
  let seen = 0
  for (let next = folders.shift(); next !== undefined && seen < maxEntries; next = folders.shift()) {
    const { path, depth } = next
    // A folder that cannot be read has no source for us.
    const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
    seen += entries.length
    for (const entry of entries) {
      if (entry.isFile() && entry.name.endsWith(extension)) found.push(join(path, entry.name))
      if (found.length >= most) return found
      const hidden = entry.name.startsWith('.') || entry.name === 'node_modules'
      if (entry.isDirectory() && !hidden && depth < maxDepth)
        folders.push({ path: join(path, entry.name), depth: depth + 1 })
    }
  }
  return found
}

function joinRemote(folder: string, rest: string): string {
  const windows = /^[A-Za-z]:\\|^\\\\/.test(folder)
  const separator = windows ? '\\' : '/'
  return `${folder.replace(/[\\/]+$/, '')}${separator}${windows ? rest.replaceAll('/', '\\') : rest}`
}

async function sizeThere(
  { way, address }: TargetConfig,
  path: string,
  transport: Transport,
  signal: AbortSignal,
): Promise<number | 'missing' | 'unknown'> {
  if (way.kind === 'command') return 'unknown'
  if (way.kind === 'direct') {
    const here = address === undefined || 'path' in address || /^(127\.|localhost$|::1$)/.test(address.host)
    if (!here) return 'unknown'
    return stat(path).then(
      ({ size }) => size,
      () => 'missing' as const,
    )
  }
  try {
    // `wc` fails without a word on stdout where there is no such file, and where there is no `wc` at all.
    const said = await readAll(
      await transport.exec(
        ['sh', '-c', 'if test -f "$1"; then wc -c < "$1"; else echo missing; fi', 'sh', path],
        signal,
      ),
    )
    if (said.trim() === 'missing') return 'missing'
    return /^\s*\d+\s*$/.test(said) ? Number(said) : 'unknown'
  } catch (error) {
    if (error instanceof HopError) return 'unknown'
    throw error
  }
}

/** What a command prints, up to so many bytes. */
export async function readAll(stream: Duplex, maxBytes = maxAnswerBytes): Promise<string> {
  let text = ''
  stream.end()
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.length > maxBytes) break
  }
  return text
}
