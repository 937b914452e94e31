import type { DebugProtocol } from '@vscode/debugprotocol'
import { askDelve, type RunningGo } from './delve.ts'
import type { Attached } from './delveSession.ts'

/** A program with all that breakpoints can be on; what its lines are for is said behind them. */
export const breakpointProgram = `// Ticks over lines to stop at.
package main

import (
	"fmt"
	"time"
)

var counter int

type Box struct {
	name string
	size int
}

func (b *Box) Grow(n int) int {
	b.size += n // GROW
	return b.size
}

func twice(n int) int {
	// EMPTY has no statement, nor has the next line

	return n * 2 // BEHIND
}

func local(n int) int {
	kept := n // LOCAL
	kept += 2
	kept *= 3 // KEPT
	return kept
}

func main() {
	box := &Box{name: "tea"}
	for ticks := 1; ; ticks++ {
		box.Grow(ticks % 3)
		twice(ticks)
		local(ticks)
		counter++ // COUNT
		fmt.Println("tick", ticks) // TICK
		time.Sleep(10 * time.Millisecond)
	}
}
// There is no code from here on.
`

type Entry = Omit<DebugProtocol.SourceBreakpoint, 'line'>

/** Sets those in the program's file, by marks. */
export async function setAt(
  session: Attached,
  debuggee: RunningGo,
  entries: Readonly<Record<string, Entry>>,
): Promise<DebugProtocol.Breakpoint[]> {
  const breakpoints = Object.entries(entries).map(([mark, entry]) => ({ line: debuggee.line(mark), ...entry }))
  const answer = await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
  return answer.breakpoints
}

export interface Listed {
  readonly id: number
  readonly name: string
  readonly line: number
  readonly totalHitCount: number
  readonly Cond: string
}

/** What Delve has of anybody, asked past us: of a stopped program. */
export async function listed({ delve }: RunningGo): Promise<Listed[]> {
  const answer = await askDelve(delve.port, 'ListBreakpoints', { All: false })
  return (answer as { Breakpoints: Listed[] }).Breakpoints.filter(({ id }) => id > 0).sort((a, b) => a.line - b.line)
}

export function count(session: Attached, event: string): number {
  return session.seen.filter((seen) => seen.event === event).length
}

/** The lines that log points have said. */
export function logged(session: Attached): string[] {
  return session.seen.flatMap(({ event, body }) => {
    const { category, output } = body as DebugProtocol.OutputEvent['body']
    return event === 'output' && category === 'stdout' ? output.split('\n').filter((line) => line !== '') : []
  })
}

/** What the user was told, whoever said it. */
export function notes(session: Attached): string {
  return session.seen
    .flatMap(({ event, body }) => (event === 'output' ? [(body as DebugProtocol.OutputEvent['body']).output] : []))
    .join('')
}
