import { idleSessions } from './idle.ts'
import { opening } from './opening.ts'
import { floods } from './output.ts'
import { loadText, machineFacts } from './figures.ts'
import { listPages } from './paging.ts'
import { nodeBreakpoints } from './nodeBreakpoints.ts'
import { nodeIdle } from './nodeIdle.ts'
import { nodeMaps, nodeMemory } from './nodeMaps.ts'
import { nodePages } from './nodePages.ts'
import { nodeStops } from './nodeStops.ts'
import { delveBreakpoints } from './delveBreakpoints.ts'
import { delveGoroutines } from './delveGoroutines.ts'
import { delveStops } from './delveStops.ts'
import { through } from './through.ts'

const parts: Readonly<Record<string, () => Promise<void>>> = {
  through,
  paging: listPages,
  sessions: idleSessions,
  output: floods,
  opening,
  'node-stops': nodeStops,
  'node-breakpoints': nodeBreakpoints,
  'node-pages': nodePages,
  'node-idle': nodeIdle,
  'node-maps': nodeMaps,
  'node-memory': nodeMemory,
  'delve-stops': delveStops,
  'delve-breakpoints': delveBreakpoints,
  'delve-goroutines': delveGoroutines,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in parts))
if (unknown.length > 0) {
  console.error(`There is no bench '${unknown.join("', '")}'. There are: ${Object.keys(parts).join(', ')}.`)
  process.exit(2)
}
const began = performance.now()
console.log(machineFacts().join('\n'))
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run()
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s in all; load at the end ${loadText()}`)
