import type { Debugger } from 'node:inspector'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { dialer, discover, openInspector } from '../../src/backend/cdp/discovery.ts'
import { farFiles } from '../../src/transport/farFiles.ts'
import { MapStore } from '../../src/backend/cdp/maps/mapStore.ts'
import { ProgramSources } from '../../src/backend/cdp/maps/programSources.ts'
import type { ProgramScript, SourcesSettings } from '../../src/backend/cdp/maps/programSources.ts'
import { Scripts } from '../../src/backend/cdp/scripts.ts'
import type { Script } from '../../src/backend/cdp/parts.ts'
import { deferred } from '../../src/lib/deferred.ts'
import { command } from '../../src/transport/command.ts'
import { direct } from '../../src/transport/direct.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { silentLog } from '../support/backendSession.ts'
import { nodeVersions, startNode } from '../support/node.ts'
import type { NodeOptions, RunningNode } from '../support/node.ts'

const store = new MapStore()
const never = new AbortController().signal

/** The sources of a running program, with the inspector's own words beside them. */
async function open(
  t: { teardown: (end: () => Promise<void>) => void },
  node: RunningNode,
  settings: SourcesSettings,
  transport: Transport = direct(),
  kept: MapStore = store,
) {
  // The inspector listens before the program's scripts are there.
  await node.runsOn(1)
  const address = { host: '127.0.0.1', port: node.port }
  const dial = dialer(direct(), address)
  const { targets } = await discover(dial, 'node', never)
  const inspector = await openInspector(dial, targets[0]!, 'node', silentLog, never)
  const notes: string[] = []
  const note = (text: string): unknown => notes.push(text)
  const files = farFiles(transport, address)
  // A busy machine takes its time, and these tests are about the answer.
  const sources = new ProgramSources({ settings, files, log: silentLog, note, store: kept, readyMs: 60_000 })
  const scripts = new Scripts(inspector.main, (script) => sources.scriptRemoved(script))
  scripts.onScript((script) => sources.scriptAdded(script, () => scripts.textOf(script)))
  const paused = { next: deferred<Debugger.PausedEventDataType>() }
  inspector.main.on('Debugger.paused', (event) => paused.next.resolve(event as Debugger.PausedEventDataType))
  await inspector.main.request('Debugger.enable')
  t.teardown(async () => {
    await inspector.close()
    await sources[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
    await node.end()
  })
  return { sources, scripts, notes, cdp: inspector.main, paused }
}

type Opened = Awaited<ReturnType<typeof open>>

/** Stops at that line of a source: where V8 really is then, and what the map says of it. */
async function stopAt({ sources, scripts, cdp, paused }: Opened, source: { path: string; line: number }) {
  const places = await sources.generated({ path: source.path }, source.line - 1, undefined)
  const [place] = places
  if (place === undefined) throw new Error(sources.explain(source.path) ?? 'no place')
  paused.next = deferred()
  const { line: lineNumber, column: columnNumber, scriptId } = place
  const set = await cdp.request<Debugger.SetBreakpointReturnType>('Debugger.setBreakpoint', {
    location: { scriptId, lineNumber, columnNumber },
  })
  const { callFrames } = await paused.next.promise
  await cdp.request('Debugger.removeBreakpoint', { breakpointId: set.breakpointId })
  const { location } = callFrames[0]!
  const script = scripts.byId(location.scriptId)!
  const shown = sources.place(script, location.lineNumber, location.columnNumber ?? 0)
  await cdp.request('Debugger.resume')
  return { shown, script, count: places.length, location }
}

const program = {
  'main.ts': `import { Order } from './order'

interface Unused {
  readonly n: number
}

let n = 0
setInterval(() => {
  n += 1
  const order = new Order(n)
  console.log('tick', order.total(2)) // MAIN
}, 30)
`,
  'order.ts': `export class Order {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }

  total(factor: number): number {
    const price = this.number * factor
    console.log('order', price) // ORDER
    return price + 1
  }
}
`,
}

/** The map of a script, its sources as webpack names them. */
function asWebpack(node: RunningNode): void {
  const file = `${node.generated}.map`
  const map = JSON.parse(readFileSync(file, 'utf8')) as { sources: string[] }
  map.sources = map.sources.map((source) => `webpack://shop/./src/${path.basename(source)}?4f2c`)
  writeFileSync(file, JSON.stringify(map))
}

const builds: readonly (readonly [string, NodeOptions, boolean])[] = [
  ['TypeScript, maps beside the files', { typescript: true }, false],
  ['a minified bundle, its map inside', { typescript: true, bundle: 'minified', map: 'inline' }, false],
  [
    'an ES module, its map in a private folder',
    { typescript: true, bundle: 'plain', map: 'elsewhere', esm: true },
    false,
  ],
  ['a bundle with the paths of webpack', { typescript: true, bundle: 'plain' }, true],
]

for (const [name, options, webpack] of builds) {
  void t.test(`real Node stops where the source says: ${name}`, async (t) => {
    const version = nodeVersions[webpack ? 1 : 0]
    const node = await startNode(version, program, options)
    if (webpack) asWebpack(node)
    const maps = options.map === 'elsewhere' ? { maps: [path.join(node.folder, 'maps')] } : {}
    const opened = await open(t, node, { ...maps, skipFiles: ['**/order.ts', '<node_internals>/**'] })
    const { sources } = opened
    for (const mark of ['MAIN', 'ORDER']) {
      const { shown, count, script, location } = await stopAt(opened, node.place(mark))
      t.equal(count, 1)
      t.match(shown, {
        source: { path: node.place(mark).path },
        line: node.place(mark).line - 1,
        mapped: true,
        hasMap: true,
      })
      t.equal(shown.source.sourceReference, undefined, 'the client has the file')
      t.equal(shown.skipped, mark === 'ORDER')
      t.equal(sources.isSkipped(script, location.lineNumber, location.columnNumber ?? 0), mark === 'ORDER')
    }
    const main = { path: node.place('MAIN').path }
    const [below] = await sources.generated(main, 3, undefined)
    t.equal(below?.original.line, 6, 'a line of types only is the next one with code')
    const inRange = sources.mappedPlaces(main, 7, 10)
    t.ok(inRange !== undefined && inRange.length >= 3 && inRange.every(({ original }) => original.line >= 7))
    t.match(
      await sources.text(
        sources.place(sources.scriptsOf(main)[0]!, below!.line, below!.column).source,
        undefined,
        never,
      ),
      {
        content: program['main.ts'],
        mimeType: 'text/typescript',
      },
    )
    t.equal(sources.explain(main.path), undefined)
    t.ok(sources.allSources().some(({ path }) => path === main.path))
    t.ok(sources.report().some((row) => row.origin !== undefined && row.sample !== undefined && row.sources > 0))
    // The generated file is still a source of its own.
    const own = sources.sourceOf(sources.scriptsOf(main)[0]!)
    t.equal(own.path, node.generated)
    t.equal(sources.mappedPlaces(own, 0, 10), undefined)
    t.match(await sources.generated(own, 0, 1), [{ line: 0, column: 1 }])
    t.same(sources.blackboxPatterns().length, 2)
  })
}

void t.test('sessions on one program share its map', async (t) => {
  // What earlier tests have used goes when it will.
  const kept = new MapStore()
  const node = await startNode(nodeVersions[0], program, { typescript: true, bundle: 'plain' })
  const [one, two] = [await open(t, node, {}, direct(), kept), await open(t, node, {}, direct(), kept)]
  const places = await Promise.all(
    [one, two].map(({ sources }) => sources.generated({ path: node.place('ORDER').path }, 8, undefined)),
  )
  t.same([places[0]!.length, places[1]!.length], [1, 1])
  t.equal(kept.mapCount, 1)
})

void t.test(
  'a program elsewhere: its map and its sources are read through the transport, and shown by reference',
  async (t) => {
    const node = await startNode(nodeVersions[0], program, { typescript: true })
    const { sources, scripts, notes } = await open(t, node, {}, command(['env', 'LC_ALL=C']))
    const { path: file } = node.place('ORDER')
    const [place] = await sources.generated({ path: file }, 8, undefined)
    const shown = sources.place(place!.script, place!.line, place!.column)
    t.equal(shown.source.path, file)
    t.ok(shown.source.sourceReference, 'the client may not have it')
    t.equal(shown.source, sources.place(place!.script, place!.line, place!.column + 1).source, 'always the same')
    t.equal((await sources.text(shown.source, undefined, never)).content, program['order.ts'])
    t.match(await sources.generated(shown.source, 8, undefined), [{ line: place!.line }], 'by reference too')
    const guessed = await sources.generated({ path: '/home/me/shop/src/order.ts' }, 8, undefined)
    t.match(guessed, [{ line: place!.line }], 'no path mapping: the one that ends like it')
    t.match(notes, [/is taken for .*order.ts of the program/])
    t.match(sources.explain('/home/me/shop/lib/order.ts'), /is not mapped to this file; if it is, add .*paths: \{ /)
    t.match(sources.explain('/home/me/shop/src/other.ts'), /^No script with this file is loaded yet/)
    const internal = [...scripts.all].find((script) => script.internal)
    if (internal !== undefined)
      t.match(sources.sourceOf(internal), { path: /^<node_internals>\//, sourceReference: Number })
    await t.rejects(sources.text({ path: '/etc/passwd' }, undefined, never), /There is no source \/etc\/passwd/)
    await t.rejects(sources.text(undefined, 99_999, never), /There is no source 99999/)
  },
)

/** A script as V8 would tell of it. */
function scriptAt(file: string, sourceMapUrl: string | undefined, more: Partial<Script> = {}): ProgramScript {
  const range = { startLine: 0, startColumn: 0, endLine: 10, endColumn: 0 }
  return {
    id: '1',
    url: file === '' ? '' : `file://${file}`,
    hash: file,
    sourceMapUrl,
    internal: false,
    ...range,
    ...more,
  }
}

const noText = (): Promise<string> => Promise.resolve('')

function programSources(settings: SourcesSettings = {}): { sources: ProgramSources; notes: string[] } {
  const notes: string[] = []
  const files = farFiles(direct(), { host: '127.0.0.1', port: 1 })
  const sources = new ProgramSources({
    settings,
    files,
    log: silentLog,
    store,
    note: (text) => notes.push(text),
    readyMs: 60_000,
  })
  return { sources, notes }
}

function mapOf(more: object = {}): string {
  return JSON.stringify({ version: 3, sources: ['../src/x.ts'], names: [], mappings: 'AAAA;AACA', ...more })
}

void t.test('a map that can not be used is a problem with a name, and the script is shown as it is', async (t) => {
  const folder = t.testdir({
    'broken.js.map': '{"version":3',
    'secret.txt': 'root:x:0',
    'long.js.map': mapOf({ mappings: ';'.repeat(50) + 'AAAA' }),
    'empty.js.map': mapOf({ sources: [], mappings: '' }),
    'other.js.map': mapOf({ debugId: '85314830-023f-4cf1-a267-535f4e37bb17' }),
    'dir.js.map': {},
  })
  const huge = path.join(folder, 'huge.js.map')
  writeFileSync(huge, '')
  const { truncate } = await import('node:fs/promises')
  await truncate(huge, 500 * 1024 * 1024)
  const cases: readonly (readonly [string, RegExp, Partial<Script>?])[] = [
    ['broken.js.map', /broken.js.map is cut off/],
    ['missing.js.map', /missing.js.map could not be read: no such file/],
    ['dir.js.map', /could not be read: no regular file/],
    ['huge.js.map', /huge.js.map is too large: 500 MiB, over the limit of 256 MiB/],
    ['secret.txt', /secret.txt is not read: its name is no map's/],
    ['../../../../../../../etc/passwd', /passwd is not read: its name is no map's/],
    ['long.js.map', /is of another build: it maps 51 lines, and long.js has 11/],
    ['empty.js.map', /lists no sources/],
    ['other.js.map', /is of another build: its debug id/, { debugId: '00000000-023f-4cf1-a267-535f4e37bb17' }],
    ['http://127.0.0.1:1/x.js.map', /is not fetched: nothing is, over HTTP/],
    ['data:application/json;base64,e30=', /in the script itself has no version/],
    ['webpack://x.js.map', /is relative to a script that is in no file/],
  ]
  const { sources } = programSources()
  for (const [index, [url, problem, more]] of cases.entries()) {
    const name = url.endsWith('.js.map') && !url.includes(':') ? url.slice(0, -4) : `script${index}.js`
    const script = scriptAt(path.join(folder, name), url, more)
    sources.scriptAdded(script, noText)
    await sources.ready(script)
    const row = sources.report().find((each) => each.script === script.url)
    t.match(row?.problem, problem, url)
    t.notMatch(row?.problem, /root/)
    t.match(sources.place(script, 3, 4), { line: 3, column: 4, mapped: false, hasMap: false })
    t.match(await sources.generated({ path: path.join(folder, name) }, 3, undefined), [{ line: 3, column: 0 }])
  }
  t.match(sources.explain(path.join(folder, 'missing.ts')), /the source map of .*missing.js: .*no such file/)
  await sources[Symbol.asyncDispose]()
})

void t.test('private folders win, and a broken map in them gives way', async (t) => {
  const id = '85314830-023f-4cf1-a267-535f4e37bb17'
  const folder = t.testdir({
    dist: { 'x.js.map': mapOf(), 'y.js.map': mapOf({ sources: ['../src/y.ts'] }) },
    maps: {
      'x.js.map': mapOf({ sources: ['../src/private.ts'] }),
      'y.js.map': '{',
      sub: { 'any.map': mapOf({ debugId: id }) },
    },
  })
  const { sources } = programSources({ maps: [path.join(folder, 'maps'), '/no/such/folder'] })
  const scripts = ['x', 'y'].map((name) => scriptAt(path.join(folder, `dist/${name}.js`), `${name}.js.map`))
  const unnamed = scriptAt('/srv/build/main.js', undefined)
  for (const script of scripts) sources.scriptAdded(script, noText)
  sources.scriptAdded(unnamed, () => Promise.resolve(`code\n//# debugId=${id}\n`))
  await Promise.all([...scripts, unnamed].map((script) => sources.ready(script)))
  t.equal(sources.place(scripts[0]!, 0, 0).source.path, path.join(folder, 'src/private.ts'))
  t.equal(sources.place(scripts[1]!, 0, 0).source.path, path.join(folder, 'src/y.ts'))
  t.equal(sources.place(unnamed, 1, 0).source.path, '/srv/src/x.ts', 'by the debug id in its text')
  t.match(sources.report()[1]?.tried, [/can't be read/, /y.js.map, found by its path, is cut off/, /is used/])
  // What was repaired is found by the next session.
  writeFileSync(path.join(folder, 'maps/new.map'), mapOf({ sources: ['../src/repaired.ts'] }))
  renameSync(path.join(folder, 'maps/new.map'), path.join(folder, 'maps/y.js.map'))
  await sources[Symbol.asyncDispose]()
})

void t.test('what a map lists is shown from the map; files of the far side only if they are sources', async (t) => {
  const folder = t.testdir({
    dist: {
      'x.js.map': mapOf({
        sources: [
          '../src/x.ts',
          '../../../../../../../../../etc/passwd',
          '../src/.env',
          '../src/gone.ts',
          null,
          'webpack/bootstrap',
        ],
        sourcesContent: [null, null, null, null, null, 'made();'],
        mappings: 'AAAA,CCAA,CCAA,CCAA,CCAA,CCAA;;;;IAEA',
        ignoreList: [3],
      }),
    },
    src: { 'x.ts': 'source();', '.env': 'SECRET=1' },
  })
  const { sources } = programSources({ skipFiles: ['${workspaceFolder}/x'] })
  const script = scriptAt(path.join(folder, 'dist/x.js'), 'x.js.map')
  let heard: ProgramScript | undefined
  sources.onMap((each) => (heard = each))
  sources.scriptAdded(script, noText)
  t.equal(sources.isLoading(script), true)
  t.equal(sources.place(script, 0, 0).mapped, false, 'nothing waits for a map')
  await sources.ready(script)
  t.equal(heard, script)
  const shown = [0, 1, 2, 3, 4, 5].map((column) => sources.place(script, 0, column))
  t.equal((await sources.text(shown[0]!.source, undefined, never)).content, 'source();')
  await t.rejects(sources.text(shown[1]!.source, undefined, never), /does not have the name of a source file/)
  await t.rejects(sources.text(shown[2]!.source, undefined, never), /does not have the name of a source file/)
  await t.rejects(sources.text(shown[3]!.source, undefined, never), /no text for it, and at this machine: no such file/)
  t.same(shown[3]!.skipped, true, 'ignoreList')
  t.match(shown[4], { mapped: false, hasMap: true }, 'a source that is null is none')
  t.match(shown[5]!.source, { name: 'webpack/bootstrap', path: undefined, sourceReference: Number })
  t.equal((await sources.text(shown[5]!.source, undefined, never)).content, 'made();')
  t.match(sources.place(script, 2, 0), { mapped: false, hasMap: true }, 'code that no source has')
  t.match(sources.place(script, 4, 0), { mapped: true }, 'before the first place of its line')
  sources.scriptRemoved(script)
  t.match(sources.place(script, 0, 0), { mapped: false, hasMap: false }, 'a script that is gone')
  await t.rejects(sources.text(shown[5]!.source, undefined, never))
  await sources[Symbol.asyncDispose]()
})

void t.test('settings: no maps, libraries left out, overrides, a root', async (t) => {
  const folder = t.testdir({
    dist: { 'x.js.map': mapOf({ sources: ['app:///x.ts', 'webpack:///./y.ts'], mappings: 'AAAA,CCAA' }) },
    node_modules: { lib: { 'x.js.map': mapOf() } },
  })
  const script = scriptAt(path.join(folder, 'dist/x.js'), 'x.js.map')
  const library = scriptAt(path.join(folder, 'node_modules/lib/x.js'), 'x.js.map')
  const off = programSources({ sourceMaps: false }).sources
  off.scriptAdded(script, noText)
  t.equal(off.isLoading(script), false)
  const { sources } = programSources({
    root: '/srv/shop',
    sourceMapPathOverrides: { 'app:///*': '${workspaceFolder}/own/*' },
  })
  for (const each of [script, library]) sources.scriptAdded(each, noText)
  await sources.ready(script)
  t.same(
    [0, 1].map((column) => sources.place(script, 0, column).source.path),
    ['/srv/shop/own/x.ts', '/srv/shop/y.ts'],
  )
  t.equal(sources.isLoading(library), false)
  t.match(sources.report().find((row) => row.script === library.url)?.problem, /resolveSourceMapLocations/)
  // A script within a file, as vm's lineOffset makes it.
  const inside = scriptAt(path.join(folder, 'dist/x.js'), 'x.js.map', { startLine: 100, startColumn: 7, endLine: 110 })
  sources.scriptAdded(inside, noText)
  await sources.ready(inside)
  t.equal(sources.place(inside, 100, 8).source.path, '/srv/shop/y.ts')
  t.match(await sources.generated({ path: '/srv/shop/y.ts' }, 0, undefined), [{}, { line: 100, column: 8 }])
  await sources[Symbol.asyncDispose]()
})
