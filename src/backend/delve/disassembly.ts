import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { reasonOf } from '../../lib/abort.ts'
import { present } from '../../lib/present.ts'
import type { Code } from './code.ts'
import { DelveError } from './connection.ts'
import { shortName } from './names.ts'
import type { Parts, Stop } from './parts.ts'
import { scopeOf, selectedGoroutine } from './reads.ts'
import { hex, type AsmInstruction } from './wire.ts'

/** Go's own assembly; the others are GNU's and Intel's. */
const goFlavour = 2
/** No instruction is longer on amd64; on arm64 all have 4. */
const instructionBytesMax = 15
/** An instruction of amd64 has 4 to 5 on average. */
const instructionBytes = 5
/** More in one answer than any view shows; what is beyond it is filled up. */
const bytesMax = 64 * 1024
/** Functions begin at multiples of one of these, by architecture and version; in between is no function. */
const alignments = [16, 32, 64]
const backwardsMax = 4
const countMax = 16_384

/** Views ask on from the addresses of what is no instruction. */
const before = '0x0'
const after = '0xffffffffffffffff'

/** Machine code around an address. Delve decodes from where a function begins; elsewhere it would be nonsense. */
export class Disassembly {
  readonly #parts: Parts
  readonly #code: Code

  constructor(parts: Parts, code: Code) {
    this.#parts = parts
    this.#code = code
  }

  async disassemble({ arguments: args, signal }: Call<'disassemble'>): Promise<Body<'disassemble'>> {
    const { memoryReference, offset = 0, instructionOffset = 0, instructionCount, resolveSymbols = false } = args
    const count = Math.trunc(instructionCount)
    if (!(count >= 0 && count <= countMax)) {
      throw badArguments(`instructionCount must be from 0 to ${countMax}`)
    }
    const reference = addressOf(memoryReference)
    if (reference === undefined) throw badArguments(`'${memoryReference}' is no address`)
    if (reference === 0n || reference === BigInt(after)) {
      return { instructions: Array.from({ length: count }, () => filler(memoryReference)) }
    }
    const { stop } = this.#parts.program
    if (stop === undefined) throw dapError('notStopped', {})
    const address = Number(reference) + offset
    const found = await this.#around(stop, address, instructionOffset, count, signal)
    const at = found.findIndex(({ Loc }) => Number(Loc.pc) === address)
    if (at === -1) {
      throw dapError('debuggerFailed', { message: `No instruction of the program begins at ${hex(address)}.` })
    }
    const first = at + instructionOffset
    const shown = found.slice(Math.max(0, first), Math.max(0, first + count))
    const missing = Math.min(count, Math.max(0, -first))
    const instructions = [
      ...Array.from({ length: missing }, () => filler(before)),
      ...this.#shown(shown, resolveSymbols),
    ]
    while (instructions.length < count) instructions.push(filler(after))
    return { instructions }
  }

