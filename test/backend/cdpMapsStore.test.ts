import { execFile } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { openSync, closeSync, ftruncateSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { Decoder } from '../../src/backend/cdp/maps/decoder.ts'
import { farFiles } from '../../src/transport/farFiles.ts'
import { MapProblem } from '../../src/backend/cdp/maps/flatMap.ts'
import { MapStore } from '../../src/backend/cdp/maps/mapStore.ts'
import { deferred } from '../../src/lib/deferred.ts'
import { command, streamCommand } from '../../src/transport/command.ts'
import { direct } from '../../src/transport/direct.ts'
import { until } from '../support/debuggee.ts'

const loopback = { host: '127.0.0.1', port: 9229 }
/** One for all tests: a worker needs a second to start under tap. All of them here are about the worker. */
const decoder = new Decoder({ smallBytes: 0 })

const never = new AbortController().signal
setMaxListeners(0, never)

/** A map of some lines; each line is a segment. */
function mapText(lines: number, source = 'a.ts'): string {
  const mappings = `AAAA${';AACA'.repeat(lines - 1)}`
  return JSON.stringify({ version: 3, sources: [source], sourcesContent: ['x\n'.repeat(lines)], names: [], mappings })
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text))
}

function input(text: string, key?: string) {
  return { key, bytes: text.length, read: () => Promise.resolve(bytes(text)) }
}

async function problemOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it was no problem'),
    (reason: unknown) => reason as Error,
  )
  return `${error.name}: ${error.message}`
}

void t.test('a map is decoded in a worker, its text comes after it', async (t) => {
  const read = await decoder.read(bytes(mapText(3)), () => new Set())
  t.ok('map' in read && read.map.columns.length === 3)
  t.ok('map' in read && ((await read.contents)?.bytes.length ?? 0) > 0)
  const again = await decoder.read(bytes(mapText(3)), () => new Set([read.digest]))
  t.same(again, { digest: read.digest, known: true }, 'what is known is not decoded again')
  const url = `data:application/json;charset=utf-8;base64,${Buffer.from(mapText(4)).toString('base64')}`
  const inline = await decoder.read(url, () => new Set())
  t.ok('map' in inline && inline.map.columns.length === 4)
  const escaped = await decoder.read(`data:application/json,${encodeURIComponent(mapText(5))}`, () => new Set())
  t.ok('map' in escaped && escaped.map.columns.length === 5)
  for (const broken of ['data:nothing', 'data:,%', 'data:;base64,AAAA']) {
    const found = await decoder.read(broken, () => new Set())
    t.ok('problem' in found && found.problem instanceof MapProblem, broken)
  }
})

void t.test('a small map needs no worker, and says the same', async (t) => {
  const entry = new URL('data:text/javascript,process.exit(3)')
  const here = new Decoder({ entry })
  const read = await here.read(bytes(mapText(3)), () => new Set())
  t.ok('map' in read && read.map.columns.length === 3 && (await read.contents)?.ends.length === 1)
  t.same(await here.read(bytes(mapText(3)), () => new Set([read.digest])), { digest: read.digest, known: true })
  const broken = await here.read('data:,{', () => new Set())
  t.match('problem' in broken && broken.problem.message, /is cut off/)
  const section = { offset: { line: 3_000_000, column: 0 }, map: JSON.parse(mapText(1)) as object }
  const long = here.read(bytes(JSON.stringify({ version: 3, sections: [section] })), () => new Set())
  t.match(await problemOf(long), /the thread that read/, 'a small one with millions of lines needs one')
  const many = await Promise.all([1, 2, 3].map((lines) => here.read(bytes(mapText(lines)), () => new Set())))
  t.same(
    many.map((each) => ('map' in each ? each.map.columns.length : 0)),
    [1, 2, 3],
  )
})

