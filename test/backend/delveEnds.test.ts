import t from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../support/client.ts'
import { until } from '../support/debuggee.ts'
import { delveVersions, letGo, startGo, type RunningDelve } from '../support/delve.ts'
import { opener } from '../support/delveSession.ts'
import { startRealDaemon } from '../support/realDaemon.ts'

const rounds = 4

/** As on a machine whose processor is taken away from it, until it is told to end: halts are said again, and come late. */
function stall(delve: RunningDelve): () => Promise<void> {
  let isOn = true
  const stalling = (async () => {
    for (let turn = 0; isOn; turn++) {
      process.kill(delve.pid, 'SIGSTOP')
      await delay(250)
      process.kill(delve.pid, 'SIGCONT')
      // In other places each time.
      await delay(5 + ((turn * 23) % 60))
    }
  })()
  return () => {
    isOn = false
    return stalling
  }
}

for (const version of delveVersions) {
  void t.test(`sessions end while Delve ${version.name} is slow`, async (t) => {
    const life = await startGo(version, 'life')
    t.teardown(() => life.end())
    const daemon = await startRealDaemon(t, { yaml: `targets: { life: { backend: delve, at: ${life.port} } }` })
    for (let round = 0; round < rounds; round++) {
      const mark = round % 2 === 0 ? 'BREAK' : 'RARE'
      const client = await Client.connect(daemon.port)
      const hot = { line: life.line('HOT'), condition: 'n < 0' }
      await client.attach({ target: 'life' }, () => client.break(life.file, life.line(mark), hot))
      if (mark === 'BREAK') await client.event('stopped')
      else await life.runsOn()
      const endStalls = stall(life.delve)
      client.socket.end()
      await until('the session is over', () => daemon.sessions.facts().length === 0)
      await endStalls()
      await life.runsOn(30)
      t.pass(`${mark}: it runs on`)
    }
  })

  void t.test(`Delve ${version.name} lets go of its program over a hot line`, async (t) => {
    const attachTo = opener(t)
    for (let round = 0; round < rounds; round++) {
      const life = await startGo(version, 'life', { start: 'attach-held', single: true })
      t.teardown(() => life.end())
      const session = await attachTo(life.port)
      const breakpoints = [{ line: life.line('HOT'), condition: 'n < 0' }]
      await session.ask('setBreakpoints', { source: { path: life.file }, breakpoints })
      await session.ask('configurationDone', undefined)
      await session.next('stopped')
      await session.ask('continue', { threadId: 1 })
      await life.runsOn()
      await session.end()
      await letGo(life)
      await life.runsOn(10)
      t.pass('it runs on')
    }
  })
}