  /** Enough of what is before and behind the address, in two flights where nothing is odd. */
  async #around(stop: Stop, address: number, instructionOffset: number, count: number, signal: AbortSignal) {
    const back = Math.max(0, -instructionOffset)
    const ahead = Math.max(0, instructionOffset + count)
    const ask = (from: number, to: number): Promise<AsmInstruction[]> => this.#ask(stop, from, to, signal)
    const [here, start] = await Promise.all([
      ask(address, 0),
      back === 0 ? undefined : this.#startBefore(stop, address - back * instructionBytes, signal),
    ])
    const entry = here.length === 0 ? address : Number(here[0]!.Loc.pc)
    const [earlier, later] = await Promise.all([
      this.#before(
        stop,
        start,
        entry,
        here.findIndex(({ Loc }) => Number(Loc.pc) === address),
        back,
        signal,
      ),
      this.#behind(stop, here, address, ahead, signal),
    ])
    return [...earlier, ...later]
  }

  /** From whole functions before `entry`, further back until there are enough. */
  async #before(
    stop: Stop,
    start: number | undefined,
    entry: number,
    inside: number,
    back: number,
    signal: AbortSignal,
  ): Promise<AsmInstruction[]> {
    let from = start
    let found: AsmInstruction[] = []
    for (let round = 0; round < backwardsMax && inside + found.length < back; round++) {
      if (from === undefined || from >= entry) from = await this.#startBefore(stop, entry - 1, signal)
      if (from === undefined || from >= entry) break
      const to = found.length === 0 ? entry : Number(found[0]!.Loc.pc)
      const more = await this.#ask(stop, from, to, signal)
      if (more.length === 0) break
      found = [...more, ...found]
      from = await this.#startBefore(stop, from - 1 - (back - inside - found.length) * instructionBytes, signal)
      if (from !== undefined && from >= Number(found[0]!.Loc.pc)) break
    }
    return found
  }

  /** From the function's beginning, on over what follows it. */
  async #behind(stop: Stop, here: AsmInstruction[], address: number, ahead: number, signal: AbortSignal) {
    const at = here.findIndex(({ Loc }) => Number(Loc.pc) === address)
    if (at === -1 || here.length - at >= ahead) return here
    const entry = Number(here[0]!.Loc.pc)
    const wanted = address + Math.min(bytesMax, ahead * instructionBytesMax)
    // Beyond the last function there may be no memory: then that much less.
    for (const to of [wanted, address + ahead * instructionBytes]) {
      const found = await this.#ask(stop, entry, to, signal)
      if (found.length > here.length) return found
    }
    return here
  }

  /** Where the function begins that is at the address, or the last one before it; undefined if there is none near. */
  async #startBefore(stop: Stop, address: number, signal: AbortSignal): Promise<number | undefined> {
    if (address <= 0) return undefined
    const tried = [address, ...alignments.map((bytes) => address - bytes)].filter((at) => at > 0)
    const found = await Promise.all(tried.map((at) => this.#ask(stop, at, 0, signal)))
    const first = found.find((instructions) => instructions.length > 0)
    return first === undefined ? undefined : Number(first[0]!.Loc.pc)
  }

  /** Empty where there is no function, or no memory. */
  async #ask(stop: Stop, from: number, to: number, signal: AbortSignal): Promise<AsmInstruction[]> {
    const argument = { Scope: scopeOf(selectedGoroutine, 0), StartPC: from, EndPC: to, Flavour: goFlavour }
    try {
      const { Disassemble } = await stop.read('Disassemble', argument, signal)
      return [...(Disassemble ?? [])]
    } catch (error) {
      if (signal.aborted) throw reasonOf(signal)
      if (error instanceof DelveError) return []
      throw error
    }
  }

  #shown(instructions: readonly AsmInstruction[], symbols: boolean): DebugProtocol.DisassembledInstruction[] {
    let place = ''
    let last = ''
    return instructions.map(({ Loc, Text, Bytes }) => {
      const name = Loc.function?.name ?? ''
      const symbol = symbols && name !== last && name !== '' ? shortName(name) : undefined
      last = name
      const here = `${Loc.file}:${Loc.line}`
      const isNew = here !== place
      place = here
      const location = isNew ? this.#code.source(Loc.file) : undefined
      return present({
        address: hex(Loc.pc),
        instructionBytes: Buffer.from(Bytes, 'base64').toString('hex'),
        instruction: Text,
        symbol,
        location,
        line: location === undefined ? undefined : this.#parts.positions.toClientLine(Loc.line),
      })
    })
  }
}

function filler(address: string): DebugProtocol.DisassembledInstruction {
  return { address, instruction: '(no instruction)', presentationHint: 'invalid' }
}

function addressOf(text: string): bigint | undefined {
  if (!/^(0x[\da-f]+|\d+)$/i.test(text)) return undefined
  const address = BigInt(text)
  return address <= BigInt(after) ? address : undefined
}

function badArguments(problem: string): Error {
  return dapError('badArguments', { command: 'disassemble', problem })
}
