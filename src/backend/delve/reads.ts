import type { EvalScope, GoroutineFilter, In, Method } from './wire.ts'
import { aheadFrames, loadConfig } from './quirks.ts'

/** A request in full: what is written ahead and what is asked later must be the same to be found. */
export type Read<M extends Method> = readonly [method: M, argument: In<M>]

/** Delve's word for the selected goroutine. */
export const selectedGoroutine = -1

export function stackRead(goroutine: number, skip = 0, count = aheadFrames): Read<'Stacktrace'> {
  // Depth N gives N + 1 frames, of which Skip are left out.
  return ['Stacktrace', { Id: goroutine, Depth: skip + count - 1, ...(skip > 0 ? { Skip: skip } : {}) }]
}

export function argumentsRead(goroutine: number, frame: number): Read<'ListFunctionArgs'> {
  return ['ListFunctionArgs', { Scope: scopeOf(goroutine, frame), Cfg: loadConfig }]
}

export function localsRead(goroutine: number, frame: number): Read<'ListLocalVars'> {
  return ['ListLocalVars', { Scope: scopeOf(goroutine, frame), Cfg: loadConfig }]
}

export function goroutinesRead(
  start: number,
  count: number,
  filters: readonly GoroutineFilter[] = [],
): Read<'ListGoroutines'> {
  return ['ListGoroutines', { Start: start, Count: count, ...(filters.length > 0 ? { Filters: filters } : {}) }]
}

export function scopeOf(goroutine: number, frame: number): EvalScope {
  return { GoroutineID: goroutine, Frame: frame }
}

/** The smallest one that Delve cannot answer from memory: it reads registers. */
export const lookRead: Read<'Stacktrace'> = ['Stacktrace', { Id: selectedGoroutine, Depth: 0 }]
