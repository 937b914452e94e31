import t from 'tap'
import { delveVersions } from './support/delve.ts'
import { comesBack, longestPause, stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { delveSubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'

const subject = delveSubject(delveVersions[0])

/** All ends at every stage, each with a breakpoint that is met all the time besides the one that is to stop. */
const world = await endCells(
  t,
  subject,
  [...ends, subject.ownEnd].flatMap((end) => stages.map((stage) => ({ end, stage }))),
)

void t.test('pauseMax', async (t) => {
  const { heldMs, text } = await longestPause(world)
  t.comment(`pauseMax 1 s: the program runs after ${Math.round(heldMs)} ms`)
  t.match(text, /The program was held for 1 s, the longest pause of target 'far-brief-main', and runs on/)
})

void t.test('after a silence a new attach has a new connection', async (t) => {
  const { toldMs, backMs, text } = await comesBack(world)
  t.comment(`lease 2 s: told after ${Math.round(toldMs)} ms, stopped again after ${Math.round(backMs)} ms`)
  t.match(text, /lost at ssh root@quiet: the tunnel is lost: no answer for \d s/)
})
