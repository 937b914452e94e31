import { direct } from '../../src/transport/direct.ts'
import { leased } from '../../src/transport/lease.ts'
import { attachTo } from './delveSession.ts'

/**
 * A process that has a session with a Delve, as the daemon has one, to be killed: its arguments are Delve's port, a source
 * file, and lines to stop at. Says `ready` at the first stop, and waits for its end.
 */
const [port, path, ...lines] = process.argv.slice(2)
const session = await attachTo(Number(port), { transport: leased(direct(), { leaseMs: 4000, relays: 0 }) })
const breakpoints = lines.map((line) => ({ line: Number(line) }))
await session.ask('setBreakpoints', { source: { path: path! }, breakpoints })
await session.ask('configurationDone', undefined)
await session.stopped()
console.log('ready')
setInterval(() => {}, 1_000)
