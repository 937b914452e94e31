import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const probe = new URL('./probe.mjs', import.meta.url).href
const built = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A daemon in a process of its own, started as a user starts it: `node dist/main.js serve --config FILE`. */
export interface Daemon extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  memory(options?: { readonly collect: boolean }): Promise<NodeJS.MemoryUsage>
  /** The most resident memory so far, or since `forgetPeak`, in bytes. */
  peakBytes(): number
  forgetPeak(): void
}

/** `targets` and `policies` are YAML in flow style, by name. */
export interface DaemonParts {
  readonly targets: Readonly<Record<string, string>>
  readonly policies?: Readonly<Record<string, string>>
}

export async function startDaemon(parts: DaemonParts): Promise<Daemon> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-bench-'))
  const config = path.join(folder, 'breakwater.yaml')
  writeFileSync(config, configText(folder, parts))
  const main = process.env['BREAKWATER_BENCH_DAEMON'] ?? built
  // A figure that is over its target is looked into with `BREAKWATER_BENCH_NODE_OPTIONS=--cpu-prof`.
  const more = process.env['BREAKWATER_BENCH_NODE_OPTIONS']?.split(' ') ?? []
  const node = ['--expose-gc', `--import=${probe}`, ...more]
  const child = spawn(process.execPath, [...node, main, 'serve', '--config', config], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], HOME: folder, XDG_RUNTIME_DIR: folder },
  })
  const port = await listeningPort(child)
  const status = (): string => readFileSync(`/proc/${child.pid!}/status`, 'utf8')
  return {
    pid: child.pid!,
    port,
    async memory(options = { collect: false }) {
      const answer = once(child, 'message')
      child.send(options)
      return ((await answer) as [NodeJS.MemoryUsage])[0]
    },
    peakBytes: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(status())![1]) * 1024,
    forgetPeak: () => writeFileSync(`/proc/${child.pid!}/clear_refs`, '5'),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await exited
      clearTimeout(late)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function configText(folder: string, { targets, policies = {} }: DaemonParts): string {
  const list = (entries: Readonly<Record<string, string>>): string =>
    Object.entries(entries)
      .map(([name, text]) => `  ${name}: ${text}\n`)
      .join('')
  return [
    `listen: { tcp: 127.0.0.1:0, unix: off }\n`,
    `sessions: 2000\n`,
    `audit: { file: ${path.join(folder, 'audit.jsonl')} }\n`,
    Object.keys(policies).length === 0 ? '' : `policies:\n${list(policies)}`,
    Object.keys(targets).length === 0 ? 'targets: {}\n' : `targets:\n${list(targets)}`,
  ].join('')
}

/** From the line that it logs when it listens. */
async function listeningPort(child: ChildProcess): Promise<number> {
  const seen: string[] = []
  return new Promise((resolve, reject) => {
    createInterface(child.stderr!).on('line', (line) => {
      const found = /"tcp":"[^"]*:(\d+)"/.exec(line)
      if (found !== null) resolve(Number(found[1]))
      else if (seen.length < 50) seen.push(line)
    })
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code} and said:\n${seen.join('\n')}`)))
  })
}
