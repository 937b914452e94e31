import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import type t from 'tap'
import type { Arguments, Body } from '../../src/dap/call.ts'
import type { Command } from '../../src/dap/protocol.ts'
import type { Client } from './client.ts'

const folder = fileURLToPath(new URL('../../protocol-fixtures/golden/', import.meta.url))

/** Fields that differ from run to run or say nothing about the translation. */
const unstable = new Set(['systemProcessId', 'seq', 'moduleId', 'timestamp', 'memoryReference', 'hitBreakpointIds'])

/**
 * The client's view of one story, as text: requests, answers, and the events it waits for. Ids become their order of
 * appearance, paths lose their folder. The same stories run on every backend, so their files side by side show where
 * backends differ. `UPDATE=1` writes them anew; a failing run leaves an `.actual` beside the file.
 */
export class Transcript {
  readonly #client: Client
  readonly #lines: string[] = []
  readonly #ids = new Map<string, string>()
  readonly #replace: [RegExp, string][]

  constructor(client: Client, replace: [RegExp, string][] = []) {
    this.#client = client
    this.#replace = replace
  }

  async ask<C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> {
    this.#write(`--> ${command}`, args)
    try {
      const body = await this.#client.request(command, args)
      this.#write('<--', body)
      return body
    } catch (error) {
      this.#write(`<-- failed: ${(error as Error).message}`, undefined)
      return undefined as Body<C>
    }
  }

  async event(name: Parameters<Client['event']>[0], fits?: (body: Record<string, unknown>) => boolean) {
    const body = (await this.#client.event(name, fits as never)) as Record<string, unknown>
    this.#write(`<~~ ${name}`, body)
    return body
  }

  note(text: string): void {
    this.#lines.push(`# ${text}`)
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  check(test: Pick<typeof t, 'equal'>, name: string): void {
    const file = `${folder}${name}.txt`
    const { text } = this
    if (process.env['UPDATE'] === '1' || !existsSync(file)) {
      if (process.env['CI'] !== undefined && process.env['UPDATE'] !== '1') throw new Error(`${file} is missing`)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    const wanted = readFileSync(file, 'utf8')
    if (wanted === text) rmSync(`${file}.actual`, { force: true })
    else writeFileSync(`${file}.actual`, text)
    test.equal(text, wanted, `the golden transcript ${name}`)
  }

  #write(head: string, body: unknown): void {
    this.#lines.push(body === undefined ? head : `${head} ${this.#shown(body)}`)
  }

  #shown(value: unknown): string {
    let text = JSON.stringify(this.#stable(value), null, 1)
      .replaceAll(/\n\s+(["\]}[{\d])/g, ' $1')
      .replaceAll(/\n\s*([}\]])/g, ' $1')
    for (const [pattern, by] of this.#replace) text = text.replaceAll(pattern, by)
    return text
  }

  #stable(value: unknown, key = ''): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#stable(item, key))
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).filter(([name, v]) => !unstable.has(name) && v !== undefined)
      return Object.fromEntries(entries.sort(byName).map(([name, v]) => [name, this.#stable(v, name)]))
    }
    if (typeof value === 'number' && value > 0 && /^(id|frameId|threadId|variablesReference)$/.test(key)) {
      const kind = key === 'id' ? 'frameId' : key
      const known = this.#ids.get(`${kind}${value}`) ?? `<${kind} ${this.#ids.size + 1}>`
      this.#ids.set(`${kind}${value}`, known)
      return known
    }
    if (key === 'path' && typeof value === 'string') return `<folder>/${basename(value)}`
    return value
  }
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}
