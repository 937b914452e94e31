import t from 'tap'
import fc from 'fast-check'
import type { AnyCall, AnyEvent } from '../../src/dap/call.ts'
import { commands, type Command } from '../../src/dap/protocol.ts'
import { checkArguments, isCommand } from '../../src/session/arguments.ts'
import { Handles } from '../../src/session/handles.ts'
import { clientMappings, Sources } from '../../src/session/sources.ts'
import { State, type Phase } from '../../src/session/state.ts'
import { absolutePaths, targetRequest } from '../../src/session/target.ts'
import { bodyToClient, eventToClient, toBackend } from '../../src/session/translate.ts'

void t.test('handles: the same id within a stop, never the same one after it', (t) => {
  const handles = new Handles()
  const frame = handles.toClient('frame', 2, 1)
  t.equal(handles.toClient('frame', 2, 1), frame)
  t.not(handles.toClient('value', 2, 1), frame, 'frames and values are not mixed up')
  t.match(handles.toBackend('frame', frame), { backendId: 2, thread: 1 })
  t.throws(() => handles.toBackend('value', frame), { code: 'staleHandle' })
  const other = handles.toClient('frame', 2, 7)
  const lasting = handles.toClient('value', 5, undefined)
  handles.resumed(1)
  t.throws(() => handles.toBackend('frame', frame), { code: 'staleHandle' })
  t.equal(handles.toBackend('frame', other).thread, 7, 'another thread is still stopped')
  const again = handles.toClient('frame', 2, 1)
  t.ok(again > other, 'the counter goes on')
  handles.resumed(undefined)
  t.throws(() => handles.toBackend('frame', other), { code: 'staleHandle' })
  t.equal(handles.toBackend('value', lasting).backendId, 5, 'what no stop made outlives stops')
  t.throws(() => handles.toBackend('value', 99_999), { code: 'staleHandle' })
  t.equal(handles.size, 1, 'nothing is kept of what has ended')
  t.end()
})

void t.test('path mapping', (t) => {
  const sources = new Sources([
    { remote: '/app', local: '/home/me/shop' },
    { remote: '/app/lib', local: '/home/me/lib/' },
    { remote: '/usr/lib/python3', local: '/opt/python' },
  ])
  for (const [remote, local] of [
    ['/app/main.py', '/home/me/shop/main.py'],
    ['/app/lib/a.py', '/home/me/lib/a.py'],
    ['/app', '/home/me/shop'],
    ['/apple/a.py', '/apple/a.py'],
    ['/usr/lib/python3/os.py', '/opt/python/os.py'],
  ] as const) {
    t.equal(sources.toLocal(remote), local)
    t.equal(sources.toRemote(local), remote)
  }
  const windows = new Sources([{ remote: '/app', local: 'C:\\Users\\me\\shop' }])
  t.equal(windows.toRemote('c:\\users\\ME\\shop\\src\\a.py'), '/app/src/a.py')
  t.equal(windows.toRemote('C:/Users/me/shop/a.py'), '/app/a.py')
  t.equal(windows.toRemote('C:\\Users\\me\\shopping\\a.py'), 'C:\\Users\\me\\shopping\\a.py')
  t.equal(windows.toLocal('/app/src/a.py'), 'C:\\Users\\me\\shop\\src\\a.py')
  const root = new Sources([{ remote: '/', local: '/mnt/box' }])
  t.equal(root.toRemote('/mnt/box/etc/a.py'), '/etc/a.py')
  t.equal(root.toLocal('/etc/a.py'), '/mnt/box/etc/a.py')
  t.end()
})

void t.test('path mapping there and back, for any paths', (t) => {
  const part = fc.stringMatching(/^[a-z.]{1,4}$/)
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(path, path, path, (remote, local, below) => {
      const sources = new Sources([{ remote, local }])
      return sources.toRemote(sources.toLocal(remote + below)) === remote + below
    }),
  )
  t.end()
})

