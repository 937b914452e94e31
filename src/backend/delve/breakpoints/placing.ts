import type { Ask, Parts } from '../parts.ts'
import type { Breakpoint } from '../wire.ts'
import { DelveError } from '../connection.ts'
import { delveTerms, failureOf, Names, sameTerms, type Failure, type Kind, type Own, type Terms } from './placed.ts'

/** A breakpoint as the client wants it. */
export interface Wanted {
  readonly kind: Kind
  readonly key: string
  readonly terms: Terms
  /** Sets it under this name; undefined where it is known that it cannot be, and `message` says why. */
  readonly make: ((ask: Ask, name: string, terms: Terms) => Promise<Breakpoint>) | undefined
  readonly message?: string
  /** Where it may slide to: the lines below it. */
  readonly at?: { readonly file: string; readonly line: number }
  /** Why it is not set where its file is none of the program's. */
  readonly noFile?: () => string
}

interface Failed {
  readonly own: Own
  readonly wanted: Wanted
  readonly name: string
  readonly failure: Failure
}

/** So many lines below are looked at for one with a statement. */
const slideMax = 20

/** The client's breakpoints on Delve: what it says anew is compared with what is there, so that hit counts stay. */
export class Placing {
  readonly #parts: Parts
  readonly #names: Names
  readonly #groups = new Map<string, readonly Own[]>()
  /** One request after another: each compares with what the one before has left. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#names = new Names(parts.prefix)
  }

  /** All of ours that are there. */
  *all(): Generator<Own> {
    for (const group of this.#groups.values()) yield* group
  }

  /** Those of the client's that Delve's one is. */
  of(id: number): Own[] {
    return [...this.all()].filter(({ placed }) => placed?.id === id)
  }

  /** Of a group (a file, the functions, …) there are now these. */
  update(group: string, find: () => Promise<readonly Wanted[]>): Promise<readonly Own[]> {
    const updated = this.#last.then(async () => this.#update(group, await find()))
    this.#last = updated.catch(() => {})
    return updated
  }

  async #update(group: string, wanted: readonly Wanted[]): Promise<readonly Own[]> {
    const before = [...(this.#groups.get(group) ?? [])]
    const now: Own[] = []
    const changed: [Own, Wanted][] = []
    const fresh: [Own, Wanted][] = []
    for (const each of wanted) {
      const at = before.findIndex(({ key, placed }) => key === each.key && placed !== undefined)
      const known = at < 0 ? undefined : before.splice(at, 1)[0]
      if (known !== undefined && sameTerms(known.terms, each.terms)) {
        now.push(known)
      } else if (known !== undefined && !known.isForeign && this.of(known.placed!.id).length === 1) {
        known.terms = each.terms
        now.push(known)
        changed.push([known, each])
      } else {
        if (known !== undefined) before.push(known)
        const own = this.#new(each)
        now.push(own)
        if (each.make !== undefined) fresh.push([own, each])
      }
    }
    this.#groups.set(group, now)
    const gone = before.filter(({ placed, isForeign }) => placed !== undefined && !isForeign)
    await this.#apply(gone, changed, fresh)
    return now
  }

  #new({ kind, key, terms, message }: Wanted): Own {
    return { id: this.#parts.nextId(), kind, key, terms, placed: undefined, isForeign: false, message }
  }

  /** In one flight, and so in one halt of a program that runs; what went wrong is seen to in another. */
  async #apply(gone: readonly Own[], changed: readonly [Own, Wanted][], fresh: readonly [Own, Wanted][]) {
    // What others of the client's share stays.
    const cleared = gone.filter(({ placed }) => this.of(placed!.id).length === 0)
    if (cleared.length + changed.length + fresh.length === 0) return
    const failed = await this.#parts.program.interject(async (ask) => {
      const clears = [...new Map(cleared.map((own) => [own.placed!.id, own])).values()].map((own) =>
        this.#clear(ask, own),
      )
      const amends = changed.map(([own, wanted]) => this.#amend(ask, own, wanted))
      const makes = fresh.map(([own, wanted]) => this.#make(ask, own, wanted))
      const answers = await Promise.all([...clears, ...amends, ...makes])
      return answers.filter((answer): answer is Failed => answer !== undefined)
    })
    if (failed.length > 0) await this.#mend(failed)
  }

  async #clear(ask: Ask, own: Own): Promise<undefined> {
    const { id, name } = own.placed!
    try {
      await ask('ClearBreakpoint', { Id: id })
    } catch (error) {
      // Somebody else may have cleared it, or its function has returned.
      if (!(error instanceof DelveError)) throw error
    }
    if (this.#names.isOurs(name)) this.#names.free(name)
    return undefined
  }

  async #amend(ask: Ask, own: Own, wanted: Wanted): Promise<Failed | undefined> {
    const changed = { ...own.placed!, ...delveTerms(own.terms) }
    try {
      await ask('AmendBreakpoint', { Breakpoint: changed })
      own.placed = changed
      own.message = undefined
      return undefined
    } catch (error) {
      if (!(error instanceof DelveError)) throw error
      // It would go on with what it was told before.
      return { own, wanted, name: own.placed!.name, failure: { kind: 'other', message: error.message } }
    }
  }

