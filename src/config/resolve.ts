import { isAbsolute, join, resolve as resolvePath } from 'node:path'
import type { z } from 'zod'
import { didYouMean, nearest } from '../lib/nearest.ts'
import { present } from '../lib/present.ts'
import type { PolicySettings } from '../policy/settings.ts'
import { backendOptions, ownFolders, usualPorts } from './backends.ts'
import type {
  AuditConfig,
  Config,
  ListenConfig,
  PathConfig,
  StartConfig,
  Surroundings,
  TargetConfig,
  WayConfig,
} from './config.ts'
import { builtInPolicies, policySettings } from './policies.ts'
import { adHocSchema, type AdHocInput, type FileInput, type TargetInput } from './schema.ts'
import { formatHostPort, isLoopback } from './values.ts'

/** Something that does not fit together, at a path in the file. */
export type Report = (path: readonly PropertyKey[], message: string, advice?: string) => void

const defaultTcp = { host: '127.0.0.1', port: 4711 }
const defaultSessions = 1024
/** A link through ssh or via can go silent, and the program's debugger would never notice (DESIGN section 1). */
const defaultLeaseMs = 10_000
/** Linux's `sun_path` is 108 bytes with its closing zero, and the socket is first bound in a folder beside its place. */
const maxSocketPathBytes = 107 - '/.breakwater-XXXXXX'.length

export interface ResolveContext extends Surroundings {
  /** The folder that relative paths of the file start at. */
  readonly folder: string
  readonly report: Report
}

/** Fills in every default and checks what belongs together; problems are reported, all of them. Tokens come later. */
export function resolve(input: FileInput, file: string | undefined, context: ResolveContext): Config {
  const warnings: string[] = []
  const policies = builtInPolicies()
  for (const [name, policy] of Object.entries(input.policies ?? {})) {
    const report: Report = (path, message, advice) => context.report(['policies', name, ...path], message, advice)
    policies.set(name, policySettings(name, policy, report))
  }
  const targets = new Map<string, TargetConfig>()
  for (const [name, target] of Object.entries(input.targets ?? {})) {
    const report: Report = (path, message, advice) => context.report(['targets', name, ...path], message, advice)
    targets.set(name, resolveTarget(name, target, policies, { ...context, report }))
  }
  for (const target of targets.values()) {
    if (target.settings.mode !== 'observe') continue
    warnings.push(
      `Target '${target.name}' has the mode observe, which this version does not offer yet: attaching to it is refused.`,
    )
  }
  const config: Config = {
    file,
    warnings,
    listen: resolveListen(input, context),
    auth: { tokens: [] },
    adHoc: input.adHoc ?? file === undefined,
    policies,
    targets,
    audit: resolveAudit(input, context),
    log: { level: input.log?.level ?? 'info' },
    sessions: input.sessions ?? defaultSessions,
  }
  if (file !== undefined && targets.size === 0 && !config.adHoc) {
    warnings.push('There are no targets, and adHoc is false: nobody can attach to anything.')
  }
  return config
}

function resolveListen(input: FileInput, context: ResolveContext): ListenConfig {
  const { listen = {} } = input
  const tcp = listen.tcp === 'off' ? undefined : (listen.tcp ?? defaultTcp)
  const unix = listen.unix === 'off' ? undefined : socketPath(listen.unix, context)
  if (tcp === undefined && unix === undefined) {
    context.report(['listen'], 'tcp and unix are both off, so nobody could connect', 'Leave one of them on.')
  }
  if (tcp !== undefined && !isLoopback(tcp.host) && input.auth === undefined) {
    const advice = 'Add auth: { tokens: [{ name: me, file: /path/to/token }] }, or listen on 127.0.0.1.'
    const message = `${formatHostPort(tcp)} can be reached from other machines, and no authentication is configured`
    context.report(['listen', 'tcp'], message, advice)
  }
  for (const [i, origin] of (listen.origins ?? []).entries()) {
    if (isOrigin(origin)) continue
    const advice = 'Write it as a browser sends it: https://debug.example.org, with no path.'
    context.report(['listen', 'origins', i], 'this is not an origin', advice)
  }
  return { tcp, unix, origins: listen.origins ?? [] }
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && (new URL(text).origin === text || /^vscode-webview:\/\/[\w.-]+$/.test(text))
}

function socketPath(written: string | undefined, context: ResolveContext): string {
  const folder = context.env['XDG_RUNTIME_DIR']
  const path =
    written !== undefined
      ? absolute(written, context)
      : folder !== undefined && isAbsolute(folder)
        ? join(folder, 'breakwater.sock')
        : `/tmp/breakwater-${context.uid}/breakwater.sock`
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    const advice = `A unix socket's path has ${maxSocketPathBytes} bytes at most: choose a shorter one.`
    context.report(
      ['listen', 'unix'],
      `the path of the unix socket is too long (${Buffer.byteLength(path)} bytes)`,
      advice,
    )
  }
  return path
}

