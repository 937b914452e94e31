import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import { attachArguments } from '../../src/backend/debugpy/quirks.ts'
import { Client } from '../support/client.ts'
import { debugpyVersions, startPython, until, type Debuggee } from '../support/debugpy.ts'
import { startDaemon } from './daemon.ts'
import { mib, printFigures, ratio, type Figure } from './figures.ts'
import { resume, threadOf } from './stops.ts'

const lines = 100_000
const steps = 40

/** Prints when its file says so, so that it can be attached, watched and made to print again. */
const printing = `
import os, time
here = os.path.dirname(os.path.abspath(__file__))
n = 0
while True:
    n += 1
    go = os.path.join(here, 'go%d' % n)
    while not os.path.exists(go):
        time.sleep(0.005)
    for i in range(${lines}):
        print('line %d of a program that talks too much' % i)
    os.write(1, b'THE END %d\\n' % n)
`

const stepping = `
def work(n):
    a = n  # BREAK
    a += 1
    a += 1
    a += 1
    return a
n = 0
while True:
    n += 1
    work(n)
`

/** What a client has heard of a flood. */
interface Heard {
  readonly arrived: number
  readonly dropped: number
}

const limited = /^\[breakwater\] (\d+) lines? of output were dropped/

function hear(client: Client): Heard {
  let arrived = 0
  let dropped = 0
  for (const { event, body } of client.events) {
    if (event !== 'output') continue
    const text = String(body['output'])
    const told = limited.exec(text)
    if (told !== null) dropped += Number(told[1])
    // A line can come in two pieces, its end in the second.
    else if (body['category'] === 'stdout') arrived += text.split('\n').length - 1
  }
  return { arrived, dropped }
}

interface Flood {
  readonly heard: Heard
  readonly tookMs: number
}

/** Has it print, and waits until all lines were heard of, or no more come. */
async function flood(
  program: Debuggee,
  client: Client,
  turn: number,
  printed: () => void = () => {},
  begin: () => void = () => {},
): Promise<Flood> {
  client.events.length = 0
  begin()
  const began = performance.now()
  await program.touch(`go${turn}`)
  const said = (): boolean => program.lines.slice(-50).some((line) => line.includes(`THE END ${turn}`))
  await until('the program has printed all its lines', said, 120_000)
  const tookMs = performance.now() - began
  printed()
  let quietMs = 0
  for (let seen = -1; quietMs < 4_000; quietMs += 200) {
    if (client.events.length !== seen) quietMs = 0
    seen = client.events.length
    const heard = hear(client)
    if (heard.arrived + heard.dropped >= lines) break
    await pause(200)
  }
  return { heard: hear(client), tookMs }
}

/** Times of `next` until it is stopped again, at a person's pace, as long as they are wanted. */
async function stepTimes(client: Client, threadId: number, wanted: (taken: number) => boolean): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; wanted(times.length); round++) {
    // The breakpoint is four lines before the function's end: begin anew there, so that no step meets it.
    if (round % 3 === 0) await resume(client, threadId)
    await pause(45)
    const began = performance.now()
    const stopped = client.event('stopped')
    await client.request('next', { threadId })
    await stopped
    times.push(performance.now() - began)
  }
  return times
}

interface Pair {
  /** Prints. */
  readonly loud: Client
  readonly loudProgram: Debuggee
  /** Steps. */
  readonly quiet: Client
  readonly threadId: number
}

/** Steps while the other prints. */
async function steppingMeanwhile(pair: Pair): Promise<{ busy: number[]; heard: Flood }> {
  let printing = true
  const flooding = flood(pair.loudProgram, pair.loud, 1, () => (printing = false))
  const busy = await stepTimes(pair.quiet, pair.threadId, () => printing)
  return { busy, heard: await flooding }
}

function counts(name: string, { heard, tookMs }: Flood): Figure {
  const sum = heard.arrived + heard.dropped
  return {
    name,
    value: `${sum}`,
    target: `${lines}`,
    ok: sum === lines,
    detail: `${heard.arrived} arrived, ${heard.dropped} counted as dropped; printed in ${(tookMs / 1000).toFixed(1)} s`,
  }
}

