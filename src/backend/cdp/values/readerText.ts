/** What the reader (readerSource.ts) knows of values, and how it writes one in a line. */
export const textSource = String.raw`  const { types } = process.getBuiltinModule('util')
  const { isProxy } = types
  const { getOwnPropertyDescriptor, getPrototypeOf: protoOf, hasOwn } = Object
  const { propertyIsEnumerable } = Object.prototype
  const keysOf = Reflect.ownKeys
  const call = Reflect.apply
  // V8 writes a stack when its descriptor is asked for, with the program's prepareStackTrace (Node 20).
  const unread = { enumerable: false }
  const own = (o, k) => (k === 'stack' && hasOwn(o, k) && !call(propertyIsEnumerable, o, [k]) ? unread : getOwnPropertyDescriptor(o, k))
  const none = { missing: true }
  const objectLike = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function'
  const plain = (v) => objectLike(v) && !isProxy(v)
  const data = (o, k) => { const d = own(o, k); return d === undefined || !hasOwn(d, 'value') ? undefined : d.value }
  const found = (o, k) => {
    for (let p = o; p !== null; p = protoOf(p)) {
      if (isProxy(p)) return undefined
      const d = own(p, k)
      if (d !== undefined) return d
    }
    return undefined
  }
  const inherited = (o, k) => { const d = found(o, k); return d !== undefined && hasOwn(d, 'value') ? d.value : undefined }
  const getter = (o, k) => own(o, k).get
  const typedProto = protoOf(Uint8Array.prototype)
  const typedLength = getter(typedProto, 'length')
  const mapSize = getter(Map.prototype, 'size')
  const setSize = getter(Set.prototype, 'size')
  const escapes = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'", '\0': '\\0' }
  const quote = (text, max) => {
    const end = text.length > max ? max : text.length
    let out = "'"
    let from = 0
    for (let i = 0; i < end; i++) {
      const escaped = escapes[text[i]]
      if (escaped === undefined) continue
      out += text.slice(from, i) + escaped
      from = i + 1
    }
    return out + text.slice(from, end) + (end < text.length ? '…' : '') + "'"
  }
  const quoted = (text, max) => {
    let out = '"'
    const end = text.length > max ? max : text.length
    let from = 0
    for (let i = 0; i < end; i++) {
      const escaped = text[i] === '"' ? '\\"' : text[i] === "'" ? undefined : escapes[text[i]]
      if (escaped === undefined) continue
      out += text.slice(from, i) + escaped
      from = i + 1
    }
    return out + text.slice(from, end) + (end < text.length ? '…' : '') + '"'
  }
  const isBuffer = (v) => { const c = inherited(v, 'constructor'); return plain(c) && data(c, 'name') === 'Buffer' }
  // V8 refuses types.isTypedArray, and types.isDataView (Node 24).
  const isTyped = (v) => { try { call(typedLength, v, []); return true } catch { return false } }
  const lookup = (v) => {
    if (typeof v === 'function') return call(Function.prototype.toString, v, []).slice(0, 5) === 'class' ? 'class' : 'function'
    if (Array.isArray(v)) return 'array'
    if (ArrayBuffer.isView(v)) return !isTyped(v) ? 'dataview' : isBuffer(v) ? 'buffer' : 'typed'
    if (types.isNativeError(v)) return 'error'
    if (types.isMap(v)) return 'map'
    if (types.isSet(v)) return 'set'
    if (types.isDate(v)) return 'date'
    if (types.isRegExp(v)) return 'regexp'
    if (types.isPromise(v)) return 'promise'
    if (types.isAnyArrayBuffer(v)) return 'arraybuffer'
    if (types.isWeakMap(v) || types.isWeakSet(v)) return 'weak'
    if (types.isArgumentsObject(v)) return 'arguments'
    if (types.isBoxedPrimitive(v)) return 'boxed'
    if (types.isGeneratorObject(v)) return 'generator'
    if (types.isExternal(v)) return 'external'
    return 'object'
  }
  const kindOf = (v) => (isProxy(v) ? 'proxy' : lookup(v))
  const classOf = (v) => {
    const constructor = inherited(v, 'constructor')
    const name = plain(constructor) && typeof constructor === 'function' ? data(constructor, 'name') : undefined
    if (typeof name === 'string' && name !== '') return name.slice(0, 100)
    const tag = inherited(v, Symbol.toStringTag)
    if (typeof tag === 'string' && tag !== '') return tag.slice(0, 100)
    return protoOf(v) === null ? '[Object: null prototype]' : 'Object'
  }
  const countOf = (v, kind) => {
    if (kind === 'array') return data(v, 'length')
    if (kind === 'typed' || kind === 'buffer') return call(typedLength, v, [])
    if (kind === 'map') return call(mapSize, v, [])
    if (kind === 'set') return call(setSize, v, [])
    if (kind === 'arguments') { const n = data(v, 'length'); return typeof n === 'number' && n >= 0 && n < 1e7 ? n : 0 }
    return 0
  }
  const byteLength = (v, kind) => {
    if (kind === 'dataview') return call(getter(DataView.prototype, 'byteLength'), v, [])
    // V8 refuses the other one's getter.
    return types.isSharedArrayBuffer(v) ? '…' : call(getter(ArrayBuffer.prototype, 'byteLength'), v, [])
  }
  const nodes = 'function ErrorPrepareStackTrace(error, trace) {\n  return internalPrepareStackTrace(error, trace);'
  // Whether asking for the descriptor of a stack does not write it.
  const stackReadable = +data(process, 'version').slice(1, 3) >= 24
  const ownStack = (v) => {
    for (let p = v; p !== null; p = protoOf(p)) {
      if (isProxy(p)) return false
      const d = getOwnPropertyDescriptor(p, 'stack')
      if (d === undefined) continue
      if (d.get === undefined) return true
      const source = call(Function.prototype.toString, d.get, [])
      return source === 'function () { [native code] }' && d.get === getOwnPropertyDescriptor(new Error(), 'stack').get
    }
    return true
  }
  // What V8's own words for this error would run.
  const calm = (v) => {
    const prepare = data(Error, 'prepareStackTrace')
    if (prepare !== undefined && (!plain(prepare) || call(Function.prototype.toString, prepare, []).slice(0, nodes.length) !== nodes)) return false
    for (const k of ['name', 'message']) {
      const d = found(v, k)
      if (d !== undefined && (!hasOwn(d, 'value') || objectLike(d.value))) return false
    }
    return !stackReadable || ownStack(v)
  }
  const errorText = (v, max) => {
    const name = inherited(v, 'name')
    const message = found(v, 'message')
    const said = message === undefined ? '' : hasOwn(message, 'value') ? message.value : '(getter, not run)'
    const title = classOf(v)
    const head = typeof name === 'string' && name !== '' && name !== 'Error' ? name : title
    return typeof said === 'string' && said !== '' ? head + ': ' + said.slice(0, max) : head
  }
  const boxedValue = (v) => {
    if (types.isNumberObject(v)) return call(Number.prototype.valueOf, v, [])
    if (types.isStringObject(v)) return call(String.prototype.valueOf, v, [])
    if (types.isBooleanObject(v)) return call(Boolean.prototype.valueOf, v, [])
    if (types.isBigIntObject(v)) return call(BigInt.prototype.valueOf, v, [])
    return call(Symbol.prototype.valueOf, v, [])
  }
  const functionText = (v, kind) => {
    const name = data(v, 'name')
    const label = typeof name === 'string' ? name.slice(0, 100) : ''
    if (kind === 'class') return label === '' ? 'class' : 'class ' + label
    const isAsync = types.isAsyncFunction(v)
    return (isAsync ? 'async ' : '') + (types.isGeneratorFunction(v) ? 'ƒ* ' : 'ƒ ') + label + '()'
  }
  const primitive = (v, max) => {
    switch (typeof v) {
      case 'string': return quote(v, max)
      case 'number': return v === 0 && 1 / v < 0 ? '-0' : '' + v
      case 'bigint': { const text = '' + v; return (text.length > max ? text.slice(0, max) + '…' : text) + 'n' }
      case 'symbol': return call(Symbol.prototype.toString, v, []).slice(0, 200)
      default: return '' + v
    }
  }
  const short = (v, max) => {
    if (!objectLike(v)) return primitive(v, max)
    if (v === globalThis) return 'global'
    const kind = kindOf(v)
    const count = countOf(v, kind)
    switch (kind) {
      case 'proxy': return 'Proxy'
      case 'function': case 'class': return functionText(v, kind)
      case 'error': return errorText(v, max)
      case 'date': { const ms = call(Date.prototype.getTime, v, []); return ms === ms ? call(Date.prototype.toISOString, v, []) : 'Invalid Date' }
      // V8 refuses its own getters of a pattern and its flags in this mode.
      case 'regexp': return '/…/'
      case 'array': case 'typed': case 'buffer': case 'map': case 'set': return classOf(v) + '(' + count + ')'
      case 'arguments': return 'Arguments(' + count + ')'
      case 'arraybuffer': case 'dataview': return classOf(v) + '(' + byteLength(v, kind) + ')'
      case 'boxed': return '[' + classOf(v) + ': ' + primitive(boxedValue(v), max) + ']'
      case 'object': { const name = classOf(v); return name === 'Object' ? '{…}' : name }
      default: return classOf(v)
    }
  }
  const shortMax = 50
  const keyText = (k) => (typeof k === 'symbol' ? '[' + primitive(k, 50) + ']' : /^[A-Za-z_$][\w$]*$/.test(k) ? k.slice(0, 60) : quote(k, 60))
  const element = (v, kind, i) => {
    if (kind === 'typed' || kind === 'buffer') return primitive(v[i])
    const d = own(v, i)
    if (d === undefined) return '<empty>'
    return hasOwn(d, 'value') ? short(d.value, shortMax) : '(…)'
  }
  const list = (v, kind, count) => {
    let out = ''
    const shown = count > 8 ? 8 : count
    for (let i = 0; i < shown && out.length < 120; i++) out += (i > 0 ? ', ' : '') + element(v, kind, i)
    return out + (shown < count ? ', …' : '')
  }
  const bytesText = (v, count) => {
    let text = ''
    for (let i = 0; i < count && i < 64; i++) {
      const byte = v[i]
      if (byte < 32 && byte !== 10 && byte !== 13 && byte !== 9 || byte > 126) return ''
      text += String.fromCharCode(byte)
    }
    return count === 0 ? '' : ' ' + quote(count > 64 ? text + '…' : text, 80)
  }
  const entries = (v, kind, from, to, each) => {
    const iterator = kind === 'map' ? call(Map.prototype.entries, v, []) : call(Set.prototype.values, v, [])
    const next = iterator.next
    for (let i = 0; i < to; i++) {
      const step = call(next, iterator, [])
      if (step.done) return
      if (i >= from) each(step.value, i)
    }
  }
  const pairText = (pair) => short(pair[0], shortMax) + ' => ' + short(pair[1], shortMax)
  const properties = (v) => {
    let out = ''
    let shown = 0
    const keys = keysOf(v)
    for (const k of keys) {
      const d = own(v, k)
      if (d === undefined || !d.enumerable) continue
      if (shown === 5 || out.length > 160) return out + ', …'
      out += (shown > 0 ? ', ' : '') + keyText(k) + ': ' + (hasOwn(d, 'value') ? short(d.value, shortMax) : '(…)')
      shown += 1
    }
    return out
  }
  const full = (v, kind, max) => {
    const count = countOf(v, kind)
    switch (kind) {
      case 'array': case 'typed': case 'arguments': return short(v) + ' [' + list(v, kind, count) + ']'
      case 'buffer': return short(v) + ' [' + list(v, kind, count) + ']' + bytesText(v, count)
      case 'map': case 'set': {
        let out = ''
        entries(v, kind, 0, 5, (entry, i) => { if (out.length < 160) out += (i > 0 ? ', ' : '') + (kind === 'map' ? pairText(entry) : short(entry, shortMax)) })
        return short(v) + ' {' + out + (count > 5 ? ', …' : '') + '}'
      }
      case 'object': {
        const name = classOf(v)
        const inner = properties(v)
        return name === 'Object' ? '{' + inner + '}' : inner === '' ? name + ' {}' : name + ' {' + inner + '}'
      }
      default: return short(v, max)
    }
  }`
