import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { check } from '../../src/policy/expression/python/check.ts'
import { guard, guardMessage } from '../../src/policy/expression/python/guard.ts'
import { Client } from '../support/client.ts'
import { debugpyVersions, startPython, until, type DebugpyVersion } from '../support/debugpy.ts'
import { corpus, hostileFile } from '../support/expressions.ts'

const python = { check, guard, guardMessage }
const lines = corpus('python')

/** The accepted ones, each with its guard; `self.__secret` has none. */
const guarded = lines.flatMap(({ text, accept }) => {
  const checked = accept ? python.check(text) : undefined
  const guard = checked?.ok === true ? python.guard(checked.node) : undefined
  return guard === undefined ? [] : [{ text, guard, message: python.guardMessage(`{${text}}`) }]
})

/** Stands in the middle of the messages, so that what each has logged can be told apart. */
const mark = (kind: string, index: number): string => `<${kind} ${index}>`

/** A program full of traps (test/support/hostile.py), stopped among them. */
async function stopAmongTraps(version: DebugpyVersion) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-hostile-'))
  const [ranFile, scene] = [path.join(folder, 'ran'), path.join(folder, 'scene.py')]
  const count = guarded.length * 2 + 2
  const program = await startPython(version, readFileSync(hostileFile, 'utf8'), {
    args: [ranFile, '--scene', scene, String(count)],
  })
  await until('the program has written its scene', () => statSync(scene, { throwIfNoEntry: false }) !== undefined)
  const client = await Client.connect(program.port)
  await client.attach({ justMyCode: false }, () => client.break(scene, 3))
  const stop = async (): Promise<{ threadId: number; frameId: number }> => {
    const { threadId } = await client.event('stopped')
    const { stackFrames } = await client.request('stackTrace', { threadId: threadId! })
    return { threadId: threadId!, frameId: stackFrames[0]!.id }
  }
  return {
    client,
    scene,
    stop,
    /** What has run, told by the program itself, not through the debugger. */
    ran: () => readFileSync(ranFile, 'utf8'),
    async end() {
      client.connection.close()
      await program.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The classes of the conditions in debugpy's own list. */
const kept =
  "sorted({type(b.condition).__name__ for f in __import__('pydevd').get_global_debugger().breakpoints.values() for b in f.values() if b.condition})"

/** What debugpy makes of a text by itself, or the words of its error. */
async function evaluate(client: Client, expression: string, frameId: number | undefined): Promise<string> {
  try {
    return (
      await client.request('evaluate', { expression, ...(frameId === undefined ? {} : { frameId }), context: 'watch' })
    ).result
  } catch (error) {
    return `! ${(error as Error).message}`
  }
}

for (const version of debugpyVersions) {
  void t.test(`debugpy ${version.name}: nothing of the program runs for a look`, async (t) => {
    const traps = await stopAmongTraps(version)
    t.teardown(() => traps.end())
    const { client, scene } = traps
    const { threadId, frameId } = await traps.stop()

    // 1. What is refused is never sent.
    for (const { text, accept, line } of lines) {
      const checked = python.check(text)
      if (checked.ok) {
        if (!accept) await evaluate(client, text, frameId)
      } else if (accept) t.fail(`line ${line} is refused`, checked)
    }
    t.equal(traps.ran(), '', 'nothing ran for any refused expression')

    // 2. What is accepted, guarded, and evaluated where the traps are.
    const answers: string[] = []
    for (let start = 0; start < guarded.length; start += 25) {
      // Many at a time: each evaluate takes debugpy 44 ms and more (microsoft/debugpy#2054).
      const batch = guarded
        .slice(start, start + 25)
        .map(({ text, guard }) => (text.startsWith('nonexistent') ? 'False' : guard))
      const said = await evaluate(
        client,
        `''.join(['T' if x is True else 'F' if x is False else '?' for x in [${batch.join(',')}]])`,
        frameId,
      )
      answers.push(...said.slice(1, -1).split(''))
      t.match(said, /^'[TF]+'$/, 'each is true or false')
    }
    t.equal(answers.length, guarded.length)
    t.ok(answers.filter((answer) => answer === 'T').length > 100, 'many of them are true')
    t.equal(traps.ran(), '', 'nothing ran for any guard')

    // 3. The same as conditions and log messages, one on each line of the scene; the first pass is under way already.
    const points = guarded.flatMap(({ guard, message }, index) => [
      { condition: guard, logMessage: mark('condition', index) },
      { logMessage: message.ok ? `${mark('message', index)}${message.text}` : mark('none', index) },
    ])
    points.push({ logMessage: mark('end', 0) })
    await client.break(scene, ...points.map((point, index) => ({ line: 3 + index, ...point })))
    await client.request('continue', { threadId })
    const ends = (): number => client.output('stdout').split(mark('end', 0)).length - 1
    await until('the scene has been passed three times', () => ends() >= 3, 60_000)
    const logged = client.output('stdout').split(mark('end', 0))
    for (const pass of [logged[1]!, logged[2]!]) {
      for (const [index, { text }] of guarded.entries()) {
        const hit = pass.includes(mark('condition', index))
        if (hit !== (answers[index] === 'T'))
          t.fail('the condition says otherwise', { text, hit, answer: answers[index] })
        // A name that is not there is the whole message, as debugpy does it.
        if (!pass.includes(mark('message', index)) && !text.startsWith('nonexistent'))
          t.fail('the message was not logged', { text })
      }
    }
    const shown = (text: string): string => {
      const index = guarded.findIndex((each) => each.text === text)
      return logged[1]!.split(mark('message', index))[1]!.split('\n')[0]!
    }
    t.equal(shown('evil'), '<Evil>')
    t.equal(shown('plain.name'), 'order')
    t.equal(shown('n + 1'), '6')
    t.equal(shown('lst'.concat('[:]')), '[1, 2, 3]')
    t.equal(shown('evil == 1'), '<not answered>')
    t.equal(shown('(evil, 1)'), '(<Evil>, 1)')
    t.equal(shown("'{n}'"), '{n}')
    t.equal(traps.ran(), '', 'nothing ran for any condition or log message')
    if (version.name === 'newest') {
      // 1.6.6 gives the value of an evaluate without a frame as output only.
      const result = await evaluate(client, kept, undefined)
      t.equal(result, "['code']", 'debugpy holds the conditions compiled')
    }

    // 4. The control: the same texts sent straight to debugpy do run what they name.
    await client.break(scene, 3)
    const again = await traps.stop()
    const unsafe = /await|yield|async|exit|quit|input|breakpoint|open|__import__|while|import|\*\*|\s\S*[\n\r]/u
    let told = 0
    for (const { text } of lines) {
      if (told > 80) break
      if (!/\bf\(|evil|strange|proxied|collide/.test(text) || unsafe.test(text) || text.length > 60) continue
      const before = traps.ran().length
      await evaluate(client, text, again.frameId)
      if (traps.ran().length > before) told += 1
    }
    t.ok(told > 80, 'the traps do catch what is not a look')
  })
}
