import { symlinkSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { compose } from '../../src/backend/cdp/breakpoints/text.ts'
import { breakpointIdOf, selectorOf, urlOfPath, type WantedPlace } from '../../src/backend/cdp/breakpoints/place.ts'
import { holdNode } from '../support/cdpHeld.ts'
import { until } from '../support/debuggee.ts'
import { nodeVersions, startNode } from '../support/node.ts'

await t.test('urls of paths', async (t) => {
  t.equal(urlOfPath('/app/src/a.js'), 'file:///app/src/a.js')
  t.equal(urlOfPath('/a b/ü#1?.js'), 'file:///a%20b/%C3%BC%231%3F.js')
  t.equal(urlOfPath('C:\\app\\a.js'), 'file:///C:/app/a.js')
  t.equal(urlOfPath('node:fs'), 'node:fs')
  t.equal(urlOfPath('webpack://shop/a.ts'), 'webpack://shop/a.ts')
  t.equal(urlOfPath('a.js'), undefined)
})

await t.test('one place is selected in as many ways as it has conditions', async (t) => {
  const place = (url: string, by: 'url' | 'hash' = 'url'): WantedPlace => ({ by, url, hash: 'abc', line: 4, column: 2 })
  const plain = place('file:///app/a.js')
  t.strictSame(selectorOf(plain, 0), { url: 'file:///app/a.js' })
  t.strictSame(selectorOf(place('file:///app/a.js', 'hash'), 0), { scriptHash: 'abc' })
  t.equal(selectorOf(place('', 'hash'), 1), undefined)
  const patterns = [1, 2].map((variant) => selectorOf(plain, variant)!.urlRegex!)
  t.not(patterns[0], patterns[1])
  for (const pattern of patterns) {
    t.match('file:///app/a.js', new RegExp(pattern))
    t.notMatch('file:///app/aXjs', new RegExp(pattern))
    t.notMatch('file:///app/a.js.map', new RegExp(pattern))
  }
  const odd = new RegExp(selectorOf(place(urlOfPath('/a b/ü#(1).js')!), 0)!.urlRegex!)
  for (const url of ['file:///a%20b/%C3%BC%23(1).js', 'file:///a%20b/%c3%bc%23%281%29.js', 'file:///a b/ü#(1).js']) {
    t.match(url, odd)
  }
  const drive = new RegExp(selectorOf(place('file:///C:/app/a.js'), 0)!.urlRegex!)
  t.match('file:///c:/app/a.js', drive)
  t.match('file:///C:/app/a.js', drive)
  t.equal(breakpointIdOf({ url: 'file:///a.js' }, 4, 2), '1:4:2:file:///a.js')
})

await t.test('conditions as V8 is given them', async (t) => {
  const names = { own: 'OWN', guard: 'GUARD' }
  const none = {
    line: 1,
    column: undefined,
    name: undefined,
    condition: undefined,
    hitCondition: undefined,
    logMessage: undefined,
  }
  const text = (wanted: object): unknown => {
    const composed = compose({ ...none, ...wanted }, 7, names)
    return 'problem' in composed ? composed : composed.text
  }
  t.equal(text({}), undefined)
  t.equal(text({ condition: ' ', hitCondition: '' }), undefined)
  t.equal(text({ condition: 'a; b' }), 'a; b', 'as it is')
  t.equal(text({ condition: "__breakwater.get(a, 'b')" }), "GUARD.get(a, 'b')")
  t.equal(text({ hitCondition: ' >= 5 ' }), 'OWN.c(7)>=5')
  t.equal(text({ hitCondition: '5' }), 'OWN.c(7)===5')
  t.equal(text({ hitCondition: '%3' }), 'OWN.c(7)%3===0')
  t.equal(text({ condition: 'a // b', hitCondition: '<3' }), '(a // b\n)&&OWN.c(7)<3')
  t.equal(text({ logMessage: 'a "{b}"' }), 'OWN.l(7,"a \\""+GUARD.part(()=>(b\n))+"\\"")')
  t.equal(text({ logMessage: '{}' }), 'OWN.l(7,"")')
  t.match(text({ hitCondition: '1e3' }), { problem: /hit condition/ })
})

const program = `
globalThis.imported = (url) => import(url)
globalThis.required = require
globalThis.vm = require('node:vm')
setInterval(() => {}, 1000)
`
const module_ = `
globalThis.total = 1 // FIRST
export function summed(n) {
  return n + 1 // SUM
}
`
const common = `exports.Basket = class Basket {
  count(n) {
    return n * 2
  }
}
`

await t.test('files that come by other names', async (t) => {
  const sources = { 'program.js': program, 'lib/real.js': common, 'lib/late.mjs': module_, 'lib/basket.js': common }
  const node = await startNode(nodeVersions[0], sources)
  t.teardown(() => node.end())
  const held = await holdNode(node)
  t.teardown(() => held.end())
  const at = (name: string): string => path.join(node.folder, 'lib', name)

  await t.test('a link', async (t) => {
    symlinkSync(at('real.js'), at('link.js'))
    const source = { path: at('link.js') }
    const { breakpoints } = await held.ask('setBreakpoints', { source, breakpoints: [{ line: 3 }] })
    const running = held.run(`new (required(${JSON.stringify(at('link.js'))}).Basket)().count(2)`)
    t.strictSame((await held.stopped()).decision.hitBreakpointIds, [breakpoints[0]!.id])
    held.resume()
    t.equal(await running, 4)
    await held.ask('setBreakpoints', { source, breakpoints: [] })
  })

  await t.test('a version of a module', async (t) => {
    const source = { path: at('late.mjs') }
    const line = 4
    const { breakpoints } = await held.ask('setBreakpoints', { source, breakpoints: [{ line }] })
    const load = (url: string): Promise<unknown> =>
      held.run(`imported(${JSON.stringify(url)}).then((m) => (globalThis.m = m, 1))`)
    await load(`file://${at('late.mjs')}?v=1`)
    await until('it is verified', () =>
      held.events('breakpoint').some(({ breakpoint }) => breakpoint.id === breakpoints[0]!.id),
    )
    const running = held.run('m.summed(1)')
    t.match((await held.stopped()).decision, { hitBreakpointIds: [breakpoints[0]!.id] })
    held.resume()
    t.equal(await running, 2)
    await held.ask('setBreakpoints', { source, breakpoints: [] })
  })

  await t.test('a function that comes late', async (t) => {
    const names = [{ name: 'Basket.count', condition: 'n === 3' }, { name: 'summed' }]
    const { breakpoints } = await held.ask('setFunctionBreakpoints', { breakpoints: names })
    t.match(breakpoints[1], { verified: true, line: 4, source: { path: /late\.mjs/ } })
    await held.run(`globalThis.basket = new (required(${JSON.stringify(at('basket.js'))}).Basket)(), 1`)
    await until('it is verified', () =>
      held.events('breakpoint').some(({ breakpoint }) => breakpoint.source?.path === at('basket.js')),
    )
    t.equal(await held.run('basket.count(2)'), 4)
    const running = held.run('basket.count(3)')
    t.match((await held.stopped()).decision, { hitBreakpointIds: [breakpoints[0]!.id] })
    held.resume()
    t.equal(await running, 6)
    await held.ask('setFunctionBreakpoints', { breakpoints: [] })
  })

  await t.test('another context', async (t) => {
    const file = path.join(node.folder, 'inside.js')
    const source = { path: file }
    await held.run(`globalThis.context = vm.createContext({}), 1`)
    const set = await held.ask('setBreakpoints', { source, breakpoints: [{ line: 2, hitCondition: '3' }] })
    const define = 'globalThis.twice = (n) => {\\n  return n * 2\\n}; 1'
    await held.run(`vm.runInContext("${define}", context, { filename: ${JSON.stringify(file)} })`)
    const calls = 'for (let i = 0; i < 4; i++) twice(i)'
    const isThere =
      'Object.getOwnPropertyNames(globalThis).some((n) => /^__breakwater/.test(n) && typeof globalThis[n] === "object")'
    await until(
      'the counter is there',
      async () => (await held.run(`vm.runInContext(${JSON.stringify(isThere)}, context)`)) === true,
    )
    const running = held.run(`vm.runInContext("${calls}", context)`)
    const { decision, stop } = await held.stopped()
    t.strictSame(decision.hitBreakpointIds, [set.breakpoints[0]!.id])
    const asked = { callFrameId: stop.event.callFrames[0]!.callFrameId, expression: 'n' }
    t.match(await held.thread.cdp.request('Debugger.evaluateOnCallFrame', asked), { result: { value: 2 } })
    held.resume()
    await running
    await held.breakpoints.leave()
    const left = 'Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith("__breakwater")).length'
    t.equal(await held.run(`vm.runInContext(${JSON.stringify(left)}, context) + ${left}`), 0)
  })
})
