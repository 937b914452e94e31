import { Scope } from '../../src/lib/scope.ts'
import { Client } from '../support/client.ts'
import { startDaemon } from './daemon.ts'
import { startFakeAdapter } from './fakeAdapter.ts'
import { median, ms, printFigures, quantile } from './figures.ts'

const sessions = 100
const rounds = 8
const targetMs = 50

/** A hundred clients come in the same moment, and each goes on to attach. */
export async function opening(): Promise<void> {
  await using scope = new Scope()
  const adapter = await startFakeAdapter()
  scope.add(() => Promise.resolve(adapter[Symbol.asyncDispose]()))
  const daemon = await startDaemon({
    targets: { fake: `{ backend: debugpy, at: 127.0.0.1:${adapter.port}, policy: many }` },
    policies: { many: '{ mode: inspect, limits: { sessions: 2000 } }' },
  })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  // The clients' own code is warm before anything is measured, so that the first round shows the daemon's start alone.
  await round(adapter.port)
  const initialized: number[][] = []
  const attached: number[] = []
  for (let turn = 0; turn < rounds; turn++) {
    const { answers, tookMs } = await round(daemon.port)
    initialized.push(answers)
    attached.push(tookMs)
  }
  const first = initialized[0]!
  const later = initialized.slice(1).flat()
  const figure = (name: string, value: number, detail: string, judged: boolean) => ({
    name,
    value: ms(value),
    detail,
    ...(judged ? { target: `<= ${targetMs} ms`, ok: value <= targetMs } : {}),
  })
  printFigures(
    `initialize answered while ${sessions} sessions are opened at once (${rounds} rounds)`,
    [
      figure('median', median(initialized.flat()), `of ${sessions * rounds}`, true),
      figure(
        'the slowest',
        Math.max(...initialized.flat()),
        `by round: ${initialized.map((r) => Math.max(...r).toFixed(0)).join(', ')} ms`,
        true,
      ),
      figure(
        '  the slowest of the first round',
        Math.max(...first),
        `median ${ms(median(first))}: a daemon that has just been started`,
        false,
      ),
      figure('  99th percentile of the others', quantile(later, 0.99), `of ${later.length}`, false),
      figure('  until all are attached', median(attached), 'median of the rounds', false),
    ],
    [
      'the clients share one process, and what they wait for each other is in these times; behind is a stand-in for debugpy.',
    ],
  )
}

/** Opens them all, and closes them when the last is attached. */
async function round(port: number): Promise<{ answers: number[]; tookMs: number }> {
  const answers: number[] = []
  const clients: Client[] = []
  const began = performance.now()
  const open = async (): Promise<void> => {
    const client = await Client.connect(port)
    clients.push(client)
    const asked = performance.now()
    await client.initialize()
    answers.push(performance.now() - asked)
    const attach = client.request('attach', { target: 'fake' } as object)
    await client.event('initialized')
    await client.request('configurationDone', {})
    await attach
  }
  await Promise.all(Array.from({ length: sessions }, open))
  const tookMs = performance.now() - began
  await Promise.all(clients.map((client) => client.disconnect()))
  return { answers, tookMs }
}
