import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { BackendName } from '../../src/config/config.ts'
import type { Debuggee } from './debuggee.ts'
import { startPython, type DebugpyVersion } from './debugpy.ts'
import { startGo, type DelveVersion, type RunningGo } from './delve.ts'
import type { End, Lost, Way } from './lifeEnds.ts'
import { startNode, type NodeVersion } from './node.ts'

/** A program to end sessions of, and its debugger. */
export interface LifeSubject {
  readonly name: string
  readonly backend: BackendName
  /** A program that ticks over two lines to stop at, the second one only while the file `rare` is there. */
  start(rare: string): Promise<Debuggee>
  /** They print `evaluating` first. One that is endless only where the debugger, or ours, can end it. */
  readonly evaluations: { readonly evaluating: string; readonly 'evaluating for ever'?: string }
  /** A breakpoint that is met all the time and never stops: the most dangerous one for a debugger to be left with. */
  readonly hot?: { readonly name: string; readonly condition: string }
  /** A breakpoint that is left holds the program also when nobody is attached. */
  readonly holdsAlone?: true
  /** That its program was killed is noticed, now and then, only when it is asked to do something. */
  readonly endsUnnoticed?: true
  /** Limit of an evaluation, in the configuration's words. */
  readonly patience: string
  /** What is logged once the program will end an endless evaluation by itself; not said where that is so at once. */
  readonly armed?: string
  /** What is lost if the connection goes in the middle of an evaluation. */
  readonly severed?: Lost
  /** The way of sessions whose end is not about the way, and of who attaches afterwards. */
  readonly usualWay: Way
  /** The end that only this debugger has. */
  readonly ownEnd: End
}

export function debugpySubject(version: DebugpyVersion): LifeSubject {
  const said = (long: string): string => `[print('evaluating', flush=True), ${long}]`
  return {
    name: `debugpy ${version.name}`,
    backend: 'debugpy',
    start: (rare) => startPython(version, pythonProgram(rare)),
    evaluations: {
      evaluating: said("__import__('time').sleep(2)"),
      'evaluating for ever': said('all(True for _ in iter(int, 1))'),
    },
    // Patience: these cells are about the ends, not about deadlines.
    patience: '9s',
    armed: 'a long expression ends by itself',
    // The late answer ends the adapter (src/backend/debugpy/quirks.ts, evaluatedMs): the program runs on, and must be
    // started anew to be debugged again.
    severed: 'adapter',
    usualWay: 'far',
    ownEnd: {
      name: 'the debugger dies',
      loses: 'adapter',
      tells: /it closed the connection/,
      begin: async ({ debuggee }, world) => {
        process.kill(adapterOf(debuggee), 'SIGKILL')
        world.near.resume()
      },
    },
  }
}

/** A hundred ticks a second. */
const pythonProgram = (rare: string): string => `
import os, time
def work(n):
    doubled = n * 2
    if os.path.exists(${JSON.stringify(rare)}):
        doubled += 1  # RARE
    print('tick', n, flush=True)  # BREAK
    time.sleep(0.01)
    return doubled
n = 0
while True:
    n += 1
    work(n)
`

/** The process that listens at the program's debug port: its adapter, which is a daemon of its own. */
export function adapterOf(debuggee: Debuggee): number {
  const hex = debuggee.port.toString(16).toUpperCase().padStart(4, '0')
  const line = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .find((each) => each.includes(`:${hex} 00000000:0000 0A`))
  const inode = line?.trim().split(/\s+/)[9]
  const found = readdirSync('/proc').find((pid) => /^\d+$/.test(pid) && ownsSocket(pid, inode))
  if (found === undefined) throw new Error(`nobody listens at ${debuggee.port}`)
  return Number(found)
}

function ownsSocket(pid: string, inode: string | undefined): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
  } catch {
    // It has ended meanwhile.
    return false
  }
}

export function nodeSubject(version: NodeVersion): LifeSubject {
  const said = (long: string): string => `process.stdout.write('evaluating\\n'), ${long}`
  return {
    name: `Node ${version.name}`,
    backend: 'node',
    start: (rare) => startNode(version, nodeProgram(rare)),
    evaluations: {
      evaluating: said('(() => { const endMs = Date.now() + 700; while (Date.now() < endMs); })()'),
      'evaluating for ever': said('(() => { for (;;); })()'),
    },
    // The bound of an endless evaluation: its own limit, whoever is gone.
    patience: '2s',
    // SSH takes most of the time of a cell.
    usualWay: 'here',
    ownEnd: {
      name: 'the inspector ends the connection',
      near: true,
      tells: /it closed the connection|The debugger is gone/,
      begin: async (_, world) => {
        world.near.cut('rst')
        world.near.resume()
      },
    },
  }
}

/**
 * Two hundred ticks a second, none of them by `console.log`: a connection that is reset while V8 tells it of one can
 * crash Node 20 (src/backend/cdp/quirks.ts), whoever its client is.
 */
const nodeProgram = (rare: string): string => `
const fs = require('node:fs')
function work(n) {
  let doubled = n * 2
  if (fs.existsSync(${JSON.stringify(rare)})) {
    doubled += 1 // RARE
  }
  process.stdout.write('tick ' + n + '\\n') // BREAK
  return doubled
}
let n = 0
setInterval(() => work(++n), 5)
`

/** `start` is how Delve has come to the program, which decides what becomes of it when Delve ends. */
export function delveSubject(version: DelveVersion, start: 'attach' | 'exec' = 'attach'): LifeSubject {
  return {
    name: `Delve ${version.name}, ${start}`,
    backend: 'delve',
    start: (rare) => startGo(version, 'life', { start, args: [rare] }),
    // Delve cannot take back a call that it has put in: an endless one is the program's for ever, whoever asked for it.
    evaluations: { evaluating: 'call spin(700)' },
    hot: { name: 'HOT', condition: 'n < 0' },
    holdsAlone: true,
    endsUnnoticed: true,
    patience: '9s',
    usualWay: 'here',
    ownEnd: {
      name: 'Delve is killed',
      // It leaves its traps behind, and the program dies of the first one that it meets.
      loses: 'program',
      tells: /it closed the connection|The debugger is gone/,
      begin: async ({ debuggee }, world) => {
        await (debuggee as RunningGo).delve.kill()
        world.near.resume()
      },
    },
  }
}
