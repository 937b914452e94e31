/** Configurations that are right, and ones that are wrong in their form: the loader and the JSON schema must agree. */
export const good: Readonly<Record<string, string>> = {
  empty: '',
  'only a comment': '# nothing yet\n',
  'the one of the design': `
listen: { tcp: 127.0.0.1:4711, unix: \${XDG_RUNTIME_DIR}/breakwater.sock }
policies:
  production: { mode: observe, session: 30m, idle: 10m, breakpoints: { rate: 1/s, maxHits: 100, sample: 1% }, redact: strict }
  staging:    { mode: inspect, pauseMax: 60s }
targets:
  orders-api: { backend: debugpy, at: 127.0.0.1:5678, ssh: deploy@prod-1, policy: production, paths: { /app: . } }
  checkout:   { backend: debugpy, at: 5679, via: [docker, exec, -i, checkout], policy: staging }
audit: { file: /var/log/breakwater/audit.jsonl }
`,
  'every key': `
listen: { tcp: "[::1]:4711", unix: off, origins: [https://debug.example.org] }
auth: { tokens: [{ name: me, env: BREAKWATER_TOKEN }] }
adHoc: true
policies:
  dev:
    mode: control
    session: 8h
    idle: 1h30m
    pauseMax: off
    connect: 500ms
    request: 9s
    evaluate: 2.5s
    warn: [10m, 5m, 30s]
    limits: { frames: 10, children: 20, depth: 3, stringLength: 64KiB, reply: 8MiB, output: 100/s, breakpoints: 5, sessions: 1 }
    redact: { level: standard, names: [iban], types: [Wallet] }
    breakpoints: { rate: 30/m, maxHits: 10, sample: 0.5 }
targets:
  a: { backend: debugpy, at: /run/debug.sock }
  b: { backend: debugpy, listen: 127.0.0.1:0, ssh: prod-1:2222, lease: 30s, options: { justMyCode: false, django: true } }
  c: { backend: debugpy, command: [nc, -U, /run/debug.sock], policy: dev, paths: { /app: /home/me/app, /lib: "~/lib" } }
  d: { backend: node, at: 9229, ssh: prod-1, start: { pidFile: /run/orders.pid } }
  e: { backend: node, at: 9230, via: [docker, exec, -i, checkout], start: { pid: 1 }, options: { maps: [maps, "~/maps", /srv/maps] } }
  f: { backend: node, command: [nc, -U, /run/debug.sock], start: [docker, kill, -s, USR1, checkout] }
  g:
    backend: node
    at: 9231
    start: { process: node /app/server.js }
    options:
      skipFiles: ["<node_internals>/**", "**/node_modules/**"]
      smartStep: false
      sourceMaps: true
      sourceMapPathOverrides: { "webpack:///./*": "/app/*" }
      resolveSourceMapLocations: null
      root: /app
      asyncStacks: 32
      workers: false
      reconnect: 30s
  h:
    backend: delve
    at: 2345
    ssh: deploy@prod-1
    start: { process: /srv/shop/shop, dlv: /opt/go/bin/dlv }
    paths: { /build: . }
    options:
      goroutines: 200
      hideSystemGoroutines: true
      goroutineFilters: -with userloc shop -without running -chan 0xc000012345
      showPprofLabels: ["*"]
      showGlobalVariables: true
      showRegisters: true
  i: { backend: delve, at: 2346, via: [docker, exec, -i, shop], start: { pid: 1 } }
  j: { backend: delve, at: 2347, start: [systemctl, start, dlv@shop] }
audit: { stdout: true }
log: { level: debug }
sessions: 10
`,
  'variables in every kind of value': `
listen: { tcp: \${WHERE:-127.0.0.1:4711}, unix: off }
adHoc: \${ADHOC:-true}
sessions: \${MANY:-12}
policies: { p: { mode: \${MODE:-inspect}, session: \${TIME:-5m} } }
`,
  'an alias': `
targets:
  a: &a { backend: debugpy, at: 1234 }
  b: *a
`,
}