function resolveAudit(input: FileInput, context: ResolveContext): AuditConfig {
  const { audit } = input
  if (audit !== undefined && (audit.file === undefined) === (audit.stdout === undefined)) {
    context.report(
      ['audit'],
      'file and stdout: exactly one of them is needed',
      'Write audit: { file: /path/to/audit.jsonl }.',
    )
  }
  if (audit?.stdout === true) return { kind: 'stdout' }
  if (audit?.file !== undefined) return { kind: 'file', path: absolute(audit.file, context) }
  const state = context.env['XDG_STATE_HOME'] ?? join(context.homedir, '.local', 'state')
  return { kind: 'file', path: join(state, 'breakwater', 'audit.jsonl') }
}

function resolveTarget(
  name: string,
  input: TargetInput,
  policies: ReadonlyMap<string, PolicySettings>,
  context: ResolveContext,
): TargetConfig {
  checkWays(input, context.report)
  const policy = input.policy ?? 'inspect'
  const settings = policies.get(policy)
  if (settings === undefined) {
    context.report(['policy'], `there is no policy '${policy}'`, didYouMean(policy, [...policies.keys()], 'policies'))
  }
  const at = input.at ?? input.listen
  checkListen(input, context.report)
  const far = input.ssh !== undefined || input.via !== undefined
  const lease = input.lease ?? (far ? defaultLeaseMs : 'off')
  if (lease !== 'off' && !far) {
    context.report(['lease'], 'a lease is for links through ssh or via, and this target has none', 'Remove it.')
  }
  return {
    name,
    backend: input.backend,
    address: typeof at === 'string' ? { path: at } : at,
    listen: input.listen !== undefined,
    way: wayOf(input),
    policy,
    settings: settings ?? policies.get('inspect')!,
    paths: resolvePaths(input.paths, context),
    options: ownPaths(input.backend, checkOptions(input, context.report), context),
    start: startOf(input, context.report),
    leaseMs: lease === 'off' ? undefined : lease,
  }
}

function checkWays(input: TargetInput, report: Report): void {
  const named = (['at', 'listen', 'command'] as const).filter((key) => input[key] !== undefined)
  const [first, second] = named
  if (first === undefined) {
    report(
      [],
      "it is not said where the debugger is: 'at' is missing",
      `Add at: 127.0.0.1:${usualPorts[input.backend]} (or ${onlyListens[input.backend] === undefined ? 'listen, or ' : ''}command).`,
    )
  } else if (second !== undefined) {
    report([second], `'${first}' and '${second}' cannot both be given`, 'Keep the one that is meant.')
  }
  const ways = (['ssh', 'via', 'command'] as const).filter((key) => input[key] !== undefined)
  if (ways[0] === undefined || ways[1] === undefined) return
  report(
    [ways[1]],
    `'${ways[0]}' and '${ways[1]}' cannot both be given`,
    'A program is reached in one way; for a chain of machines use ProxyJump in ~/.ssh/config.',
  )
}

/** Debuggers that never connect to us. */
const onlyListens: Readonly<
  Partial<Record<TargetInput['backend'], { readonly problem: string; readonly how: string }>>
> = {
  node: { problem: 'Node connects to nobody: its inspector only listens', how: 'node --inspect' },
  delve: { problem: 'Delve connects to nobody: a headless dlv only listens', how: 'dlv --headless' },
}

function checkListen(input: TargetInput, report: Report): void {
  if (input.listen === undefined) return
  const never = onlyListens[input.backend]
  if (never !== undefined) {
    const advice = `Write at: 127.0.0.1:${usualPorts[input.backend]}, where ${never.how} listens.`
    report(['listen'], never.problem, advice)
  }
  if (input.via !== undefined) {
    const advice = "Use 'at', or ssh."
    report(['listen'], "'listen' cannot be reached through 'via': a command has no ports of its own", advice)
  }
  if (isLoopback(input.listen.host)) return
  // debugpy's side of such a port has no authentication: whoever connects is taken for the program.
  const advice = 'Listen on 127.0.0.1, and bring the program there with ssh.'
  report(
    ['listen'],
    `${formatHostPort(input.listen)} could be reached from other machines, and programs do not authenticate`,
    advice,
  )
}

function startOf({ backend, start, command }: TargetInput, report: Report): StartConfig | undefined {
  if (start === undefined) return undefined
  if (backend === 'debugpy') {
    const advice = 'Start the debugger with the program.'
    report(['start'], `the debugger of ${backend} cannot be started in a program that runs`, advice)
  } else if (command !== undefined && !Array.isArray(start)) {
    const how = backend === 'node' ? 'docker, kill, -s, USR1' : 'dlv, attach'
    const advice = `Write the command that opens the port, which is run on this machine: [${how}, …].`
    report(['start'], "behind 'command' no process can be looked for", advice)
  }
  if (Array.isArray(start)) return { kind: 'command', argv: start }
  const given = (['pid', 'pidFile', 'process'] as const).filter((key) => start[key] !== undefined)
  const [by] = given
  if (by === undefined || given.length > 1) {
    const advice = 'Write start: { pidFile: /run/app.pid }, for example.'
    report(['start'], 'pid, pidFile and process: exactly one of them is needed', advice)
    return undefined
  }
  const process = { by, what: String(start[by]) }
  if (backend === 'delve') return { kind: 'attach', ...process, dlv: start.dlv ?? 'dlv' }
  if (start.dlv !== undefined) report(['start', 'dlv'], `${backend} has no dlv`, 'Remove it.')
  return { kind: 'signal', ...process }
}

