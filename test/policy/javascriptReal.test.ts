import { setImmediate } from 'node:timers/promises'
import CDP from 'chrome-remote-interface'
import t from 'tap'
import {
  inlineGuard,
  guardSource,
  installGuard,
  logPartText,
  named,
  removeGuard,
  usesGuard,
} from '../../src/backend/cdp/guard.ts'
import { languages, type Look } from '../../src/policy/expression/expression.ts'
import { until } from '../support/debuggee.ts'
import { corpus } from '../support/expressions.ts'
import { hostileNode } from '../support/hostileNode.ts'
import { nodeVersions, startNode, type NodeVersion } from '../support/node.ts'

const javascript = languages['javascript']!
/** V8 11 (Node 20) takes these for side effects in an evaluation: they are tried as conditions. */
const refused = /Case\(\)$/

/** Lines of the scene, each good for one breakpoint. */
const sceneLines = 20
const guardName = '__breakwater_0a1b2c3d'

function guarded(text: string, as: 'text' | 'condition'): string {
  const checked = javascript.check(text)
  if (!checked.ok) throw new Error(checked.reason)
  const result = (checked.look as Look & { answers: 'guarded' })[as]('any')
  if (!result.ok) throw new Error(result.reason)
  return result.text
}

const accepted = corpus('javascript').flatMap(({ accept, text }) =>
  accept ? [{ text, guard: guarded(text, 'text'), condition: guarded(text, 'condition') }] : [],
)

interface Evaluated {
  result: {
    type: string
    subtype?: string
    value?: string | number | boolean | string[] | boolean[] | null
    description?: string
    unserializableValue?: string
  }
  exceptionDetails?: { exception?: { type: string; value?: unknown; description?: string } }
}

/** A value in few words, or `! ` and why there is none. */
function told({ result, exceptionDetails }: Evaluated): string {
  const { exception } = exceptionDetails ?? {}
  if (exceptionDetails)
    return `! ${exception?.type === 'string' ? String(exception.value) : exception?.description?.split('\n')[0]}`
  if (result.type === 'string') return String(result.value)
  return result.unserializableValue ?? result.description ?? String(result.value ?? result.subtype ?? result.type)
}

/** A program full of traps, stopped among them. */
async function stopAmongTraps(version: NodeVersion) {
  const program = await startNode(version, hostileNode(sceneLines))
  const client = await CDP({ host: '127.0.0.1', port: program.port, local: true })
  const send = async <T>(method: string, params: object = {}): Promise<T> => {
    try {
      return (await (client.send as (method: string, params: object) => Promise<unknown>)(method, params)) as T
    } catch (error) {
      throw new Error(`${method} failed; the program printed: ${program.lines.slice(-20).join('\n')}`, { cause: error })
    }
  }
  const pauses: { callFrames: { callFrameId: string }[] }[] = []
  client.on('Debugger.paused', (event: unknown) => void pauses.push(event as (typeof pauses)[0]))
  await Promise.all([send('Runtime.enable'), send('Debugger.enable')])
  const firstLine =
    hostileNode(0)
      .split('\n')
      .findIndex((line) => line.includes("() => trip('own at')")) + 1
  const breakAt = (index: number, condition?: string): Promise<{ breakpointId: string }> =>
    send('Debugger.setBreakpointByUrl', {
      urlRegex: '/program\\.js$',
      lineNumber: firstLine + index,
      ...(condition === undefined ? {} : { condition }),
    })
  const plain = async (expression: string): Promise<unknown> =>
    (await send<Evaluated>('Runtime.evaluate', { expression, returnByValue: true })).result.value
  return {
    session: { request: send },
    send,
    pauses,
    breakAt,
    plain,
    ran: () => plain('ran.list'),
    /**
     * As the backend does it. One after the other each answer would wait 44 ms for our kernel's delayed ACK, as Node's
     * inspector writes in small pieces: what we send meanwhile carries the ACKs.
     */
    evaluate: async (texts: readonly string[], harmless = true): Promise<string[]> => {
      const { callFrameId } = pauses.at(-1)!.callFrames[0]!
      const options = harmless ? { throwOnSideEffect: true } : {}
      const ask = (expression: string): Promise<Evaluated> =>
        send('Debugger.evaluateOnCallFrame', { callFrameId, expression, timeout: 5000, silent: true, ...options })
      const answers: Promise<Evaluated>[] = []
      for (const text of texts) {
        answers.push(ask(text))
        await setImmediate()
      }
      return (await Promise.all(answers)).map(told)
    },
    /** Many in each evaluation: what each shows, and in angle brackets why it is not answered. */
    async shown(parts: readonly string[], harmless = true): Promise<string[]> {
      const all: string[] = []
      for (let start = 0; start < parts.length; start += 40) {
        const { result, exceptionDetails } = await send<Evaluated>('Debugger.evaluateOnCallFrame', {
          callFrameId: pauses.at(-1)!.callFrames[0]!.callFrameId,
          expression: `[${parts.slice(start, start + 40).join(',')}]`,
          returnByValue: true,
          timeout: 10_000,
          silent: true,
          ...(harmless ? { throwOnSideEffect: true } : {}),
        })
        if (exceptionDetails) throw new Error(`${start}: ${exceptionDetails.exception?.description}`)
        all.push(...(result.value as string[]))
      }
      return all
    },
    async stop(): Promise<void> {
      const count = pauses.length
      const { breakpointId } = await breakAt(0)
      await until('the program stops', () => pauses.length > count)
      await send('Debugger.removeBreakpoint', { breakpointId })
    },
    async end(): Promise<void> {
      // It is closed already where the program has died, and the test has failed for that.
      await client.close().catch(() => {})
      await program.end()
    },
  }
}

