import { z } from 'zod'

/**
 * How single values are written in the configuration. Each is a zod type whose input has a pattern (so that the JSON
 * schema says the same) and whose output is what the daemon computes with: ms, bytes, shares, addresses.
 */

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const durationPattern = /^(\d+(\.\d+)?(ms|s|m|h))+$/

export function parseDuration(text: string): number {
  let totalMs = 0
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    totalMs += Number(amount) * unitsMs[unit as keyof typeof unitsMs]
  }
  return Math.round(totalMs)
}

/** `90s`, `1h 30m`; for people. Infinity is `no limit`. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return 'no limit'
  if (ms < 1_000) return `${Math.round(ms)}ms`
  const parts: string[] = []
  let left = Math.round(ms / 1_000)
  for (const [unit, size] of [
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(left / size)
    if (count > 0) parts.push(`${count}${unit}`)
    left -= count * size
  }
  return parts.slice(0, 2).join(' ')
}

const durationAdvice = 'a time with its unit is expected, such as 500ms, 30s, 5m or 8h'

export function duration(minMs: number, maxMs: number) {
  return z
    .string({ error: durationAdvice })
    .regex(durationPattern, { error: durationAdvice })
    .transform(parseDuration)
    .refine((ms) => ms >= minMs && ms <= maxMs, {
      error: `a time from ${formatDuration(minMs)} to ${formatDuration(maxMs)} is expected`,
    })
}

const unitsBytes = { '': 1, B: 1, KiB: 1024, MiB: 1024 ** 2, kB: 1_000, MB: 1_000_000 } as const
const sizePattern = /^(\d+)(B|KiB|MiB|kB|MB)$/

export function size(min: number, max: number) {
  const advice = `a size from ${min} to ${max} is expected, such as 4096, 64KiB or 8MiB`
  return z
    .union([z.int({ error: advice }), z.string({ error: advice }).regex(sizePattern, { error: advice })], {
      error: advice,
    })
    .transform((value) => {
      if (typeof value === 'number') return value
      const match = sizePattern.exec(value)
      return Number(match?.[1]) * unitsBytes[(match?.[2] ?? '') as keyof typeof unitsBytes]
    })
    .refine((bytes) => bytes >= min && bytes <= max, { error: advice })
}

export function count(min: number, max: number) {
  const error = `a whole number from ${min} to ${max} is expected`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

const ratePattern = /^(\d+(\.\d+)?)\/(s|m|h)$/

/** `10/s`, `1/m`; the output is per second. */
export function rate(maxPerSecond: number) {
  const advice = 'a rate is expected, such as 1/s, 100/s or 30/m'
  return z
    .string({ error: advice })
    .regex(ratePattern, { error: advice })
    .transform((text) => {
      const match = ratePattern.exec(text)
      return Number(match?.[1]) / (unitsMs[match?.[3] as 's' | 'm' | 'h'] / 1_000)
    })
    .refine((perSecond) => perSecond > 0 && perSecond <= maxPerSecond, {
      error: `${advice}, above 0 and at most ${maxPerSecond}/s`,
    })
}

const percentPattern = /^(\d+(\.\d+)?)%$/

/** `1%` or `0.01`; the output is from 0 to 1. */
export function share() {
  const advice = 'a share is expected, such as 1% or 0.01'
  return z
    .union([z.number({ error: advice }), z.string({ error: advice }).regex(percentPattern, { error: advice })], {
      error: advice,
    })
    .transform((value) => (typeof value === 'number' ? value : Number(value.slice(0, -1)) / 100))
    .refine((part) => part > 0 && part <= 1, { error: `${advice}, above 0 and at most 100%` })
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

const hostPortPattern = /^(\[[0-9A-Fa-f:.%\w]+\]|[A-Za-z0-9_.*-]+):(\d{1,5})$/

const hostPortOrPortPattern = new RegExp(`${hostPortPattern.source}|^\\d{1,5}$`)

/** `127.0.0.1:5678`, `[::1]:5678`, `db.internal:5678`. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = hostPortPattern.exec(text)
  if (match === null) return undefined
  const port = Number(match[2])
  if (port > 65_535) return undefined
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A bare port means loopback. Port 0, any free one, makes sense only where we listen: `minPort`. */
export function hostPort(minPort: 0 | 1, example: string) {
  const advice = `an address is expected, such as ${example}`
  return z
    .union(
      [
        z.int({ error: advice }).min(minPort, { error: advice }).max(65_535, { error: advice }),
        z.string({ error: advice }).regex(hostPortOrPortPattern, { error: advice }),
      ],
      { error: advice },
    )
    .transform((value): HostPort | undefined =>
      /^\d+$/.test(String(value)) ? { host: '127.0.0.1', port: Number(value) } : parseHostPort(String(value)),
    )
    .refine((address) => address !== undefined && address.port >= minPort && address.port <= 65_535, { error: advice })
    .transform((address) => address!)
}

/** Whether only this machine can reach a listener there. A name other than `localhost` may be anything. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

export interface SshDestination {
  readonly user?: string
  readonly host: string
  readonly port?: number
}

const sshPattern = /^(?:([^@\s:/-][^@\s:/]*)@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(\d{1,5}))?$/

/** `prod-1`, `deploy@prod-1`, `deploy@prod-1:2222`: a name that `~/.ssh/config` may know more of. */
export function parseSsh(text: string): SshDestination | undefined {
  const match = sshPattern.exec(text)
  if (match === null) return undefined
  const [, user, host, port] = match
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined
  return {
    ...(user === undefined ? {} : { user }),
    host: host!.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port: Number(port) }),
  }
}

/** As it was written. */
export function sshName({ user, host, port }: SshDestination): string {
  return `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`
}

export function ssh() {
  const advice = 'a machine is expected as [user@]host[:port], such as deploy@prod-1'
  return z
    .string({ error: advice })
    .regex(sshPattern, { error: advice })
    .refine((text) => parseSsh(text) !== undefined, { error: advice })
    .transform((text) => parseSsh(text)!)
}

export function argv(example: string) {
  const advice = `a list of words is expected, the program first, such as ${example}`
  return z
    .array(z.string({ error: advice }).min(1, { error: advice }), { error: advice })
    .min(1, { error: advice })
    .max(256)
    .transform((words) => words as [string, ...string[]])
}

export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
export const nameAdvice = 'a name is made of letters, digits, dots, dashes and underscores, 63 at most'
