import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import { Client } from '../support/client.ts'
import { startDaemon, type Daemon } from './daemon.ts'
import { startFakeAdapter } from './fakeAdapter.ts'
import { kib, mib, printFigures } from './figures.ts'

const sessions = 1_000
const atOnce = 50
/** Bytes for each session beyond the first. */
const target = 150 * 1024

/** A thousand sessions that were attached and are left alone. */
export async function idleSessions(): Promise<void> {
  await using scope = new Scope()
  const adapter = await startFakeAdapter()
  scope.add(() => Promise.resolve(adapter[Symbol.asyncDispose]()))
  const daemon = await startDaemon({
    targets: { fake: `{ backend: debugpy, at: 127.0.0.1:${adapter.port}, policy: many }` },
    policies: { many: '{ mode: inspect, session: 1h, idle: 1h, limits: { sessions: 2000 } }' },
  })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const open = async (): Promise<void> => {
    const client = await Client.connect(daemon.port)
    scope.add(async () => void client.socket.destroy())
    await client.attach({ target: 'fake' }, (c) => c.request('threads', undefined))
  }
  const alone = await daemon.memory({ collect: true })
  await open()
  const one = await settled(daemon)
  for (let opened = 0; opened < sessions; opened += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, sessions - opened) }, open))
  }
  const asItIs = await daemon.memory()
  const all = await settled(daemon)
  const each = (key: 'rss' | 'heapUsed' | 'external'): number => (all[key] - one[key]) / sessions
  printFigures(
    `${sessions} idle sessions on one daemon (mode inspect, beyond the first)`,
    [
      {
        name: 'resident memory for each',
        value: kib(each('rss')),
        target: `< ${kib(target)}`,
        ok: each('rss') < target,
        detail: `${mib(one.rss)} with one, ${mib(all.rss)} with ${sessions + 1}, after gc`,
      },
      {
        name: '  before gc was asked for',
        value: kib((asItIs.rss - one.rss) / sessions),
        detail: `${mib(asItIs.rss)} right after all were opened`,
      },
      { name: '  heap used for each', value: kib(each('heapUsed')), detail: `${mib(all.heapUsed)} in all` },
      { name: '  external for each', value: kib(each('external')), detail: `${mib(all.external)} in all` },
      { name: 'without a session', value: mib(alone.rss), detail: 'resident, after gc' },
    ],
    ['behind them is one stand-in for debugpy that greets and attaches: a thousand real ones do not fit this machine.'],
  )
}

/** Resident memory after gc, once it no longer falls. */
async function settled(daemon: Daemon): Promise<NodeJS.MemoryUsage> {
  let last = await daemon.memory({ collect: true })
  for (let turn = 0; turn < 20; turn++) {
    await pause(300)
    const now = await daemon.memory({ collect: true })
    if (now.rss >= last.rss - 256 * 1024) return now
    last = now
  }
  return last
}