/** What is expected of a part of the corpus: a value, or a part of the reason. */
const values: Readonly<Record<string, string | RegExp>> = {
  n: '5',
  'order.total': '42',
  'order.lines[n]': '60',
  'order["na" + "me"]': 'order',
  'order.nested.deep.deeper': 'found',
  'order?.nested?.[order?.key]?.deeper': 'found',
  'order.missing': 'undefined',
  'order.missing.more': "! Cannot read 'more' of undefined",
  'order.missing?.more.and.more': 'undefined',
  'nul?.x.y[evil]': 'undefined',
  'order.constructor.name': 'Order',
  'order.lazy': "! 'lazy' is a getter, which is not run",
  'order.setterOnly': 'undefined',
  'evil.total': "! 'total' is a getter, which is not run",
  globalThis: /^(Object|global)/,
  'globalThis.tripGetter': "! 'tripGetter' is a getter, which is not run",
  'evil + 1': /^! An object is not converted/,
  'evil == 1': /^! An object is not compared/,
  'evil == null': 'false',
  'evil == evil': 'true',
  '`${evil}`': /^! An object is not converted/,
  '`a ${n} b ${s}`': 'a 5 b hello',
  'proxy.a': '! This is a Proxy, whose traps are not run',
  'behindProxy.own': 'own',
  'behindProxy.a': '! This is a Proxy, whose traps are not run',
  'order instanceof Kind': /^! (The program answers instanceof|'Symbol\(Symbol.hasInstance\)' is a getter)/,
  'evil instanceof Evil': '! The program answers instanceof itself here, which is not run',
  'order instanceof Order': 'true',
  'n instanceof Number': 'false',
  "'total' in evil": 'true',
  "'a' in evil": 'false',
  'map.size': '3',
  "map.get('a').deep": 'in map',
  'map.get(n)': 'five',
  'map.get(order)': 'by order',
  "evilMap.get('a')": /^! 'get' could run the program's code/,
  'evilMap.size': "! 'size' is a getter, which is not run",
  'set.has(1)': 'true',
  'wm.get(order)': 'weak',
  'lst.includes(2)': 'true',
  'lst.includes(evil)': 'false',
  'lst.slice(1)': 'Array(2)',
  'lst.at(-1)': '3',
  "lst.join('-')": '1-2-3',
  'lst.indexOf(99)': '-1',
  'evilList[1]': "! '1' is a getter, which is not run",
  'evilList.includes(3)': "! '1' is a getter, which is not run",
  'huge.includes(-1)': /^! More than 100000 elements/,
  'holes.includes(undefined)': 'true',
  'holes.indexOf(undefined)': '-1',
  'patched.includes(1)': /^! 'includes' could run/,
  'patched.at(0)': "! 'at' is a getter, which is not run",
  'u8.length': '3',
  'u8.includes(2)': 'true',
  'buf[0]': '97',
  'buf.toString()': /^! 'toString' could run/,
  'Object.keys(lst).length': '3',
  'Object.keys(proxy)': '! This is a Proxy, whose traps are not run',
  "Object.hasOwn(order, 'name')": 'true',
  'Math.max(n, 7)': '7',
  'Math.hypot(3, 4)': '5',
  'Number.parseInt(evil)': /^! An object is not converted/,
  'date.getTime()': '0',
  'date.toISOString()': '1970-01-01T00:00:00.000Z',
  'evilDate.getTime()': /^! 'getTime' could run/,
  'date < date': /^! An object is not converted/,
  'String(sym)': 'Symbol(sym)',
  'Number(big)': '10',
  'Boolean(evil)': 'true',
  "parseInt('ff', 16)": '255',
  's.trim()': 'hello',
  's.slice(1, 3)': 'el',
  's.repeat(1e9)': '! The text would be too long',
  's[0]': 'h',
  '(255).toString(16)': 'ff',
  'n.toFixed(2)': '5.00',
  'big ** 3n': '1000n',
  '2n ** 1000000n': '! The number would be too large',
  '1n << 1000000000n': '! The number would be too large',
  '(-n) ** 2': '25',
  '- -n': '5',
  'n<!n': 'false',
  'err.message': 'broken',
  'err.stack': /^! 'stack' is made when it is read/,
  'captured.stack': /^! 'stack' is made when it is read/,
  're.source': "! 'source' is a getter, which is not run",
  're.flags': "! 'flags' is a getter, which is not run",
  nonexistent: '! ReferenceError: nonexistent is not defined',
  'typeof nonexistent': 'undefined',
  tooEarly: /^(undefined$|! ReferenceError: )/,
  "'__breakwater'": '__breakwater',
  'f.name': 'f',
  'order.__proto__.__proto__': 'Object',
  'boxed.length': '5',
  'species.slice(0)': 'Array(3)',
}

