import { readdir } from 'node:fs/promises'
import SSHConfig from 'ssh-config'
import { globMatches } from '../lib/glob.ts'
import { HopError } from '../transport/transport.ts'

/** What resolving reads from this machine; handed in, since only main.ts knows the process. */
export interface SshConfigFiles {
  /** The user's home folder. */
  readonly home: string
  /** The user's name on this machine. */
  readonly user: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** This machine's name, for `%l` and `%L`. */
  readonly hostname?: string
  /** The user's number, for `%i`. */
  readonly uid?: number
  /** Rejects with Node's error codes (ENOENT …). */
  readonly readFile: (path: string) => Promise<Buffer | string>
  /** The names in a folder; Node's own by default. Rejects with Node's error codes. */
  readonly readDir?: (path: string) => Promise<readonly string[]>
  /** `~/.ssh/config` by default. */
  readonly userConfig?: string
  /** `/etc/ssh/ssh_config` by default; undefined reads none. */
  readonly systemConfig?: string | undefined
}

/** One keyword with its words, and where it stands. */
export interface SshConfigLine {
  /** In lower case. */
  readonly keyword: string
  readonly words: readonly string[]
  readonly file: string
  /** Counted from 1. */
  readonly line: number
}

/** As ssh: more would be a loop. */
const INCLUDE_DEPTH_MAX = 16

/** Limits what one file may bring; ssh configs of thousands of hosts are real, of megabytes are not. */
const FILE_CHARACTERS_MAX = 4 * 1024 * 1024

/** A fault in an ssh config, with its place. */
export function configFault(line: Pick<SshConfigLine, 'file' | 'line'>, what: string, advice: string): HopError {
  return new HopError('ssh config', 'config', `${line.file}:${line.line}: ${what}`, advice)
}

/**
 * The lines of one file. It is parsed line by line: the format has no other structure, and ssh-config (5.3) tells no
 * line numbers, neither of what it read nor of its errors.
 */
export function parseLines(text: string, file: string): SshConfigLine[] {
  const lines: SshConfigLine[] = []
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const place = { file, line: index + 1 }
    if (/^\s*(#|$)/.test(raw)) continue
    let nodes: ReturnType<typeof SSHConfig.parse>
    try {
      nodes = SSHConfig.parse(raw)
    } catch {
      throw configFault(place, 'a quote is not closed', 'Close it: ssh refuses the line too.')
    }
    const [directive, rest] = nodes
    if (directive === undefined || !('param' in directive)) continue
    const { value } = directive
    const words = typeof value === 'string' ? [value] : value.map((word) => word.val)
    // ssh-config ends a value at every `#`, ssh only at one that starts a word: `IdentityFile ~/.ssh/a#b`.
    const glued = rest !== undefined && 'content' in rest ? rest.content : ''
    if (glued !== '' && /\S#/.test(raw.slice(0, raw.length - glued.length + 1)))
      words.push(words.pop() + firstWord(glued))
    if (words.length === 0 || words[0] === '') {
      throw configFault(place, `${directive.param} has no value`, 'Give it one, or remove the line.')
    }
    lines.push({ keyword: directive.param.toLowerCase(), words, ...place })
  }
  return lines
}

function firstWord(text: string): string {
  return text.split(/\s/, 1)[0] ?? ''
}

/** Whether a block counts for the host that is asked for. */
export type BlockMatches = (line: SshConfigLine) => boolean

/**
 * Calls `visit` for each line that counts for the host, in ssh's order: blocks that do not match are left out, and
 * included files are read where they stand.
 */
export class SshConfigReader {
  readonly #files: SshConfigFiles
  /** One read of each file for all hops and passes: they must not see different versions. */
  readonly #lines = new Map<string, SshConfigLine[]>()

  constructor(files: SshConfigFiles) {
    this.#files = files
  }

  async walk(matches: BlockMatches, visit: (line: SshConfigLine) => void): Promise<void> {
    const { home } = this.#files
    const user = this.#files.userConfig ?? `${home}/.ssh/config`
    const system = 'systemConfig' in this.#files ? this.#files.systemConfig : '/etc/ssh/ssh_config'
    await this.#walkFile({ file: user, base: `${home}/.ssh`, depth: 0, inside: true }, matches, visit)
    if (system !== undefined) {
      await this.#walkFile({ file: system, base: '/etc/ssh', depth: 0, inside: true }, matches, visit)
    }
  }

  async #walkFile(
    at: { readonly file: string; readonly base: string; readonly depth: number; readonly inside: boolean },
    matches: BlockMatches,
    visit: (line: SshConfigLine) => void,
  ): Promise<void> {
    // A block of an included file counts only if the Include itself does.
    let active = at.inside
    for (const line of await this.#read(at.file)) {
      if (line.keyword === 'host' || line.keyword === 'match') active = at.inside && matches(line)
      else if (line.keyword === 'include') {
        if (at.depth >= INCLUDE_DEPTH_MAX) throw configFault(line, 'too many levels of Include', 'Look for a loop.')
        for (const pattern of line.words) {
          for (const file of await this.#expand(pattern, at.base)) {
            await this.#walkFile({ ...at, file, depth: at.depth + 1, inside: active }, matches, visit)
          }
        }
      } else if (active) visit(line)
    }
  }

  async #read(file: string): Promise<SshConfigLine[]> {
    const seen = this.#lines.get(file)
    if (seen !== undefined) return seen
    let text: string
    try {
      text = String(await this.#files.readFile(file))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        throw new HopError('ssh config', 'config', `cannot read ${file}: ${message}`, 'Make it readable.', {
          cause: error,
        })
      }
      text = ''
    }
    if (text.length > FILE_CHARACTERS_MAX) {
      throw new HopError('ssh config', 'config', `${file} is larger than 4 MiB`, 'Is it an ssh config at all?')
    }
    const lines = parseLines(text, file)
    this.#lines.set(file, lines)
    return lines
  }

  /** The files that an Include names, in the order of their names; none is no fault. */
  async #expand(pattern: string, base: string): Promise<string[]> {
    const { home } = this.#files
    const full = pattern.startsWith('~/')
      ? home + pattern.slice(1)
      : pattern.startsWith('/')
        ? pattern
        : `${base}/${pattern}`
    const readDir = this.#files.readDir ?? ((path: string): Promise<readonly string[]> => readdir(path))
    let paths = ['']
    for (const part of full.split('/').slice(1)) {
      if (!/[*?]/.test(part)) {
        paths = paths.map((path) => `${path}/${part}`)
        continue
      }
      const found: string[] = []
      for (const path of paths) {
        const names = await readDir(path === '' ? '/' : path).catch(() => [])
        const matching = names.filter(
          (name) => (part.startsWith('.') || !name.startsWith('.')) && globMatches(part, name),
        )
        found.push(...matching.toSorted().map((name) => `${path}/${name}`))
      }
      paths = found
    }
    return paths
  }
}
