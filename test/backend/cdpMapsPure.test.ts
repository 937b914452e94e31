import { FlattenMap, TraceMap, allGeneratedPositionsFor, originalPositionFor } from '@jridgewell/trace-mapping'
import { build } from 'esbuild'
import t from 'tap'
import { CompactMap } from '../../src/backend/cdp/maps/compactMap.ts'
import { decodeMap, mapLimits } from '../../src/backend/cdp/maps/decode.ts'
import { bytesOf, MapProblem } from '../../src/backend/cdp/maps/flatMap.ts'
import { Patterns } from '../../src/backend/cdp/maps/patterns.ts'
import { comparable, commonTail, pathOfUrl } from '../../src/backend/cdp/maps/paths.ts'
import { matchOf } from '../../src/backend/cdp/maps/privateMaps.ts'
import { likelyRoot, SourcePaths } from '../../src/backend/cdp/maps/sourcePaths.ts'

function compact(text: string): CompactMap {
  const { map, contents } = decodeMap(Buffer.from(text))
  return new CompactMap(map, Promise.resolve(contents()))
}

/** A bundle of some modules, as esbuild makes it. */
async function bundle(minify: boolean): Promise<{ code: string; map: string }> {
  const modules = Array.from({ length: 12 }, (_, module) => {
    const next = module < 11 ? `import { work as next } from 'm${module + 1}'\n` : 'const next = (n: number) => n\n'
    return `${next}/** A thing. */\nexport function work(n: number): number {\n  const twice = n * ${module}\n\n  return next(twice) + 1\n}\n`
  })
  const { outputFiles } = await build({
    stdin: { contents: "import { work } from 'm0'\nconsole.log(work(3))\n", sourcefile: 'main.ts', loader: 'ts' },
    bundle: true,
    write: false,
    minify,
    platform: 'node',
    sourcemap: 'external',
    outfile: '/app/dist/main.js',
    plugins: [
      {
        name: 'modules',
        setup(plugin) {
          plugin.onResolve({ filter: /^m\d+$/ }, ({ path }) => ({ path, namespace: 'src' }))
          plugin.onLoad({ filter: /./, namespace: 'src' }, ({ path }) => ({
            contents: modules[Number(path.slice(1))]!,
            loader: 'ts',
          }))
        },
      },
    ],
  })
  return { map: outputFiles[0]!.text, code: outputFiles[1]!.text }
}

void t.test('a map says the same as trace-mapping, both ways', async (t) => {
  for (const minify of [false, true]) {
    const { map, code } = await bundle(minify)
    const [ours, theirs] = [compact(map), new TraceMap(map)]
    t.equal(ours.sourceCount, 13)
    t.ok(ours.lineCount <= code.split('\n').length)
    let [different, mapped, named, back] = [0, 0, 0, 0]
    for (const [line, text] of code.split('\n').entries()) {
      for (let column = 0; column < text.length; column++) {
        const expected = originalPositionFor(theirs, { line: line + 1, column })
        const found = ours.original(line, column)
        if (expected.source === null) continue
        mapped++
        if (found?.name !== undefined) named++
        const same =
          found !== undefined &&
          theirs.resolvedSources[found.source] === expected.source &&
          found.line === expected.line - 1 &&
          found.column === expected.column &&
          found.name === (expected.name ?? undefined)
        if (!same) different++
        const generated = ours.generated(found?.source ?? 0, expected.line - 1, expected.column)
        const all = allGeneratedPositionsFor(theirs, { ...expected, source: expected.source })
        if (
          generated.every((g) => all.some((a) => a.line === g.line + 1 && a.column === g.column)) &&
          generated.length > 0
        )
          back++
      }
    }
    t.ok(mapped > 300, `${mapped} places`)
    t.equal(different, 0)
    t.equal(back, mapped, 'and back')
    if (minify) t.ok(named > 0, 'names of what was minified')
    t.equal(await ours.content(12), theirs.sourcesContent?.[12])
  }
})