/** Folders of the daemon's machine in the options, made absolute: they start at the folder of the file. */
function ownPaths(
  backend: TargetInput['backend'],
  options: Record<string, unknown>,
  context: ResolveContext,
): Record<string, unknown> {
  const found = ownFolders[backend].filter((key) => options[key] !== undefined)
  const made = found.map((key) => [key, (options[key] as string[]).map((path) => absolute(path, context))])
  return { ...options, ...(Object.fromEntries(made) as Record<string, unknown>) }
}

function wayOf(input: {
  ssh?: TargetInput['ssh']
  via?: TargetInput['via']
  command?: TargetInput['command']
}): WayConfig {
  if (input.ssh !== undefined) return { kind: 'ssh', destination: input.ssh }
  if (input.via !== undefined) return { kind: 'via', argv: input.via }
  if (input.command !== undefined) return { kind: 'command', argv: input.command }
  return { kind: 'direct' }
}

function checkOptions(input: Pick<TargetInput, 'backend' | 'options'>, report: Report): Record<string, unknown> {
  const schema = backendOptions[input.backend]
  const result = schema.safeParse(input.options ?? {})
  if (result.success) return present(result.data)
  for (const issue of result.error.issues) {
    if (issue.code !== 'unrecognized_keys')
      report(['options', ...issue.path], `${issue.path.join('.')}: ${issue.message}`)
    else for (const key of issue.keys) reportOption(input.backend, key, Object.keys(schema.shape), report)
  }
  return {}
}

function reportOption(backend: string, key: string, known: readonly string[], report: Report): void {
  report(['options', key], `the backend ${backend} has no option '${key}'`, didYouMean(key, known, 'options'))
}

/** Local folders stay as they are written: a session resolves them against its client's own project folder. */
function resolvePaths(paths: TargetInput['paths'], { homedir }: Surroundings): PathConfig[] {
  return Object.entries(paths ?? {}).map(([remote, local]) => ({ remote, local: home(local, homedir) ?? local }))
}

/** `~` is the home folder; what is relative starts at the folder of the configuration file. */
function absolute(path: string, { homedir, folder }: Surroundings & { folder: string }): string {
  return home(path, homedir) ?? resolvePath(folder, path)
}

function home(path: string, homedir: string): string | undefined {
  return path === '~' || path.startsWith('~/') ? join(homedir, path.slice(1)) : undefined
}

/**
 * A target that a client describes in its attach arguments. Throws Error with one sentence that says what is wrong;
 * whether such targets are allowed at all is for the caller to ask (`Config.adHoc`).
 */
export function adHocTarget(value: unknown, config: Config, around: Surroundings): TargetConfig {
  const parsed = adHocSchema.safeParse(value)
  if (!parsed.success) throw new Error(adHocProblem(parsed.error))
  const input: AdHocInput = parsed.data
  const policies = config.policies
  const own = ownFolders[input.backend].find((key) => input.options?.[key] !== undefined)
  if (own !== undefined) {
    throw new Error(`target.options.${own}: it names folders of the daemon's machine, so only its configuration may`)
  }
  const problems: string[] = []
  const report: Report = (path, message, advice) =>
    problems.push([path.join('.'), message, advice].filter(Boolean).join(': '))
  const target = resolveTarget(adHocName(input), { ...input, policy: 'inspect' }, policies, {
    ...around,
    folder: around.cwd,
    report,
  })
  if (problems[0] !== undefined) throw new Error(problems[0])
  return target
}

function adHocName({ backend, at, ssh }: AdHocInput): string {
  const where = typeof at === 'string' ? at : formatHostPort(at)
  return `${backend} at ${where}${ssh === undefined ? '' : ` on ${ssh.host}`}`
}

function adHocProblem(error: z.ZodError): string {
  const [issue] = error.issues
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys
    const near = nearest(key, Object.keys(adHocSchema.shape))
    const advice =
      near === undefined ? `It takes ${Object.keys(adHocSchema.shape).join(', ')}` : `Did you mean '${near}'`
    return `a target in attach arguments has no '${key}'. ${advice}`
  }
  const path = issue?.path.join('.') ?? ''
  return `${path === '' ? 'target' : `target.${path}`}: ${issue?.message ?? 'wrong'}`
}
