import t from 'tap'
import { debugpyVersions } from './support/debugpy.ts'
import { comesBack, silentDirectly, stages } from './support/lifeCells.ts'
import { ends } from './support/lifeEnds.ts'
import { debugpySubject } from './support/lifeSubjects.ts'
import { endCells } from './support/lifeTable.ts'

/** The tunnel and the daemon itself: all ends that nobody is there to make a clean one of, with the newest debugpy. */
const severe = ends.filter((end) => end.severs !== undefined || end.daemon !== undefined)
const forEver = severe.map((end) => ({ end, stage: 'evaluating for ever' as const }))
const cells = [...severe.flatMap((end) => stages.map((stage) => ({ end, stage }))), ...forEver]

const world = await endCells(t, debugpySubject(debugpyVersions[0]), cells)

void t.test('after a silence a new attach has a new connection', async (t) => {
  const { toldMs, backMs, text } = await comesBack(world)
  t.comment(`lease 2 s: told after ${Math.round(toldMs)} ms, stopped again after ${Math.round(backMs)} ms`)
  t.match(text, /lost at ssh root@quiet: the tunnel is lost: no answer for \d s/)
})

void t.test(
  'a direct link that goes silent: the client is told, and the program is held as long as it lasts',
  async (t) => {
    const { toldMs, heldOn, text } = await silentDirectly(world)
    t.comment(`pauseMax 1 s, request 8 s: told after ${Math.round(toldMs)} ms`)
    t.match(text, /could not be resumed/)
    t.ok(heldOn, 'no lease, no bound: the README says so')
  },
)
