import http from 'node:http'
import { parseConfig } from '../../src/config/load.ts'
import type { Held } from './lifeCells.ts'
import type { LifeWorld } from './lifeWorld.ts'

export type Way = 'far' | 'quiet' | 'here'

/** What of the program's side does not survive an end. */
export type Lost = 'adapter' | 'program'

export interface End {
  readonly name: string
  /** What the session goes through, if it must be one: the SSH hosts `far` and `quiet`, or nothing (`here`). */
  readonly way?: Way
  /** Needs a program that may be lost with the session. */
  readonly loses?: Lost
  /** The connection to the debugger is gone before ours could wait for an evaluation. */
  readonly severs?: true
  /** The relay at the debugger must be in the way. */
  readonly near?: true
  /** Needs a daemon that may be lost. */
  readonly daemon?: 'process'
  /** What the client reads, if it is still there: in its console, or in the error of its attach. */
  readonly tells?: RegExp
  begin(held: Held, world: LifeWorld): Promise<unknown>
  /** Afterwards the way must be one again. */
  restore?(world: LifeWorld): void
}

/** The ends that every debugger has. */
export const ends: readonly End[] = [
  { name: 'the client drops (FIN)', begin: async ({ client }) => client.socket.end() },
  { name: 'the client drops (RST)', begin: async ({ client }) => client.socket.resetAndDestroy() },
  {
    name: 'the client drops in the middle of a message',
    begin: async ({ client }) => client.socket.end('Content-Length: 100\r\n\r\n{"seq": 7, "type": "requ'),
  },
  { name: 'disconnect', begin: ({ client }) => client.disconnect() },
  {
    name: 'the program exits',
    loses: 'program',
    tells:
      /the program has ended|its program has not|it closed the connection|The debugger is gone|The program behind Delve at .* (?:has ended|is dead)/,
    begin: async ({ client, debuggee, stage }, world) => {
      process.kill(debuggee.pid, 'SIGKILL')
      world.near.resume()
      // What fails is how the end is told.
      if (world.subject.endsUnnoticed && stage !== 'connecting')
        client.request('pause', { threadId: 1 }).catch(() => {})
    },
  },
  {
    name: 'the tunnel dies',
    way: 'far',
    severs: true,
    tells: /ssh root@far/,
    begin: async (_, world) => {
      for (const pid of world.connections()) process.kill(pid, 'SIGKILL')
    },
  },
  {
    name: 'the tunnel goes silent',
    severs: true,
    way: 'quiet',
    // Before the watchdog runs only the limit of the attach can tell.
    tells: /ssh root@quiet|'attach' took longer than 15000 ms/,
    begin: async (_, world) => world.quiet.silence(),
    // The network is back, and knows nothing of the connections that it had.
    restore: (world) => {
      world.quiet.cut('rst')
      world.quiet.resume()
    },
  },
  {
    name: 'SIGTERM',
    way: 'far',
    daemon: 'process',
    tells: /the daemon is shutting down/,
    begin: async ({ cli }) => cli!.signal('SIGTERM'),
  },
  { name: 'SIGKILL', way: 'far', daemon: 'process', severs: true, begin: async ({ cli }) => cli!.signal('SIGKILL') },
  {
    name: 'the policy ends it',
    // A session of a second is idle as long, and may end of either.
    tells: /the session has lasted 1 s|nothing was asked for 1 s|'attach' took longer than 1000 ms/,
    begin: ({ stage }, world) => (stage === 'connecting' ? Promise.resolve() : tighten(world)),
  },
  {
    name: 'sessions end',
    tells: /ended by the operator/,
    begin: (_, world) => Promise.all(world.daemon.sessions.facts().map(({ id }) => operator(world, id))),
  },
]

/** A reload that makes running sessions shorter than they have lasted; then the old one again, for the next. */
async function tighten(world: LifeWorld): Promise<void> {
  const around = { env: {}, homedir: world.home.folder, cwd: world.home.folder, uid: 0 }
  const short = world.yaml.replaceAll(/\{ mode: /g, '{ session: 1s, mode: ')
  const [tight, usual] = await Promise.all(
    [short, world.yaml].map((yaml) => parseConfig(world.home.file, yaml, around)),
  )
  world.daemon.sessions.reload(tight!)
  world.daemon.sessions.reload(usual!)
}

/** As `breakwater sessions end ID` does. */
function operator(world: LifeWorld, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .request({ socketPath: world.daemon.unix, method: 'DELETE', path: `/sessions/${id}` }, (response) => {
        response.resume()
        if (response.statusCode === 204) resolve()
        else reject(new Error(`sessions end: ${response.statusCode}`))
      })
      .on('error', reject)
      .end()
  })
}
