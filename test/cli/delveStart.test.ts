import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CliHome } from '../support/cli.ts'
import { freePort } from '../support/debuggee.ts'
import { delveVersions } from '../support/delve.ts'
import { buildGo } from '../support/goBuild.ts'

const [newest] = delveVersions

void t.test('a dlv in the go/bin of that user, and a command that ends once it listens', async (t) => {
  const { binary } = await buildGo(newest.go, 'shop', {})
  const home = new CliHome(t)
  const bin = join(home.folder, 'go/bin')
  mkdirSync(bin, { recursive: true })
  symlinkSync(newest.dlv, join(bin, 'dlv'))
  const ports = [await freePort(), await freePort()] as const
  const programs = ports.map(() => {
    const child = spawn(binary, [], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    return child.pid!
  })
  const script = join(home.folder, 'start.sh')
  const log = join(home.folder, 'dlv.log')
  const flags = `--headless --accept-multiclient --api-version=2 --continue --listen=127.0.0.1:${ports[1]}`
  writeFileSync(
    script,
    `#!/bin/sh
setsid ${newest.dlv} attach ${programs[1]} ${flags} </dev/null >${log} 2>&1 &
until grep -q 'server listening at' ${log}; do sleep 0.1; done
`,
  )
  chmodSync(script, 0o755)
  const user = `via: [env, "HOME=${home.folder}", "PATH=/usr/bin:/bin", sh, -c, 'exec "$@"', sh]`
  home.configure(`targets:
  bin: { backend: delve, at: ${ports[0]}, ${user}, start: { pid: ${programs[0]} } }
  ends: { backend: delve, at: ${ports[1]}, start: [${script}] }
`)
  const delves: number[] = []
  t.teardown(() => delves.forEach((pid) => process.kill(pid, 'SIGTERM')))
  for (const [name, program] of [
    ['bin', programs[0]!],
    ['ends', programs[1]!],
  ] as const) {
    const { code, stdout } = await home.inside(['-c', home.file, 'doctor', name, '--start'])
    t.equal(code, 0, stdout)
    const pid = Number(/is open: .*\(process (\d+)\)/.exec(stdout)?.[1])
    t.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), `attach\0${program}`)
    delves.push(pid)
    t.match(stdout, name === 'bin' ? `${bin}/dlv attach ${program} was run` : `${script} was run`)
    t.match(stdout, /✓ debugger +Delve 1\.\d+\.\d+ answers: the program \(attached/)
  }
})
