import t from 'tap'
import { delveVersions } from './support/delve.ts'
import { longestPause, stages, type Stage } from './support/lifeCells.ts'
import { ends, type End } from './support/lifeEnds.ts'
import { delveSubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'

const subject = delveSubject(delveVersions[0])

const named = (name: string): End => ends.find((end) => end.name === name)!
const at = (end: End, chosen: readonly Stage[]) => chosen.map((stage) => ({ end, stage }))

/**
 * Everywhere a breakpoint is met all the time besides the one that is to stop. What is left out is the same to this
 * backend as something that is here: `configuring` as `stopped` (it is held at a breakpoint, and we are owed an end), a
 * SIGTERM as a disconnect. A link that is silent while an attach begins takes the 15 s that any attach has.
 */
const world = await endCells(t, subject, [
  ...[named('the client drops (FIN)'), named('disconnect')].flatMap((end) => at(end, stages)),
  ...at(named('the tunnel dies'), ['connecting', 'running', 'stopped', 'evaluating']),
  ...at(named('the tunnel goes silent'), ['running', 'stopped']),
  ...at(named('SIGTERM'), ['connecting', 'running', 'evaluating']),
  ...at(named('SIGKILL'), ['running', 'stopped', 'evaluating']),
  ...at(subject.ownEnd, ['connecting', 'running', 'stopped', 'evaluating']),
  ...at(named('the client drops (RST)'), ['evaluating']),
  ...at(named('the client drops in the middle of a message'), ['running']),
  ...at(named('the policy ends it'), ['stopped']),
  ...at(named('sessions end'), ['running']),
  ...at(named('the program exits'), ['connecting', 'running', 'stopped', 'evaluating']),
])

void t.test('pauseMax', async (t) => {
  const { heldMs, text } = await longestPause(world)
  t.comment(`pauseMax 1 s: the program runs after ${Math.round(heldMs)} ms`)
  t.match(text, /The program was held for 1 s, the longest pause of target 'far-brief-main', and runs on/)
})
