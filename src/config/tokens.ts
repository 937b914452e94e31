import { createHash, timingSafeEqual } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { TokenConfig } from './config.ts'

const minLength = 16
const maxBytes = 4096

/** Container runtimes mount secrets there, readable by all, but seen by the one container only. */
const sharedFolders = ['/run/secrets/', '/var/run/secrets/']

/** The SHA-256 that stands for a token. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Whose token this is. Every token is compared, each in constant time, so the answer tells nothing but itself. */
export function findToken(tokens: readonly TokenConfig[], given: string): TokenConfig | undefined {
  const digest = digestOf(given)
  let found: TokenConfig | undefined
  for (const token of tokens) if (timingSafeEqual(token.digest, digest)) found = token
  return found
}

/** Why a token can't be taken; the message never has the token in it. */
export class TokenError extends Error {
  readonly advice: string

  constructor(message: string, advice: string) {
    super(message)
    this.name = 'TokenError'
    this.advice = advice
  }
}

const howToMake = 'Make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)'

export function checkToken(raw: string): string {
  const token = raw.trim()
  if (token === '') throw new TokenError('the token is empty', howToMake)
  if (token.length < minLength) {
    throw new TokenError(`the token has ${token.length} characters, fewer than ${minLength}`, howToMake)
  }
  if (/\s/.test(token))
    throw new TokenError('the token has white space in it', 'One file holds one token, on one line.')
  return token
}

/** Reads and checks a token file. A file that others can read is refused, as ssh refuses such a key. */
export async function readTokenFile(path: string): Promise<string> {
  await using scope = await opened(path)
  const { handle } = scope
  const stat = await handle.stat()
  if (!stat.isFile()) throw new TokenError(`'${path}' is not a file`, 'Name a file with the token in it.')
  if (stat.size > maxBytes) throw new TokenError(`'${path}' is over ${maxBytes} bytes`, 'It must hold the token only.')
  if ((stat.mode & 0o007) !== 0 && !sharedFolders.some((folder) => path.startsWith(folder))) {
    throw new TokenError(`everybody on this machine can use '${path}'`, `Run: chmod 600 ${path}`)
  }
  return checkToken(await handle.readFile('utf8'))
}

async function opened(path: string) {
  try {
    const handle = await open(path, 'r')
    return { handle, [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') throw new TokenError(`there is no file '${path}'`, howToMake.replace('FILE', path))
    if (code === 'EACCES') throw new TokenError(`'${path}' cannot be read`, 'Let it belong to the user of the daemon.')
    throw new TokenError(`'${path}' cannot be opened: ${String(code)}`, 'Name a file with the token in it.')
  }
}
