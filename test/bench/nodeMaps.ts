import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import type { Client } from '../support/client.ts'
import { mib, printFigures, type Figure } from './figures.ts'
import { makeBundle, type Bundle } from './nodeBundle.ts'
import { besidePeer } from './nodeFigures.ts'
import { attachPeer, peerFile, peerNote, startPeer } from './nodePeer.ts'
import {
  attachDaemon,
  noSamples,
  sideNames,
  startNodeDaemon,
  threadOf,
  type NodeSideName,
  type NodeTarget,
} from './nodeSides.ts'
import { startFile, type Subject } from './nodeSubject.ts'
import { show } from './stops.ts'

/** Each of them costs the peer some eight seconds. */
const rounds = Number(process.env['BREAKWATER_BENCH_ROUNDS'] ?? 30)
const sessions = 10
/** Before memory is measured: what is kept for a moment has gone by then. */
const restMs = 10_000

/** A debugger that has seen nothing yet; it may attach to each of the programs it was started for. */
interface Cold extends AsyncDisposable {
  memory(options: { readonly collect: boolean }): Promise<NodeJS.MemoryUsage>
  attach(subject: Subject): Promise<{ readonly client: Client; readonly end: () => Promise<void> }>
}

async function startCold(name: NodeSideName, subjects: readonly Subject[], bundle: Bundle): Promise<Cold> {
  const nothing = (): Promise<void> => Promise.resolve()
  if (name === 'peer') {
    const peer = await startPeer(peerFile()!)
    const more = { sourceMaps: true, outFiles: [`${bundle.folder}/dist/**/*.js`], __workspaceFolder: bundle.folder }
    return { ...peer, attach: ({ port }) => attachPeer(peer, port, nothing, more) }
  }
  const targets = subjects.map(({ port }): [string, NodeTarget] => [`p${port}`, { port, mode: name }])
  const daemon = await startNodeDaemon(Object.fromEntries(targets))
  return {
    memory: (options) => daemon.memory(options),
    attach: ({ port }) => attachDaemon(daemon, `p${port}`, nothing),
    [Symbol.asyncDispose]: () => Promise.resolve(daemon[Symbol.asyncDispose]()),
  }
}

interface Visit {
  /** From `attach` on until the breakpoint is verified. */
  readonly attachedAndBoundMs: number
  /** From `setBreakpoints` on. */
  readonly boundMs: number
  /** From `stopped` until the first variables are shown. */
  readonly shownMs: number
  /** Of the variables. */
  readonly names: readonly string[]
  readonly end: () => Promise<void>
}

/** A session as a person has it: attach, a breakpoint in TypeScript, a hit and its variables. */
async function visit(cold: Cold, subject: Subject, bundle: Bundle): Promise<Visit> {
  const began = performance.now()
  const { client, end } = await cold.attach(subject)
  const asked = performance.now()
  const { breakpoints } = await client.break(bundle.source, bundle.line)
  const { id, verified } = breakpoints[0]!
  if (!verified) await client.event('breakpoint', ({ breakpoint: b }) => b.id === id && b.verified, 60_000)
  const bound = performance.now()
  const threadId = await threadOf(client)
  const called = subject.call('hit', 7)
  await client.event('stopped', () => true, 60_000)
  const stopped = performance.now()
  const { variables } = await show(client, threadId)
  const shown = performance.now()
  await client.break(bundle.source)
  await client.request('continue', { threadId })
  await called
  return {
    attachedAndBoundMs: bound - began,
    boundMs: bound - asked,
    shownMs: shown - stopped,
    names: variables.map((variable) => variable.name),
    end,
  }
}

interface Cost {
  readonly empty: number
  readonly one: number
  readonly ten: number
  readonly tenAtOnce: number
}

