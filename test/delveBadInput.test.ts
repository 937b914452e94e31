import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CliHome } from './support/cli.ts'
import { Client, look, refusal } from './support/client.ts'
import { freePort, until } from './support/debuggee.ts'
import { delveVersions, startGo, tellGo, type RunningGo } from './support/delve.ts'
import { buildGo } from './support/goBuild.ts'
import { startRealDaemon } from './support/realDaemon.ts'
import { makeKey, startSshd } from './support/sshd.ts'

const [newest, old] = delveVersions
const through = `via: [sh, -c, 'exec "$@"', sh]`
const nobody = 65_534

// Many programs, on a busy machine.
t.setTimeout(300_000)

/** Ends with the test, also where another fails to start. */
async function started(t: Test, starting: Promise<RunningGo>): Promise<RunningGo> {
  const program = await starting
  t.teardown(() => program.end())
  return program
}

void t.test('what listens is no Delve, or none for us', async (t) => {
  const home = new CliHome(t)
  const web = await freePort()
  const node = await freePort()
  const spawned = async (port: number, ...[command, ...argv]: [string, ...string[]]) => {
    const child = spawn(command, argv, { stdio: 'ignore', cwd: home.folder })
    t.teardown(() => child.kill('SIGKILL'))
    await until(`${command} listens`, async () => {
      const socket = net.connect(port, '127.0.0.1')
      const connected = once(socket, 'connect').then(
        () => true,
        () => false,
      )
      return connected.finally(() => socket.destroy())
    })
  }
  const quiet = net.createServer(() => {}).listen(0, '127.0.0.1')
  t.teardown(() => quiet.close())
  const [dap, foreign, aged, sshd] = await Promise.all([
    started(t, startGo(newest, 'shop', { start: 'dap' })),
    started(t, startGo(newest, 'shop', { start: 'exec', uid: nobody })),
    started(t, startGo(old, 'shop', { start: 'exec', uid: nobody })),
    startSshd(t, { authorized: [makeKey(join(home.folder, 'id_ed25519'))] }),
    spawned(web, 'python3', '-m', 'http.server', String(web), '--bind', '127.0.0.1'),
    spawned(node, process.execPath, `--inspect=127.0.0.1:${node}`, '-e', 'setInterval(() => {}, 1000)'),
  ])
  const closed = await freePort()
  const ports = { web, node, sshd: sshd.port, foreign: foreign.port, aged: aged.port, closed, dap: dap.port }
  const silent = (quiet.address() as net.AddressInfo).port
  const targets = Object.entries(ports).flatMap(([name, port]) => [
    `  ${name}: { backend: delve, at: ${port} }\n`,
    `  ${name}Via: { backend: delve, at: ${port}, ${through} }\n`,
  ])
  const daemon = await startRealDaemon(t, {
    yaml: `targets:\n${targets.join('')}  silent: { backend: delve, at: ${silent}, policy: hasty }\npolicies: { hasty: { connect: 1s } }\n`,
  })
  const expected: Record<keyof typeof ports, RegExp> = {
    web: /does not speak Delve's JSON-RPC .*another protocol.*dlv attach PID --headless --accept-multiclient/,
    node: /does not speak Delve's JSON-RPC .*another protocol/,
    sshd: /does not speak Delve's JSON-RPC .*another protocol/,
    foreign: /without a word.*another user.*--only-same-user=false/,
    aged: /without a word.*another user.*--only-same-user=false/,
    closed: /nothing listens there/,
    dap: /without a word.*dlv dap.*--headless/,
  }
  for (const [name, words] of Object.entries(expected)) {
    const port = ports[name as keyof typeof ports]
    const said = await refusal(daemon, name)
    t.match(said, words, said)
    t.match(said, `127.0.0.1:${port}`)
    // Its first client was its last.
    if (name === 'dap') continue
    const far = await refusal(daemon, `${name}Via`)
    t.match(far, words, far)
    t.match(far, /sh -c exec "\$@" sh/, 'and the hop is named')
  }
  t.match(await refusal(daemon, 'silent'), /took longer than 1000 ms .*debugger at silent.*doctor silent/)
})

void t.test('a program without debug information', async (t) => {
  const go = await started(t, startGo(newest, 'shop', { stripped: true }))
  const { binary } = await buildGo(old.go, 'shop', { stripped: true })
  const bare = spawn(binary, { stdio: 'ignore' })
  t.teardown(() => bare.kill('SIGKILL'))
  const home = new CliHome(t)
  const targets = `targets:
  stripped: { backend: delve, at: ${go.port} }
  aged: { backend: delve, at: ${await freePort()}, start: { pid: ${bare.pid!}, dlv: ${old.dlv} } }
`
  home.configure(targets)
  const { code, stdout } = await home.inside(['-c', home.file, 'doctor', 'stripped'])
  t.equal(code, 0, stdout)
  t.match(stdout, /! debugger +the program has no debug information.*\n +Build it without -ldflags '-s -w'/)
  const daemon = await startRealDaemon(t, { yaml: targets })
  t.match(await refusal(daemon, 'aged'), /could not open debug info.*Build the program without -ldflags '-s -w'/)

  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'stripped' }, async () => {
    const line = go.line('BREAK')
    for (const path of [go.file, '/home/me/shop/main.go']) {
      const { breakpoints } = (await client.break(path, line))!
      const message = /The program has \S*shop\/main\.go, and Delve finds no line of it.*-ldflags '-s -w'.*functions/
      t.match(breakpoints, [{ verified: false, message }], path)
    }
    const named = await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'main.order' }] })
    t.match(named, { breakpoints: [{ verified: true }] })
  })
  await client.until('it is said', 30_000, () => client.output().includes('The program has no debug information'))
  const { threadId = 0 } = await client.event('stopped')
  const { stackFrames } = (await client.request('stackTrace', { threadId }))!
  t.match(stackFrames[0], { name: 'main.order', source: { name: 'main.go' } })
  const { scopes } = (await client.request('scopes', { frameId: stackFrames[0]!.id }))!
  const looked = client.request('variables', { variablesReference: scopes[0]!.variablesReference })
  await t.rejects(looked, { message: /no debug information present in binary/ })
  await client.disconnect()
  await go.runsOn()
})