/** A program that prints 100,000 lines: what arrives, what it costs the daemon, and what another session feels. */
export async function floods(): Promise<void> {
  await using scope = new Scope()
  const start = async (source: string, wait: boolean): Promise<Debuggee> => {
    const debuggee = await startPython(debugpyVersions[0], source, wait ? { debugpy: ['--wait-for-client'] } : {})
    scope.add(() => debuggee.end())
    return debuggee
  }
  const connect = async (port: number, args: object, stop?: Debuggee): Promise<Client> => {
    const client = await Client.connect(port)
    scope.add(() => client.disconnect())
    const line = stop?.line('BREAK')
    await client.attach(args, async (c) => void (line !== undefined && (await c.break(stop!.file, line))))
    if (stop !== undefined) await client.event('stopped')
    return client
  }
  const programs = {
    loud: await start(printing, false),
    all: await start(printing, false),
    straight: await start(printing, false),
  }
  const [steppedThrough, steppedStraight] = [await start(stepping, true), await start(stepping, true)]
  const target = (at: Debuggee, policy: string): string =>
    `{ backend: debugpy, at: 127.0.0.1:${at.port}, policy: ${policy}, options: { redirectOutput: true } }`
  const daemon = await startDaemon({
    targets: {
      loud: target(programs.loud, 'control'),
      all: target(programs.all, 'unlimited'),
      stepped: target(steppedThrough, 'control'),
    },
    policies: { unlimited: '{ mode: control, limits: { output: 1000000/s } }' },
  })
  scope.add(() => Promise.resolve(daemon[Symbol.asyncDispose]()))
  const quiet = await connect(daemon.port, { target: 'stepped' }, steppedThrough)
  const through: Pair = {
    loud: await connect(daemon.port, { target: 'loud' }),
    loudProgram: programs.loud,
    quiet,
    threadId: await threadOf(quiet),
  }
  const quietStraight = await connect(steppedStraight.port, attachArguments({}, false, undefined), steppedStraight)
  const straight: Pair = {
    loud: await connect(programs.straight.port, attachArguments({ redirectOutput: true }, false, undefined)),
    loudProgram: programs.straight,
    quiet: quietStraight,
    threadId: await threadOf(quietStraight),
  }
  const few = (taken: number): boolean => taken < steps
  const idle = await stepTimes(through.quiet, through.threadId, few)
  const idleStraight = await stepTimes(straight.quiet, straight.threadId, few)
  const before = (await daemon.memory({ collect: true })).rss
  daemon.forgetPeak()
  const meanwhile = await steppingMeanwhile(through)
  const peak = daemon.peakBytes()
  const meanwhileStraight = await steppingMeanwhile(straight)
  const unlimited = await connect(daemon.port, { target: 'all' })
  daemon.forgetPeak()
  const everything = await flood(programs.all, unlimited, 1)
  const peakUnlimited = daemon.peakBytes()
  // It does not read at all while the program prints, and then reads what is left.
  daemon.forgetPeak()
  const late = await flood(
    programs.all,
    unlimited,
    2,
    () => unlimited.socket.resume(),
    () => unlimited.socket.pause(),
  )
  const peakLate = daemon.peakBytes()
  const memory = (name: string, bytes: number): Figure => ({
    name,
    value: mib(bytes),
    detail: `the most resident while it printed; ${mib(before)} before`,
  })
  printFigures(
    `A program that prints ${lines} lines`,
    [
      counts('lines heard of, default limit', meanwhile.heard),
      memory('  daemon at its peak', peak),
      counts('lines heard of, without a limit', everything),
      memory('  daemon at its peak', peakUnlimited),
      counts('lines heard of, client reads late', late),
      memory('  daemon at its peak', peakLate),
      ratio('a step in another session meanwhile', meanwhile.busy, idle, 'while nothing prints', 2),
      ratio('  the same straight, without us', meanwhileStraight.busy, idleStraight, 'while nothing prints'),
    ],
    [
      'debuggee and adapter need a core each while it prints: with two cores the row straight shows what that alone does.',
    ],
  )
}