/** Resident bytes at rest, after a collection, with the last session still there. */
async function memoryOf(name: NodeSideName, bundle: Bundle): Promise<Cost> {
  await using scope = new Scope()
  const subjects: Subject[] = []
  for (let at = 0; at < sessions; at++) {
    const subject = await startFile(bundle.file)
    scope.add(() => subject.end())
    subjects.push(subject)
  }
  const rss = async (cold: Cold): Promise<number> => {
    await pause(restMs)
    return (await cold.memory({ collect: true })).rss
  }
  const turns = scope.use(await startCold(name, subjects, bundle))
  const empty = await rss(turns)
  const after: number[] = []
  for (let session = 0; session < sessions; session++) {
    const { end } = await visit(turns, subjects[0]!, bundle)
    if (session === 0 || session === sessions - 1) after.push(await rss(turns))
    await end()
  }
  const atOnce = scope.use(await startCold(name, subjects, bundle))
  const ends: (() => Promise<void>)[] = []
  for (const subject of subjects) ends.push((await visit(atOnce, subject, bundle)).end)
  const tenAtOnce = await rss(atOnce)
  for (const end of ends) await end()
  return { empty, one: after[0]!, ten: after.at(-1)!, tenAtOnce }
}

function memoryRow(
  name: string,
  of: Cost,
  base: Cost | undefined,
  read: (cost: Cost) => number,
  most?: number,
): Figure {
  const value = mib(read(of))
  const own = `${mib(of.empty)} before the first`
  if (base === undefined) return { name, value, detail: own }
  const part = read(of) / read(base)
  const above = (read(of) - of.empty) / (read(base) - base.empty)
  const detail = `× ${part.toFixed(2)} of the peer's ${mib(read(base))}; × ${above.toFixed(2)} without what each has before the first`
  const goal = most === undefined ? {} : { target: `<= ${most.toFixed(2)} ×`, ok: part <= most }
  return { name, value, ...goal, detail: `${detail}; ${own}` }
}

async function coldSamples(bundle: Bundle) {
  const samples = { attached: noSamples(), bound: noSamples(), shown: noSamples() }
  const shown = new Map<NodeSideName, readonly string[]>()
  const names = sideNames()
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]!
      await using scope = new Scope()
      const subject = await startFile(bundle.file)
      scope.add(() => subject.end())
      const found = await visit(scope.use(await startCold(name, [subject], bundle)), subject, bundle)
      samples.attached[name].push(found.attachedAndBoundMs)
      samples.bound[name].push(found.boundMs)
      samples.shown[name].push(found.shownMs)
      shown.set(name, found.names)
      await found.end()
    }
  }
  return { samples, shown }
}

/** A large bundle with its map, met by a debugger that has just been started. */
export async function nodeMaps(): Promise<void> {
  await using scope = new Scope()
  const bundle = await makeBundle()
  scope.add(() => bundle.remove())
  const { samples, shown } = await coldSamples(bundle)
  printFigures(
    `Node: a bundle of ${mib(bundle.bundleBytes)} with a map of ${mib(bundle.mapBytes)}, cold`,
    [
      ...besidePeer('attach to bound', samples.attached, 0.5),
      ...besidePeer('setBreakpoints to bound', samples.bound, 0.5),
      ...besidePeer('stopped to first variables', samples.shown, 0.05),
    ],
    [
      'each sample is a program and a debugger that have just been started.',
      ...[...shown].map(([name, names]) => `variables shown by ${name}: ${names.join(' ')}`),
      peerNote(),
    ],
  )
}

/** What sessions on such a bundle leave behind in the debugger. */
export async function nodeMemory(): Promise<void> {
  await using scope = new Scope()
  const bundle = await makeBundle()
  scope.add(() => bundle.remove())
  const costs = new Map<NodeSideName, Cost>()
  for (const name of sideNames()) costs.set(name, await memoryOf(name, bundle))
  const peer = costs.get('peer')
  const rows = sideNames().flatMap((name) => {
    const label = (text: string): string => (name === 'control' ? text : `  ${name}: ${text}`)
    const of = costs.get(name)!
    const base = name === 'peer' ? undefined : peer
    return [
      memoryRow(label('after 1 session'), of, base, ({ one }) => one),
      memoryRow(label(`after ${sessions}, one by one`), of, base, ({ ten }) => ten, 0.1),
      memoryRow(label(`with ${sessions} at once`), of, base, ({ tenAtOnce }) => tenAtOnce, 0.1),
    ]
  })
  printFigures(`Node: memory, a bundle of ${mib(bundle.bundleBytes)} with a map of ${mib(bundle.mapBytes)}`, rows, [
    `resident, ${restMs / 1000} s after the last variables were shown, after a collection, all sessions still there.`,
    peerNote(),
  ])
}
