import type { DebugProtocol } from '@vscode/debugprotocol'
import { DelveError } from '../connection.ts'
import type { Ask, Parts } from '../parts.ts'
import { termsOf, termsProblem, type Kind, type Terms } from './placed.ts'
import { createAt, type Wanted } from './placing.ts'

/** Delve's own; a regular expression can fit a whole program. */
const functionsMax = 100
const gnuFlavour = 0

/** Where it is, or why nowhere. */
type Found = { readonly addrs: readonly number[] } | { readonly problem: string }

function wantedOf(kind: Kind, key: string, terms: Terms, found: Found): Wanted {
  const problem = termsProblem(terms) ?? ('problem' in found ? found.problem : undefined)
  if (problem !== undefined || !('addrs' in found)) {
    return { kind, key, terms, make: undefined, ...(problem === undefined ? {} : { message: problem }) }
  }
  return { kind, key, terms, make: (ask, name, given) => createAt(ask, name, given, { addrs: found.addrs }) }
}

/** Delve's location expressions: `main.total`, `(*Shop).Order`, `/regular expression/`. All in one flight. */
export async function functionWanted(
  { program }: Parts,
  breakpoints: readonly DebugProtocol.FunctionBreakpoint[],
): Promise<Wanted[]> {
  if (breakpoints.length === 0) return []
  const found = await program.interject((ask) => Promise.all(breakpoints.map(({ name }) => functionAt(ask, name))))
  return breakpoints.map((breakpoint, index) => {
    return wantedOf('function breakpoint', breakpoint.name, termsOf(breakpoint), found[index]!)
  })
}

async function functionAt(ask: Ask, name: string): Promise<Found> {
  // What else Delve takes for a location is no function: a line, an address, an offset.
  if (/^\s*(?:[*+-]?\d|[*+-]\s*0x)|:\d+\s*$/.test(name)) return { problem: `'${name}' is no name of a function.` }
  try {
    const { Locations } = await ask('FindLocation', { Scope: { GoroutineID: -1, Frame: 0 }, Loc: name })
    const places = Locations ?? []
    if (places.length > functionsMax) return { problem: `'${name}' fits ${places.length} functions: name fewer.` }
    const addrs = places.flatMap(({ pc, pcs }) => (pcs?.length ? [...pcs] : [pc])).map(Number)
    const real = addrs.filter((address) => address !== 0)
    return real.length > 0
      ? { addrs: real }
      : { problem: `The program has no code of '${name}': it was inlined or left out.` }
  } catch (error) {
    if (!(error instanceof DelveError)) throw error
    return { problem: `'${name}' is not found in the program: ${error.message}.` }
  }
}

/** Delve sets one at any address, and within an instruction that would change the program: it is looked at first. */
export async function instructionWanted(
  { program }: Parts,
  breakpoints: readonly DebugProtocol.InstructionBreakpoint[],
): Promise<Wanted[]> {
  if (breakpoints.length === 0) return []
  const addresses = breakpoints.map(({ instructionReference, offset = 0 }) => Number(instructionReference) + offset)
  const found = await program.interject((ask) => Promise.all(addresses.map((address) => instructionAt(ask, address))))
  return breakpoints.map((breakpoint, index) => {
    return wantedOf('instruction breakpoint', String(addresses[index]), termsOf(breakpoint), found[index]!)
  })
}

async function instructionAt(ask: Ask, address: number): Promise<Found> {
  if (!Number.isSafeInteger(address) || address <= 0) return { problem: 'That is no address of an instruction.' }
  const at = `0x${address.toString(16)}`
  try {
    const Scope = { GoroutineID: -1, Frame: 0 }
    const { Disassemble } = await ask('Disassemble', { Scope, StartPC: address, EndPC: 0, Flavour: gnuFlavour })
    const isFirst = (Disassemble ?? []).some(({ Loc }) => Number(Loc.pc) === address)
    return isFirst ? { addrs: [address] } : { problem: `No instruction of the program begins at ${at}.` }
  } catch (error) {
    if (!(error instanceof DelveError)) throw error
    return { problem: `There is no code of the program at ${at}: ${error.message}.` }
  }
}
