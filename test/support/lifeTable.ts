import type { Test } from 'tap'
import { until } from './debuggee.ts'
import { freed, reach, told, type Stage } from './lifeCells.ts'
import type { End } from './lifeEnds.ts'
import type { LifeSubject } from './lifeSubjects.ts'
import { LifeWorld } from './lifeWorld.ts'

export interface Cell {
  readonly end: End
  readonly stage: Stage
}

/** Every cell is one session; the program goes through all of them, and each must leave it as it was. */
export async function endCells(t: Test, subject: LifeSubject, cells: readonly Cell[]): Promise<LifeWorld> {
  // The whole table, on a busy machine.
  t.setTimeout(600_000)
  const world = await LifeWorld.start(t, subject)
  for (const { end, stage } of cells) {
    await t.test(`${end.name}, ${stage}`, async (t) => {
      const held = await reach(stage, end, world)
      try {
        const { runsMs, attachableMs, refused } = await freed(held, end, world)
        const { text, terminated } = await told(held, end)
        const times = [`runs after ${Math.round(runsMs)} ms`]
        if (attachableMs !== undefined) times.push(`attachable after ${Math.round(attachableMs)} ms`)
        t.comment(`${subject.name}: ${end.name}, ${stage}: ${times.join(', ')}`)
        for (const sentence of [text.trim(), ...refused]) t.comment(sentence)
        if (end.tells !== undefined) {
          t.match(text, end.tells, 'the client knows why')
          if (stage !== 'connecting') t.equal(terminated, 1, 'and was told once')
        }
      } finally {
        world.near.resume()
        end.restore?.(world)
        await held.cli?.kill()
      }
      await until('no session, no relay and no watchdog is left', () => {
        return world.daemon.sessions.facts().length === 0 && world.leftovers().length === 0
      })
    })
  }
  return world
}
