import t from 'tap'
import { debugpyVersions } from './support/debugpy.ts'
import { longestPause, stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { debugpySubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'

const subject = debugpySubject(debugpyVersions[0])

/** All ends of the client, the debugger and the policy, at every stage, with the newest debugpy. */
const world = await endCells(
  t,
  subject,
  [...ends, subject.ownEnd]
    .filter((end) => end.severs === undefined && end.daemon === undefined)
    .flatMap((end) => stages.map((stage) => ({ end, stage }))),
)

void t.test('pauseMax', async (t) => {
  const { heldMs, text } = await longestPause(world)
  t.comment(`pauseMax 1 s: the program runs after ${Math.round(heldMs)} ms`)
  t.match(text, /The program was held for 1 s, the longest pause of target 'far-brief-main', and runs on/)
})
