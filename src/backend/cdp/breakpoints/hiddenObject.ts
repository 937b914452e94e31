/** What a line costs beside its characters: the frame around it. */
export const lineCost = 100
/** The characters of log lines that may be on their way: what the program's inspector keeps when the link is slow. */
export const creditMax = 1_000_000

/**
 * The one object of ours that conditions reach in the program, `(define, name) => void`. It calls nothing of the
 * program's and nothing that the program could have replaced: `define` is the engine's own `Object.defineProperty`, the
 * binding of that name is V8's, and the rest is operators on numbers and strings.
 *
 * `c` counts a hit, `l` sends a log line and `a` acknowledges those that have come: beyond the credit lines are left out
 * and counted, so that a hot loop over a slow link does not grow the program's memory. `f` is true once for each file. `e` holds an
 * exception while the condition of its filter is asked for.
 */
export const hiddenSource = `function (define, name) {
  const send = globalThis[name]
  const counts = { __proto__: null }, files = { __proto__: null }
  let credit = ${creditMax}, leftOut = 0
  const own = {
    __proto__: null,
    c(id) { return counts[id] = (counts[id] === undefined ? 0 : counts[id]) + 1 },
    l(id, text) {
      const cost = text.length + ${lineCost}
      if (cost > credit) { leftOut += 1; return false }
      credit -= cost
      send(id + ' ' + text)
      return false
    },
    a(cost) {
      credit += cost
      const count = leftOut
      leftOut = 0
      return count
    },
    f(file) {
      if (files[file] !== undefined) return false
      return files[file] = true
    },
    e: undefined,
  }
  define(globalThis, name, { __proto__: null, value: own, configurable: true, enumerable: false, writable: false })
}`

/**
 * The engine's own `Object.defineProperty`, to be asked for under `throwOnSideEffect`. `class extends f {}` fails for
 * it with a message in which V8 quotes its text, which no function of the program can imitate.
 */
export const defineSource = `(() => {
  const f = Object.defineProperty
  try { class Never extends f {} } catch (e) {
    if (e.message === 'Class extends value function defineProperty() { [native code] } is not a constructor or null') return f
  }
  return undefined
})()`
