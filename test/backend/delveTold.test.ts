import { readFileSync } from 'node:fs'
import t from 'tap'
import { until } from '../support/debuggee.ts'
import { delveVersions, startGo, type DelveOptions } from '../support/delve.ts'
import { opener, type Attached } from '../support/delveSession.ts'

const [newest, old] = delveVersions

/** What we have said in the console. */
function said(session: Attached): string {
  const bodies = session.seen.filter(({ event }) => event === 'output').map(({ body }) => body as { output: string })
  return bodies.map(({ output }) => output).join('')
}

for (const version of delveVersions) {
  void t.test(`the process, by Delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    for (const start of ['attach', 'attach-held', 'exec-held'] as const) {
      const go = await startGo(version, 'shop', { start })
      t.teardown(() => go.end())
      const session = await attachTo(go.port)
      t.match(await session.next('process'), {
        name: `go (process ${go.pid})`,
        systemProcessId: go.pid,
        isLocalProcess: true,
        startMethod: 'attach',
      })
      await session.configure(go, 'BREAK')
      if (start !== 'attach') {
        await session.ask('continue', { threadId: (await session.stopped()).threadId })
      }
      t.match(await session.stopped(), { line: go.line('BREAK') }, start)
      t.equal(session.seen.filter(({ event }) => event === 'process').length, 1)
      t.match(
        said(session),
        /^\[breakwater\] If Breakwater or the connection is lost, [^\n]*\n$/,
        'nothing else, and once',
      )
    }
  })
}

for (const version of delveVersions) {
  void t.test(`started anew it is another process, Delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const go = await startGo(version, 'shop', { start: 'exec-held' })
    t.teardown(() => go.end())
    const session = await attachTo(go.port)
    const { systemProcessId: before } = await session.next('process')
    t.equal(before, go.pid)
    await session.configure(go, 'BREAK')
    await session.stopped()
    await session.ask('restart', {})
    const { systemProcessId: pid = 0, name } = await session.next('process')
    t.not(pid, before)
    t.equal(name, `go (process ${pid})`)
    t.match(readFileSync(`/proc/${pid}/cmdline`, 'latin1'), go.binary)
    t.match(await session.stopped(), { line: go.line('BREAK') })
  })
}

void t.test('a Go that Delve does not know', async (t) => {
  const attachTo = opener(t)
  const version: typeof old = { ...old, dlv: newest.dlv }
  for (const start of ['attach', 'exec-held'] as const satisfies readonly DelveOptions['start'][]) {
    const go = await startGo(version, 'shop', { start, flags: ['--check-go-version=false'] })
    t.teardown(() => go.end())
    const session = await attachTo(go.port)
    const warning =
      /Delve 1\.27\.\d+ knows Go 1\.\d+\S* to 1\.\d+\S*, and the program is built by go1\.19\S*: values may/
    await until('it is said', () => warning.test(said(session)))
  }
})
