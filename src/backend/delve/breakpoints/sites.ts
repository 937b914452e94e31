import { dapError } from '../../../dap/errors.ts'
import type { Ask, Parts } from '../parts.ts'
import { hex, type Breakpoint as DelveBreakpoint, type In, type NewBreakpoint, type Thread } from '../wire.ts'
import type { Breakpoint } from './breakpoint.ts'
import { compose, type Composed, type Member } from './checks.ts'
import { failureOf } from './failures.ts'

/** A program is slow before it has so many; who clears them without us knows their names by this. */
const sitesMax = 999

/** Delve's breakpoint: the one at its addresses, and all of the client's that it is there for. */
export interface Site {
  readonly name: string
  readonly members: Set<Breakpoint>
  /** Undefined until Delve has answered. */
  delve: DelveBreakpoint | undefined
  /**
   * What Delve was told last; before it what it may not have put in place of yet. A program that runs can be stopped by
   * that for as long, and what it hits is judged by it.
   */
  told: readonly Told[]
}

/** For whom a breakpoint of Delve's is as it is. */
export interface Told {
  readonly composed: Composed
  readonly members: readonly Member[]
}

export type Place = { readonly file: string; readonly line: number } | { readonly addrs: readonly number[] }

/** Our breakpoints in Delve. What one turn asks leaves together, and holds a program that runs once. */
export class Sites {
  readonly #parts: Parts
  readonly #byName = new Map<string, Site>()
  /** Those that another client's breakpoint is. */
  readonly #foreign = new Set<Breakpoint>()
  #isLeft = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Rejects in Delve's words. */
  async create(place: Place, breakpoint: Breakpoint): Promise<Site> {
    const site = this.#add(breakpoint)
    try {
      const asked: NewBreakpoint = { name: site.name, ...place, ...latest(site).composed }
      const { Breakpoint: made } = await this.#interject((ask) => ask('CreateBreakpoint', { Breakpoint: asked }))
      site.delve = made
      return site
    } catch (error) {
      // Of one with a bad condition Delve keeps a ghost, which has the name (1.20.2, 1.27.2).
      if (failureOf(error).kind === 'other') await this.#remove(site)
      else this.#forget(site)
      throw error
    }
  }

  /** Rejects in Delve's words. Delve gives it a name of its own until it is told ours. */
  async watch(asked: In<'CreateWatchpoint'>, breakpoint: Breakpoint): Promise<Site> {
    const site = this.#add(breakpoint)
    try {
      site.delve = await this.#interject((ask) => ask('CreateWatchpoint', asked))
      await this.#tell(site)
      return site
    } catch (error) {
      await this.#remove(site)
      throw error
    }
  }

  /** Rejects in Delve's words; then it has not joined. */
  async join(site: Site, breakpoint: Breakpoint): Promise<void> {
    site.members.add(breakpoint)
    breakpoint.sites.add(site)
    try {
      await this.#amend(site)
    } catch (error) {
      await this.#part(site, breakpoint)
      throw error
    }
  }