void t.test('a Delve that serves version 1 of its API', async (t) => {
  const go = await started(t, startGo(old, 'shop', { apiVersion: 1 }))
  const targets = `targets: { aged: { backend: delve, at: ${go.port} } }\n`
  const daemon = await startRealDaemon(t, { yaml: targets })
  const client = await Client.connect(daemon.port)
  await client.attach({ target: 'aged' }, () => client.break(go.file, go.line('AFTER')))
  const { threadId = 0 } = await client.event('stopped')
  const { locals, frame } = await look(client, threadId)
  t.match(frame, { name: 'main.order', line: go.line('AFTER') })
  t.match(locals, { amount: '5' })
  await client.disconnect()
  await go.runsOn()
  const home = new CliHome(t)
  home.configure(targets)
  const { code, stdout } = await home.inside(['-c', home.file, 'doctor', 'aged'])
  t.equal(code, 0, stdout)
  t.match(stdout, /! debugger +it was started with version 1 of its API\n +It is set to version 2 for all its clients/)
})

/** Sleeps in the midst of a step, if it is told to. */
const sleeper = `package main

import (
	"fmt"
	"os"
	"time"
)

func rest() {
	if _, err := os.Stat("long"); err == nil {
		fmt.Println("asleep")
		time.Sleep(time.Hour)
	}
}

func main() {
	for ticks := 1; ; ticks++ {
		fmt.Println("tick", ticks)
		rest() // BREAK
		time.Sleep(10 * time.Millisecond)
	}
}
`

/** In `control`, so that also a call can be under way. */
async function opened(t: Test, program: Promise<RunningGo>) {
  const go = await started(t, program)
  const daemon = await startRealDaemon(t, {
    yaml: `targets: { go: { backend: delve, at: ${go.port}, policy: dev } }\npolicies: { dev: { mode: control } }\n`,
  })
  return { go, client: await Client.connect(daemon.port) }
}

for (const version of delveVersions) {
  void t.test(`a program ends in the midst of a step, Delve ${version.name}`, async (t) => {
    const both = ['unrecovered-panic', 'runtime-fatal-throw']
    const ends: readonly [how: string, filters: string[], exitCode: number, text?: string][] = [
      ['exit', both, 3],
      ['nil', [], 2],
      ['panic', both, 2, 'custom panic panic'],
      ['fatal', both, 2, 'sync: unlock of unlocked mutex'],
      ['goroutine', both, 2, 'in a goroutine'],
    ]
    for (const [how, filters, exitCode, text] of ends) {
      const { go, client } = await opened(t, startGo(version, 'crash'))
      await client.attach({ target: 'go' }, async () => {
        await client.request('setExceptionBreakpoints', { filters })
        await client.break(go.file, go.line('FAIL'))
      })
      await tellGo(go, how)
      const { threadId = 0 } = await client.event('stopped')
      await client.break(go.file)
      await client.request('next', { threadId })
      if (text !== undefined) {
        let dying = await client.event('stopped')
        // It lets the one that steps go on before it dies.
        if (how === 'goroutine' && dying.reason === 'step') {
          await client.request('continue', { threadId: dying.threadId ?? 0 })
          dying = await client.event('stopped')
        }
        t.match(dying, { reason: 'exception', text }, how)
        await client.request('continue', { threadId: dying.threadId ?? 0 })
      }
      t.match(await client.event('exited'), { exitCode }, how)
      await client.event('terminated')
      t.notOk(client.events.some(({ event }) => event === 'stopped'))
      t.match(client.output(), /The session has ended: the program has ended/)
      client.connection.close()
      await go.end()
    }
  })

  void t.test(`Delve dies, ${version.name}`, async (t) => {
    for (const when of ['stopped', 'running', 'in a step', 'in a call'] as const) {
      const { go, client } = await opened(t, startGo(version, when === 'in a step' ? sleeper : 'life'))
      await client.attach({ target: 'go' }, async () => {
        if (when !== 'running') await client.break(go.file, go.line('BREAK'))
      })
      let asked: Promise<unknown> = Promise.resolve()
      if (when !== 'running') {
        const { threadId = 0 } = await client.event('stopped')
        const { stackFrames } = (await client.request('stackTrace', { threadId, levels: 1 }))!
        await client.break(go.file)
        if (when === 'in a call') {
          const frameId = stackFrames[0]!.id
          const call = client.request('evaluate', { expression: 'call spinForever()', frameId, context: 'repl' })
          asked = t.rejects(call, { message: /The debugger is gone/ })
          await go.printed(/^evaluating/)
        }
        if (when === 'in a step') {
          await tellGo(go, 'long')
          await client.request('next', { threadId })
          await go.printed(/^asleep/)
        }
      }
      await go.delve.kill()
      await client.event('terminated')
      await asked
      const said = client.output()
      const gone = `The session has ended: The debugger is gone: .*\\(127\\.0\\.0\\.1:${go.port}\\)`
      t.match(said, new RegExp(`${gone}.*start it again and attach anew`), `${when}: ${said}`)
      client.connection.close()
      await go.end()
    }
  })
}
