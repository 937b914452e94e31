import type { Command } from './protocol.ts'

/** Requests that start the program. Clients never expect one of them to fail (notes/clients.md, 9). */
export const resuming: ReadonlySet<Command> = new Set([
  'continue',
  'next',
  'stepIn',
  'stepOut',
  'stepBack',
  'reverseContinue',
])

/** After these what was read from the stop is no longer valid; `goto` and `restartFrame` stop anew at once. */
export const movesOn: ReadonlySet<Command> = new Set([...resuming, 'goto', 'restartFrame'])
