import t from 'tap'
import { debugpyVersions } from './support/debugpy.ts'
import { ends, stages } from './support/lifeCells.ts'
import { endCells } from './support/lifeTable.ts'

/** The oldest debugpy that we support: each end once, each stage several times; and a stop wherever nobody says goodbye. */
void endCells(t, debugpyVersions[1], [
  ...ends.map((end, i) => ({ end, stage: stages[(i * 2 + 3) % stages.length]! })),
  ...ends.filter((end) => end.severs).map((end) => ({ end, stage: 'stopped' as const })),
])
