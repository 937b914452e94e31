/** Values of all kinds, and an alarm that rings when anything of the program runs by being looked at. */
export const valuesProgram = `
const alarms = []
let armed = false
const alarm = (name) => {
  if (armed) alarms.push(name)
  return 'rung'
}
class Base {
  #hidden = 'h'
  constructor() {
    this.base = 1
  }
  get shown() {
    return alarm('Base.shown')
  }
  peek() {
    return this.#hidden
  }
}
class Order extends Base {
  #secret = { deep: 'down' }
  constructor() {
    super()
    this.id = 7
    this.items = ['tea', 'milk']
    this['x-y'] = 1
    this.self = this
  }
  get total() {
    return alarm('Order.total') && 41
  }
  toString() {
    return alarm('Order.toString')
  }
}
function kinds() {
  const order = new Order()
  const numbers = [1.5, -0, NaN, Infinity, 255]
  const big = 10n
  const text = "it's\\na text"
  const nothing = null
  const missing = undefined
  const symbol = Symbol('s')
  const sparse = [1, , 3]
  const keyed = { [Symbol('k')]: 1, ['a\\nb']: 2, ['__proto__']: 3, plain: { deep: { deeper: true } } }
  const map = new Map([['a', { one: 1 }], [order, 2]])
  const set = new Set(['x', 'y'])
  const weakMap = new WeakMap([[order, 'held']])
  const date = new Date(0)
  const pattern = /a[b]+/gi
  const error = new TypeError('bad', { cause: new Error('deep cause') })
  const aggregate = new AggregateError([new Error('first'), new RangeError('second')], 'several')
  const resolved = Promise.resolve({ done: true })
  const rejected = Promise.reject(new Error('no'))
  rejected.catch(() => {})
  const bytes = new Uint8Array([1, 2, 3])
  const buffer = Buffer.from('hello')
  const words = new Uint16Array([258, 772])
  const memory = new ArrayBuffer(8)
  const view = new DataView(memory, 2, 4)
  const bare = Object.create(null, { x: { value: 1, enumerable: true } })
  const boxed = Object('box')
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => ['key' + at, at]))
  const million = Array.from({ length: 1_000_000 }, (_, at) => at)
  const manyEntries = new Map(Array.from({ length: 5_000 }, (_, at) => ['k' + at, { at }]))
  const long = 'x'.repeat(25_000) + 'end'
  const frozen = Object.freeze({ fixed: 1 })
  const fn = function named(a, b) {
    return a + b
  }
  function* generate() {
    yield 1
  }
  const generator = generate()
  const bound = fn.bind(order, 1)
  let changing = 1
  for (const inner of [1]) {
    let block = inner + changing
    debugger // KINDS
    block += Number(fn(1, 2)) + [order, numbers, big, text, nothing, missing, symbol, sparse, keyed, map, set, weakMap].length
    console.log('changing', changing, JSON.stringify(order.id), order.items[0], map.get('a'), bytes[0], pattern, date)
    void [error, aggregate, resolved, rejected, buffer, words, memory, view, bare, boxed, wide, million, manyEntries, long]
    void [frozen, generator, bound, block]
  }
}
function hostile() {
  const trap = new Proxy({}, { get: (_, name) => () => alarm('trap ' + String(name)) })
  const proxy = new Proxy({ inside: 1 }, trap)
  const callable = new Proxy(function () {}, trap)
  const getters = {
    get value() { return alarm('value') },
    get constructor() { return alarm('constructor') },
    get [Symbol.toStringTag]() { return alarm('toStringTag') },
    get [Symbol.iterator]() { return alarm('iterator') },
    toString() { return alarm('toString') },
    valueOf() { return alarm('valueOf') },
    toJSON() { return alarm('toJSON') },
    [Symbol.toPrimitive]() { return alarm('toPrimitive') },
    [Symbol.for('nodejs.util.inspect.custom')]() { return alarm('inspect') },
  }
  class Shown { static get name() { return alarm('name') } get [Symbol.toStringTag]() { return alarm('tag') } get at() { return alarm('at') } }
  const shown = new Shown()
  class Issue extends Error { get message() { return alarm('message') } get name() { return alarm('errorName') } }
  const issue = new Issue('m')
  const stacked = new Error('s')
  Object.defineProperty(stacked, 'stack', { get: () => alarm('stack') })
  const errors = { issue, stacked, list: [issue, stacked], map: new Map([[issue, stacked]]) }
  class Many extends Map { get size() { return alarm('size') } [Symbol.iterator]() { alarm('iterate'); return [][Symbol.iterator]() } entries() { alarm('entries'); return [][Symbol.iterator]() } }
  const many = new Many([[1, 2]])
  class List extends Array { static get [Symbol.species]() { alarm('species'); return Array } }
  const list = List.from([1, 2, 3])
  Object.defineProperty(list, 1, { get: () => alarm('element'), enumerable: true })
  class Bytes extends Uint8Array { get length() { return alarm('length') } get byteLength() { return alarm('byteLength') } }
  const bytes = new Bytes(3)
  const date = new Date(0)
  date.toISOString = date.getTime = date.toString = () => alarm('date')
  const pattern = /x/g
  for (const name of ['source', 'flags', 'global', 'exec', 'toString']) Object.defineProperty(pattern, name, { get: () => alarm('pattern ' + name) })
  const fn = function () {}
  Object.defineProperty(fn, 'name', { get: () => alarm('fn.name') })
  fn.toString = () => alarm('fn.toString')
  const below = Object.create(proxy)
  const inherits = Object.create(getters)
  const deep = { map: new Map([[getters, proxy]]), set: new Set([proxy, getters]), list: [proxy, getters], shown }
  const circular = { deep }
  circular.self = circular
  armed = true
  debugger // HOSTILE
  armed = false
  console.log('alarms', JSON.stringify(alarms.splice(0)), [trap, callable, below, inherits, circular, errors, many, bytes, date].length)
}
function throwing() {
  try {
    throw new TypeError('outer', { cause: new AggregateError([new Error('inner')], 'several') })
  } catch (error) {
    void error
  }
}
let n = 0
setInterval(() => {
  n += 1
  console.log('tick', n)
  if (globalThis.job === 'kinds') kinds()
  if (globalThis.job === 'hostile') hostile()
  if (globalThis.job === 'throwing') throwing()
  globalThis.job = undefined
}, 20)
`