void t.test('a worker that dies is a problem of its map, and the next map has a new one', async (t) => {
  const exits = new Decoder({ smallBytes: 0, entry: new URL('data:text/javascript,process.exit(3)') })
  t.match(
    await problemOf(exits.read(bytes(mapText(2)), () => new Set())),
    /MapProblem: can't be read: the thread that read/,
  )
  const throws = new Decoder({ smallBytes: 0, entry: new URL('data:text/javascript,throw new Error("oops")') })
  t.match(await problemOf(throws.read(bytes(mapText(2)), () => new Set())), /MapProblem: can't be read: oops/)
  const slow = new Decoder({ smallBytes: 0, timeoutMs: 1 })
  // The second one waits for its turn, and has a worker of its own.
  const both = [
    slow.read(bytes(mapText(500_000)), () => new Set()),
    slow.read(bytes(mapText(500_000)), () => new Set()),
  ]
  for (const read of both) t.match(await problemOf(read), /took more than 0.001 s/)
})

void t.test('one decoded map for one content, however often and from wherever it is asked for', async (t) => {
  const store = new MapStore({ decoder })
  let reads = 0
  const counted = (key: string) => ({
    key,
    bytes: 100,
    read: async () => {
      reads++
      return bytes(mapText(10))
    },
  })
  const [one, two] = await Promise.all([store.take(counted('a')), store.take(counted('a'))])
  t.equal(one.map, two.map)
  t.equal(reads, 1, 'what is being loaded is loaded once')
  const three = await store.take(counted('b'))
  t.equal(three.map, one.map, 'the same bytes from elsewhere')
  const url = `data:;base64,${Buffer.from(mapText(10)).toString('base64')}`
  const inline = await store.take({ key: undefined, bytes: url.length, read: () => Promise.resolve(url) })
  t.equal(inline.map, one.map, 'inline too')
  const before = reads
  t.equal((await store.take(counted('a'))).map, one.map)
  t.equal(reads, before, 'what was read is not read again')
  t.equal(store.mapCount, 1)
})

void t.test('who loads for all may leave: the others read it their own way', async (t) => {
  const store = new MapStore({ decoder })
  const reading = deferred<Uint8Array<ArrayBuffer>>()
  const first = store.take({ key: 'k', bytes: 10, read: () => reading.promise })
  const second = store.take(input(mapText(2), 'k'))
  reading.reject(new Error('the session has ended'))
  t.match(await problemOf(first), /the session has ended/)
  t.equal((await second).map.segmentCount, 2)
})

void t.test('memory is bounded: too large, no room, nobody uses it', async (t) => {
  const store = new MapStore({ decoder, mapBytesMax: 1_000_000, bytesMax: 150_000, idleBytesMax: 100_000 })
  let read = false
  const huge = { key: 'h', bytes: 500 * 1024 * 1024, read: () => Promise.resolve(((read = true), bytes(''))) }
  t.match(await problemOf(store.take(huge)), /is too large: 500 MiB, over the limit of 1.0 MiB/)
  t.equal(read, false, 'and it was not read')
  const first = await store.take(input(mapText(5_000, 'one.ts'), '1'))
  t.ok(store.bytes > 50_000 && store.bytes < 100_000, `${store.bytes} bytes`)
  const second = await store.take(input(mapText(4_500, 'two.ts'), '2'))
  t.match(await problemOf(store.take(input(mapText(4_000, 'three.ts'), '3'))), /has no room: it takes/)
  first.release()
  first.release()
  await store.take(input(mapText(4_000, 'three.ts'), '3'))
  t.equal(store.mapCount, 2, 'what nobody uses makes room, although it was a problem before')
  second.release()
  const brief = new MapStore({ decoder, idleMs: 1 })
  ;(await brief.take(input(mapText(10), '1'))).release()
  await until('what nobody uses goes', () => brief.mapCount === 0)
})

void t.test('a broken map stays a problem as long as it is the same', async (t) => {
  const store = new MapStore({ decoder })
  let reads = 0
  const broken = (text: string, key: string) => ({
    key,
    bytes: 1,
    read: async () => (reads++, bytes(text)),
  })
  t.match(await problemOf(store.take(broken('{', 'size 1'))), /MapProblem: is cut off/)
  t.match(await problemOf(store.take(broken('{', 'size 1'))), /MapProblem: is cut off/)
  t.equal(reads, 1)
  t.ok(await store.take(broken(mapText(1), 'size 2')), 'the file was repaired')
  t.match(await problemOf(store.take({ key: 'x', bytes: 1, read: () => Promise.reject(new Error('gone')) })), /gone/)
  t.ok(await store.take(input(mapText(1), 'x')), 'a way that was gone is tried again')
})

/** A folder with files of every kind. */
function files(folder: string): string {
  const sparse = openSync(join(folder, 'huge.map'), 'w')
  ftruncateSync(sparse, 500 * 1024 * 1024)
  closeSync(sparse)
  writeFileSync(join(folder, 'binary.map'), Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 256)))
  return folder
}

