import t from 'tap'
import { delveVersions } from './support/delve.ts'
import { ends } from './support/lifeEnds.ts'
import { delveSubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'

/** Delve 1.20: a goodbye, and the two ends without one, each where most of ours is in the program. */
const cells = [
  ['disconnect', 'running'],
  ['the tunnel dies', 'stopped'],
  ['SIGKILL', 'running'],
] as const

void endCells(
  t,
  delveSubject(delveVersions[1]),
  cells.map(([name, stage]) => ({ end: ends.find((end) => end.name === name)!, stage })),
)
