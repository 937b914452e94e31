import t, { type Test } from 'tap'
import { Client } from '../support/client.ts'
import { until } from '../support/debuggee.ts'
import { delveVersions, startGo, type DelveVersion, type RunningGo } from '../support/delve.ts'
import { attachTo } from '../support/delveSession.ts'
import { FakeDelve } from '../support/fakeDelve.ts'
import { startRealDaemon } from '../support/realDaemon.ts'

// Most of the time is spent waiting for silence.
t.jobs = 4

interface Attached {
  readonly debuggee: RunningGo
  readonly client: Client
  /** Of another client at the same program, in the words of its failure. */
  readonly again: () => Promise<string>
}

async function begin(t: Test, version: DelveVersion): Promise<Attached> {
  const debuggee = await startGo(version, 'life')
  t.teardown(() => debuggee.end())
  const yaml = `targets: { life: { backend: delve, at: ${debuggee.port}, policy: control } }`
  const daemon = await startRealDaemon(t, { yaml })
  const connect = async (): Promise<Client> => {
    const client = await Client.connect(daemon.port)
    t.teardown(() => client.connection.close())
    return client
  }
  const again = async (): Promise<string> => {
    const other = await connect()
    return other.attach({ target: 'life' }).then(
      () => 'attached',
      (error: Error) => error.message,
    )
  }
  return { debuggee, client: await connect(), again }
}

async function at(mark: string, { client, debuggee }: Attached, condition?: string): Promise<void> {
  const line = { line: debuggee.line(mark), ...(condition === undefined ? {} : { condition }) }
  await client.attach({ target: 'life' }, () => client.break(debuggee.file, line))
}

const isDead = /The program behind Delve at 127\.0\.0\.1:\d+ is dead: .*\. End that dlv \(kill -9\), and start/

for (const version of delveVersions) {
  void t.test(`the program is killed at a stop, Delve ${version.name}`, { buffered: true }, async (t) => {
    const attached = await begin(t, version)
    const { client, debuggee, again } = attached
    await at('BREAK', attached)
    await client.event('stopped')
    process.kill(debuggee.pid, 'SIGKILL')
    await client.event('terminated')
    t.match(client.output(), isDead, 'though the user does nothing')
    t.match(await again(), isDead)
  })

  void t.test(`and run on at once, Delve ${version.name}`, { buffered: true }, async (t) => {
    const attached = await begin(t, version)
    const { client, debuggee } = attached
    await at('BREAK', attached)
    const { threadId = 0 } = await client.event('stopped')
    process.kill(debuggee.pid, 'SIGKILL')
    await client.request('continue', { threadId })
    await client.event('terminated')
    t.match(client.output(), isDead)
    t.notOk(
      client.events.some(({ event }) => event === 'stopped'),
      'no stop is told of the dead',
    )
  })

  void t.test(`the program is killed over a hot line, Delve ${version.name}`, { buffered: true }, async (t) => {
    const attached = await begin(t, version)
    const { client, debuggee, again } = attached
    await at('HOT', attached, 'n < 0')
    await debuggee.runsOn(20)
    process.kill(debuggee.pid, 'SIGKILL')
    // Where Delve waits for it for ever that is found out when it is to be halted.
    client.request('pause', { threadId: 1 }).catch(() => {})
    await client.event('terminated')
    t.match(client.output(), /is dead: it was killed|ended by signal 9/)
    t.match(await again(), /The program behind Delve at 127\.0\.0\.1:\d+ (?:is dead|has ended)|took longer/)
  })

  // One of each, since it takes its time.
  const mark = version === delveVersions[0] ? 'BREAK' : 'RARE'
  const how = mark === 'BREAK' ? 'at a stop' : 'while the program runs'
  void t.test(`Delve ${version.name} is frozen ${how}`, { buffered: true }, async (t) => {
    const attached = await begin(t, version)
    const { client, debuggee, again } = attached
    await at(mark, attached)
    if (mark === 'BREAK') await client.event('stopped')
    else await debuggee.runsOn()
    const since = performance.now()
    process.kill(debuggee.delve.pid, 'SIGSTOP')
    await client.event('terminated', undefined, 60_000)
    t.comment(`told after ${Math.round(performance.now() - since)} ms`)
    t.match(client.output(), /Delve at 127\.0\.0\.1:\d+ has not answered for \d+ s, on a new connection neither/)
    process.kill(debuggee.delve.pid, 'SIGCONT')
    await until('it can be debugged again', async () => (await again()) === 'attached')
  })
}

void t.test('Delve answers no halt', async (t) => {
  const fake = await new FakeDelve().listen({ runs: false })
  t.teardown(() => fake.end())
  const session = await attachTo(fake.port)
  t.teardown(() => session.end())
  await session.ask('configurationDone', undefined)
  await session.ask('continue', { threadId: 1 })
  await until('it runs', () => fake.runs)
  fake.answers.set('Command', () => undefined)
  await session.ask('pause', { threadId: 1 })
  // Its program's number is that of no process here.
  t.match(await session.backend.closed, { message: /is dead: it was killed while Delve held it/ })
})
