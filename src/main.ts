#!/usr/bin/env node
import { homedir, userInfo } from 'node:os'
import type { Io, SignalName } from './cli/io.ts'
import { run } from './cli/run.ts'

function userName(uid: number): string {
  try {
    return userInfo().username
  } catch {
    // A container often runs under a uid that no file has a name for.
    return `uid ${uid}`
  }
}

const uid = process.getuid?.() ?? -1
const io: Io = {
  env: process.env,
  homedir: homedir(),
  cwd: process.cwd(),
  uid,
  user: userName(uid),
  execPath: process.execPath,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal(name: SignalName, listener: () => void) {
    process.on(name, listener)
    return { [Symbol.dispose]: () => void process.off(name, listener) }
  },
  onUnhandled(listener) {
    process.on('unhandledRejection', listener)
  },
}

// `breakwater audit | head`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

const code = await run(process.argv.slice(2), io)
// A pipe takes what is written later: leaving at once would cut the output.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))))
// What was cut by a second signal may still hold the process.
process.exit(code)
