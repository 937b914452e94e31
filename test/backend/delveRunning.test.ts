import { readFileSync } from 'node:fs'
import t from 'tap'
import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Debuggee } from '../support/debuggee.ts'
import { delveVersions, startGo } from '../support/delve.ts'
import { opener, type Attached } from '../support/delveSession.ts'

/** Breakpoints in its file instead of those that there are: marks, and log points as `mark: message`. */
async function breakAt(session: Attached, debuggee: Debuggee, ...marks: string[]): Promise<void> {
  const breakpoints = marks.map((mark) => {
    const [name, logMessage] = mark.split(': ')
    return { line: debuggee.line(name!), ...(logMessage === undefined ? {} : { logMessage }) }
  })
  const answer = await session.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
  for (const { verified, message } of answer.breakpoints) if (!verified) throw new Error(message)
}

function count(session: Attached, event: string): number {
  return session.seen.filter((seen) => seen.event === event).length
}

function addressesOf(instructions: readonly DebugProtocol.DisassembledInstruction[]): string[] {
  return instructions.map(({ address }) => address)
}

for (const version of delveVersions) {
  void t.test(`delve ${version.name}`, async (t) => {
    const attachTo = opener(t)
    const shop = await startGo(version, 'shop')
    t.after(() => shop.end())
    const at = (mark: string) => shop.line(mark)

    await t.test('steps in, out, over and by instructions', async (t) => {
      const session = await attachTo(shop.port)
      await session.configure(shop, 'BREAK')
      const { threadId, reason, line } = await session.stopped()
      t.match({ reason, line }, { reason: 'breakpoint', line: at('BREAK') })
      const step = async (command: 'next' | 'stepIn' | 'stepOut', granularity?: DebugProtocol.SteppingGranularity) => {
        await session.ask(command, { threadId, ...(granularity === undefined ? {} : { granularity }) })
        const body = await session.next('stopped')
        t.match(body, { reason: 'step', threadId, allThreadsStopped: true }, command)
        return (await session.ask('stackTrace', { threadId, levels: 20 })).stackFrames
      }
      t.match((await step('stepIn'))[0], { name: 'main.total' })
      t.match((await step('stepOut'))[0], { name: 'main.order', line: at('BREAK') })
      t.match((await step('next'))[0], { line: at('BREAK') + 1 })
      const [from] = await step('next', 'instruction')
      const [to] = await step('stepIn', 'instruction')
      t.not(from!.instructionPointerReference, to!.instructionPointerReference)
      t.match((await step('next'))[0], { line: at('AFTER') })
      t.match((await step('next'))[0], { name: 'main.main' }, 'out at its end')
    })

    await t.test('a step goes on behind log points, and a step with no stop is none', async (t) => {
      const session = await attachTo(shop.port)
      await session.configure(shop, 'BREAK')
      await session.stopped()
      await breakAt(session, shop, 'BREAK', 'LOOP: {item.name}')
      // The first stop of a session may still be busy with what a step needs from Delve.
      await session.ask('continue', { threadId: 1 })
      const { threadId } = await session.stopped()
      await session.ask('next', { threadId })
      t.match(await session.stopped(), { reason: 'step', line: at('BREAK') + 1 })
      t.equal(count(session, 'stopped'), 3)
      await breakAt(session, shop)
      await session.ask('continue', { threadId })
      await shop.runsOn()
      t.equal(await session.ask('next', { threadId }), undefined, 'a step of a running program is no error')
      t.same(await session.ask('continue', { threadId }), { allThreadsContinued: true })
    })

    await t.test('frames and goroutines as Go names them', async (t) => {
      const session = await attachTo(shop.port)
      await session.configure(shop, 'LOOP')
      const { threadId } = await session.stopped()
      const { threads } = await session.ask('threads', undefined)
      t.equal(threads[0]!.id, threadId)
      t.match(threads[0]!.name, /^\* \[Go \d+\] main\.total \(Thread \d+\)$/)
      t.equal(threads.filter(({ name }) => name.startsWith('* ')).length, 1)
      const { stackFrames, totalFrames } = await session.ask('stackTrace', { threadId })
      t.equal(totalFrames, stackFrames.length)
      t.same(
        stackFrames.map(({ name, presentationHint }) => `${name}${presentationHint ? ` ${presentationHint}` : ''}`),
        ['main.total', 'main.order', 'main.main', 'runtime.main subtle', 'runtime.goexit subtle'],
      )
      t.match(stackFrames[1], { source: { name: 'main.go', path: shop.file }, line: at('BREAK'), column: 1 })
      t.equal(stackFrames[1]!.source!.sourceReference, undefined, 'the client has the file')
      const page = await session.ask('stackTrace', { threadId, startFrame: 1, levels: 2 })
      t.same(page.stackFrames, stackFrames.slice(1, 3))
      // One that has ended since a client was told of it.
      const gone = { code: 'notAnswered', message: 'There is no goroutine 987654, or none any more.' }
      await t.rejects(session.ask('stackTrace', { threadId: 987_654 }), gone)

      const text = await session.ask('source', { source: { path: shop.file }, sourceReference: 0 })
      t.same(text, { content: readFileSync(shop.file, 'utf8'), mimeType: 'text/x-go' })
      const other = session.ask('source', { source: { path: '/etc/passwd' }, sourceReference: 0 })
      await t.rejects(other, { message: /There is no source \/etc\/passwd/ })
      const { sources } = await session.ask('loadedSources', undefined)
      t.ok(sources.some(({ path }) => path === shop.file))
      t.ok(sources.length > 100)
      await breakAt(session, shop)
      await session.ask('continue', { threadId })
      await shop.runsOn()
      const running = (await session.ask('threads', undefined)).threads
      t.same(
        running.map(({ id }) => id),
        threads.map(({ id }) => id),
        'of a running program those of its last stop',
      )
      t.notOk(running.some(({ name }) => name.startsWith('*')))
      await t.rejects(session.ask('stackTrace', { threadId }), { code: 'notStopped' })
      await t.rejects(session.ask('scopes', { frameId: stackFrames[0]!.id }), 'a frame of a stop that is over')
    })

    await t.test('machine code around a frame', async (t) => {
      const session = await attachTo(shop.port)
      await session.configure(shop, 'AFTER')
      const { threadId } = await session.stopped()
      const { stackFrames } = await session.ask('stackTrace', { threadId, levels: 1 })
      const memoryReference = stackFrames[0]!.instructionPointerReference!
      const ask = async (instructionOffset: number, instructionCount: number) => {
        const args = { memoryReference, instructionOffset, instructionCount, resolveSymbols: true }
        return (await session.ask('disassemble', args)).instructions
      }
      const whole = await ask(-150, 300)
      t.equal(whole.length, 300)
      t.match(whole[150], { address: memoryReference, line: at('AFTER'), location: { path: shop.file } })
      const addresses = whole.map(({ address }) => Number(address))
      t.ok(
        addresses.every((address, index) => index === 0 || address > addresses[index - 1]!),
        'in order, each once',
      )
      t.notOk(whole.some(({ presentationHint }) => presentationHint === 'invalid'))
      t.ok(whole.some(({ symbol }) => symbol === 'main.order'))
      t.same(await ask(10, 5).then(addressesOf), addressesOf(whole.slice(160, 165)))
      t.same(await ask(-20, 5).then(addressesOf), addressesOf(whole.slice(130, 135)))
      const bytes = await session.ask('disassemble', {
        memoryReference,
        offset: Number(whole[151]!.address) - Number(memoryReference),
        instructionCount: 1,
      })
      t.match(bytes.instructions, [{ address: whole[151]!.address }])
      const nowhere = await session.ask('disassemble', { memoryReference: '0x0', instructionCount: 2 })
      t.match(nowhere.instructions, [{ presentationHint: 'invalid' }, { presentationHint: 'invalid' }])
      await t.rejects(session.ask('disassemble', { memoryReference: '0x10', instructionCount: 1 }), {
        message: /No instruction of the program begins at 0x10/,
      })
    })

    await t.test('a pause shows the program, a bad condition its error', async (t) => {
      const session = await attachTo(shop.port)
      await session.configure(shop)
      await shop.runsOn()
      await session.ask('pause', { threadId: 0 })
      const { reason, threadId = -1 } = await session.next('stopped')
      t.equal(reason, 'pause')
      const { threads } = await session.ask('threads', undefined)
      t.match(threads.find(({ id }) => id === threadId)?.name, /^(\* )?\[Go \d+\] /)
      const { stackFrames } = await session.ask('stackTrace', { threadId })
      t.ok(stackFrames.some(({ name }) => name === 'main.main'))
      await session.ask('pause', { threadId: 0 })
      await session.ask('continue', { threadId })
      await shop.runsOn()
      t.equal(count(session, 'stopped'), 1, 'what is stopped is not paused again')
      const breakpoints = [{ line: at('AFTER'), condition: 'amount == nothing' }]
      await session.ask('setBreakpoints', { source: { path: shop.file }, breakpoints })
      t.match(await session.next('stopped'), {
        reason: 'exception',
        description: 'runtime error',
        text: /could not find symbol value for nothing/,
      })
    })
  })
}
