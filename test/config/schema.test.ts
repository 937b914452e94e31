import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { parse } from 'yaml'
import { configJsonSchema } from '../../src/config/jsonSchema.ts'
import { ConfigError, parseConfig } from '../../src/config/load.ts'
import { bad, good } from './examples.ts'

const env = { XDG_RUNTIME_DIR: '/run/user/7', BREAKWATER_TOKEN: 'correct-horse-battery' }
const around = { env, homedir: '/home/me', cwd: '/work', uid: 7 }

function accepts(text: string): Promise<true | string> {
  return parseConfig('/etc/config.yaml', text, around).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof ConfigError)) throw error
      return error.message
    },
  )
}

/** As an editor reads it: it knows nothing of our variables, so the flow map that YAML refuses is quoted first. */
function plain(text: string): unknown {
  return parse(text.replace(/(?<=: )\$\{[^}]*\}[^,}\s]*/g, (value) => `"${value}"`)) ?? {}
}

void t.test('the loader and the JSON schema take and refuse the same', async (t) => {
  const validate = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }).compile(configJsonSchema())
  for (const [name, text] of Object.entries(good)) {
    t.equal(await accepts(text), true, `the loader takes: ${name}`)
    t.equal(validate(plain(text)) || JSON.stringify(validate.errors), true, `the schema takes: ${name}`)
  }
  for (const [name, text] of Object.entries(bad)) {
    t.type(await accepts(text), 'string', `the loader refuses: ${name}`)
    t.equal(validate(plain(text)), false, `the schema refuses: ${name}`)
  }
})

void t.test('the schema describes its keys for an editor', (t) => {
  const schema = configJsonSchema() as {
    properties: Record<string, { properties?: Record<string, { description?: string }> }>
  }
  t.strictSame(Object.keys(schema.properties), [
    'listen',
    'auth',
    'adHoc',
    'policies',
    'targets',
    'audit',
    'log',
    'sessions',
  ])
  t.match(schema.properties['listen']?.properties?.['tcp']?.description, /127\.0\.0\.1:4711/)
  t.end()
})
