import { z } from 'zod'
import { backendOptions, type BackendKey, backendProblem } from './backends.ts'
import { argv, count, duration, hostPort, nameAdvice, namePattern, rate, share, size, ssh } from './values.ts'

/**
 * The configuration file as it is written (DESIGN section 7). `resolve.ts` fills in the defaults and checks what
 * belongs together; the JSON schema for editors is made from this same description.
 */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const name = z.string().regex(namePattern, { error: nameAdvice })

function text(what: string) {
  const error = `${what} is expected`
  return z.string({ error }).min(1, { error }).max(4096)
}

function flag() {
  return z.boolean({ error: 'true or false is expected' })
}

function map<T extends z.ZodType>(value: T, what: string) {
  return z.record(name, value, { error: `${what} by name is expected` })
}

function section<T extends z.ZodRawShape>(shape: T, what: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? `keys and values are expected: ${what}` : undefined),
  })
}

const off = z.literal('off', { error: "'off' is expected" })
function orOff<T extends z.ZodType>(value: T) {
  // The first member that fits by type gives the message, so the value's own words are heard.
  return z.union([off, value])
}

/** Names a thing in exactly one of these ways; in the JSON schema too. */
function oneOf(...keys: readonly string[]) {
  return { oneOf: keys.map((key) => ({ required: [key] })) }
}

const listen = section(
  {
    tcp: orOff(hostPort(0, '127.0.0.1:4711')).describe('DAP and WebSocket (/dap). Default 127.0.0.1:4711.').optional(),
    unix: text('a path, or off').describe('Unix socket, 0600. Default in $XDG_RUNTIME_DIR.').optional(),
    origins: z
      .array(text('an origin such as https://debug.example.org'), { error: 'a list of origins is expected' })
      .max(64)
      .describe('Origins of web pages that may connect by WebSocket. Default none.')
      .optional(),
  },
  'tcp, unix, origins',
)

const token = section(
  {
    name: name.describe('Who this is, in the audit.'),
    file: text('a path').describe('A file that only its owner can read, with the token in it.').optional(),
    env: text('the name of an environment variable').describe('The variable that has the token.').optional(),
  },
  'name, and file or env',
).meta(oneOf('file', 'env'))

const auth = section(
  { tokens: z.array(token, { error: 'a list of { name, file } or { name, env } is expected' }).min(1).max(1024) },
  'tokens',
)

const limits = section(
  {
    frames: count(1, 100_000).describe('Frames of one stack.').optional(),
    children: count(1, 1_000_000).describe('Variables in one answer.').optional(),
    depth: count(1, 1_000).describe('Nested expansion below a scope.').optional(),
    stringLength: size(16, 64 * 1024 * 1024)
      .describe('Characters of one value.')
      .optional(),
    reply: size(4096, 64 * 1024 * 1024)
      .describe('Bytes of one answer.')
      .optional(),
    output: rate(1_000_000).describe('Lines of program output.').optional(),
    breakpoints: count(0, 100_000).describe('Breakpoints of one session.').optional(),
    sessions: count(1, 10_000).describe('Sessions on one target at once.').optional(),
  },
  'frames, children, depth, stringLength, reply, output, breakpoints, sessions',
)

const level = z.enum(['standard', 'strict', 'off'], { error: 'standard or strict is expected (off: only in control)' })

const redact = z.union(
  [
    level,
    section(
      {
        level: level.optional(),
        names: z.array(text('a name')).max(10_000).describe('Further names whose values are hidden.').optional(),
        types: z.array(text('a type name')).max(10_000).describe('Further types whose values are hidden.').optional(),
      },
      'level, names, types',
    ),
  ],
  { error: 'standard, strict or { level, names, types } is expected' },
)

const breakpoints = section(
  {
    rate: rate(1_000_000).describe('Hits before a breakpoint is taken out.').optional(),
    maxHits: count(1, 1_000_000_000).describe('Hits in all before it is taken out.').optional(),
    sample: share().describe('Share of the hits that is taken (observe).').optional(),
  },
  'rate, maxHits, sample',
)

const policy = section(
  {
    mode: z
      .enum(['observe', 'inspect', 'control'], { error: 'observe, inspect or control is expected' })
      .describe('What may be done to the program. Default inspect.')
      .optional(),
    session: duration(second, 8 * hour)
      .describe('Longest session. Default 30m; 8h in control.')
      .optional(),
    idle: duration(second, 8 * hour)
      .describe('Longest time without a request of the client. Default 10m; 8h in control.')
      .optional(),
    pauseMax: orOff(duration(100, 8 * hour))
      .describe('Longest pause of the program. Default 60s; off in control.')
      .optional(),
    connect: duration(100, 5 * minute)
      .describe('To reach the debugger. Default 15s.')
      .optional(),
    request: duration(100, 9 * second)
      .describe('One request; some clients give up after 10 s. Default 8s.')
      .optional(),
    evaluate: duration(10, 9 * second)
      .describe('One evaluation; at most request. Default 5s.')
      .optional(),
    warn: z
      .array(duration(second, 8 * hour), { error: 'a list of times is expected, such as [5m, 1m]' })
      .max(16)
      .describe('How long before its end a session is warned. Default [5m, 1m].')
      .optional(),
    limits: limits.optional(),
    redact: redact.describe('What is hidden. Default standard; strict in observe; off in control.').optional(),
    breakpoints: breakpoints.optional(),
  },
  'mode, session, idle, pauseMax, …',
)

