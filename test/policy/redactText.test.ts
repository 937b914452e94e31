import fc from 'fast-check'
import t from 'tap'
import { Redactor, redactVariable } from '../../src/policy/redactor.ts'
import { secret, shapes } from '../support/secrets.ts'

const standard = new Redactor({ level: 'standard', names: [], types: [] })
const strict = new Redactor({ level: 'strict', names: [], types: [] })

void t.test('names: written in any way, and not what only resembles them', async (t) => {
  const secretNames =
    "password Password PASSWORD user_password userPassword passwd db-passwd pwd DB_PWD passphrase secret client_secret api_key apiKey API-KEY x_api_key token csrf_token accessToken auth_token authorization Authorization Cookie set-cookie session_id sessionId JSESSIONID private_key credentials credential dsn SENTRY_DSN connection_string aws_secret_access_key pin cvv ssn otp pass pw pass_word _M__password 'password' \"token\" [secret] b'authorization' jwt"
  for (const name of secretNames.split(' ')) t.ok(standard.names.has(name), name)
  for (const name of 'name tokenizer token_count tokens author passenger compass spin opinion pinned classname key keys keyboard monkey value session mission index path passes description 0 17 len()'.split(
    ' ',
  ))
    t.notOk(standard.names.has(name), name)
  t.ok(new Redactor({ level: 'standard', names: ['Pet_Name'], types: [] }).names.has('myPetname'))
  for (const name of ['petName', 'pet_name', 'pet-name']) {
    const own = new Redactor({ level: 'standard', names: [name], types: [] })
    for (const text of ['pet_name=rex-1', 'petName: rex-1', "{'PET-NAME': 'rex-1'}"]) {
      t.notOk(own.text(text).text.includes('rex-1'), `${name}: ${text}`)
    }
  }
  t.ok(standard.names.has(`${'x'.repeat(10_000)}_password`))
})

void t.test('shapes are hidden in the midst of a text, whatever it is called', async (t) => {
  for (const [kind, value] of Object.entries(shapes)) {
    for (const text of [value, `before ${value} after`, `'${value}'`, `["${value}", 1]`, `id 12 ${value}, ok`]) {
      const shown = standard.text(text)
      t.notOk(shown.text.includes(value), `${kind} in ${text}`)
      t.ok(shown.rule, kind)
    }
  }
  const parts = [
    ['Authorization: Bearer abc123def', 'abc123def'],
    ['curl -H "authorization: Basic dXNlcjpwYXNz"', 'dXNlcjpwYXNz'],
    ['postgres://app:s3cr/t@db/x', 's3cr'],
    ['redis://:pw-1234@cache:6379', 'pw-1234'],
    ['https://u:p@ss@host/x', 'ss@'],
    ['https://hooks.slack.com/services/T000/B000/XXXXYYYY', 'XXXXYYYY'],
  ] as const
  for (const [text, part] of parts)
    t.notOk(standard.text(text).text.includes(part), `${text} -> ${standard.text(text).text}`)
  t.match(standard.text('postgres://app:pw1@db/x').text, 'postgres://app:•••@db/x')
})

void t.test('what is harmless stays as it is', async (t) => {
  const texts = [
    '1764012345678',
    '4111111111111112',
    '3.141592653589793238',
    '12:30:45',
    'basic authentication failed',
    'a@b',
    '/usr/lib/python3/dist-packages/x.py',
    'http://127.0.0.1:5678/path',
    '<__main__.Order object at 0x7f3a5c0b2d90>',
    '0x4111111111111111aa',
    'ordinary text with: colons = and equals',
    "{'name': 'Ann', 'total': 12}",
    'eyJust a word',
    'task-runner-is-a-name-here',
    '550e8400-e29b-41d4-a716-446655440000',
  ]
  for (const text of texts) t.same(standard.text(text), { text })
  t.same(strict.text('550e8400-e29b-41d4-a716-446655440000'), { text: '550e8400-e29b-41d4-a716-446655440000' })
})

