import { setTimeout as pause } from 'node:timers/promises'
import net from 'node:net'
import { once } from 'node:events'
import { Scope } from '../../src/lib/scope.ts'
import { startRelay } from '../support/relay.ts'
import {
  atMost,
  beside,
  inTurn,
  noSamples,
  openDelveSides,
  peerNote,
  type DelveSamples,
  type DelveSide,
} from './delveSides.ts'
import { median, ms, printFigures } from './figures.ts'
import { show } from './stops.ts'

const rounds = 40
/** A daemon stands for months: what it compiles in its first stops is not what the user waits for. */
const warmUp = 300
const farWarmUp = 5
const farRttMs = 50
/** A person's; other processes have the caches meanwhile, on a machine that has some. */
const paceMs = 60

/** Longer digits of a clock may look like the number of a card, which is not shown. */
const clockNs = 100_000_000_000n

/** `at` is when the line with the breakpoint is reached, on the clock that all processes of a machine share. */
const stepping = (betweenMs: number): string => `package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

type Order struct {
	Number int
	Lines  []string
	Open   bool
}

func monotonic() int64 {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func work(n int, name string) int {
	order := &Order{Number: n, Lines: []string{"tea", "milk"}, Open: true}
	doubled := n * 2
	names := []string{name, name}
	options := map[string]int{name: n, "doubled": doubled}
	total := doubled + n
	at := monotonic() % ${clockNs}
	total += 1 // BREAK
	total += 2
	total += 3
	total += 4
	return total + len(names) + len(options) + order.Number + int(at&1)
}

func main() {
	for n := 1; ; n++ {
		fmt.Println("tick", n, work(n, "breakwater"))
		time.Sleep(${betweenMs} * time.Millisecond)
	}
}
`

interface StopSamples {
  /** From the line in the program until the client has `stopped`. */
  readonly stopped: DelveSamples
  /** … until it has threads, stack, scopes and variables, which it asks for one after the other. */
  readonly hitToShown: DelveSamples
  /** From `stopped` until then. */
  readonly stopToShown: DelveSamples
  /** From `next` until `stopped`. */
  readonly stepped: DelveSamples
}

async function measure(sides: readonly DelveSide[], warm: number, pauseMs: number): Promise<StopSamples> {
  const samples = { stopped: noSamples(), hitToShown: noSamples(), stopToShown: noSamples(), stepped: noSamples() }
  const threadIds = new Map<DelveSide, number>()
  for (const side of sides) threadIds.set(side, (await side.client.event('stopped')).threadId!)
  await inTurn(sides, rounds + warm, async (side, round) => {
    const { name, client } = side
    await client.request('continue', { threadId: threadIds.get(side)! })
    const threadId = (await client.event('stopped')).threadId!
    threadIds.set(side, threadId)
    const stoppedNs = process.hrtime.bigint()
    await client.request('threads', undefined)
    const { variables } = await show(client, threadId)
    const shownNs = process.hrtime.bigint()
    for (const wanted of ['order', 'doubled', 'names', 'options', 'name']) {
      if (!variables.some((variable) => variable.name === wanted)) throw new Error(`${name} does not show ${wanted}`)
    }
    const at = BigInt(variables.find((variable) => variable.name === 'at')!.value)
    const sinceHitMs = (ns: bigint): number => Number((ns - at + clockNs) % clockNs) / 1e6
    await pause(round < warm ? 0 : pauseMs)
    const began = performance.now()
    await client.request('next', { threadId })
    await client.event('stopped')
    const steppedMs = performance.now() - began
    // As an editor does; it is no part of the figure.
    await client.request('threads', undefined)
    await show(client, threadId)
    if (round < warm) return
    samples.stopped[name].push(sinceHitMs(stoppedNs))
    samples.hitToShown[name].push(sinceHitMs(shownNs))
    samples.stopToShown[name].push(Number(shownNs - stoppedNs) / 1e6)
    samples.stepped[name].push(steppedMs)
  })
  return samples
}

async function stopsAt(rttMs: number, pauseMs: number): Promise<StopSamples> {
  await using scope = new Scope()
  const { sides } = await openDelveSides(stepping(pauseMs === 0 ? 1 : 20), scope, { rttMs, mark: 'BREAK' })
  return await measure(sides, rttMs === 0 ? warmUp : farWarmUp, pauseMs)
}

/** What a round trip through the relay really takes: its timers are late by some tenths of a millisecond. */
async function measuredRttMs(): Promise<number> {
  await using scope = new Scope()
  const echo = net.createServer({ noDelay: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  scope.add(() => new Promise<void>((resolve) => echo.close(() => resolve())))
  await once(echo, 'listening')
  const { port } = echo.address() as net.AddressInfo
  const teardown = (end: () => Promise<void>): void => scope.add(end)
  const relay = await startRelay({ teardown }, { to: { host: '127.0.0.1', port }, rttMs: farRttMs })
  const socket = net.connect({ host: relay.host, port: relay.port, noDelay: true })
  scope.add(async () => void socket.destroy())
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    socket.write('x')
    await once(socket, 'data')
    samples.push(performance.now() - began)
  }
  return median(samples)
}

/** Breakpoint hit to variables, and `next` to its stop, near and far. */
export async function delveStops(): Promise<void> {
  const near = await stopsAt(0, paceMs)
  const quick = await stopsAt(0, 0)
  const rttMs = await measuredRttMs()
  const far = await stopsAt(farRttMs, paceMs)
  printFigures(
    'Delve: a hit and a step, against dlv dap (ratios of medians, sides measured in turn)',
    [
      ...beside('hit to stopped', near.stopped),
      ...beside('hit to variables', near.hitToShown, 1),
      ...beside('  stop to variables', near.stopToShown),
      ...beside('next to stopped', near.stepped, 1),
      ...beside('hit to variables, at once', quick.hitToShown, 1),
      ...beside('next to stopped, at once', quick.stepped, 1),
      ...beside('hit to stopped, 50 ms', far.stopped),
      ...beside('stop to variables, 50 ms', far.stopToShown, 0.1),
      ...beside('  hit to variables, 50 ms', far.hitToShown),
      ...atMost('next to stopped, 50 ms', far.stepped, 1.1, rttMs),
    ],
    [
      `after a pause of ${paceMs} ms each, or at once; a round trip through the relay takes ${ms(rttMs)}.`,
      'a hit counts from the line in the program; the client asks threads, stack, scopes and variables in series.',
      peerNote,
    ],
  )
}