void t.test('mappings and roots that clients write', (t) => {
  const pathMappings = [{ localRoot: '/a', remoteRoot: '/b' }, { localRoot: 1 }, null, 'x']
  t.same(clientMappings({ pathMappings, localRoot: '/c', remoteRoot: '/d' }), [
    { local: '/a', remote: '/b' },
    { local: '/c', remote: '/d' },
  ])
  t.same(clientMappings({ pathMappings: 'nonsense', localRoot: '/c', remoteRoot: null }), [])
  const paths = [
    { remote: '/app', local: '.' },
    { remote: '/lib', local: '/opt/lib' },
  ]
  t.same(absolutePaths(paths, '/w', '/etc/breakwater.yaml')[0], { remote: '/app', local: '/w' })
  t.same(absolutePaths(paths, undefined, '/etc/breakwater.yaml')[0], { remote: '/app', local: '/etc' })
  t.same(absolutePaths(paths, 'C:\\w\\', undefined)[0], { remote: '/app', local: 'C:\\w\\' })
  t.same(absolutePaths([{ remote: '/app', local: './src' }], 'C:\\w', undefined)[0]?.local, 'C:\\w\\src')
  t.same(targetRequest({ target: 'shop' }), { target: 'shop', process: undefined, root: undefined })
  t.same(targetRequest({ target: { name: 'shop', process: 7, root: '/w' } }), {
    target: 'shop',
    process: 7,
    root: '/w',
  })
  t.same(targetRequest({ target: { backend: 'debugpy', at: 'x:1' } }).target, { backend: 'debugpy', at: 'x:1' })
  t.same(targetRequest({}).target, undefined)
  t.end()
})

void t.test('which commands are legal in which phase', (t) => {
  const refusals = (phase: Phase, stopped = false): string[] => {
    const state = new State()
    state.enter(phase)
    if (stopped) state.stopped(1, true)
    return commands.filter((command) => state.refusal(command) === undefined)
  }
  t.same(refusals('new'), ['cancel', 'initialize', 'disconnect'])
  t.same(refusals('initialized'), ['cancel', 'launch', 'attach', 'disconnect'])
  t.same(refusals('attaching'), ['cancel', 'disconnect'])
  t.same(refusals('ending'), ['cancel', 'disconnect'])
  const never = ['initialize', 'launch', 'attach']
  const whenStopped = ['restartFrame', 'goto', 'stackTrace', 'stepInTargets', 'gotoTargets', 'exceptionInfo']
  t.same(
    refusals('attached'),
    commands.filter((c) => ![...never, ...whenStopped, 'configurationDone'].includes(c)),
  )
  t.same(
    refusals('attached', true),
    commands.filter((c) => ![...never, 'configurationDone'].includes(c)),
  )
  t.ok(refusals('configuring').includes('configurationDone'))
  t.end()
})

void t.test('which threads are stopped', (t) => {
  const state = new State()
  state.stopped(1, false)
  state.stopped(2, false)
  t.ok(state.isThreadStopped(1))
  t.notOk(state.isThreadStopped(3))
  t.notOk(state.stoppedTogether, 'a step of one leaves the other')
  const since = state.pausedSince
  state.resumed(1)
  t.ok(state.isStopped)
  t.equal(state.pausedSince, since, 'held from the first stop on')
  state.resumed(2)
  t.notOk(state.isStopped)
  t.equal(state.pausedSince, undefined)
  state.stopped(undefined, true)
  t.ok(state.isThreadStopped(3))
  t.ok(state.stoppedTogether)
  state.resumed(undefined)
  t.notOk(state.isStopped)
  t.end()
})

void t.test('the types of arguments are checked, by name, and what clients add passes', (t) => {
  const wrong: [string, unknown][] = [
    ['setBreakpoints', {}],
    ['setBreakpoints', { source: 'x' }],
    ['setBreakpoints', { source: {}, breakpoints: [{ line: '1' }] }],
    ['setBreakpoints', { source: { path: 1 }, breakpoints: [] }],
    ['setBreakpoints', { source: {}, breakpoints: [{ line: 1, condition: {} }] }],
    ['evaluate', {}],
    ['evaluate', { expression: 1 }],
    ['evaluate', { expression: 'x', frameId: 'one' }],
    ['evaluate', { expression: 'x', frameId: 1.5 }],
    ['variables', { variablesReference: -1 }],
    ['variables', { variablesReference: 1, filter: 'all' }],
    ['variables', { variablesReference: 2 ** 31 }],
    ['next', {}],
    ['next', 'x'],
    ['next', []],
    ['attach', { token: 1 }],
    ['initialize', { linesStartAt1: 'yes' }],
    ['setFunctionBreakpoints', { breakpoints: [{}] }],
  ]
  for (const [command, args] of wrong) {
    if (!isCommand(command)) throw new Error(command)
    t.throws(() => checkArguments(command, args), { code: 'badArguments' }, `${command} ${JSON.stringify(args)}`)
  }
  t.same(checkArguments('threads', undefined), {})
  t.same(checkArguments('continue', { threadId: 1, granularity: 'line', extra: [1] }), {
    threadId: 1,
    granularity: 'line',
    extra: [1],
  })
  t.same(
    checkArguments('setBreakpoints', {
      source: { path: '/a', name: null },
      sourceModified: null,
      breakpoints: [{ line: 1, condition: null, hitCondition: null }],
    }),
    { source: { path: '/a' }, breakpoints: [{ line: 1 }] },
    'null is absent',
  )
  t.end()
})