for (const version of nodeVersions) {
  void t.test(`node ${version.name}: nothing of the program runs for a look`, async (t) => {
    const traps = await stopAmongTraps(version)
    t.teardown(() => traps.end())
    const { session, plain, evaluate, pauses } = traps
    await traps.stop()
    const texts = accepted.map(({ guard }) => guard)
    const nothingRan = async (when: string): Promise<void> => void t.strictSame(await traps.ran(), [], when)

    // 1. As an evaluation, with the guard in the text.
    const inline = await evaluate(accepted.map(({ text, guard }) => inlineGuard(refused.test(text) ? '0' : guard)))
    await nothingRan('nothing ran for an evaluation')
    const answerTo = new Map(accepted.map(({ text }, index) => [text, inline[index]!]))
    for (const [text, wanted] of Object.entries(values)) {
      const answer = answerTo.get(text) ?? 'not in the corpus'
      if (typeof wanted === 'string') t.equal(answer, wanted, text)
      else t.match(answer, wanted, text)
    }
    const left = accepted.filter((_, index) => /side-effect|replaced|SyntaxError/.test(inline[index]!))
    t.strictSame(left, [], "nothing is left for V8's own guard to refuse")

    // 2. The same with the guard that conditions have.
    t.equal(await installGuard(session, guardName), true, 'the guard is installed')
    t.equal(await plain(`Object.keys(globalThis).includes('${guardName}')`), false, 'it is hidden')
    // V8 leaves out a whole evaluation for one part of it.
    const parts = accepted.map(({ text, guard }) => (refused.test(text) ? "'left out'" : logPartText(guard, guardName)))
    const agrees = (shown: readonly string[], why: string): void => {
      for (const [index, { text }] of accepted.entries()) {
        const failed = inline[index]!.startsWith('! ')
        if (failed !== /^<.*>$/s.test(shown[index]!) && !/Case\(\)$|tooEarly/.test(text))
          t.fail(why, { text, is: shown[index], was: inline[index] })
      }
    }
    agrees(await traps.shown(parts), 'the installed guard answers otherwise')
    await nothingRan('nothing ran with the installed guard')

    // 3. As a condition and as a part of a log message, where V8 guards nothing: all in one, and some that throw alone.
    await plain('globalThis.truth = []; globalThis.shown = []')
    const each = texts.map(
      (text, index) =>
        `shown[${index}]=${logPartText(text, guardName)},truth[${index}]='threw',${guardName}.part(()=>truth[${index}]=!!(${named(text, guardName)}))`,
    )
    await traps.breakAt(0, `(${each.join(',\n')},false)`)
    const throwing = accepted
      .filter(({ guard }, index) => usesGuard(guard) && inline[index]!.startsWith('! '))
      .slice(0, sceneLines - 2)
    await Promise.all(throwing.map(({ condition }, index) => traps.breakAt(index + 1, named(condition, guardName))))
    await traps.breakAt(sceneLines - 1, `(pollute(),${parts.join(',\n')},unpollute(),globalThis.polluted=true,false)`)
    await traps.send('Debugger.setPauseOnExceptions', { state: 'all' })
    const stops = pauses.length
    const before = (await plain('globalThis.passes ?? 0')) as number
    await traps.send('Debugger.resume')
    await until(
      'the scene was passed twice',
      async () => ((await plain('globalThis.passes ?? 0')) as number) >= before + 2,
    )
    t.equal(pauses.length, stops, 'a condition that throws stops nobody, whatever the exception filters are')
    await traps.send('Debugger.setPauseOnExceptions', { state: 'none' })
    t.equal(await plain('polluted'), true, 'the one with getters in all prototypes was passed')
    await nothingRan('nothing ran for a condition or a log message')
    const truth = (await plain('truth')) as (boolean | 'threw')[]
    const shown = (await plain('shown')) as string[]
    agrees(shown, 'the message says otherwise')
    agrees(
      truth.map((true_) => (true_ === 'threw' ? '<threw>' : '')),
      'the condition says otherwise',
    )
    const isShown = (text: string): string => shown[accepted.findIndex((one) => one.text === text)]!
    t.equal(isShown('[evil]'), '[{}]', 'its constructor is a getter')
    t.equal(isShown('proxy'.concat('?.a')), '<This is a Proxy, whose traps are not run>')
    t.match(isShown('order'), /^Order \{name: "order", total: 42, .*nested: \{deep: Object\}/)
    t.equal(isShown('lst.slice(1)'), '[2, 3]')
    t.equal(isShown('s.slice(1, 3)'), 'el')
    t.equal(isShown('({ n, s, evil, proxy })').startsWith('{n: 5, s: "hello", evil: '), true)

    // 4. The control: the same expressions as they were written do run what they name.
    await traps.send('Debugger.disable')
    await traps.send('Debugger.enable')
    await traps.stop()
    const written = accepted.filter(({ text }) => !/1e9|0000|tooEarly/.test(text))
    await traps.shown(
      written.map(({ text }) => `(()=>{try{(${text});return ''}catch{return ''}})()`),
      false,
    )
    const caught = new Set((await traps.ran()) as string[])
    t.ok(caught.size > 25, `the traps do catch what is not a look: ${caught.size} kinds`)

    // 5. The program has replaced what it could, before and after the guard was made.
    await plain('patch(); pollute(); ran.list.length = 0')
    const patched = await evaluate(accepted.map(({ text, guard }) => inlineGuard(refused.test(text) ? '0' : guard)))
    t.ok(patched.filter((answer) => answer.startsWith('! ')).length > 50, 'much is not answered any more')
    const still = await traps.shown(parts)
    t.equal(still[accepted.findIndex(({ text }) => text === 'order.nested.deep.deeper')], 'found')
    await nothingRan('nothing that was patched ran')
    await plain('unpollute(); patchRoots(); ran.list.length = 0')
    const some = texts.filter((text, index) => index % 5 === 0 && !/Case/.test(text))
    const rootless = await evaluate(some.map(inlineGuard))
    for (const [index, guard] of some.entries())
      if (usesGuard(guard) && !rootless[index]!.startsWith('! ')) t.fail('it was answered without a guard', { guard })
    const [found] = await evaluate([`${guardName}.get(order,'total')`])
    t.equal(found, '42', 'what the guard was made of is still good')
    t.equal(await installGuard(session, '__breakwater_other'), false, 'no guard is made of what the program made')
    await nothingRan('nothing that was replaced ran')

    await removeGuard(session, guardName)
    t.equal(await plain(`'${guardName}' in globalThis`), false, 'nothing of ours is left')
    t.notOk(guardSource.includes('__breakwater'), 'the guard does not need its name')
  })
}