void t.test('files of the far side: of this machine, and through a shell', async (t) => {
  const content = { 'a b.map': 'héllo\n', 'empty.map': '', folder: {}, "it's $HOME `x`.map": 'odd' }
  const folder = files(t.testdir(content))
  await using shell = command(['env', 'LC_ALL=C'])
  await using here = direct()
  for (const far of [farFiles(here, loopback), farFiles(shell, loopback)]) {
    const of = (name: string): string => `${far.name}: ${name}`
    t.equal(far.local, far.name === 'this machine')
    t.equal((await far.read(join(folder, 'a b.map'), 100, never)).toString(), 'héllo\n', of('read'))
    t.equal(
      (await far.read(join(folder, "it's $HOME `x`.map"), 100, never)).toString(),
      'odd',
      of('no word of a shell'),
    )
    t.equal((await far.read(join(folder, 'empty.map'), 0, never)).length, 0, of('empty'))
    const binary = await far.read(join(folder, 'binary.map'), 1e6, never)
    t.ok(binary.length === 200_000 && binary.every((byte, at) => byte === at % 256), of('all bytes'))
    t.equal(await far.size(join(folder, 'huge.map'), never), 500 * 1024 * 1024, of('500 MiB have a size'))
    t.match(await problemOf(far.read(join(folder, 'huge.map'), 1e6, never)), /over the limit of 1000000/, of('limit'))
    t.match(await problemOf(far.size(join(folder, 'none.map'), never)), /FarFileError: no such file/, of('missing'))
    t.match(await problemOf(far.size(join(folder, 'folder'), never)), /no regular file/, of('folder'))
    t.match(await problemOf(far.size('/dev/zero', never)), /no regular file/, of('device'))
    t.match(await problemOf(far.size('/x\ns 1 /etc/passwd', never)), /no such file/, of('a line break is no command'))
    const many = await Promise.all(Array.from({ length: 200 }, () => far.read(join(folder, 'a b.map'), 100, never)))
    t.ok(
      many.every((buffer) => buffer.toString() === 'héllo\n'),
      of('200 in one flight'),
    )
    const stop = new AbortController()
    const given = far.read(join(folder, 'binary.map'), 1e6, stop.signal)
    stop.abort(new Error('enough'))
    t.match(await problemOf(given), /enough/, of('given up'))
    t.equal((await far.read(join(folder, 'a b.map'), 100, never)).length, 7, of('and the next one is right'))
    await far[Symbol.asyncDispose]()
  }
})

void t.test('where no file can be read it says why', async (t) => {
  await using here = direct()
  const elsewhere = farFiles(here, { host: '10.1.2.3', port: 9229 })
  t.match(
    await problemOf(elsewhere.size('/x.map', never)),
    /files of another machine can't be read over its debug port/,
  )
  await using stream = streamCommand(['cat'])
  await using noShell = command(['false'])
  t.match(await problemOf(farFiles(stream, loopback).size('/x', never)), /no shell can be run there \(.*stream/)
  t.match(
    await problemOf(farFiles(noShell, loopback).size('/x', never)),
    /can't be read through false: false exited with 1/,
  )
  // A far side that answers nonsense, or more than it was asked for.
  await using liar = command(['sh', '-c', 'read -r l; echo "$5 ready"; echo "$5 + 99999999999"; cat', 'sh'])
  const far = farFiles(liar, loopback)
  t.match(await problemOf(far.read('/x', 10, never)), /FarFileError: it sends more than was asked for/)
  await far[Symbol.asyncDispose]()
})

void t.test('the worker of the built package starts too', async (t) => {
  const dist = resolve(import.meta.dirname, '../../dist/backend/cdp/maps')
  const script = `
    const { Decoder } = await import('${dist}/decoder.js')
    const read = await new Decoder({ idleMs: 1, smallBytes: 0 }).read(Uint8Array.from(Buffer.from(${JSON.stringify(mapText(7))})), () => new Set())
    console.log(read.map.columns.length, (await read.contents).ends.length)`
  const args = ['--input-type=module', '-e', script]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env['PATH'] } })
  t.equal(stdout.trim(), '7 1', 'and the process ends by itself')
})