void t.test('a line without code is the next one that has some, and a column is the next place', async (t) => {
  const { map } = await bundle(false)
  const ours = compact(map)
  const source = Array.from({ length: ours.sourceCount }, (_, index) => index).find((s) =>
    ours.sourceName(s).includes('m3'),
  )!
  const [empty] = ours.generated(source, 4, undefined)
  t.equal(empty?.original.line, 5, 'the empty line is the return below')
  const [first] = ours.generated(source, 5, undefined)
  t.match(first?.original, { line: 5, column: 2 }, 'the first place of the line')
  t.match(ours.generated(source, 5, 4)[0]?.original, { line: 5, column: 9 }, 'in a word: the next place')
  t.equal(ours.generated(source, 5, 500)[0]?.original.line, 5, 'after the last place of the line: that one')
  t.same(ours.generated(source, 5_000, undefined), [], 'below the last line: nothing')
  t.same(ours.generated(99, 0, undefined), [], 'a source that is not there')
  const range = ours.mappedIn(source, 3, 5, 100)
  t.ok(range.length > 3 && range.every(({ original }) => original.line >= 3 && original.line <= 5))
  t.equal(ours.mappedIn(source, 0, 100, 2).length, 2, 'no more than is asked for')
  t.equal(ours.original(-1, 0), undefined)
  t.equal(ours.original(1e6, 0), undefined)
})

const simple = { version: 3, sources: ['a.ts', 'b.ts'], names: ['x'], mappings: 'AAAA,CCAAA;;AACA' }

void t.test('index maps are flattened, each section behind its own sourceRoot', (t) => {
  const sections = [
    { offset: { line: 0, column: 0 }, map: { ...simple, sourceRoot: 'one', sourcesContent: ['A', 'B'] } },
    { offset: { line: 10, column: 4 }, map: { ...simple, sourceRoot: '/two', x_google_ignoreList: [1] } },
  ]
  const text = JSON.stringify({ version: 3, sections })
  const [ours, theirs] = [compact(text), new FlattenMap(text)]
  t.same(
    Array.from({ length: ours.sourceCount }, (_, index) => ours.sourceName(index)),
    theirs.resolvedSources,
  )
  t.match(ours.original(10, 4), { source: 2, line: 0, column: 0 })
  t.ok(ours.isIgnored(3))
  t.notOk(ours.isIgnored(1))
  t.equal(ours.lineCount, 13)
  t.end()
})

void t.test('what a map may have: no names, null sources, ids, lists to ignore, columns in any order', async (t) => {
  const map = compact(
    JSON.stringify({
      version: 3,
      file: 'x.js',
      sourceRoot: 'webpack://shop/',
      sources: ['./src/a.ts', null, '/abs/b.ts'],
      sourcesContent: ['', null, 'text'],
      ignoreList: [2, 99, -1, 'x'],
      debug_id: '85314830-023F-4CF1-A267-535F4E37BB17',
      // Columns 8, 0, 4, in this order.
      mappings: 'QAAA,RCAA,ICAA',
    }),
  )
  t.same(
    [0, 1, 2].map((source) => map.sourceName(source)),
    ['webpack://shop/./src/a.ts', '', '/abs/b.ts'],
  )
  t.same(await Promise.all([0, 1, 2].map((source) => map.content(source))), ['', undefined, 'text'])
  t.same(
    [0, 1, 2].map((source) => map.isIgnored(source)),
    [false, false, true],
  )
  t.equal(map.debugId, '85314830-023f-4cf1-a267-535f4e37bb17')
  t.same(
    [0, 4, 8].map((column) => map.original(0, column)?.source),
    [1, 2, 0],
  )
  t.match(compact(`)]}'\n${JSON.stringify(simple)}`), { sourceCount: 2 }, 'the guard against scripts')
  t.match(compact(`\uFEFF${JSON.stringify(simple)}`), { sourceCount: 2 }, 'a byte order mark')
  // One segment for text that is of no source.
  t.equal(compact(JSON.stringify({ ...simple, mappings: 'AAAA,I' })).original(0, 5), undefined)
})

