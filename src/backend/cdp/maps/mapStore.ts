import { deferred } from '../../../lib/deferred.ts'
import { CompactMap } from './compactMap.ts'
import { Decoder } from './decoder.ts'
import { MapProblem } from './flatMap.ts'

const MiB = 1024 * 1024

export interface StoreOptions {
  readonly decoder?: Decoder
  /** One map may have so many bytes; 256 MiB by default. A larger one is refused before it is read. */
  readonly mapBytesMax?: number
  /** All decoded maps together; 256 MiB by default. One that has no room is a problem. */
  readonly bytesMax?: number
  /** Decoded maps that nobody uses are kept up to so many bytes (64 MiB by default)… */
  readonly idleBytesMax?: number
  /** …and for so long (10 minutes by default), for the session that comes next. */
  readonly idleMs?: number
}

/** A map in use. What is taken must be released, once; releasing it again does nothing. */
export interface Lease {
  readonly map: CompactMap
  release(): void
}

/** Where a map's bytes come from. */
export interface MapInput {
  /** The same text whenever it is the same: `far-side path size script-hash`. Undefined: only its content says. */
  readonly key: string | undefined
  readonly bytes: number
  read(): Promise<Uint8Array<ArrayBuffer> | string>
}

interface Entry {
  readonly map: CompactMap
  users: number
  idleSince: number
}

/** Reading and decoding hold the text of a map: so much of it may be in memory at a time. */
const inputBytesMax = 512 * MiB

/** Digests of what was read, and of what can't be used: no more than that are remembered. */
const rememberedMax = 10_000

/**
 * The decoded maps of the daemon, one for each content, shared by all sessions. What is being loaded is loaded once,
 * whoever asks; what was found to be broken stays so as long as it is the same bytes.
 */
export class MapStore {
  readonly #decoder: Decoder
  readonly #options: Required<Omit<StoreOptions, 'decoder'>>
  /** By digest; the one used longest ago is first. */
  readonly #entries = new Map<string, Entry>()
  readonly #problems = new Map<string, MapProblem>()
  readonly #digests = new Map<string, string>()
  readonly #loading = new Map<string, Promise<string>>()
  readonly #gate = new Gate(inputBytesMax)
  #timer: NodeJS.Timeout | undefined

