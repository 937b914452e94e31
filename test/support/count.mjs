// Counts the assertions in tap's raw result and prints the closing line that CI reads; exits as tap did, or with 1 when
// the result says what the exit code does not: a failure, no test at all, or an output that was cut off.
import { createReadStream } from 'node:fs'
import { Parser } from 'tap-parser'

const [file, status] = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0

function watch(parser) {
  let children = 0
  parser.on('child', (child) => {
    children++
    watch(child)
  })
  parser.on('assert', ({ ok, skip, todo, name }) => {
    // The line that closes a subtest repeats its children; a failing one without failing children still counts.
    const closesChild = children > 0
    children = 0
    if (skip || todo) skipped++
    else if (!ok && !(closesChild && failed > 0)) {
      failed++
      console.log(`not ok: ${name}`)
    } else if (ok && !closesChild) passed++
  })
}

const parser = new Parser()
watch(parser)
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
