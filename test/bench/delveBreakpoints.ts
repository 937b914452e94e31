import { setTimeout as pause } from 'node:timers/promises'
import { Scope } from '../../src/lib/scope.ts'
import { atMost, inTurn, noSamples, openDelveSides, peerNote, type DelveSamples } from './delveSides.ts'
import { printFigures } from './figures.ts'

const rounds = 30
const warmUp = 3
const rttsMs = [0, 50, 100]

/** It prints each gap in its own clock: when it began, and how long it was beyond what it slept. */
const watching = `package main

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"
)

func monotonic() int64 {
	var now syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&now)), 0)
	return now.Nano()
}

func never(n int) int {
	return n + 1 // COLD
}

func main() {
	const sleep = 500 * time.Microsecond
	fmt.Println("tick", 0)
	last := monotonic()
	for n := 0; n >= 0; n++ {
		time.Sleep(sleep)
		now := monotonic()
		if held := now - last - int64(sleep); held > 1000000 {
			fmt.Println("gap", last, held)
		}
		last = now
	}
	never(0)
}
`

async function holdsAt(rttMs: number): Promise<DelveSamples> {
  await using scope = new Scope()
  const { sides } = await openDelveSides(watching, scope, { rttMs })
  const samples = noSamples()
  await inTurn(sides, rounds + warmUp, async ({ name, client, program }, round) => {
    const from = program.lines.length
    const began = process.hrtime.bigint()
    const { breakpoints } = await client.break(program.file, program.line('COLD'))
    if (breakpoints[0]?.verified !== true) throw new Error(`${name} refuses the breakpoint`)
    // What comes after the answer counts too.
    await pause(100 + rttMs)
    const gaps = program.lines.slice(from).flatMap((line) => {
      const [, at, heldNs] = /^gap (\d+) (\d+)$/.exec(line) ?? []
      if (at === undefined || BigInt(at) + BigInt(heldNs!) < began) return []
      return [Number(heldNs) / 1e6]
    })
    if (round >= warmUp) samples[name].push(Math.max(0, ...gaps))
    await client.break(program.file)
    await pause(60 + rttMs)
    if (client.events.some(({ event }) => event === 'stopped')) throw new Error(`${name} tells a stop`)
  })
  return samples
}

/** How long a program that runs is held while a breakpoint is set in it, on its own clock. */
export async function delveBreakpoints(): Promise<void> {
  const figures = []
  for (const rttMs of rttsMs) figures.push(...atMost(`longest hold at ${rttMs} ms`, await holdsAt(rttMs), 15))
  printFigures('Delve: a breakpoint is set in a running program', figures, [
    "the longest gap of the program's own clock while it is set, beyond its sleep of 0.5 ms.",
    peerNote,
  ])
}