const backend = z
  .enum(Object.keys(backendOptions) as [BackendKey, ...BackendKey[]], { error: (issue) => backendProblem(issue.input) })
  .describe('The debugger that the program has.')

const place = 'host:port, a port or a path is expected'
const at = z
  .union([hostPort(1, '127.0.0.1:5678'), z.string({ error: place }).regex(/^\/./, { error: place })], { error: place })
  .describe('Where the debugger listens, seen from the machine of the program: host:port, port, or /path.')

const options = z
  .record(z.string(), z.unknown(), { error: 'options of the backend are expected' })
  .describe('Options of the backend.')

const paths = z
  .record(z.string(), text('a folder'), { error: 'folders are expected, as { remote: local }' })
  .describe('Folders of the program and where the developer has them: { /app: . }.')

const startForms = 'a command, { pid }, { pidFile } or { process } is expected'
const start = z
  .union(
    [
      argv('[systemctl, kill, -s, USR1, orders]'),
      section(
        {
          pid: count(1, 2 ** 22)
            .describe('The number of its process: 1 in many containers.')
            .optional(),
          pidFile: text('a path').describe('A file there that has the number of its process.').optional(),
          process: text('a part of a command line').describe('A part of the command line of its process.').optional(),
          dlv: text('a path').describe('For delve: the dlv there. Default dlv, from its PATH.').optional(),
        },
        'pid, pidFile or process',
      ).meta(oneOf('pid', 'pidFile', 'process')),
    ],
    { error: startForms },
  )
  .describe('What opens the port of the debugger when it is closed. For node, with SIGUSR1; for delve, dlv attach.')

const target = section(
  {
    backend,
    at: at.optional(),
    listen: hostPort(0, '127.0.0.1:5678').describe('The program connects to us, here.').optional(),
    command: argv('[nc, -U, /run/debug.sock]').describe('A command that is the stream to the debugger.').optional(),
    ssh: ssh().describe('The machine of the program, as [user@]host[:port].').optional(),
    via: argv('[docker, exec, -i, checkout]').describe('A command that runs commands there.').optional(),
    policy: name.describe('Default inspect.').optional(),
    paths: paths.optional(),
    options: options.optional(),
    start: start.optional(),
    lease: orOff(duration(second, 10 * minute))
      .describe('How long a link that has gone silent may hold the program (ssh, via). Default 10s there.')
      .optional(),
  },
  'backend, at, …',
).meta({ ...oneOf('at', 'listen', 'command'), not: { anyOf: both('ssh', 'via', 'command') } })

function both(...keys: readonly string[]): object[] {
  return keys.flatMap((one, i) => keys.slice(i + 1).map((other) => ({ required: [one, other] })))
}

/** A target in attach arguments. Nothing that runs a command here, opens a port here or chooses its own policy. */
export const adHocSchema = section(
  { backend, at, ssh: ssh().optional(), paths: paths.optional(), options: options.optional() },
  'backend, at, ssh, paths, options',
)

const audit = section(
  { file: text('a path').optional(), stdout: z.literal(true, { error: 'true is expected' }).optional() },
  'file, or stdout',
).meta(oneOf('file', 'stdout'))

export const fileSchema = section(
  {
    listen: listen.optional(),
    auth: auth.optional(),
    adHoc: flag()
      .describe('Clients may describe their own target, served under inspect. Default false with a file.')
      .optional(),
    policies: map(policy, 'policies').optional(),
    targets: map(target, 'targets').optional(),
    audit: audit.describe('Default: audit.jsonl in $XDG_STATE_HOME/breakwater.').optional(),
    log: section(
      {
        level: z
          .enum(['debug', 'info', 'warn', 'error', 'silent'], {
            error: 'debug, info, warn, error or silent is expected',
          })
          .optional(),
      },
      'level',
    ).optional(),
    sessions: count(1, 100_000).describe('Client connections at once. Default 1024.').optional(),
  },
  'listen, auth, policies, targets, audit, …',
)

export type FileInput = z.output<typeof fileSchema>
export type PolicyInput = z.output<typeof policy>
export type TargetInput = z.output<typeof target>
export type AdHocInput = z.output<typeof adHocSchema>

/** Every key of the file by the place it stands at, for "did you mean": `policies.*.mode`. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  let node: z.ZodType | undefined = fileSchema
  for (const step of path) node = inside(unwrap(node), step)
  const plain = unwrap(node)
  if (plain instanceof z.ZodObject) return Object.keys(plain.shape)
  return []
}

function inside(node: z.ZodType | undefined, step: PropertyKey): z.ZodType | undefined {
  if (node instanceof z.ZodObject) return (node.shape as Record<string, z.ZodType>)[String(step)]
  if (node instanceof z.ZodRecord) return node.valueType as z.ZodType
  if (node instanceof z.ZodArray) return node.element as z.ZodType
  return undefined
}

function unwrap(node: z.ZodType | undefined): z.ZodType | undefined {
  if (node instanceof z.ZodOptional) return unwrap(node.unwrap() as z.ZodType)
  if (node instanceof z.ZodUnion) {
    const members = node.options as readonly z.ZodType[]
    return members.map(unwrap).find((member) => member instanceof z.ZodObject)
  }
  return node
}
