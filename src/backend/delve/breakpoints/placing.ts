import type { Parts } from '../parts.ts'
import { scopeOf, selectedGoroutine } from '../reads.ts'
import { hex, type Breakpoint as DelveBreakpoint, type Location } from '../wire.ts'
import type { Breakpoint } from './breakpoint.ts'
import { failureOf } from './failures.ts'
import { addressesOf, type Sites } from './sites.ts'

/** A statement is looked for in so many lines behind a line that has none, and then before it. */
const nearLines = 20
/** Of a regular expression. */
const functionsMax = 100
const goFlavour = 2

/** Where a breakpoint is in the program. Each method sets what it is given, or says why not. */
export class Placing {
  readonly #parts: Parts
  readonly #sites: Sites

  constructor(parts: Parts, sites: Sites) {
    this.#parts = parts
    this.#sites = sites
  }

  async line(breakpoint: Breakpoint, path: string): Promise<void> {
    const { line } = breakpoint.wanted
    if (path === '') {
      breakpoint.problem = 'This source has no path, and Delve knows files by their paths: open the file itself.'
      return
    }
    const problem = await this.#inFile(breakpoint, path, line)
    if (problem !== 'noFile') return
    // Only now: that a file is known by the client's path is found out by the first try.
    const far = await this.#parts.paths.toFar(path)
    if (far.path === path || (await this.#inFile(breakpoint, far.path, line)) === 'noFile') {
      breakpoint.problem = this.#parts.paths.explain(path)
    }
  }

  /** Sets it, with what it has found out; only an unknown file is left to the caller. */
  async #inFile(breakpoint: Breakpoint, file: string, line: number): Promise<'noFile' | undefined> {
    const failure = await this.#create(breakpoint, file, line)
    if (failure === 'noFile') return 'noFile'
    if (failure === 'noStatement') await this.#near(breakpoint, file, line)
    return undefined
  }

