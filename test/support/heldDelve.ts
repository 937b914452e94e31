import { connect } from '../../src/backend/delve/connect.ts'
import { DelveProgram } from '../../src/backend/delve/program.ts'
import type { ProgramStop } from '../../src/backend/delve/stop.ts'
import type { DebuggerState } from '../../src/backend/delve/wire.ts'
import { direct } from '../../src/transport/direct.ts'
import { silentLog } from './backendSession.ts'
import { until } from './debuggee.ts'
import { FakeDelve } from './fakeDelve.ts'

type Told =
  | { readonly kind: 'ran' | 'continued' }
  | { readonly kind: 'stopped'; readonly stop: ProgramStop }
  | { readonly kind: 'passed'; readonly state: DebuggerState }
  | { readonly kind: 'ended'; readonly how: Error | { readonly exitStatus: number } }

/** A program behind a fake Delve, and all that its listener is told. */
export interface Held {
  readonly fake: FakeDelve
  readonly program: DelveProgram
  readonly told: Told[]
  /** What it was told, without the runs. */
  readonly kinds: () => string[]
  /** Waits until the fake's program runs by a resume of ours. */
  readonly runs: () => Promise<void>
  readonly stops: (count?: number) => Promise<ProgramStop>
}

export interface HeldOptions {
  readonly single?: boolean
  /** By somebody else's resume. */
  readonly runs?: boolean
  /** What a listener does at each stop at once: runs on from a log point, say. */
  readonly onStop?: (program: DelveProgram) => void
}

export async function held(
  t: { teardown(end: () => Promise<void>): unknown },
  options: HeldOptions = {},
): Promise<Held> {
  const fake = await new FakeDelve().listen(options)
  const transport = direct()
  const connected = await connect(
    { address: { host: '127.0.0.1', port: fake.port }, listen: false, client: { adapterID: 'go' }, settings: {} },
    {
      transport,
      signal: new AbortController().signal,
      log: silentLog,
      guard: { readOnly: false },
      emit() {},
      child() {},
    },
  )
  t.teardown(async () => {
    await fake.end()
    await transport[Symbol.asyncDispose]()
  })
  const told: Told[] = []
  const listener = {
    ran: () => void told.push({ kind: 'ran' }),
    continued: () => void told.push({ kind: 'continued' }),
    stopped: (stop: ProgramStop) => {
      told.push({ kind: 'stopped', stop })
      options.onStop?.(program)
    },
    passed: (state: DebuggerState) => void told.push({ kind: 'passed', state }),
    ended: (how: Error | { readonly exitStatus: number }) => void told.push({ kind: 'ended', how }),
  }
  const program = new DelveProgram(connected.links, connected.facts, listener, silentLog)
  if (connected.state === undefined) void program.adopt().catch(() => {})
  else program.found(connected.state)
  const stopsTold = (): ProgramStop[] => told.flatMap((one) => (one.kind === 'stopped' ? [one.stop] : []))
  return {
    fake,
    program,
    told,
    kinds: () => told.map(({ kind }) => kind).filter((kind) => kind !== 'ran'),
    runs: () => until('the program of the fake runs', () => fake.runs),
    stops: async (count = 1) => {
      await until(`${count} stops`, () => stopsTold().length >= count)
      return stopsTold()[count - 1]!
    },
  }
}
