import t from 'tap'
import { stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { nodeSubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'
import { nodeVersions } from './support/node.ts'

/** Node 24: each end once, each stage several times; a stop and an evaluation wherever nobody says goodbye. */
const subject = nodeSubject(nodeVersions[1])
const severing = ends.filter((end) => end.severs)
void endCells(t, subject, [
  ...[...ends, subject.ownEnd].map((end, i) => ({ end, stage: stages[(i * 2 + 3) % stages.length]! })),
  ...severing.map((end) => ({ end, stage: 'stopped' as const })),
  ...[...severing, subject.ownEnd].map((end) => ({ end, stage: 'evaluating' as const })),
])