  async #create(breakpoint: Breakpoint, file: string, line: number): Promise<'noFile' | 'noStatement' | undefined> {
    try {
      await this.#sites.create({ file, line }, breakpoint)
      return undefined
    } catch (error) {
      const failure = failureOf(error)
      switch (failure.kind) {
        case 'exists':
          await this.#shared(breakpoint, file, line, failure.address)
          return undefined
        case 'other':
          breakpoint.problem = failure.message
          return undefined
        default:
          return failure.kind
      }
    }
  }

  async #near(breakpoint: Breakpoint, file: string, line: number): Promise<void> {
    const { positions } = this.#parts
    const at = positions.toClientLine(line)
    const [near] = await this.statements(file, line + 1, line + nearLines)
    if (near !== undefined) {
      const [name] = (await this.#find(`${file}:${near}`)).flatMap((found) => found.function?.name ?? [])
      const where = `line ${positions.toClientLine(near)}${name === undefined ? '' : `, in ${name}`}`
      breakpoint.note = `Line ${at} has no statement: this is at ${where}.`
      breakpoint.line = near
      await this.#create(breakpoint, file, near)
      return
    }
    const before = (await this.statements(file, Math.max(1, line - nearLines), line - 1)).at(-1)
    const nearest =
      before === undefined ? '' : `; the nearest before it that has one is ${positions.toClientLine(before)}`
    breakpoint.problem = `Neither line ${at} nor the ${nearLines} behind it have a statement${nearest}.`
  }

  /** The lines that have one, in one flight. */
  async statements(file: string, from: number, to: number): Promise<number[]> {
    const lines = Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at)
    const found = await Promise.all(lines.map((line) => this.#find(`${file}:${line}`).catch(() => [])))
    return lines.filter((_, at) => found[at]!.some(({ pc }) => hex(pc) !== '0x0'))
  }

  async #find(text: string): Promise<readonly Location[]> {
    const { Locations } = await this.#parts.program.once('FindLocation', {
      Scope: scopeOf(selectedGoroutine, 0),
      Loc: text,
    })
    return Locations ?? []
  }

  /** One of the line's addresses has a breakpoint already. */
  async #shared(breakpoint: Breakpoint, file: string, line: number, address: string): Promise<void> {
    const locations = await this.#find(`${file}:${line}`).catch(() => [])
    const all = locations.flatMap(addressesIn)
    await this.#atAddresses(breakpoint, all.length > 0 ? all : [address])
  }

  async #join(breakpoint: Breakpoint, addresses: readonly string[]): Promise<void> {
    const sites = new Set(addresses.map((address) => this.#sites.at(address)).filter((site) => site !== undefined))
    try {
      for (const site of sites) await this.#sites.join(site, breakpoint)
    } catch (error) {
      const failure = failureOf(error)
      breakpoint.problem = failure.kind === 'other' ? failure.message : 'Delve has not taken this breakpoint.'
    }
  }

  /** Where there is none yet it is set, and where there is one it is the same for both. */
  async #atAddresses(breakpoint: Breakpoint, addresses: readonly string[]): Promise<void> {
    const left = new Set(addresses)
    const joined = new Set<string>()
    for (;;) {
      for (const address of left) {
        const site = this.#sites.at(address)
        if (site === undefined) continue
        joined.add(address)
        for (const each of addressesOf(site)) left.delete(each)
      }
      if (left.size === 0) break
      try {
        await this.#sites.create({ addrs: [...left].map(Number) }, breakpoint)
        break
      } catch (error) {
        const failure = failureOf(error)
        if (failure.kind !== 'exists' || !left.has(failure.address)) {
          breakpoint.problem = failure.kind === 'other' ? failure.message : 'Delve has not taken this breakpoint.'
          return
        }
        if (this.#sites.at(failure.address) !== undefined) continue
        left.delete(failure.address)
        if (!(await this.#leaveTo(breakpoint, failure.address))) return
      }
    }
    await this.#join(breakpoint, [...joined])
  }

  /** Another client of Delve has one there: Delve stops for it anyway, and has no second one for us. */
  async #leaveTo(breakpoint: Breakpoint, address: string): Promise<boolean> {
    const { condition, hitCondition, message } = breakpoint.checks
    const isPlain = condition === '' && hitCondition === undefined && message === undefined
    const { Breakpoints } = await this.#parts.program.interject((ask) => ask('ListBreakpoints', { All: false }))
    const theirs = Breakpoints?.find((each) => addressesOf({ delve: each }).includes(address))
    if (!isPlain || (theirs !== undefined && !stopsAlways(theirs))) {
      const whose = isPlain
        ? 'is theirs with its condition or log message'
        : 'can have no condition and no log message of yours'
      breakpoint.problem = `Another client of Delve has a breakpoint here, and Delve has one for both: it ${whose}.`
      return false
    }
    this.#sites.leaveTo(address, breakpoint)
    breakpoint.note = 'Another client of Delve has a breakpoint here, which stops the program for both.'
    return true
  }

  async function(breakpoint: Breakpoint): Promise<void> {
    const name = breakpoint.wanted.key
    if (/^(?:[-+*]|0x[\da-f]+$|\d+$|$)/i.test(name)) {
      breakpoint.problem = `'${name}' is no name of a function: write package.Function, (*Type).Method or /a regular expression/.`
      return
    }
    let found: readonly Location[]
    try {
      found = await this.#find(name)
      // What is no function, Delve takes for an expression: the value of a variable would be the address.
      if (!found.every((location) => isIn(name, location)) && !(await this.#isInlined(name))) found = []
      else if (!found.some((location) => isIn(name, location))) breakpoint.note = inlinedNote(found)
    } catch (error) {
      breakpoint.problem = functionProblem(name, error)
      return
    }
    if (found.length === 0) breakpoint.problem = functionProblem(name, undefined)
    else if (found.length > functionsMax) {
      breakpoint.problem = `${found.length} functions are called so, more than the ${functionsMax} that one breakpoint is set in.`
    } else {
      if (found.length > 1) breakpoint.note ??= `In ${found.length} functions.`
      await this.#atAddresses(breakpoint, [...new Set(found.flatMap(addressesIn))])
    }
  }

  /** Of a function whose code is only within those that call it, Delve tells where it is there. */
  async #isInlined(name: string): Promise<boolean> {
    const Filter = `${escaped(lastName(name))}(\\[|$)`
    const { Funcs } = await this.#parts.program.once('ListFunctions', { Filter })
    return (Funcs ?? []).some((each) => dotted(each).endsWith(dotted(name)))
  }

  /** Delve sets a trap anywhere: within an instruction it would make another one of it. */
  async instruction(breakpoint: Breakpoint): Promise<void> {
    const { key } = breakpoint.wanted
    if (key === '') {
      breakpoint.problem = 'This is no address of an instruction: take one that the disassembly shows.'
      return
    }
    const address = Number(key)
    const scope = scopeOf(selectedGoroutine, 0)
    const argument = { Scope: scope, StartPC: address, EndPC: 0, Flavour: goFlavour }
    const { Disassemble: around } = await this.#parts.program.once('Disassemble', argument).catch((error: unknown) => {
      this.#parts.log.debug({ err: error }, 'there is no machine code at an address')
      return { Disassemble: null }
    })
    const begins = (around ?? []).map(({ Loc }) => Number(Loc.pc))
    if (begins.includes(address)) return this.#atAddresses(breakpoint, [key])
    const own = begins.findLast((each) => each < address)
    breakpoint.problem =
      own === undefined
        ? `There is no function of the program at ${key}.`
        : `No instruction begins at ${key}: it is within the one at ${hex(own)}, which would be destroyed.`
  }
}

const stopsAlways = ({ Cond, HitCond = '', continue: logs }: DelveBreakpoint): boolean =>
  Cond === '' && HitCond === '' && !logs

const addressesIn = ({ pc, pcs }: Location): string[] => (pcs === undefined || pcs.length === 0 ? [pc] : pcs).map(hex)

/** Without the types of a generic one, and with its receiver as in `Box.Grow`. */
const plainName = (text: string): string => text.replace(/\[.*\]/s, '').replace(/\(\*?([^)]*)\)/g, '$1')
const dotted = (text: string): string => `.${plainName(text).replaceAll('/', '.')}`
const lastName = (text: string): string => /[^.]*$/.exec(plainName(text))![0]
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** A place in the function itself, or one that was asked for in another way. */
function isIn(name: string, location: Location): boolean {
  if (name.startsWith('/') && name.endsWith('/')) return true
  if (/:\d+$/.test(name)) return true
  return location.function !== undefined && lastName(location.function.name) === lastName(name)
}

function inlinedNote(found: readonly Location[]): string {
  const count = new Set(found.flatMap(addressesIn)).size
  return `The compiler has inlined it: this is ${count === 1 ? 'where it is called' : `at the ${count} places that call it`}.`
}

function functionProblem(name: string, error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const [, candidates] = /^Location ".*" ambiguous: (.*)$/s.exec(message) ?? []
  if (candidates !== undefined) return `Several functions are called '${name}': ${candidates}. Write more of the name.`
  const isUnknown = error === undefined || /not found$|could not find function/.test(message)
  if (!isUnknown) return `The function '${name}' was not found: ${message}.`
  return `The program has no function '${name}': it may be written with its package (main.work), or be inlined or left out by the linker.`
}
