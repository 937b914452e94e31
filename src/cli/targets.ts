import { jsonOption, type Command } from './args.ts'
import { targetTable } from './check.ts'
import { targetJson } from './describe.ts'
import { exitCode } from './io.ts'
import { painter, print, printJson } from '../lib/terminal.ts'

export const targets: Command = {
  name: 'targets',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'list the targets of the configuration',
  options: { json: jsonOption },
  async run(args, { io, loadConfig }) {
    const config = await loadConfig()
    if (args.flag('json'))
      printJson(io.stdout, { targets: [...config.targets.values()].map(targetJson), adHoc: config.adHoc })
    else if (config.targets.size > 0) print(io.stdout, targetTable(config, painter(io.stdout, io.env)))
    else
      print(
        io.stdout,
        config.adHoc ? 'No targets are configured; clients describe their own.' : 'No targets are configured.',
      )
    return exitCode.ok
  },
}
