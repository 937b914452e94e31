import { readFile } from 'node:fs/promises'
import { jsonOption, type Command } from './args.ts'
import { exitCode } from './io.ts'
import { print, printJson } from '../lib/terminal.ts'

/** From package.json, which lies beside `dist` wherever the package is installed. */
export async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export const version: Command = {
  name: 'version',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'show the version',
  options: { json: jsonOption },
  async run(args, { io }) {
    const number = await readVersion()
    if (args.flag('json')) printJson(io.stdout, { version: number })
    else print(io.stdout, `breakwater ${number}`)
    return exitCode.ok
  },
}
