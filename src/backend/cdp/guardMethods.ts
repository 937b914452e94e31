import { engineMethods } from '../../lib/engineMethods.ts'

/** The part of the guard that calls methods: only where what the program would call is the engine's own. */
export const methodSource = String.raw`
  // An argument that is not there must not be looked for in the prototype.
  const arg = (a, i) => i < a.length ? a[i] : undefined
  // Those of arrays are done here: the engine's own read elements, which may be getters, and ask for the species.
  const most = 100000
  const lengthOf = (o) => {
    if (!isObject(o) || !isArray(real(o))) throw 'This is not an array'
    return descriptor(o, 'length').value
  }
  const bounded = (n) => {
    if (n > most) throw 'More than ' + most + ' elements are not looked through'
    return n
  }
  const whole = (x) => {
    const n = +prim(x)
    return n !== n ? 0 : n < 0 ? -floor(-n) : floor(n)
  }
  const bound = (x, n, otherwise) => {
    if (x === undefined) return otherwise
    const i = whole(x)
    return i < 0 ? (i + n > 0 ? i + n : 0) : i > n ? n : i
  }
  // V8's guard lets an element be put by assignment only; a setter of the program's could be in the way.
  const put = (to, i, v) => {
    if (own(A, i) || own(O, i)) throw 'The program has put elements into the prototype of arrays'
    to[i] = v
  }
  const ofArrays = {
    __proto__: null,
    includes: (o, a) => {
      const n = bounded(lengthOf(o)), x = arg(a, 0)
      for (let i = bound(arg(a, 1), n, 0); i < n; i++) {
        const v = get(o, i)
        if (v === x || (v !== v && x !== x)) return true
      }
      return false
    },
    indexOf: (o, a) => {
      const n = bounded(lengthOf(o))
      for (let i = bound(arg(a, 1), n, 0); i < n; i++) if (get(o, i) === arg(a, 0) && find(o, i + '') !== undefined) return i
      return -1
    },
    lastIndexOf: (o, a) => {
      if (a.length > 1) throw 'lastIndexOf takes one argument here'
      for (let i = bounded(lengthOf(o)) - 1; i >= 0; i--) if (get(o, i) === arg(a, 0) && find(o, i + '') !== undefined) return i
      return -1
    },
    at: (o, a) => {
      const n = lengthOf(o), i = whole(arg(a, 0))
      return get(o, i < 0 ? i + n : i)
    },
    slice: (o, a) => {
      const n = lengthOf(o), start = bound(arg(a, 0), n, 0), end = bound(arg(a, 1), n, n), to = []
      bounded(end - start)
      for (let i = start; i < end; i++) put(to, i - start, get(o, i))
      return to
    },
    join: (o, a) => {
      const n = bounded(lengthOf(o)), between = arg(a, 0) === undefined ? ',' : text(arg(a, 0))
      let all = ''
      for (let i = 0; i < n; i++) {
        const v = prim(get(o, i))
        all += (i > 0 ? between : '') + (v === undefined || v === null ? '' : text(v))
        if (all.length > 1000000) throw 'The text would be too long'
      }
      return all
    },
  }
  const prims = (a) => {
    for (let i = 0; i < a.length; i++) prim(a[i])
    return a
  }
  const reals = (o, a) => {
    if (isObject(o)) real(o)
    for (let i = 0; i < a.length; i++) if (isObject(a[i])) real(a[i])
  }
  // How a method is called: with primitive values, or with any that are no proxies.
  const on = (type) => (f) => (o, a) => {
    if (typeof o !== type) throw 'This is not a ' + type
    return apply(f, o, prims(a))
  }
  const withPrims = (f) => (o, a) => {
    reals(o, prims(a))
    return apply(f, o, a)
  }
  const withAny = (f) => (o, a) => {
    reals(o, a)
    return apply(f, o, a)
  }
  const ofTexts = (name) => (f) => (o, a) => {
    if (typeof o !== 'string') throw 'This is not a string'
    const grows = name === 'repeat' || name === 'padStart' || name === 'padEnd'
    if (grows && (typeof prim(arg(a, 0)) === 'string' || !(arg(a, 0) * (name === 'repeat' ? o.length : 1) <= 1000000))) throw 'The text would be too long'
    return apply(f, o, prims(a))
  }
  const ownKey = (o, k) => {
    if (o === null || o === undefined) throw 'There is no object'
    return own(isObject(o) ? real(o) : o, key(k))
  }
  const ofDates = (name) => name === 'toISOString' || name === 'getTime' || name === 'getTimezoneOffset' || (name.length > 3 && apply(cut, name, [0, 3]) === 'get')
  // Where a method of this name is the engine's own, and how it is called there.
  const places = (name) => {
    const list = { __proto__: null, length: 0 }
    const add = (o, how) => {
      if (o === undefined || o === null || !own(o, name)) return
      const d = descriptor(o, name), f = own(d, 'value') ? d.value : undefined
      if (native(f, name)) list[list.length++] = { f, run: how(f) }
    }
    if (ofDates(name)) add(D, withPrims)
    else if (name === 'now') add(Date, withPrims)
    else if (name === 'keys') add(Object, withAny)
    else if (name === 'hasOwn') add(Object, () => (o, a) => ownKey(arg(a, 0), arg(a, 1)))
    else if (name === 'hasOwnProperty') add(O, () => (o, a) => ownKey(o, arg(a, 0)))
    else if (name === 'is') add(Object, withAny)
    else if (name === 'isArray') add(Array, withAny)
    else if (name === 'isView') add(ArrayBuffer, withAny)
    else if (name === 'get' || name === 'has') {
      add(M, withAny)
      add(WeakMap.prototype, withAny)
      if (name === 'has') {
        add(Set.prototype, withAny)
        add(WeakSet.prototype, withAny)
      }
    } else {
      if (ofArrays[name] !== undefined) add(A, () => ofArrays[name])
      if (name === 'includes' || name === 'indexOf' || name === 'lastIndexOf' || name === 'at' || name === 'join') add(T, withPrims)
      add(S, ofTexts(name))
      add(N, on('number'))
      add(B, on('bigint'))
      if (name === 'toString' || name === 'valueOf') {
        add(Boolean.prototype, on('boolean'))
        add(Symbol.prototype, on('symbol'))
      }
      if (name === 'valueOf') add(D, withPrims)
      add(Number, withPrims)
      add(Math, withPrims)
    }
    return list
  }
  const known = { __proto__: null }
  const placesOf = (name) => known[name] === undefined ? (known[name] = places(name)) : known[name]
  const call = (o, k, a) => {
    const f = get(o, k)
    if (typeof f !== 'function') throw named(k) + ' is not a function'
    const list = eager ? known[k] : placesOf(k)
    for (let i = 0; i < list.length; i++) if (list[i].f === f) return list[i].run(o, a)
    throw named(k) + " could run the program's code here, and is not called"
  }
  // Computed here: whose they are tells only whether the program means these.
  const plain = { __proto__: null, String, Number, Boolean, parseInt, parseFloat, isNaN, isFinite }
  const toInt = take(Number, 'parseInt'), finite = take(Number, 'isFinite')
  const numberOf = (x) => typeof prim(x) === 'bigint' ? toNumber(x + '') : +x
  const fn = (k, f, a) => {
    if (f !== plain[k]) throw named(k) + " is not JavaScript's own here, and is not called"
    const x = arg(a, 0)
    if (k === 'Boolean') return !!x
    if (k === 'String') return a.length === 0 ? '' : text(x)
    if (k === 'Number') return a.length === 0 ? 0 : numberOf(x)
    if (k === 'parseInt') return toInt(prim(x), prim(arg(a, 1)))
    if (k === 'parseFloat') return toNumber(prim(x))
    const n = +prim(x)
    return k === 'isNaN' ? n !== n : finite(n)
  }
  if (eager) {
    isOwnGetter(undefined)
    const names = ${JSON.stringify(engineMethods)}
    for (let i = 0; i < names.length; i++) placesOf(names[i])
  }
`