export const bad: Readonly<Record<string, string>> = {
  'unknown key': 'listne: {}\n',
  'unknown key below': 'policies: { p: { mode: inspect, pausemax: 5s } }\n',
  'unknown option': 'targets: { t: { backend: debugpy, at: 1, options: { justMycode: true } } }\n',
  'wrong type of an option': 'targets: { t: { backend: debugpy, at: 1, options: { justMyCode: 1 } } }\n',
  'an option of another debugger': 'targets: { t: { backend: node, at: 1, options: { justMyCode: true } } }\n',
  'a folder that is no list': 'targets: { t: { backend: node, at: 1, options: { maps: maps } } }\n',
  'no number of frames': 'targets: { t: { backend: node, at: 1, options: { asyncStacks: all } } }\n',
  'filters that Delve has not':
    'targets: { t: { backend: delve, at: 1, options: { goroutineFilters: -group curloc } } }\n',
  'a filter without its text':
    'targets: { t: { backend: delve, at: 1, options: { goroutineFilters: -with curloc -with user } } }\n',
  'a label that is no list': 'targets: { t: { backend: delve, at: 1, options: { showPprofLabels: job } } }\n',
  'too many goroutines': 'targets: { t: { backend: delve, at: 1, options: { goroutines: 1000000 } } }\n',
  "an option of vscode-go's that is none":
    'targets: { t: { backend: delve, at: 1, options: { hideSystemGoroutine: true } } }\n',
  'overrides as a list': 'targets: { t: { backend: node, at: 1, options: { sourceMapPathOverrides: [a] } } }\n',
  'a start that is text': 'targets: { t: { backend: node, at: 1, start: kill -USR1 1 } }\n',
  'a start of two ways': 'targets: { t: { backend: node, at: 1, start: { pid: 1, process: x } } }\n',
  'a start with another key': 'targets: { t: { backend: node, at: 1, start: { pidfile: /run/x } } }\n',
  'a start of no process': 'targets: { t: { backend: node, at: 1, start: {} } }\n',
  'a list for a map': 'targets: [a, b]\n',
  'text for a map': 'listen: 4711\n',
  'nothing where a map belongs': 'targets:\n  a:\n',
  'no unit': 'policies: { p: { session: 30 } }\n',
  'wrong unit': 'policies: { p: { session: 30 min } }\n',
  'wrong size': 'policies: { p: { limits: { reply: 8 megs } } }\n',
  'wrong rate': 'policies: { p: { breakpoints: { rate: 5 } } }\n',
  'wrong share': 'policies: { p: { breakpoints: { sample: 1 percent } } }\n',
  'fraction for a count': 'sessions: 1.5\n',
  'below the least': 'policies: { p: { limits: { frames: 0 } } }\n',
  'unknown mode': 'policies: { p: { mode: readonly } }\n',
  'backend of a later version': 'targets: { t: { backend: jdwp, at: 5005 } }\n',
  'unknown backend': 'targets: { t: { backend: debugpi, at: 5678 } }\n',
  'the name that others use': 'targets: { t: { backend: pwa-node, at: 9229 } }\n',
  'the name of the language': 'targets: { t: { backend: go, at: 2345 } }\n',
  'no backend': 'targets: { t: { at: 5678 } }\n',
  'port too large for a number': 'targets: { t: { backend: debugpy, at: 70000 } }\n',
  'an address that is none': 'targets: { t: { backend: debugpy, at: "nowhere" } }\n',
  'no place': 'targets: { t: { backend: debugpy } }\n',
  'two places': 'targets: { t: { backend: debugpy, at: 1, listen: 127.0.0.1:2 } }\n',
  'two ways': 'targets: { t: { backend: debugpy, at: 1, ssh: a, via: [b] } }\n',
  'an empty command': 'targets: { t: { backend: debugpy, command: [] } }\n',
  'an option for ssh': 'targets: { t: { backend: debugpy, at: 1, ssh: -oProxyCommand=x } }\n',
  'a name with a space': 'targets: { "a b": { backend: debugpy, at: 1 } }\n',
  'a token in the file': 'auth: { tokens: [{ name: me, token: correct-horse-battery }] }\n',
  'a token from nowhere': 'auth: { tokens: [{ name: me }] }\n',
  'a token from two places': 'auth: { tokens: [{ name: me, file: /a, env: B }] }\n',
  'no tokens': 'auth: { tokens: [] }\n',
  'two audits': 'audit: { file: /a, stdout: true }\n',
  'unknown level': 'log: { level: verbose }\n',
  'yes is no boolean': 'adHoc: yes\n',
}
