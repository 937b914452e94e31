import t from 'tap'
import { comesBack, longestPause, stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { nodeSubject } from './support/lifeSubjects.ts'
import { endCells, type Cell } from './support/lifeTable.ts'
import { nodeVersions } from './support/node.ts'

const subject = nodeSubject(nodeVersions[0])
const severe = ends.filter((end) => end.severs !== undefined || end.daemon !== undefined)

/** A connection that is lost while it evaluates ends a Node 20 in 2 or 3 of 100 (quirks.ts): told on 24 alone. */
const isSpared = ({ end, stage }: Cell): boolean =>
  stage.startsWith('evaluating') && (end.severs === true || end === subject.ownEnd)

/** All other ends at every stage, with the Node that runs the tests. */
const cells: Cell[] = [
  ...[...ends, subject.ownEnd].flatMap((end) => stages.map((stage) => ({ end, stage }))),
  ...severe.map((end) => ({ end, stage: 'evaluating for ever' as const })),
]
const world = await endCells(
  t,
  subject,
  cells.filter((cell) => !isSpared(cell)),
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
