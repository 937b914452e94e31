// Counts the assertions in tap's raw result and prints the closing line that CI reads; exits as tap did, or with 1 when
// the result says what the exit code does not: a failure, no test at all, or an output that was cut off. What failed is
// printed with its test and its details, for a CI log is often all that there is to read.
import { createReadStream } from 'node:fs'
import { Parser } from 'tap-parser'

const [file, status] = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0

const longestLines = 40
const longestLine = 400
/** In the order that tells most; `source` and `compare` say nothing that these don't. */
const telling = ['at', 'message', 'error', 'diff', 'found', 'wanted', 'stack', 'signal', 'exitCode', 'expired']

function cut(lines, indent) {
  const kept = lines.slice(0, longestLines).map((line) => indent + line.slice(0, longestLine))
  if (lines.length > kept.length) kept.push(`${indent}(${lines.length - kept.length} more lines)`)
  return kept
}

function place({ fileName, lineNumber, columnNumber }) {
  return `${fileName}:${lineNumber}:${columnNumber}`
}

function details(diag = {}) {
  // A diff shows both already.
  const names = telling.filter((name) => diag[name] != null && !(diag.diff && ['found', 'wanted'].includes(name)))
  return names.flatMap((name) => {
    const value = diag[name]
    const text = name === 'at' && value.fileName ? place(value) : value
    const lines = (typeof text === 'string' ? text : JSON.stringify(text, null, 1)).trimEnd().split('\n')
    return lines.length === 1 ? cut([`${name}: ${lines[0]}`], '    ') : [`    ${name}:`, ...cut(lines, '      ')]
  })
}

function watch(parser, path) {
  let failedBefore
  parser.on('child', (child) => {
    failedBefore ??= failed
    watch(child, [...path, child.name])
  })
  parser.on('assert', ({ ok, skip, todo, name, diag }) => {
    // The line that closes a subtest repeats its children; a failing one without failing children still counts.
    const closesChild = failedBefore !== undefined
    const childrenFailed = closesChild && failed > failedBefore
    failedBefore = undefined
    if (skip || todo) skipped++
    else if (!ok && !childrenFailed) {
      failed++
      console.log([`not ok: ${[...path, name].join(' > ')}`, ...details(diag || undefined)].join('\n'))
    } else if (ok && !closesChild) passed++
  })
}

const parser = new Parser()
watch(parser, [])
parser.on('complete', (results) => {
  if (results.bailout) failed++
  if (passed === 0 && failed === 0) {
    console.log('no test was run')
    failed++
  }
  if (status !== '0' && failed === 0) failed++
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  process.exitCode = failed > 0 ? 1 : 0
})
createReadStream(file)
  .on('error', () => parser.end())
  .pipe(parser)
