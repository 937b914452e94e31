import type { Mode } from '../../src/policy/policy.ts'
import type { PolicySettings } from '../../src/policy/settings.ts'
import { startDaemon, type DaemonOptions, type TestDaemon } from './daemon.ts'
import { FakeDebugger, fakeTargets } from './fakeBackend.ts'

/** A daemon with the targets `shop`, which is `fake`, and `other`; it ends with the test. */
export async function daemonWith(
  t: { teardown(end: () => Promise<void>): unknown },
  fake: FakeDebugger,
  mode: Mode = 'control',
  change: (settings: PolicySettings) => PolicySettings = (s) => s,
  options: DaemonOptions = {},
): Promise<TestDaemon> {
  const daemon = await startDaemon(() => fakeTargets({ shop: fake, other: new FakeDebugger() }, mode, change), options)
  t.teardown(async () => daemon[Symbol.asyncDispose]())
  return daemon
}
