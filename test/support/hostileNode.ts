/**
 * A Node program in which nearly everything that could run tells that it ran: getters, traps, conversions, iterators,
 * species, patched methods. `scene` has one line for each breakpoint; `globalThis.patch()` replaces methods of
 * JavaScript's own, `globalThis.pollute()` puts getters into the prototypes, `globalThis.patchRoots()` replaces the functions that a guard is made of.
 */
export const hostileNode = (lines: number): string => `
const ran = { list: [] }
globalThis.ran = ran
const trip = (what) => { if (ran.list.length < 1000) ran.list.push(what); return 7 }
const traps = {}
for (const trap of Reflect.ownKeys(Reflect)) if (typeof trap === 'string')
  traps[trap] = (...args) => { trip('trap ' + trap); return Reflect[trap](...args) }

class Evil {
  get total() { return trip('getter') }
  set total(value) { trip('setter') }
  get length() { return trip('length') }
  method() { return trip('method') }
  toString() { return 's' + trip('toString') }
  valueOf() { return trip('valueOf') }
  toJSON() { return trip('toJSON') }
  at() { return trip('at') }
  get() { return trip('get') }
  slice() { return trip('slice') }
  includes() { return trip('includes') }
  hasOwnProperty() { return trip('hasOwnProperty') }
  get then() { return trip('then') }
  get [Symbol.toStringTag]() { trip('tag'); return 'Evil' }
  [Symbol.toPrimitive]() { return trip('toPrimitive') }
  *[Symbol.iterator]() { trip('iterator') }
  static [Symbol.hasInstance]() { trip('hasInstance'); return true }
  static get [Symbol.species]() { trip('species'); return Array }
}
class Kind { static get [Symbol.hasInstance]() { trip('hasInstance getter'); return () => true } }
class Order {
  #hidden = 1
  name = 'order'
  total = 42
  key = 'deep'
  lines = [10, 20, 30, 40, 50, 60]
  nested = { deep: { deeper: 'found' } }
  get lazy() { return trip('lazy') }
  set setterOnly(value) { trip('setterOnly') }
  get #secret() { return trip('private getter') }
  method() { return trip('Order.method') }
  toString() { return trip('Order.toString') }
  toJSON() { return trip('Order.toJSON') }
  get getTime() { return trip('getTime') }
}
class EvilMap extends Map { get(key) { return trip('EvilMap.get') } has(key) { return trip('EvilMap.has') } get size() { return trip('EvilMap.size') } }
class Species extends Array { static get [Symbol.species]() { trip('Species'); return Array } }
Object.defineProperty(Species.prototype, 'constructor', { get: () => trip('Species.constructor') || Species })
Object.defineProperty(Evil.prototype, 'constructor', { get: () => trip('constructor') && Evil })
class EvilString extends String { slice() { return trip('EvilString.slice') } toString() { return trip('EvilString.toString') } }
class EvilDate extends Date { getTime() { return trip('EvilDate.getTime') } }
class BadError extends Error { get message() { return trip('BadError.message') } get name() { return trip('BadError.name') } }
const space = {}
Error.prepareStackTrace = () => trip('prepareStackTrace')
for (const name of ['tripGetter']) Object.defineProperty(globalThis, name, { get: () => trip(name), configurable: true })

function scene(f, evil, évil, proxy, proxyFn) {
  const n = 5, s = 'hello', nul = null, big = 10n, sym = Symbol('sym'), $dollar = '$', _under = '_', async = 'async'
  const order = new Order(), lst = [1, 2, 3], holes = [1, , 3], map = new Map([['a', { deep: 'in map' }], [5, 'five']]), set = new Set([1, 2])
  map.set(order, 'by order')
  const evilList = [1, 2, 3]
  Object.defineProperty(evilList, 1, { get: () => trip('element'), enumerable: true })
  const wm = new WeakMap([[order, 'weak']]), evilMap = new EvilMap([['a', 1]]), fakeMap = Object.create(Map.prototype)
  const proxyMap = new Proxy(map, traps), species = Species.from([1, 2, 3]), huge = new Array(1_000_000).fill(0)
  const u8 = new Uint8Array([1, 2, 3]), buf = Buffer.from('abc'), view = new DataView(u8.buffer), date = new Date(0), evilDate = new EvilDate(0)
  const re = /a/g, err = new TypeError('broken', { cause: evil }), badError = new BadError('bad'), promise = Promise.resolve(1)
  const captured = { plain: 1 }
  Error.captureStackTrace(captured)
  const gen = (function* () { trip('generator'); yield 1 })(), iterator = { next() { return trip('next') } }
  const bare = Object.assign(Object.create(null), { x: 1 }), frozen = Object.freeze({ a: 1 }), boxed = Object(s), evilString = new EvilString('abc')
  const inherits = Object.create(order), behindProxy = Object.create(proxy, { own: { value: 'own' } })
  const bound = Order.bind(null), arrow = () => trip('arrow'), inner = { outerName: n }, patched = [1, 2]
  patched.includes = () => trip('own includes')
  Object.defineProperty(patched, 'at', { get: () => trip('own at'), configurable: true })
${'  inner.outerName = n\n'.repeat(lines)}
  return [f, evil, évil, proxy, proxyFn, s, nul, big, sym, $dollar, _under, async, lst, holes, set, evilList, wm, evilMap, fakeMap, proxyMap, species, huge, view, buf, evilDate, re, err, badError, promise, captured, gen, iterator, bare, frozen, boxed, evilString, inherits, behindProxy, bound, arrow, patched, Kind, tooEarly, arguments]
  let tooEarly = 1
}
globalThis.patch = () => {
  for (const [object, names] of [[Map.prototype, ['get', 'has']], [Array.prototype, ['includes', 'slice', 'join', 'at']], [String.prototype, ['slice', 'includes', 'toUpperCase']],
    [Number, ['isInteger']], [Math, ['max', 'floor']], [Object, ['keys', 'is']], [Date.prototype, ['getTime']], [Number.prototype, ['toFixed']]])
    for (const name of names) object[name] = { [name]() { return trip('patched ' + name) } }[name]
  Object.defineProperty(Map.prototype, 'size', { get: () => trip('patched size') })
  Function.prototype.toString = function () { trip('Function.prototype.toString'); return 'function get() { [native code] }' }
}
globalThis.pollute = () => {
  for (const name of ['get', 'value', 'set', 'writable', 'then', 'length', 'install']) Object.defineProperty(Object.prototype, name, { __proto__: null, get: () => trip('polluted ' + name), set: () => trip('polluted ' + name), configurable: true })
  Object.defineProperty(Array.prototype, 0, { __proto__: null, get: () => trip('polluted 0'), set: () => trip('polluted 0'), configurable: true })
}
globalThis.unpollute = () => { for (const name of ['get', 'value', 'set', 'writable', 'then', 'length', 'install']) delete Object.prototype[name]; delete Array.prototype[0] }
globalThis.patchRoots = () => {
  Object.getOwnPropertyDescriptor = () => { trip('getOwnPropertyDescriptor'); return { value: 1 } }
  Reflect.apply = () => trip('Reflect.apply')
  Object.hasOwn = () => trip('hasOwn')
}
const evil = new Evil()
const f = () => trip('f')
const scenes = () => { try { scene(f, evil, evil, new Proxy({ a: 1 }, traps), new Proxy(function () {}, traps)) } catch {} }
let passes = 0
setInterval(() => { scenes(); passes += 1; globalThis.passes = passes }, 100)
`
