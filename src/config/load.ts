import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve as resolvePath } from 'node:path'
import type { z } from 'zod'
import { didYouMean } from '../lib/nearest.ts'
import type { Config, Surroundings, TokenConfig } from './config.ts'
import { ConfigDocument } from './document.ts'
import { ConfigError, type Problem } from './problem.ts'
import { resolve } from './resolve.ts'
import { fileSchema, keysAt, type FileInput } from './schema.ts'
import { checkToken, digestOf, readTokenFile, TokenError } from './tokens.ts'

export type { Config, Surroundings, TargetConfig } from './config.ts'
export { ConfigError } from './problem.ts'

const maxFileBytes = 1024 * 1024
const systemFile = '/etc/breakwater/config.yaml'

/**
 * Reads the configuration: `path` (from `--config`), else $BREAKWATER_CONFIG, else config.yaml in
 * $XDG_CONFIG_HOME/breakwater, else in /etc/breakwater, else none and the defaults stand. Rejects with
 * {@link ConfigError}, which names every problem with its line.
 */
export async function loadConfig(path: string | undefined, around: Surroundings): Promise<Config> {
  const named = path ?? (around.env['BREAKWATER_CONFIG'] || undefined)
  if (named !== undefined) {
    const file = resolvePath(around.cwd, named)
    const read = await readConfigFile(file)
    if (read !== undefined) return parseConfig(file, read.text, around, read.warnings)
    const from = path === undefined ? ' (named by BREAKWATER_CONFIG)' : ''
    throw new ConfigError([{ message: `there is no file '${file}'${from}` }])
  }
  for (const file of standardFiles(around)) {
    const read = await readConfigFile(file)
    if (read !== undefined) return parseConfig(file, read.text, around, read.warnings)
  }
  return defaultConfig(around)
}

/** Where a configuration is looked for when none is named. */
export function standardFiles({ env, homedir }: Surroundings): string[] {
  const home = env['XDG_CONFIG_HOME'] || join(homedir, '.config')
  return [join(home, 'breakwater', 'config.yaml'), systemFile]
}

/** Loopback only, no authentication, ad hoc targets in `inspect`. */
export function defaultConfig(around: Surroundings): Config {
  const problems: Problem[] = []
  const report = (_path: readonly PropertyKey[], message: string, advice?: string): void => {
    problems.push({ message, ...(advice === undefined ? {} : { advice }) })
  }
  const config = resolve({}, undefined, { ...around, folder: around.cwd, report })
  if (problems.length > 0) throw new ConfigError(problems)
  return config
}

/** A configuration from its text. `file` is for messages, and its folder is where relative paths start. */
export async function parseConfig(
  file: string,
  text: string,
  around: Surroundings,
  warnings: readonly string[] = [],
): Promise<Config> {
  const document = new ConfigDocument(file, text, around.env)
  const parsed = fileSchema.safeParse(document.value ?? {})
  if (!parsed.success) throw new ConfigError(schemaProblems(document, parsed.error))
  const problems: Problem[] = []
  const config = resolve(parsed.data, file, {
    ...around,
    folder: dirname(file),
    report: (path, message, advice) => problems.push(document.problem(path, message, advice)),
  })
  const tokens = await readTokens(parsed.data, document, around, problems)
  if (problems.length > 0) throw new ConfigError(inOrder(problems))
  return { ...config, auth: { tokens }, warnings: [...warnings, ...config.warnings] }
}

async function readConfigFile(file: string): Promise<{ text: string; warnings: string[] } | undefined> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: a named pipe in this place must not hang the daemon.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code !== 'EACCES') throw new ConfigError([{ message: `'${file}' cannot be opened (${code})` }])
    const advice = 'Give the user of the daemon the right to read it, or name another with --config.'
    throw new ConfigError([{ message: `'${file}' cannot be read: permission denied`, advice }], true)
  }
  try {
    const stat = await handle.stat()
    const refuse = (message: string): never => {
      throw new ConfigError([{ message: `'${file}' ${message}` }])
    }
    if (stat.isDirectory()) refuse(`is a folder; name the file in it, such as ${join(file, 'config.yaml')}`)
    if (!stat.isFile()) refuse('is not a regular file')
    if (stat.size > maxFileBytes) refuse(`has ${stat.size} bytes; a configuration has ${maxFileBytes} at most`)
    const warnings =
      (stat.mode & 0o002) === 0 ? [] : [`Everybody on this machine can change '${file}'. Run: chmod o-w ${file}`]
    return { text: decode(file, await handle.readFile()), warnings }
  } finally {
    await handle.close()
  }
}

function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // The decoder says only that it failed; the place is where the longest good beginning ends.
    const good = bytes.toString('utf8').indexOf('\uFFFD')
    const line = bytes.toString('utf8').slice(0, good).split('\n').length
    throw new ConfigError([
      { message: `'${file}' is not UTF-8 text, from line ${line} on`, advice: 'Save it as UTF-8.' },
    ])
  }
}