void t.test('strict hides what looks random, and by type', async (t) => {
  const random = 'q7Xk2Lw9Vb4Nz8Rt3Yp6Hd1'
  t.notOk(standard.text(random).rule)
  t.ok(strict.text(random).rule)
  t.ok(strict.text('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b').rule)
  t.equal(strict.ruleFor('x', 'pydantic.types.SecretStr'), 'type')
  t.equal(standard.ruleFor('x', 'SecretStr'), undefined)
  t.equal(new Redactor({ level: 'standard', names: [], types: ['Iban'] }).ruleFor('x', 'bank.Iban'), 'type')
})

void t.test('values behind a secret name are hidden in any text', async (t) => {
  const s = secret
  const texts = [
    `password=${s}`,
    `password = '${s}'`,
    `{'password': '${s}', 'user': 'bob'}`,
    `{"password":"${s}"}`,
    `{\\"password\\": \\"${s}\\"}`,
    `{\\\\\\"password\\\\\\": \\\\\\"${s}\\\\\\"}`,
    `f(user='bob', password='${s}')`,
    `User(name='bob', api_key=b'${s}')`,
    `map[password:${s} user:bob]`,
    `Map(1) {'password' => '${s}'}`,
    `{'password': '${s}`,
    `password: ${s}`,
    `The password is: ${s}`,
    `user password: ${s}`,
    `--password ${s}`,
    `--password=${s}`,
    `['run', '--password', '${s}']`,
    `[(b'authorization', b'${s}'), (b'a', b'b')]`,
    `[('cookie', '${s}')]`,
    `[\n    [\n        "cookie",\n        "${s}"\n    ]\n]`,
    `{'credentials': {'user': 'x', 'key2': '${s}'}}`,
    `secrets=['a', '${s}']`,
    `SecretStr(secret='${s}')`,
    `password=Wrapper('${s}')`,
    `Cookie: a=1; b="x"; c=${s}`,
    `{'Cookie': 'a=1; b=${s}'}`,
    `Authorization: Digest a, b=${s}`,
    `url?token=${s}&x=1`,
    `PASSWORD:${s}`,
    `pass_word="${s}"`,
    `api-key => ${s}`,
    `2fa_token=${s}`,
    `${'long'.repeat(100)}_password=${s}`,
    `d["password"] = '${s}'`,
    `password='a\\'${s}'`,
    `password="""\n${s}"""`,
    `a=1\npassword=${s}\nb=2`,
  ]
  for (const text of texts) {
    const shown = standard.text(text)
    t.notOk(shown.text.includes(s), `${text} -> ${shown.text}`)
    t.equal(shown.rule, 'name')
  }
  t.equal(standard.text(`{'password': '${s}', 'user': 'bob'}`).text, `{'password': •••, 'user': 'bob'}`)
  t.equal(standard.text(`f(user='bob', password='${s}', n=1)`).text, `f(user='bob', password=•••, n=1)`)
  t.equal(standard.text(`a=1\npassword=${s}\nb=2`).text, 'a=1\npassword=•••\nb=2')
  t.same(
    standard.text("['username', 'password', 'email']"),
    { text: "['username', 'password', 'email']" },
    'a list of names',
  )
})

void t.test("behind a secret name Go's values are hidden to their end", async (t) => {
  const values = ['"a b"', '*"a b"', '**"a b"', '{V: "a b", W: 2}', '*{V: "a b", W: 2}', 'main.Key{V: "a b"}']
  values.push(
    '*main.Key{V: "a b", W: *{X: 1}}',
    '[1,2]',
    '*[1,2]',
    '[]uint8[1,2]',
    '[2]string["a b","c"]',
    '["a b","c"]',
  )
  values.push(
    'map[string]string["k": "a b", "l": "c"]',
    '(*main.Key)(0xc000012345)',
    '0xc000012345',
    '*1234',
    '[][]int[[1],[2]]',
  )
  values.push('map[string]interface {}["k": "a b"]', '[]interface {}["a b", 2]', '*[]struct { A int }[{A: 5}]')
  for (const value of values) {
    const shown = standard.text(`main.Row {Name: "first", Password: ${value}, Count: 3}`)
    t.equal(shown.text, 'main.Row {Name: "first", Password: •••, Count: 3}', value)
    t.equal(standard.text(`map[string]T ["password": ${value}, "a": 1]`).text, 'map[string]T ["password": •••, "a": 1]')
  }
})