void t.test('broken maps are named problems', (t) => {
  const json = (change: object): string => JSON.stringify({ ...simple, ...change })
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^is no JSON/],
    ['root:x:0:0:secret', /^is no JSON$/],
    [json({}).slice(0, -20), /^is cut off/],
    ['[]', /^is no JSON object/],
    ['null', /^is no JSON object/],
    [json({ version: 2 }), /has version 2/],
    [json({ version: undefined }), /has no version/],
    [json({ mappings: undefined }), /has no mappings/],
    [json({ mappings: 7 }), /has no mappings/],
    [json({ sources: undefined }), /no list of sources/],
    [json({ names: 'x' }), /no list of names/],
    [json({ mappings: 'AAA$' }), /no digit, at 3/],
    [json({ mappings: 'AAAAé' }), /no digit, at 4/],
    [json({ mappings: 'AAAg' }), /cut off/],
    [json({ mappings: 'AAAg,AAAA' }), /cut off/],
    [json({ mappings: 'AA' }), /a mapping of 2 numbers/],
    [json({ mappings: 'AAAAAA' }), /more than 5 numbers/],
    [json({ mappings: 'gggggggggA' }), /a number without end/],
    [json({ mappings: 'AEAA' }), /line 1 have source 2 of 2/],
    [json({ mappings: ';;ADAA' }), /line 3 have source -1/],
    [json({ mappings: 'D' }), /column before the first/],
    [json({ mappings: 'AADA' }), /a place before the first/],
    [json({ mappings: 'AAAAC' }), /name 1 of 1/],
    [JSON.stringify({ version: 3, sections: [{}] }), /section without a map/],
    [JSON.stringify({ version: 3, sections: [{ map: simple }] }), /section without an offset/],
    [JSON.stringify({ version: 3, sections: [{ offset: { line: 1e9, column: 0 }, map: simple }] }), /is too large/],
    [
      JSON.stringify({ version: 3, sections: [{ url: 'http://x/y.map', offset: { line: 0, column: 0 } }] }),
      /without a map/,
    ],
    [json({ sources: Array.from({ length: mapLimits.sources + 1 }, () => 's') }), /100001 sources, over 100000/],
    [json({ mappings: ';'.repeat(mapLimits.segments) }), /is too large: \d+ mappings/],
    [
      `{"version":3,"sections":${'[{"map":{"version":3,"sections":'.repeat(9)}[]${'}}]'.repeat(9)}}`,
      /offset|in sections/,
    ],
  ]
  for (const [text, expected] of cases) {
    let problem: unknown
    try {
      decodeMap(Buffer.from(text))
    } catch (error) {
      problem = error
    }
    t.ok(problem instanceof MapProblem, `${text.slice(0, 60)}: ${String(problem)}`)
    t.match((problem as Error).message, expected)
    t.notMatch((problem as Error).message, /secret/, 'no text of the file is told')
  }
  t.end()
})

void t.test('keys that would change prototypes are keys', (t) => {
  const map = compact(
    '{"__proto__":{"version":3,"polluted":1},"constructor":1,"version":3,"sources":["__proto__"],"names":["constructor"],"mappings":"AAAAA"}',
  )
  t.equal(map.sourceName(0), '__proto__')
  t.equal(map.original(0, 0)?.name, 'constructor')
  t.equal(({} as { polluted?: number }).polluted, undefined)
  t.throws(() => decodeMap(Buffer.from('{"__proto__":{"version":3,"sources":[],"mappings":""}}')), /has no version/)
  t.end()
})

void t.test('a million segments on one line, of a hundred thousand sources', (t) => {
  // Each segment: 2 columns on, and the next source at every tenth.
  const mappings = Array.from({ length: 1_000_000 }, (_, at) => (at % 10 === 0 && at > 0 ? 'ECAA' : 'EAAA')).join(',')
  const sources = Array.from({ length: 100_000 }, (_, index) => `s${index}.ts`)
  const { map, contents } = decodeMap(Buffer.from(JSON.stringify({ version: 3, sources, names: [], mappings })))
  const ours = new CompactMap(map, Promise.resolve(contents()))
  t.equal(ours.segmentCount, 1_000_000)
  t.match(ours.original(0, 2 * 500_005), { source: 50_000 })
  t.equal(ours.generated(99_999, 0, undefined)[0]?.column, 2 * 999_991)
  t.ok(bytesOf(map) < 16_000_000, `${bytesOf(map)} bytes`)
  t.end()
})