void t.test('for any arguments: checked or refused with a DapError, never a crash', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...commands), fc.jsonValue(), (command, args) => {
      try {
        checkArguments(command, args)
        return true
      } catch (error) {
        return (error as { code?: string }).code === 'badArguments'
      }
    }),
    { numRuns: 2_000 },
  )
  t.end()
})

void t.test('ids and paths are translated there and back', (t) => {
  const handles = new Handles()
  const sources = new Sources([{ remote: '/app', local: '/home/me' }])
  const call = (command: string, args: object): AnyCall => ({ command, arguments: args }) as unknown as AnyCall
  const frames = bodyToClient(
    'stackTrace',
    { stackFrames: [{ id: 900, name: 'f', line: 1, column: 1, source: { path: '/app/a.py' } }], totalFrames: 1 },
    handles,
    sources,
    4,
  ) as { stackFrames: { id: number; source: { path: string } }[] }
  t.equal(frames.stackFrames[0]?.source.path, '/home/me/a.py')
  const id = frames.stackFrames[0]!.id
  const scopes = toBackend(call('scopes', { frameId: id }), handles, sources)
  t.match(scopes, { thread: 4, call: { arguments: { frameId: 900 } } })
  const body = bodyToClient(
    'scopes',
    { scopes: [{ name: 'Locals', variablesReference: 70 }] },
    handles,
    sources,
    4,
  ) as {
    scopes: { variablesReference: number }[]
  }
  const reference = body.scopes[0]!.variablesReference
  t.match(toBackend(call('variables', { variablesReference: reference }), handles, sources), {
    thread: 4,
    call: { arguments: { variablesReference: 70 } },
  })
  t.match(toBackend(call('setBreakpoints', { source: { path: '/home/me/b.py' } }), handles, sources).call.arguments, {
    source: { path: '/app/b.py' },
  })
  t.throws(() => toBackend(call('variables', { variablesReference: 70 }), handles, sources), { code: 'staleHandle' })
  handles.resumed(4)
  t.throws(() => toBackend(call('scopes', { frameId: id }), handles, sources), { code: 'staleHandle' })
  const mapped = { path: '/app/a.py', sourceReference: 5 }
  const unmapped = { path: '/lib/a.py', sourceReference: 6 }
  t.same(sources.sourceToLocal(mapped), { path: '/home/me/a.py' }, 'the client has it, and needs no reference')
  t.same(sources.sourceToLocal(unmapped), unmapped, 'the client has it not, and is shown the far side’s')
  for (const kind of ['', 'Function', 'Instruction', 'Data', 'Exception']) {
    const set = `set${kind}Breakpoints` as Command
    t.match(bodyToClient(set, { breakpoints: [{ id: 0, verified: true }] }, handles, sources), {
      breakpoints: [{ id: 1 }],
    })
  }
  const stackTrace = 'f()\n\t/app/a b.go:7\nat f (/app/a.js:1:2)\n  File "/app/a.py", line 3\nat /lib/x.go:9\n/app/'
  t.match(bodyToClient('exceptionInfo', { exceptionId: 'panic', details: { stackTrace } }, handles, sources), {
    details: {
      stackTrace:
        'f()\n\t/home/me/a b.go:7\nat f (/home/me/a.js:1:2)\n  File "/home/me/a.py", line 3\nat /lib/x.go:9\n/app/',
    },
  })
  const stopped = { event: 'stopped', body: { reason: 'breakpoint', hitBreakpointIds: [0] } } as AnyEvent
  t.match(eventToClient(stopped, handles, sources), { body: { hitBreakpointIds: [1] } })
  const event = eventToClient(
    { event: 'output', body: { output: 'x', source: { path: '/app/a.py' } } } as AnyEvent,
    handles,
    sources,
  )
  t.match(event.body, { source: { path: '/home/me/a.py' } })
  t.end()
})