void t.test('a variable: hidden whole by name, in part by shape, and its own name too', async (t) => {
  const whole = redactVariable(
    {
      name: 'password',
      value: `'${secret}'`,
      type: 'str',
      variablesReference: 9,
      memoryReference: '0x1',
      namedVariables: 3,
    },
    standard,
  )
  t.same(whole, { name: 'password', value: '••• (redacted: name)', variablesReference: 0 })
  const part = redactVariable(
    { name: 'note', value: `'card ${shapes['visa']}'`, type: 'str', variablesReference: 0 },
    standard,
  )
  t.match(part, { value: "'card •••' (redacted: card)", type: 'str' })
  const key = redactVariable(
    { name: `'${shapes['jwt']}'`, value: '1', evaluateName: `d['${shapes['jwt']}']`, variablesReference: 4 },
    standard,
  )
  t.same(key, { name: "'•••'", value: '1', variablesReference: 4 })
  const plain = { name: 'a', value: '1', variablesReference: 0 }
  t.equal(redactVariable(plain, standard), plain)
  t.equal(standard.text(`password=${secret}`).text, 'password=•••')
})

void t.test('a planted secret never comes out, wherever it is planted (property)', async (t) => {
  const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,8}$/)
  const filler = fc.stringMatching(/^[a-z ,.]{0,20}$/)
  const planted = fc.stringMatching(/^[A-Z][a-z]{4}[0-9]{4}[A-Z]{4}x$/)
  const secretName = fc.constantFrom(
    'password',
    'dbPassword',
    'API_KEY',
    'auth-token',
    'client_secret',
    'Authorization',
    'session_id',
  )
  const assign = fc.constantFrom<(n: string, v: string) => string>(
    (n, v) => `${n}=${v}`,
    (n, v) => `${n}: ${v}`,
    (n, v) => `{'${n}': '${v}'}`,
    (n, v) => `{"${n}": "${v}"}`,
    (n, v) => `f(a=1, ${n.replace(/-/g, '_')}='${v}', b=2)`,
    (n, v) => `('${n}', '${v}')`,
    (n, v) => `'${n}' => '${v}'`,
  )
  fc.assert(
    fc.property(filler, secretName, assign, planted, filler, (before, name, form, value, after) => {
      const shown = standard.text(`${before} ${form(name, value)} ${after}`).text
      return !shown.includes(value)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(filler, fc.constantFrom(...Object.values(shapes)), filler, word, (before, value, after, name) => {
      const shown = redactVariable({ name, value: `'${before} ${value} ${after}'`, variablesReference: 0 }, standard)
      return !JSON.stringify(shown).includes(value)
    }),
    { numRuns: 500 },
  )
  const tree: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.constant(`{'password': 'PLANTED', 'n': 1}`),
      fc.tuple(word, tie('node')).map(([key, value]) => `{'${key}': ${value}}`),
      fc.array(tie('node'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      fc.constant(`User(token='PLANTED')`),
    ),
  })).node
  fc.assert(
    fc.property(
      tree,
      fc.nat(200),
      (text, cut) => !standard.text(text.slice(0, text.length - (cut % (text.length + 1)))).text.includes('PLANTED'),
    ),
    { numRuns: 500 },
  )
  t.pass('no counter-example')
})

void t.test('texts of the program cannot make it slow', async (t) => {
  const hostile = [
    'a'.repeat(200_000),
    'a.'.repeat(100_000),
    '1 '.repeat(100_000),
    '1'.repeat(200_000),
    'password='.repeat(20_000),
    '://'.repeat(60_000),
    'a@'.repeat(100_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(5_000),
    "password='".repeat(10_000),
    'eyJ'.repeat(60_000),
    '(b"password", '.repeat(10_000),
    '{"password":['.repeat(10_000),
    '\\'.repeat(200_000) + 'password="',
    'Bearer '.repeat(30_000),
    '--password '.repeat(20_000),
  ]
  for (const text of hostile) {
    const began = performance.now()
    strict.text(text)
    const ms = performance.now() - began
    // Not a measurement: quadratic work on these would take minutes.
    t.ok(ms < 20_000, `${text.slice(0, 20)}… took ${Math.round(ms)} ms`)
  }
})