void t.test('sources become paths of the far side', (t) => {
  const paths = new SourcePaths({ 'webpack:///./lib/*': '${workspaceFolder}/packages/*', 'custom://?:*/*': '/srv/*' })
  const bases = { base: '/app/dist/main.js.map', root: '/app' }
  const cases: Readonly<Record<string, string | undefined>> = {
    '../src/a.ts': '/app/src/a.ts',
    'a.ts': '/app/dist/a.ts',
    './a%20b.ts': '/app/dist/a b.ts',
    '100%.ts': '/app/dist/100%.ts',
    '../../../../etc/passwd': '/etc/passwd',
    '/srv/x/../y.ts': '/srv/y.ts',
    'file:///srv/a%20b.ts': '/srv/a b.ts',
    'file:///C:/Work/a.ts': 'c:\\Work\\a.ts',
    'file://server/share/a.ts': '\\\\server\\share\\a.ts',
    'C:\\Work\\src\\..\\a.ts': 'c:\\Work\\a.ts',
    'D:/Work/a.ts': 'd:\\Work\\a.ts',
    'webpack://shop/./src/a.ts': '/app/src/a.ts',
    'webpack://@scope/shop/./src/a.ts': '/app/src/a.ts',
    'webpack:///./src/a.ts': '/app/src/a.ts',
    'webpack:///src/a.ts?4f2c': '/app/src/a.ts',
    'webpack:///./~/left-pad/index.js': '/app/node_modules/left-pad/index.js',
    'webpack://shop/./~/left-pad/index.js': '/app/node_modules/left-pad/index.js',
    'webpack:///./lib/one/a.ts': '/app/packages/one/a.ts',
    'webpack:////srv/a.ts': '/srv/a.ts',
    'webpack:///C:/Work/a.ts': 'c:\\Work\\a.ts',
    'webpack:///../shared/a.ts': '/shared/a.ts',
    'webpack-internal:///./src/a.ts': '/app/src/a.ts',
    'webpack://shop/webpack/bootstrap': undefined,
    'webpack/runtime/chunk loaded': undefined,
    'webpack://shop/external "fs"': undefined,
    'webpack:///(webpack)/buildin/module.js': undefined,
    'src/webpack/runtime/a.ts': '/app/dist/src/webpack/runtime/a.ts',
    'node_modules/x/a.js': '/app/dist/node_modules/x/a.js',
    'vite:/src/a.ts': '/app/src/a.ts',
    '/@fs/srv/a.ts': '/srv/a.ts',
    '/@fs/C:/Work/a.ts': 'c:\\Work\\a.ts',
    'http://localhost:5173/src/a.ts?t=17': '/app/src/a.ts',
    'http://localhost:5173/@fs/srv/a.ts': '/srv/a.ts',
    'turbopack://[project]/src/a.ts': '/app/src/a.ts',
    'turbopack:///[project]/src/a.ts': '/app/src/a.ts',
    'meteor://💻app/server/a.js': '/app/server/a.js',
    'ng:///src/a.ts': '/app/src/a.ts',
    'ng://shop/a.ngfactory.js': undefined,
    'rollup://src/a.ts': '/app/a.ts',
    '\0commonjsHelpers.js': undefined,
    'node:fs': undefined,
    '<stdin>': undefined,
    'custom://any/a.ts': '/srv/a.ts',
    '': undefined,
  }
  for (const [source, path] of Object.entries(cases)) t.equal(paths.pathOf(source, bases), path, source)
  t.equal(paths.pathOf('webpack:///./src/a.ts', { base: undefined, root: undefined }), undefined, 'no root, no path')
  t.equal(paths.pathOf('webpack:///./lib/a.ts', { base: undefined, root: undefined }), undefined)
  t.equal(paths.pathOf('a.ts', { base: undefined, root: '/app' }), undefined, 'relative to nothing')
  const windows = { base: 'c:\\app\\dist\\main.js', root: 'c:\\app' }
  t.equal(paths.pathOf('../src/a.ts', windows), 'c:\\app\\src\\a.ts')
  t.equal(paths.pathOf('webpack://x/./src/a.ts', windows), 'c:\\app\\src\\a.ts')
  t.equal(likelyRoot('/app/dist/server/main.js'), '/app')
  t.equal(likelyRoot('/usr/lib/node_modules/x/y/main.js'), '/usr/lib/node_modules/x/y')
  t.equal(likelyRoot('/dist/main.js'), '/')
  t.equal(pathOfUrl('file:///app/a%20b.js'), '/app/a b.js')
  t.equal(pathOfUrl('file:///C:/app/b.js'), 'c:\\app\\b.js')
  t.equal(pathOfUrl('node:fs'), undefined)
  t.equal(comparable('C:\\App\\X.ts'), 'c:/app/x.ts')
  t.equal(comparable('/App/X.ts'), '/App/X.ts')
  t.equal(commonTail('/app/src/a.ts', '/home/me/src/a.ts'), 2)
  t.equal(commonTail('/app/src/a.ts', '/app/src/a.ts'), 3)
  t.equal(commonTail('/app/a.ts', '/app/aa.ts'), 0)
  t.end()
})

