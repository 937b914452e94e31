import { ConfigError } from '../config/problem.ts'
import { configJsonSchema } from '../config/jsonSchema.ts'
import type { Config } from '../config/config.ts'
import { formatHostPort } from '../config/values.ts'
import { jsonOption, type Command } from './args.ts'
import { configJson, policyRow, targetPlace } from './describe.ts'
import { exitCode } from './io.ts'
import { painter, print, printJson, table, type Paint } from '../lib/terminal.ts'

export const check: Command = {
  name: 'check',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'say whether the configuration is valid, and what it means',
  details: 'Nothing is connected to: for that there is doctor.',
  options: {
    json: jsonOption,
    schema: { type: 'boolean', help: 'print the JSON schema of the configuration, for editors' },
  },
  async run(args, { io, loadConfig }) {
    if (args.flag('schema')) {
      printJson(io.stdout, configJsonSchema())
      return exitCode.ok
    }
    try {
      const config = await loadConfig()
      if (args.flag('json')) printJson(io.stdout, { valid: true, ...configJson(config) })
      else print(io.stdout, summary(config, painter(io.stdout, io.env)))
      return exitCode.ok
    } catch (error) {
      if (!(error instanceof ConfigError) || !args.flag('json')) throw error
      printJson(io.stdout, { valid: false, problems: error.problems })
      return error.denied ? exitCode.noPermission : exitCode.config
    }
  },
}

function summary(config: Config, paint: Paint): string {
  const { listen, auth, audit } = config
  const doors = [listen.tcp === undefined ? undefined : formatHostPort(listen.tcp), listen.unix].filter(Boolean)
  const facts = [
    ['configuration', config.file ?? 'none: the defaults stand'],
    ['listens on', doors.join(', ')],
    ['tokens', auth.tokens.length === 0 ? 'none are asked for' : auth.tokens.map(({ name }) => name).join(', ')],
    ['ad hoc targets', config.adHoc ? 'allowed, under the policy inspect' : 'refused'],
    ['audit', audit.kind === 'file' ? audit.path : 'standard output'],
    ['sessions', `${config.sessions} at most`],
  ]
  const width = Math.max(...facts.map(([label]) => label!.length))
  const blocks = [facts.map(([label, value]) => `${label!.padEnd(width)}  ${value}`).join('\n')]
  if (config.targets.size > 0) blocks.push(targetTable(config, paint))
  const policies = [...config.policies].map(([name, settings]) => policyRow(name, settings))
  blocks.push(table(['POLICY', 'MODE', 'SESSION', 'IDLE', 'PAUSE', 'REDACT'], policies, paint))
  blocks.push(...config.warnings.map((warning) => `${paint('yellow', 'warning:')} ${warning}`))
  blocks.push(paint('green', 'The configuration is valid.'))
  return blocks.join('\n\n')
}

export function targetTable(config: Config, paint: Paint): string {
  const rows = [...config.targets.values()].map((target) => {
    const { at, through } = targetPlace(target)
    return [target.name, target.backend, at, through, target.policy, target.settings.mode]
  })
  return table(['TARGET', 'BACKEND', 'AT', 'THROUGH', 'POLICY', 'MODE'], rows, paint)
}
