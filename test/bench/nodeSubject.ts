import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A Node program with its inspector open, which does nothing until it is called. */
export interface Subject {
  readonly file: string
  readonly port: number
  readonly pid: number
  /** 1-based number of the line of `file` that contains `mark`. */
  line(mark: string): number
  /** Calls `subjects[name](...args)` there; gives back how many milliseconds it took, pauses and all. */
  call(name: string, ...args: readonly number[]): Promise<number>
  end(): Promise<void>
}

const caller = `
process.on('message', async ({ id, name, args }) => {
  const began = process.hrtime.bigint()
  await subjects[name](...args)
  process.send({ id, tookMs: Number(process.hrtime.bigint() - began) / 1e6 })
})
`

/** Runs `source`, CommonJS text that fills the object `subjects`. */
export async function startSource(source: string): Promise<Subject> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-bench-node-'))
  const file = path.join(folder, 'program.js')
  writeFileSync(file, `const subjects = {}\n${caller}${source}`)
  const subject = await startFile(file)
  return {
    ...subject,
    async end() {
      await subject.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What a program from elsewhere needs at its end, so that it can be called: its own `subjects` are in scope there. */
export const callable = caller

export async function startFile(file: string): Promise<Subject> {
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', file], {
    // What it prints is read, as by a container's log: a log point that prints there costs what that costs.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'] },
  })
  child.stdout!.resume()
  const answers = new Map<number, (tookMs: number) => void>()
  child.on('message', ({ id, tookMs }: { id: number; tookMs: number }) => {
    answers.get(id)?.(tookMs)
    answers.delete(id)
  })
  const port = await new Promise<number>((resolve, reject) => {
    const seen: string[] = []
    createInterface(child.stderr!).on('line', (line) => {
      seen.push(line)
      const found = /^Debugger listening on ws:\/\/[^/]*:(\d+)\//.exec(line)
      if (found !== null) resolve(Number(found[1]))
    })
    child.once('exit', (code) => reject(new Error(`the program ended with ${code} and said:\n${seen.join('\n')}`)))
  })
  let calls = 0
  return {
    file,
    port,
    pid: child.pid!,
    line(mark) {
      const at = readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(mark))
      if (at < 0) throw new Error(`there is no '${mark}' in ${file}`)
      return at + 1
    },
    call(name, ...args) {
      const id = ++calls
      const answer = new Promise<number>((resolve) => answers.set(id, resolve))
      child.send({ id, name, args })
      return answer
    },
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}