  /** Its conditions are others now. Hits are counted on. Rejects in Delve's words. */
  async amend(breakpoint: Breakpoint): Promise<void> {
    await Promise.all([...breakpoint.sites].map((site) => this.#amend(site)))
  }

  async leave(breakpoint: Breakpoint): Promise<void> {
    this.#foreign.delete(breakpoint)
    breakpoint.foreign.clear()
    await Promise.all([...breakpoint.sites].map((site) => this.#part(site, breakpoint)))
  }

  /** Which of ours it is; `cleared` for one that was ours. */
  of({ id, name }: DelveBreakpoint): Site | 'cleared' | undefined {
    for (const site of this.#byName.values()) {
      if (site.delve === undefined ? site.name === name : site.delve.id === id) return site
    }
    return name.startsWith(this.#parts.prefix) ? 'cleared' : undefined
  }

  /** Those for which another client's breakpoint is there. */
  leftTo(addresses: readonly string[]): Breakpoint[] {
    return [...this.#foreign].filter(({ foreign }) => addresses.some((address) => foreign.has(address)))
  }

  /** Another client's breakpoint at the address is this one too. */
  leaveTo(address: string, breakpoint: Breakpoint): void {
    breakpoint.foreign.add(address)
    this.#foreign.add(breakpoint)
  }

  at(address: string): Site | undefined {
    return [...this.#byName.values()].find((site) => addressesOf(site).includes(address))
  }

  /** Delve 1.20 leaves out of a new program what can be hit no more in the old one: `== 2` of what was hit twice. */
  async renew(): Promise<void> {
    const counted = [...this.#byName.values()].filter((site) => latest(site).composed.HitCond !== '')
    await Promise.all(counted.map((site) => this.#tell(site)))
  }

  /** All at once; nothing is set any more. */
  clear(ask: Ask): Promise<unknown> {
    this.#isLeft = true
    return Promise.all([...this.#byName.values()].map((site) => this.#clear(ask, site)))
  }

  #interject<T>(flight: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#parts.program.interject((ask) => {
      if (this.#isLeft) throw dapError('sessionEnded', { why: 'the client has disconnected' })
      return flight(ask)
    })
  }

  #add(breakpoint: Breakpoint): Site {
    const { prefix } = this.#parts
    let number = 1
    while (this.#byName.has(`${prefix}n${number}`)) number += 1
    if (number > sitesMax) {
      throw dapError('debuggerFailed', { message: `There are ${sitesMax} breakpoints already; no more can be set.` })
    }
    const members = new Set([breakpoint])
    const site: Site = { name: `${prefix}n${number}`, members, delve: undefined, told: [toldOf(members)] }
    this.#byName.set(site.name, site)
    breakpoint.sites.add(site)
    return site
  }

  async #part(site: Site, breakpoint: Breakpoint): Promise<void> {
    if (site.members.size === 1) return this.#remove(site)
    site.members.delete(breakpoint)
    breakpoint.sites.delete(site)
    await this.#amend(site).catch((error: unknown) => {
      this.#parts.log.info({ err: error, name: site.name }, 'a breakpoint was not amended')
    })
  }

  #forget(site: Site): void {
    for (const member of site.members) member.sites.delete(site)
    site.members.clear()
    this.#byName.delete(site.name)
  }

  async #remove(site: Site): Promise<void> {
    for (const member of site.members) member.sites.delete(site)
    site.members.clear()
    try {
      await this.#interject((ask) => {
        const cleared = this.#clear(ask, site)
        // Whoever takes the name from now on is served behind it.
        this.#byName.delete(site.name)
        return cleared
      })
    } catch (error) {
      this.#byName.delete(site.name)
      this.#parts.log.info({ err: error, name: site.name }, 'a breakpoint was not cleared')
    }
  }

  #clear(ask: Ask, { name, delve }: Site): Promise<unknown> {
    // By its id where it is known: what Delve has named, it may have under another name.
    return ask('ClearBreakpoint', delve === undefined ? { Name: name } : { Id: delve.id }).catch((error: unknown) => {
      this.#parts.log.debug({ err: error, name }, 'a breakpoint was not there to be cleared')
    })
  }

  async #amend(site: Site): Promise<void> {
    const told = toldOf(site.members)
    const before = latest(site)
    if (JSON.stringify(told.composed) === JSON.stringify(before.composed)) {
      // Only for whom it is, or what is said of it.
      site.told = [...site.told.slice(0, -1), told]
      return
    }
    site.told = [...site.told, told]
    await this.#tell(site)
    site.told = site.told.slice(site.told.indexOf(told))
  }

  /** The whole of it, as Delve wants it; without what it has found itself. */
  async #tell(site: Site): Promise<void> {
    const { name, delve } = site
    const { id, file = '', line = 0 } = delve ?? {}
    if (id === undefined) return
    const whole: NewBreakpoint = { id, name, file, line, ...latest(site).composed }
    await this.#interject((ask) => ask('AmendBreakpoint', { Breakpoint: whole }))
  }
}

const latest = ({ told }: Site): Told => told.at(-1)!

function toldOf(members: Iterable<Breakpoint>): Told {
  const all = [...members].map((breakpoint) => ({ breakpoint, checks: breakpoint.checks }))
  return { composed: compose(all), members: all }
}

/** For whom it was hit, by what Delve tells of it with the hit. */
export function toldAt({ told }: Site, { breakPoint }: Thread): readonly Member[] {
  return (told.findLast(({ composed }) => breakPoint !== undefined && isSo(composed, breakPoint)) ?? told.at(-1)!)
    .members
}

/** Not by the text of the condition, which Delve writes in its own way. */
function isSo(composed: Composed, { continue: logs, variables, Cond, HitCond = '' }: DelveBreakpoint): boolean {
  const isSame = composed.continue === logs && composed.HitCond === HitCond && (composed.Cond === '') === (Cond === '')
  return isSame && JSON.stringify(composed.variables) === JSON.stringify(variables ?? [])
}

export function addressesOf({ delve }: Pick<Site, 'delve'>): string[] {
  if (delve === undefined) return []
  const { addr, addrs } = delve
  return [...new Set([addr, ...(addrs ?? [])].map(hex))]
}

/** Of what a thread stands at. */
export function addressesAt({ breakPoint, pc }: Thread): string[] {
  return [pc, ...(breakPoint === undefined ? [] : [breakPoint.addr, ...(breakPoint.addrs ?? [])])].map(hex)
}