  constructor(options: StoreOptions = {}) {
    const { decoder, ...rest } = options
    this.#decoder = decoder ?? new Decoder()
    this.#options = {
      mapBytesMax: 256 * MiB,
      bytesMax: 256 * MiB,
      idleBytesMax: 64 * MiB,
      idleMs: 10 * 60_000,
      ...rest,
    }
  }

  get mapBytesMax(): number {
    return this.#options.mapBytesMax
  }

  /** What the decoded maps take now. */
  get bytes(): number {
    let sum = 0
    for (const { map } of this.#entries.values()) sum += map.bytes
    return sum
  }

  get mapCount(): number {
    return this.#entries.size
  }

  /** Rejects with MapProblem, or with the error of `read`, which is not remembered. */
  async take(input: MapInput): Promise<Lease> {
    if (input.bytes > this.#options.mapBytesMax) throw tooLarge(input.bytes, this.#options.mapBytesMax)
    const remembered = input.key === undefined ? undefined : this.#digests.get(input.key)
    if (remembered !== undefined && this.#has(remembered)) return this.#lease(remembered)
    return this.#lease(await this.#load(input))
  }

  #load(input: MapInput): Promise<string> {
    const { key } = input
    if (key === undefined) return this.#read(input)
    const running = this.#loading.get(key)
    if (running !== undefined) {
      // Another session's way to the file may end with that session: then it is read our way.
      return running.catch((error: unknown) => {
        if (error instanceof MapProblem) throw error
        return this.#load(input)
      })
    }
    const loading = this.#read(input).finally(() => this.#loading.delete(key))
    this.#loading.set(key, loading)
    return loading
  }

  /** The digest of what was read: its map is in the store then, or its problem. */
  async #read(input: MapInput): Promise<string> {
    if (!this.#decoder.isSmall(input.bytes)) this.#decoder.prepare()
    const leave = await this.#gate.enter(input.bytes)
    try {
      const read = await this.#decoder.read(await input.read(), () => this.#known())
      if ('problem' in read) remember(this.#problems, read.digest, read.problem)
      else if ('map' in read) this.#add(read.digest, new CompactMap(read.map, read.contents))
      if (input.key !== undefined) remember(this.#digests, input.key, read.digest)
      return read.digest
    } finally {
      leave()
    }
  }

  #has(digest: string): boolean {
    return this.#entries.has(digest) || this.#problems.has(digest)
  }

  #known(): ReadonlySet<string> {
    return new Set([...this.#entries.keys(), ...this.#problems.keys()])
  }

  #add(digest: string, map: CompactMap): void {
    const { bytesMax } = this.#options
    this.#evict(bytesMax - map.bytes)
    const used = this.bytes
    if (used + map.bytes > bytesMax) {
      throw new MapProblem(
        `has no room: it takes ${mebibytes(map.bytes)}, and the maps in use take ${mebibytes(used)} of ${mebibytes(bytesMax)}`,
      )
    }
    this.#entries.set(digest, { map, users: 0, idleSince: performance.now() })
    void map.whole.then(() => this.#evict(bytesMax))
  }

  #lease(digest: string): Lease {
    const problem = this.#problems.get(digest)
    if (problem !== undefined) throw problem
    const entry = this.#entries.get(digest)
    if (entry === undefined) throw new MapProblem('had no room and was given up')
    entry.users++
    this.#entries.delete(digest)
    this.#entries.set(digest, entry)
    let released = false
    return {
      map: entry.map,
      release: () => {
        if (released) return
        released = true
        if (--entry.users > 0) return
        entry.idleSince = performance.now()
        this.#tidy()
      },
    }
  }

  /** Lets go of maps that nobody uses, the oldest first, until all take no more than `bytes`. */
  #evict(bytes: number): void {
    let sum = this.bytes
    for (const [digest, { map, users }] of this.#entries) {
      if (sum <= bytes) return
      if (users > 0) continue
      this.#entries.delete(digest)
      sum -= map.bytes
    }
  }

  /** What nobody uses: not too much of it, and not for ever. */
  #tidy(): void {
    const { idleBytesMax, idleMs } = this.#options
    clearTimeout(this.#timer)
    const oldest = performance.now() - idleMs
    let [idle, inUse] = [0, 0]
    for (const [digest, { map, users, idleSince }] of this.#entries) {
      if (users > 0) inUse += map.bytes
      else if (idleSince <= oldest) this.#entries.delete(digest)
      else idle += map.bytes
    }
    if (idle > idleBytesMax) this.#evict(inUse + idleBytesMax)
    if (idle > 0) this.#timer = setTimeout(() => this.#tidy(), Math.max(1_000, idleMs / 2)).unref()
  }
}

/** Lets in what fits, in the order in which it came. What is alone may always come in. */
class Gate {
  readonly #bytesMax: number
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  async enter(bytes: number): Promise<() => void> {
    const entered = deferred<void>()
    this.#waiting.push({ bytes, enter: () => entered.resolve() })
    this.#next()
    await entered.promise
    return () => {
      this.#bytes -= bytes
      this.#next()
    }
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#bytes > 0 && this.#bytes + first.bytes > this.#bytesMax) return
      this.#waiting.shift()
      this.#bytes += first.bytes
      first.enter()
    }
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > rememberedMax) map.delete(map.keys().next().value!)
}

export function tooLarge(bytes: number, limit: number): MapProblem {
  return new MapProblem(`is too large: ${mebibytes(bytes)}, over the limit of ${mebibytes(limit)}`)
}

function mebibytes(bytes: number): string {
  return `${bytes < 10 * MiB ? (bytes / MiB).toFixed(1) : Math.round(bytes / MiB)} MiB`
}

let shared: MapStore | undefined

/** The one store of this daemon. */
export function daemonStore(): MapStore {
  shared ??= new MapStore()
  return shared
}
