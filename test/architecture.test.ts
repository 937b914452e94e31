import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../src', import.meta.url))
const files = (readdirSync(src, { recursive: true, encoding: 'utf8' }) as string[]).filter((f) => f.endsWith('.ts'))

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

/** Imports of our own files, as paths below src. */
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8')
  const pattern = /^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"](\.[^'"]+)['"]/gm
  return [...text.matchAll(pattern)].map(([, typeOnly, path]) => ({
    from: file,
    to: relative(src, resolve(src, dirname(file), path!)),
    typeOnly: typeOnly !== undefined,
  }))
})

/** The room of a file: its folder, and for backends the backend's own. */
function room(file: string): string {
  const parts = file.split('/')
  if (parts.length === 1) return 'src'
  return parts[0] === 'backend' && parts.length > 2 ? `backend/${parts[1]}` : parts[0]!
}

/**
 * What each room may import: whole rooms, or single files. `type:` allows types only. A message passes the rooms in
 * this order, and nothing reaches back.
 */
const allowed: Record<string, readonly string[]> = {
  lib: [],
  dap: ['lib'],
  transport: ['lib'],
  policy: ['dap', 'lib'],
  'backend/debugpy': ['backend/backend.ts', 'dap', 'transport', 'lib'],
  'backend/cdp': ['backend/backend.ts', 'dap', 'transport', 'lib'],
  'backend/delve': ['backend/backend.ts', 'dap', 'transport', 'lib'],
  backend: ['dap', 'lib', 'type:transport'],
  config: ['lib', 'transport', 'policy/settings.ts', 'type:policy'],
  session: ['dap', 'policy', 'backend/backend.ts', 'transport/transport.ts', 'lib', 'type:config'],
  telemetry: ['lib'],
  demo: ['dap', 'lib'],
  src: ['*'],
  cli: ['*'],
}

/** Wiring by hand (DESIGN section 3): the files that know the concrete parts. */
const wiring = new Set(['session/targets.ts', 'session/sessions.ts'])

void t.test('each room imports only what the design lets it', (t) => {
  for (const { from, to, typeOnly } of imports) {
    const own = room(from)
    if (room(to) === own || wiring.has(from)) continue
    const may = allowed[own]
    t.ok(may, `${from}: the room '${own}' is on the map`)
    const fits = may?.some((entry) => {
      if (entry === '*') return true
      const name = entry.replace('type:', '')
      return (to === name || room(to) === name) && (!entry.startsWith('type:') || typeOnly)
    })
    t.ok(fits, `${from} may import ${to}`)
  }
  t.end()
})

/** A command that we start is ended with its whole process group, and only `process.kill` can do that. */
const signalling = new Set(['transport/child.ts'])

void t.test('only main.ts touches the process', (t) => {
  for (const file of files) {
    if (file === 'main.ts') continue
    const text = readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '')
    // What is said to a program is text, and about that program's own process.
    const code = text.replaceAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    t.notMatch(code, /\bprocess\.(argv|env|exit|exitCode|on|once|kill|stdin|stdout|stderr|cwd|umask|pid)\b/, file)
    if (!signalling.has(file)) t.notMatch(text, /from 'node:process'/, file)
  }
  t.end()
})

void t.test('files stay short', (t) => {
  for (const file of files.filter((f) => f !== 'dap/protocol.ts')) {
    const lines = readFileSync(join(src, file), 'utf8').split('\n').length
    t.ok(lines <= 400, `${file} has ${lines} lines`)
  }
  t.end()
})

void t.test('no room is a junk room, and no file imports itself in a circle', (t) => {
  for (const file of files) t.notMatch(file, /(^|\/)(common|utils?|managers?|services?|helpers?|misc)(\/|\.ts$)/)
  const values = new Map<string, string[]>()
  for (const { from, to, typeOnly } of imports) if (!typeOnly) values.set(from, [...(values.get(from) ?? []), to])
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void t.fail(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
    if (done.has(file)) return
    for (const next of values.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  t.pass('no circle')
  t.end()
})

void t.test('every module can be loaded', async (t) => {
  for (const file of files.filter((f) => f !== 'main.ts')) {
    await t.resolves(import(join(src, file)), file)
  }
})