void t.test('patterns of files', (t) => {
  const notes: string[] = []
  const patterns = new Patterns(
    [
      '<node_internals>/**',
      '**/node_modules/**',
      '!**/node_modules/ours/**',
      '/srv/*.{js,mjs}',
      'C:\\Work\\lib\\**',
      '${workspaceFolder}/x/**',
      '*'.repeat(1) + '/a'.repeat(400),
      '**/a.b?.js',
    ],
    (text) => notes.push(text),
  )
  const expected: Readonly<Record<string, boolean>> = {
    'node:internal/timers': true,
    'node:fs': true,
    '/app/node_modules/x/index.js': true,
    'file:///app/node_modules/x/index.js': true,
    '/app/node_modules/ours/a.js': false,
    '/srv/a.js': true,
    'file:///srv/a.mjs': true,
    '/srv/a.ts': false,
    '/srv/x/a.js': false,
    'c:\\work\\lib\\a.js': true,
    'file:///c:/work/lib/a.js': true,
    '/app/src/a.ts': false,
    '/app/a.bc.js': true,
    '/app/aXbc.js': false,
  }
  const expressions = patterns.expressions().map((text) => new RegExp(text))
  for (const [path, matches] of Object.entries(expected)) {
    t.equal(patterns.matches(path), matches, path)
    if (!/^c:|\/c:/.test(path))
      t.equal(
        expressions.some((e) => e.test(path)),
        matches,
        `${path} as V8 is told`,
      )
  }
  t.equal(notes.length, 2)
  t.match(notes[0], /does not know \$\{workspaceFolder\}/)
  t.end()
})

void t.test('the map of a script among those of a folder', (t) => {
  const map = (relative: string, more: object = {}) => ({
    path: `/maps/${relative}`,
    relative,
    bytes: 1,
    changedMs: 1,
    debugId: undefined,
    file: undefined,
    ...more,
  })
  const id = '85314830-023f-4cf1-a267-535f4e37bb17'
  const script = { path: '/app/dist/server/main.js', debugId: undefined }
  t.equal(matchOf([map('x.map'), map('main.js.map')], script)?.map.relative, 'main.js.map')
  t.equal(matchOf([map('main.js.map'), map('server/main.js.map')], script)?.map.relative, 'server/main.js.map')
  t.equal(matchOf([map('other/main.js.map')], script), undefined, 'another folder')
  t.equal(matchOf([map('shop/1.4/dist/server/main.js.map')], script)?.by, 'its path')
  t.equal(matchOf([map('a/server/main.js.map'), map('b/server/main.js.map')], script), undefined, 'two are none')
  t.equal(matchOf([map('a.map', { debugId: id })], { ...script, debugId: id.toUpperCase() })?.by, 'its debug id')
  t.equal(matchOf([map('main.js.map', { debugId: 'x' })], { ...script, debugId: id }), undefined, 'another build')
  t.equal(matchOf([map('a.map', { file: 'main.js' })], script)?.by, 'the file it names')
  t.end()
})
