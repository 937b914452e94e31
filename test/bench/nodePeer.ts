import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Arguments } from '../../src/dap/call.ts'
import { Client } from '../support/client.ts'

const probe = new URL('./probe.mjs', import.meta.url).href

/**
 * The peer on Node: vscode-js-debug's `dapDebugServer.js`, of which nothing is in this repository. Whoever wants its
 * figures beside ours builds it and says where it is in `BREAKWATER_JS_DEBUG`.
 */
export interface Peer extends AsyncDisposable {
  readonly port: number
  readonly pid: number
  memory(options?: { readonly collect: boolean }): Promise<NodeJS.MemoryUsage>
}

/** Where it is, or undefined where it isn't. */
export function peerFile(): string | undefined {
  const file = process.env['BREAKWATER_JS_DEBUG']
  return file !== undefined && existsSync(file) ? file : undefined
}

/** What stands below each table. */
export function peerNote(): string {
  return peerFile() === undefined
    ? 'peer: not on this machine (BREAKWATER_JS_DEBUG=/path/to/dapDebugServer.js)'
    : `peer: vscode-js-debug's dapDebugServer ${peerVersion()}, attached with autoAttachChildProcesses: false`
}

function peerVersion(): string {
  const found = /"(\d+\.\d{2,}\.\d+)"/.exec(readFileSync(peerFile()!, 'utf8'))
  return found?.[1] ?? 'of unknown version'
}

export async function startPeer(file: string): Promise<Peer> {
  const child = spawn(process.execPath, ['--expose-gc', `--import=${probe}`, file, '0', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    env: { PATH: process.env['PATH'] },
  })
  const port = await listeningPort(child)
  return {
    port,
    pid: child.pid!,
    async memory(options = { collect: false }) {
      const answer = once(child, 'message')
      child.send(options)
      return ((await answer) as [NodeJS.MemoryUsage])[0]
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const found = /listening at [^ ]*:(\d+)/.exec(line)
      if (found !== null) resolve(Number(found[1]))
    })
    child.once('exit', (code) => reject(new Error(`the peer ended with ${code}`)))
  })
}

/** What an editor says of itself. */
export const editor = {
  supportsVariablePaging: true,
  supportsVariableType: true,
  supportsStartDebuggingRequest: true,
  columnsStartAt1: true,
  pathFormat: 'path',
}

export interface PeerSession {
  /** The session that debugs; the one that only asked for it stays in the background. */
  readonly client: Client
  readonly end: () => Promise<void>
}

/** Attaches as VS Code does: a first session, which asks for a second one, which is the program's. */
export async function attachPeer(
  peer: Peer,
  port: number,
  configure: (client: Client) => Promise<unknown>,
  more: object = {},
): Promise<PeerSession> {
  const root = await Client.connect(peer.port)
  const asked = new Promise<Record<string, unknown>>((resolve) => {
    root.onReverse = (request) => {
      if (request.command === 'startDebugging') {
        resolve((request.arguments as { configuration: Record<string, unknown> }).configuration)
      }
      return Promise.resolve({})
    }
  })
  const own = { type: 'pwa-node', request: 'attach', name: 'bench', address: '127.0.0.1', port }
  await root.attach({ ...own, autoAttachChildProcesses: false, ...more }, undefined, editor)
  const configuration = await asked
  const client = await Client.connect(peer.port)
  await client.attach(configuration as Arguments<'attach'>, configure, editor)
  return {
    client,
    async end() {
      // In this order: a socket closed without it takes the whole server down.
      await client.request('disconnect', {})
      await root.request('disconnect', {})
      client.connection.close()
      root.connection.close()
    },
  }
}
