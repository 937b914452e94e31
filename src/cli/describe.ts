import type { Config, TargetConfig } from '../config/config.ts'
import type { PolicySettings } from '../policy/settings.ts'
import { formatDuration, formatHostPort } from '../config/values.ts'

/** Where a target's debugger is, and how it is reached; for people. */
export function targetPlace(target: TargetConfig): { at: string; through: string } {
  const { address, way, listen } = target
  const at = address === undefined ? '-' : 'path' in address ? address.path : formatHostPort(address)
  return { at: listen ? `${at} (waits)` : at, through: wayText(way) }
}

export function wayText(way: TargetConfig['way']): string {
  switch (way.kind) {
    case 'direct':
      return '-'
    case 'ssh': {
      const { user, host, port } = way.destination
      return `ssh ${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`
    }
    case 'via':
    case 'command':
      return way.argv.join(' ')
  }
}

/** A target as `targets --json` and `check --json` show it. */
export function targetJson(target: TargetConfig): object {
  const { name, backend, listen, policy, settings, paths, options, start } = target
  const { at, through } = targetPlace({ ...target, listen: false })
  return { name, backend, at, listen, through, policy, mode: settings.mode, paths, options, start: start ?? null }
}

export function policyRow(name: string, { mode, time, redact }: PolicySettings): string[] {
  const { sessionMs, idleMs, pauseMaxMs } = time
  return [name, mode, formatDuration(sessionMs), formatDuration(idleMs), formatDuration(pauseMaxMs), redact.level]
}

/** The configuration without its secrets: of a token only the name. Infinity, which JSON has not, is null. */
export function configJson(config: Config): object {
  return {
    file: config.file ?? null,
    listen: {
      tcp: config.listen.tcp === undefined ? null : formatHostPort(config.listen.tcp),
      unix: config.listen.unix ?? null,
      origins: config.listen.origins,
    },
    auth: { tokens: config.auth.tokens.map(({ name }) => name) },
    adHoc: config.adHoc,
    policies: Object.fromEntries(config.policies),
    targets: [...config.targets.values()].map(targetJson),
    audit: config.audit,
    log: config.log,
    sessions: config.sessions,
    warnings: config.warnings,
  }
}
