import t from 'tap'
import { Client, look } from './support/client.ts'
import { debugpyVersions, startPython, tickingProgram } from './support/debugpy.ts'
import { startRealDaemon } from './support/realDaemon.ts'

for (const version of debugpyVersions) {
  void t.test(`an editor's session on debugpy ${version.name}, read-only`, async (t) => {
    const debuggee = await startPython(version, tickingProgram)
    t.teardown(() => debuggee.end())
    const daemon = await startRealDaemon(t)
    const client = await Client.connect(daemon.port)
    const target = { backend: 'debugpy', at: `127.0.0.1:${debuggee.port}` }
    await client.attach({ target }, (c) => c.break(debuggee.file, debuggee.line('BREAK')))
    const { threadId = 0 } = await client.event('stopped')
    const { locals, frame } = await look(client, threadId)
    t.match(locals, { doubled: /^\d+$/, n: /^\d+$/ })
    t.match(await client.request('evaluate', { expression: 'n * 2 == doubled', frameId: frame.id }), { result: 'True' })
    await t.rejects(client.request('evaluate', { expression: 'print(1)', frameId: frame.id }), { message: /Refused/ })
    await client.disconnect()
    await debuggee.runsOn()
    t.match(daemon.audit.at(-1), { kind: 'end', why: 'the client has disconnected' })
  })
}
