import ssh2 from 'ssh2'
import type { AnyAuthMethod, IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2'
import { HopError } from './transport.ts'
import type { HopCode } from './transport.ts'
import { hopName } from './sshHost.ts'
import type { IdentityFile, SshHost } from './sshHost.ts'

// ssh2 is CommonJS: its named exports are not visible to ESM.
const { BaseAgent, OpenSSHAgent, utils } = ssh2

/** Reads a whole file; rejects with Node's error codes. Handed in, so that tests and other homes are possible. */
export type ReadFile = (path: string) => Promise<Buffer>

/** A reason why a key was not offered or not accepted, a whole sentence. */
interface Problem {
  readonly code: HopCode
  readonly text: string
}

/** How we prove who we are to one host. */
export interface AuthPlan {
  /** In the order in which they are tried: the agent first, as ssh does. */
  readonly methods: readonly AnyAuthMethod[]
  /** The error to show when nothing was accepted. */
  readonly refusal: (said: string | undefined) => HopError
}

/** An agent that offers the keys that the config names before all others, or only those (IdentitiesOnly). */
class OrderedAgent extends BaseAgent<ParsedKey> {
  readonly #agent: InstanceType<typeof OpenSSHAgent>
  readonly #named: readonly string[]
  readonly #only: boolean
  readonly #problem: (problem: Problem) => void
  readonly #socket: string

  constructor(socket: string, named: readonly string[], only: boolean, problem: (problem: Problem) => void) {
    super()
    this.#socket = socket
    this.#agent = new OpenSSHAgent(socket)
    this.#named = named
    this.#only = only
    this.#problem = problem
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    this.#agent.getIdentities((error, keys) => {
      if (error != null || keys === undefined) {
        const text = `The agent at ${this.#socket} does not answer: start one (ssh-agent) or check SSH_AUTH_SOCK.`
        this.#problem({ code: 'auth', text })
        // Not an error for ssh2: the key files come next.
        return callback(null, [])
      }
      // The types say pairs; ssh2 1.17 gives parsed keys, and leaves out those of a kind it does not know (certificates, sk-*).
      const all = keys as ParsedKey[]
      const rank = (key: ParsedKey): number => {
        const index = this.#named.indexOf(key.getPublicSSH().toString('base64'))
        return index < 0 ? this.#named.length : index
      }
      const offered = all.filter((key) => !this.#only || rank(key) < this.#named.length)
      offered.sort((a, b) => rank(a) - rank(b))
      if (offered.length === 0) {
        const text = this.#only
          ? `The agent at ${this.#socket} has none of the configured keys (IdentitiesOnly): add one with ssh-add.`
          : `The agent at ${this.#socket} has no key that can be used here: add one with ssh-add.`
        this.#problem({ code: 'auth', text })
      }
      callback(null, offered)
    })
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback
    this.#agent.sign(key, data, typeof options === 'function' ? {} : options, (error, signature) => {
      // A key that needs a confirmation, or went away meanwhile: ssh2 tries the next one.
      if (error != null) this.#problem({ code: 'auth', text: `The agent did not sign with its ${key.type} key.` })
      done?.(error, signature)
    })
  }
}

interface KeyFile {
  readonly key: ParsedKey | undefined
  /** Base64 of the public key; known even where the private one can't be used. */
  readonly publicKey: string | undefined
}

/** Reads the key files of `host` and lists what to try. Rejects only if there is nothing to try at all. */
export async function planAuth(host: SshHost, readFile: ReadFile): Promise<AuthPlan> {
  const problems: Problem[] = []
  const report = (problem: Problem): void => void problems.push(problem)
  const files: KeyFile[] = []
  for (const identity of host.identityFiles) files.push(await readKeyFile(identity, readFile, report))
  const methods: AnyAuthMethod[] = []
  if (host.agentSocket !== undefined) {
    const named = files.flatMap((file) => file.publicKey ?? [])
    const agent = new OrderedAgent(host.agentSocket, named, host.identitiesOnly, report)
    methods.push({ type: 'agent', username: host.user, agent: agent as InstanceType<typeof BaseAgent> })
  }
  for (const { key } of files) if (key !== undefined) methods.push({ type: 'publickey', username: host.user, key })
  const refusal = (said: string | undefined): HopError => refusalOf(host, problems, methods.length, said)
  if (methods.length === 0) throw refusal(undefined)
  return { methods, refusal }
}

function refusalOf(host: SshHost, problems: readonly Problem[], tried: number, said: string | undefined): HopError {
  const advice = [...new Set(problems.map((problem) => problem.text))]
  if (host.certificateFiles.length > 0) {
    const names = host.certificateFiles.join(', ')
    advice.push(`SSH certificates can't be used (${names}): ssh2 does not sign in the form that sshd accepts.`)
  }
  advice.push(`Try: ssh ${host.user}@${host.alias}`)
  if (tried === 0) {
    const code = problems.some((problem) => problem.code === 'config') ? 'config' : 'auth'
    return new HopError(hopName(host), code, 'there is no key to log in with', advice.join(' '))
  }
  const text = said ?? `none of our keys is accepted for ${host.user}`
  return new HopError(hopName(host), 'auth', text, advice.join(' '))
}

async function readKeyFile(
  identity: IdentityFile,
  readFile: ReadFile,
  report: (problem: Problem) => void,
): Promise<KeyFile> {
  const { path } = identity
  const publicFile = await readPublicKey(`${path}.pub`, readFile)
  let text: Buffer
  try {
    text = await readFile(path)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = missing ? 'does not exist' : `can't be read (${(error as Error).message})`
    if (identity.explicit || !missing) report({ code: 'config', text: `The key file ${path} ${why}.` })
    return { key: undefined, publicKey: publicFile }
  }
  const parsed: unknown = utils.parseKey(text)
  if (parsed instanceof Error) {
    // ssh2 says "Encrypted private OpenSSH key detected, but no passphrase given", and similar for PEM and PPK.
    if (/encrypted/i.test(parsed.message) || /^Proc-Type:.*ENCRYPTED/m.test(text.toString('latin1'))) {
      const advice = `add it to an agent with: ssh-add ${path}`
      report({
        code: 'auth',
        text: `The key file ${path} is encrypted, and a daemon can't ask for its passphrase: ${advice}.`,
      })
    } else {
      report({
        code: 'config',
        text: `The key file ${path} is not a private key that ssh2 can use (${parsed.message}).`,
      })
    }
    return { key: undefined, publicKey: publicFile }
  }
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey
  const publicKey = key.getPublicSSH().toString('base64')
  // An IdentityFile may name a public key: then the agent must have the other half.
  return { key: key.isPrivateKey() ? key : undefined, publicKey }
}

async function readPublicKey(path: string, readFile: ReadFile): Promise<string | undefined> {
  try {
    const key: unknown = utils.parseKey(await readFile(path))
    return key instanceof Error ? undefined : (key as ParsedKey).getPublicSSH().toString('base64')
  } catch {
    // There need not be one.
    return undefined
  }
}