  async #make(ask: Ask, own: Own, wanted: Wanted, at = wanted.make!): Promise<Failed | undefined> {
    const name = this.#names.take()
    try {
      own.placed = await at(ask, name, wanted.terms)
      return undefined
    } catch (error) {
      if (!(error instanceof DelveError)) throw error
      return { own, wanted, name, failure: failureOf(error.message) }
    }
  }

  async #mend(failed: readonly Failed[]): Promise<void> {
    const { program } = this.#parts
    const slid = new Map<Failed, number>()
    await program.interject(async (ask) => {
      const ghosts = failed.map(async ({ own, name, failure }) => {
        // One that fails on its condition is there all the same, and has the name (1.20.2, 1.27.1).
        if (failure.kind === 'other')
          await ask('ClearBreakpoint', own.placed ? { Id: own.placed.id } : { Name: name }).catch(() => {})
        if (this.#names.isOurs(name)) this.#names.free(name)
      })
      const lines = failed.map(async (each) => {
        const line = await this.#lineBelow(ask, each)
        if (line !== undefined) slid.set(each, line)
      })
      const isForeign = failed.some(({ failure }) => failure.kind === 'exists')
      const there = isForeign ? ask('ListBreakpoints', { All: false }) : undefined
      await Promise.all([...ghosts, ...lines])
      const found = (await there)?.Breakpoints ?? []
      for (const each of failed) this.#settle(each, found)
    })
    if (slid.size > 0) await this.#slide(slid)
  }

  #settle({ own, wanted, failure }: Failed, found: readonly Breakpoint[]): void {
    switch (failure.kind) {
      case 'exists':
        return this.#share(own, failure, found)
      case 'noStatement':
        own.message = 'There is no statement of the program on this line, nor on the lines that follow it.'
        return
      case 'noFile':
        own.message = wanted.noFile?.() ?? 'The program has no such file.'
        return
      case 'other':
        own.placed = undefined
        own.message = `Delve does not take this breakpoint: ${failure.message}.`
    }
  }

  #share(
    own: Own,
    { file, line }: { readonly file: string; readonly line: number },
    found: readonly Breakpoint[],
  ): void {
    const isThere = (one: Breakpoint | undefined): boolean => one?.file === file && one.line === line
    const other = [...this.all()].find(({ placed }) => isThere(placed))
    own.placed = other?.placed ?? found.find(isThere)
    own.isForeign = other?.isForeign ?? true
    if (own.placed === undefined) own.message = `There is a breakpoint at ${file}:${line} already.`
    else if (other === undefined)
      own.message = 'Another client of this Delve has set it; its condition is left as it is.'
    else if (!sameTerms(own.terms, other.terms))
      own.message = 'Another breakpoint is on the same line, whose condition holds for both.'
  }

  /** The first line below with a statement: all are asked for in the same flight. */
  async #lineBelow(ask: Ask, { wanted, failure }: Failed): Promise<number | undefined> {
    if (failure.kind !== 'noStatement' || wanted.at === undefined) return undefined
    const { file, line } = wanted.at
    const lines = Array.from({ length: slideMax }, (_, index) => line + 1 + index)
    const found = await Promise.all(lines.map((each) => hasStatement(ask, file, each)))
    return lines.find((_, index) => found[index])
  }

  async #slide(slid: ReadonlyMap<Failed, number>): Promise<void> {
    const failed = await this.#parts.program.interject(async (ask) => {
      const makes = [...slid].map(([{ own, wanted }, line]) => {
        const { file } = wanted.at!
        own.message = undefined
        return this.#make(ask, own, wanted, (asking, name, terms) => createAt(asking, name, terms, { file, line }))
      })
      const there = ask('ListBreakpoints', { All: false })
      const answers = await Promise.all(makes)
      return { failed: answers.filter((answer) => answer !== undefined), found: (await there).Breakpoints ?? [] }
    })
    for (const each of failed.failed) {
      if (this.#names.isOurs(each.name)) this.#names.free(each.name)
      this.#settle(each, failed.found)
    }
  }
}

export async function hasStatement(ask: Ask, file: string, line: number): Promise<boolean> {
  try {
    const { Locations } = await ask('FindLocation', { Scope: { GoroutineID: -1, Frame: 0 }, Loc: `${file}:${line}` })
    return (Locations ?? []).some(({ pc, pcs }) => Number(pc) !== 0 || (pcs ?? []).length > 0)
  } catch (error) {
    if (error instanceof DelveError) return false
    throw error
  }
}

export async function createAt(
  ask: Ask,
  name: string,
  terms: Terms,
  where: { readonly file: string; readonly line: number } | { readonly addrs: readonly number[] },
): Promise<Breakpoint> {
  return (await ask('CreateBreakpoint', { Breakpoint: { name, ...where, ...delveTerms(terms) } })).Breakpoint
}
