import t from 'tap'
import { stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { nodeSubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'
import { nodeVersions } from './support/node.ts'

/** Node 24: each end once, each stage several times; and a stop wherever nobody says goodbye. */
const subject = nodeSubject(nodeVersions[1])
void endCells(t, subject, [
  ...[...ends, subject.ownEnd].map((end, i) => ({ end, stage: stages[(i * 2 + 3) % stages.length]! })),
  ...ends.filter((end) => end.severs).map((end) => ({ end, stage: 'stopped' as const })),
])
