import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const script = fileURLToPath(new URL('try.sh', import.meta.url))
const withinMs = 20 * 60_000

t.setTimeout(withinMs)

void t.test('the image does what the README says', { timeout: withinMs }, async (t) => {
  // The script ends what it started when it is told to, but not when it is killed.
  const child = spawn('bash', [script], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGTERM'))
  const lines: string[] = []
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) lines.push(line)
  })()
  const complaining = (async () => {
    for await (const line of createInterface({ input: child.stderr })) t.comment(line)
  })()
  const [code] = (await once(child, 'exit')) as [number | null]
  await Promise.all([reading, complaining])
  for (const line of lines) {
    const [, no, name] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? []
    if (name === undefined) t.comment(line)
    else t.ok(no === undefined, name)
  }
  t.equal(code, 0, 'try.sh exits with 0')
  t.match(lines.at(-1), /^1\.\.\d+$/, 'it came to its end')
})
