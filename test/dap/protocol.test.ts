import { readFileSync, writeFileSync } from 'node:fs'
import { format } from 'prettier'
import t from 'tap'
import { commands } from '../../src/dap/protocol.ts'
import { generateProtocol } from '../support/generateProtocol.ts'

const file = new URL('../../src/dap/protocol.ts', import.meta.url)

void t.test('protocol.ts is what the generator makes of the installed @vscode/debugprotocol', async (t) => {
  const { prettier } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    prettier: object
  }
  const made = await format(generateProtocol(), { ...prettier, parser: 'typescript' })
  if (process.env['UPDATE'] === '1') writeFileSync(file, made)
  t.equal(readFileSync(file, 'utf8'), made)
  t.ok(commands.length >= 43)
})