/** Keys that people try to put a token under. */
const secretKeys = ['token', 'value', 'secret', 'password', 'key', 'bearer']

function schemaProblems(document: ConfigDocument, error: z.ZodError): Problem[] {
  const problems = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(document, issue.path, key))
    if (issue.code === 'invalid_key') {
      return [
        document.problem(
          issue.path,
          `'${String(issue.path.at(-1))}' cannot be a name`,
          issue.issues[0]?.message,
          'key',
        ),
      ]
    }
    if (issue.code === 'invalid_union') return unionProblems(document, issue)
    if (issue.code !== 'custom' && !document.has(issue.path)) {
      return [missingKey(document, issue.path, issue.message)]
    }
    return [document.problem(issue.path, `${pathText(issue.path)}: ${issue.message}`)]
  })
  return inOrder(problems)
}

/** No member of a union fits: what is wrong inside the one that got furthest says more than "wrong". */
function unionProblems(document: ConfigDocument, issue: z.core.$ZodIssueInvalidUnion): Problem[] {
  const deepest = issue.errors.flat().find((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys')
  if (deepest === undefined) {
    const said =
      issue.message === 'Invalid input' ? (issue.errors.at(-1)?.[0]?.message ?? issue.message) : issue.message
    return [document.problem(issue.path, `${pathText(issue.path)}: ${said}`)]
  }
  const path = [...issue.path, ...deepest.path]
  if (deepest.code === 'unrecognized_keys') return deepest.keys.map((key) => unknownKey(document, path, key))
  return [document.problem(path, `${pathText(path)}: ${deepest.message}`)]
}

function unknownKey(document: ConfigDocument, path: readonly PropertyKey[], key: string): Problem {
  const place = [...path, key]
  const where = path.length === 0 ? 'the configuration' : `'${pathText(path)}'`
  if (path[0] === 'auth' && secretKeys.includes(key.toLowerCase())) {
    const advice = 'Put the token into a file of mode 0600 and name it with file, or name a variable with env.'
    return document.problem(place, 'a token is never written in the configuration', advice, 'hidden')
  }
  return document.problem(place, `${where} has no key '${key}'`, didYouMean(key, keysAt(path), 'keys'), 'key')
}

function missingKey(document: ConfigDocument, path: readonly PropertyKey[], expected: string): Problem {
  const key = String(path.at(-1))
  return document.problem(
    path.slice(0, -1),
    `${pathText(path.slice(0, -1))}: the key '${key}' is missing`,
    `Add it: ${expected}.`,
    'key',
  )
}

function pathText(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'the configuration' : path.map(String).join('.')
}

/** In the order of the file, each once: a value that two rules refuse in the same words is told once. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const position = ({ place }: Problem): number => (place === undefined ? 0 : place.line * 10_000 + place.column)
  const once = new Map(problems.map((problem) => [`${position(problem)} ${problem.message}`, problem]))
  return [...once.values()].sort((a, b) => position(a) - position(b))
}

async function readTokens(
  input: FileInput,
  document: ConfigDocument,
  around: Surroundings,
  problems: Problem[],
): Promise<TokenConfig[]> {
  const tokens: TokenConfig[] = []
  for (const [i, { name, file, env }] of (input.auth?.tokens ?? []).entries()) {
    const path = ['auth', 'tokens', i]
    try {
      if ((file === undefined) === (env === undefined)) {
        throw new TokenError('file and env: exactly one of them is needed', 'Say where the token is.')
      }
      const token = file === undefined ? tokenFrom(env!, around) : await readTokenFile(placeOf(file, document, around))
      const digest = digestOf(token)
      if (tokens.some((other) => other.name === name)) {
        throw new TokenError(`a second token has the name '${name}'`, 'Names tell who it was: give each its own.')
      }
      if (tokens.some((other) => other.digest.equals(digest))) {
        throw new TokenError(`'${name}' has the same token as another`, 'Give each its own, so that the audit is true.')
      }
      tokens.push({ name, digest })
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      const key = file !== undefined ? [...path, 'file'] : env !== undefined ? [...path, 'env'] : path
      problems.push(document.problem(key, `token '${name}': ${error.message}`, error.advice))
    }
  }
  return tokens
}

function tokenFrom(variable: string, { env }: Surroundings): string {
  const value = env[variable]
  if (value === undefined)
    throw new TokenError(`the environment variable ${variable} is not set`, 'Set it for the daemon.')
  return checkToken(value)
}

function placeOf(path: string, document: ConfigDocument, { homedir }: Surroundings): string {
  return path.startsWith('~/') ? join(homedir, path.slice(2)) : resolvePath(dirname(document.file), path)
}
