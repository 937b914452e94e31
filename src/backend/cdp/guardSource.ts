import { methodSource } from './guardMethods.ts'
import { showSource } from './guardShow.ts'

/**
 * The guard that guarded texts refer to: the few ways in which a look may touch the program's values. A function
 * expression in plain JavaScript, `(eager) => guard`, to be run under `throwOnSideEffect`.
 *
 * What it uses of the engine it takes at its start, and only if it is the engine's own: `class extends f {}` fails for
 * every built-in method with a message in which V8 quotes the text of `f`, whatever the program has put in the place of
 * `Function.prototype.toString` (as Sentry does); and no source text can be `[native code]`. So what the program patches
 * later does not matter, and what it has patched before is not called. `isProxy` is Node's own, and has no name in Node
 * 24: a program that goes out of its way to replace it by a bound function with the same answers is not found out.
 *
 * Nothing in here is iterated, spread, destructured or written into an array of the program's realm without a look at
 * the prototypes, no method of a value is called but through `apply`, and no inherited member is read: each of these
 * could be the program's. What cannot be answered throws a string: making an `Error` costs 10 times as much, and reading
 * its stack runs `Error.prepareStackTrace`.
 *
 * V8 takes it for a side effect when a variable is written that is not of the innermost function or block with captured
 * variables of its own: state is kept in objects made here.
 *
 * `eager` looks at everything at once, under V8's own guard: for conditions, which have none.
 */
const template = String.raw`(eager) => {
  // A local name of the frame could stand before one of these.
  const G = globalThis, Object = G.Object, Array = G.Array, String = G.String, Number = G.Number, Boolean = G.Boolean, BigInt = G.BigInt
  const Symbol = G.Symbol, Reflect = G.Reflect, Math = G.Math, JSON = G.JSON, Proxy = G.Proxy, Function = G.Function, Error = G.Error
  const Map = G.Map, Set = G.Set, WeakMap = G.WeakMap, WeakSet = G.WeakSet, Date = G.Date, RegExp = G.RegExp, process = G.process
  const ArrayBuffer = G.ArrayBuffer, SharedArrayBuffer = G.SharedArrayBuffer, DataView = G.DataView, Uint8Array = G.Uint8Array
  const parseInt = G.parseInt, parseFloat = G.parseFloat, isNaN = G.isNaN, isFinite = G.isFinite
  const quotedAs = (f, name) => {
    try { class Never extends f {} } catch (e) {
      return e.message === 'Class extends value function ' + name + '() { [native code] } is not a constructor or null'
    }
    return false
  }
  // Node before 20.16 has no getBuiltinModule, and a context of vm has no process. In Node 24 the function has no name.
  const proxyTest = () => {
    try {
      const f = process.getBuiltinModule('util').types.isProxy, descriptor = Object.getOwnPropertyDescriptor
      if (!quotedAs(descriptor, 'getOwnPropertyDescriptor')) return undefined
      const name = descriptor(f, 'name').value
      return (name === 'isProxy' || name === '') && quotedAs(f, name) && f({}) === false && f(f) === false ? f : undefined
    } catch (e) {
      return undefined
    }
  }
  const isProxy = proxyTest()
  const native = (f, name) => typeof f === 'function' && !(isProxy !== undefined && isProxy(f)) && quotedAs(f, name)
  const take = (o, k) => {
    const f = o[k]
    if (!native(f, k)) throw "The program has replaced '" + k + "', without which nothing can be looked at safely"
    return f
  }
  const O = Object.prototype, A = Array.prototype, S = String.prototype, N = Number.prototype, M = Map.prototype
  const B = BigInt.prototype, D = Date.prototype, T = Object.getPrototypeOf(Uint8Array.prototype)
  const apply = take(Reflect, 'apply'), descriptor = take(Object, 'getOwnPropertyDescriptor')
  const up = take(Object, 'getPrototypeOf'), own = take(Object, 'hasOwn'), define = take(Object, 'defineProperty')
  const isArray = take(Array, 'isArray'), keysOf = take(Object, 'keys'), enumerable = take(O, 'propertyIsEnumerable')
  const floor = take(Math, 'floor'), cut = take(S, 'slice'), symbolText = take(Symbol.prototype, 'toString')
  const bigText = take(B, 'toString'), toNumber = take(Number, 'parseFloat')
  const hasInstanceKey = Symbol.hasInstance, hasInstance = Function.prototype[hasInstanceKey]
  const ownInstance = native(hasInstance, '[Symbol.hasInstance]')
  const getterOf = (o, k) => {
    const d = descriptor(o, k)
    return d !== undefined && own(d, 'get') && native(d.get, 'get ' + k) ? d.get : undefined
  }
  const protoGetter = getterOf(O, '__proto__')
  // The text of a class, which must not be extended to see it.
  const keyFor = take(Symbol, 'keyFor')
  const isClass = (f, name) => {
    try { keyFor(f) } catch (e) { return e.message === 'function ' + name + '() { [native code] } is not a symbol' }
    return false
  }
  const roots = { __proto__: null, string: S, number: N, bigint: B, boolean: Boolean.prototype, symbol: Symbol.prototype }

  const isObject = (x) => (typeof x === 'object' && x !== null) || typeof x === 'function'
  const real = (o) => {
    if (isProxy !== undefined && isProxy(o)) throw 'This is a Proxy, whose traps are not run'
    return o
  }
  const prim = (x) => {
    if (isObject(x)) throw "An object is not converted to a primitive value: that could run the program's code"
    return x
  }
  const text = (x) => typeof prim(x) === 'symbol' ? apply(symbolText, x, []) : x + ''
  const key = (k) => typeof k === 'symbol' ? k : prim(k) + ''
  const named = (k) => "'" + text(k) + "'"
  const number = (k) => {
    if (typeof k === 'number' || typeof k === 'bigint') return k
    throw 'A key that is computed must be a number here: values are redacted by their names'
  }
  const noText = (k) => {
    if (typeof k === 'string') throw 'A key that is computed must not be a text here: values are redacted by their names'
    return k
  }

  const getters = { __proto__: null, length: 0 }
  const allow = (o, k) => {
    const f = getterOf(o, k)
    if (f !== undefined) getters[getters.length++] = f
  }
  const isOwnGetter = (f) => {
    if (getters.length === 0) {
      allow(M, 'size'); allow(Set.prototype, 'size'); allow(ArrayBuffer.prototype, 'byteLength'); allow(SharedArrayBuffer.prototype, 'byteLength')
      allow(T, 'length'); allow(T, 'byteLength'); allow(T, 'byteOffset'); allow(T, 'buffer')
      allow(DataView.prototype, 'byteLength'); allow(DataView.prototype, 'byteOffset'); allow(DataView.prototype, 'buffer')
    }
    for (let i = 0; i < getters.length; i++) if (getters[i] === f) return true
    return false
  }
  const parentOf = (o) => isObject(o) ? up(real(o)) : roots[typeof o]
  const find = (o, k) => {
    for (let at = o, n = 0; at !== null; at = parentOf(at), n++) {
      if (isObject(at)) real(at)
      // The stack of an error is made when it is asked for, by code that the program may give.
      if (k === 'stack' && isObject(at) && own(at, k) && !apply(enumerable, at, [k])) throw "'stack' is made when it is read, which can run the program's code"
      const d = descriptor(at, k)
      if (d !== undefined) return d
      if (n > 1000) throw 'The chain of prototypes is too long'
    }
    return undefined
  }
  const get = (o, k) => {
    const name = key(k)
    if (o === null || o === undefined) throw 'Cannot read ' + named(name) + ' of ' + o
    const d = find(o, name)
    if (d === undefined) return undefined
    if (own(d, 'value')) return d.value
    if (d.get === undefined) return undefined
    if (d.get === protoGetter) return parentOf(o)
    if (isOwnGetter(d.get)) return apply(d.get, o, [])
    throw named(name) + ' is a getter, which is not run'
  }
  const has = (k, o) => {
    if (!isObject(o)) throw 'What is on the right of in is not an object'
    return find(o, key(k)) !== undefined
  }
  const instance = (x, c) => {
    if (typeof c !== 'function') throw 'What is on the right of instanceof is not a function'
    if (get(c, hasInstanceKey) !== hasInstance || !ownInstance) throw 'The program answers instanceof itself here, which is not run'
    if (!isObject(x)) return false
    const d = descriptor(c, 'prototype')
    if (d === undefined || !own(d, 'value') || !isObject(d.value)) throw 'What is on the right of instanceof has no prototype'
    for (let at = parentOf(x), n = 0; at !== null; at = parentOf(at), n++) {
      if (at === d.value) return true
      if (n > 1000) throw 'The chain of prototypes is too long'
    }
    return false
  }
  const eq = (a, b) => {
    if (a === undefined || a === null || b === undefined || b === null || isObject(a) === isObject(b)) return a == b
    throw "An object is not compared with == to a primitive value: that could run the program's code"
  }
  // Why it failed, as a text: an error that leaves the evaluation is described by V8, which runs Error.prepareStackTrace.
  const reason = (e) => {
    if (typeof e === 'string') return e
    if (!isObject(e)) return 'It is not answered'
    const textOf = (d) => d !== undefined && own(d, 'value') && typeof d.value === 'string' ? d.value : ''
    return (textOf(find(e, 'name')) || 'Error') + ': ' + textOf(find(e, 'message'))
  }
  const pow = (a, b) => {
    if (typeof a === 'bigint' && typeof b === 'bigint' && b > 1n && apply(bigText, a, [16]).length * 4 * toNumber(b + '') > 65536) throw 'The number would be too large'
    return a ** b
  }
  const shl = (a, b) => {
    if (typeof b === 'bigint' && b > 65536n) throw 'The number would be too large'
    return a << b
  }
${methodSource}
  // SHOW
  const guard = {
    __proto__: null, get, has, call, fn, prim, text, number, noText, eq, instance, pow, shl, reason,
    // MEMBERS
    sure: isProxy !== undefined,
    install: (global, name) => {
      // Not possible earlier: V8's guard lets no proxy be made.
      if (!isClass(Proxy, 'Proxy') || isProxy(new Proxy({}, {})) !== true) throw 'The program has replaced the test for proxies'
      define(global, name, { __proto__: null, value: guard, configurable: true, enumerable: false, writable: false })
    },
  }
  return guard
}`

/** Without what is for people who read it here: it is sent to the program. */
const plain = (source: string): string =>
  source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'))
    .join('\n')

export const guardSource = plain(
  template.replace('// SHOW', () => showSource).replace('// MEMBERS', () => 'show, part,'),
)

/** The same for an evaluation, in which nothing is shown: a third less to be sent with each. */
export const lookSource = plain(template)
