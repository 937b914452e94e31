import { dapError } from '../../dap/errors.ts'
import { sleep } from '../../lib/abort.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { Ahead } from './ahead.ts'
import { DelveError, type DelveConnection } from './connection.ts'
import { FirstStop } from './firstStop.ts'
import { Foreign } from './foreign.ts'
import { FunctionCalls, notReturned } from './functionCalls.ts'
import { goVersionOf, goVersionRead } from './goVersion.ts'
import { Halts } from './halts.ts'
import type { Ask, Facts, Program } from './parts.ts'
import { callMs, loadConfig, stepGraceMs } from './quirks.ts'
import { resumeOf, type Resume } from './resume.ts'
import { endsWatch, exitIn, hasReturned, isHalt } from './states.ts'
import { Answers, ProgramStop } from './stop.ts'
import type { DebuggerCommand, DebuggerState, In, Method, Out } from './wire.ts'

/** The connections to one Delve. Of a Delve that serves a single client both are the same. */
export interface Links {
  /** Resumes, reads and changes, in their order. */
  readonly main: DelveConnection
  /** Only what Delve answers while the program runs. */
  readonly control: DelveConnection
  /** One more, for a halt that is not answered on `control`; undefined where there can be none. */
  readonly fresh: (() => Promise<DelveConnection>) | undefined
  readonly roundTripMs: number
}

export interface ProgramListener {
  /** By our resume, from now on. */
  ran(): void
  /** Somebody else has run it on from this stop; or `call`, whose function has not returned but stopped within. */
  continued(stop: ProgramStop, by?: 'call'): void
  stopped(stop: ProgramStop): void
  /** A stop that nobody saw: the program was run on over it while breakpoints were set. */
  passed(state: DebuggerState): void
  ended(how: Error | { readonly exitStatus: number }): void
}

interface Waiting {
  readonly run: () => Promise<unknown>
  readonly reject: (error: Error) => void
}

const ordinary: DebuggerCommand = { name: 'continue' }
/** Runs on to the end of a step that was interrupted, which is no halt; what it returns is told there. */
const finishing: DebuggerCommand = { ...ordinary, ReturnInfoLoadConfig: loadConfig }

/**
 * Delve has one lock: a synchronous request on a running program blocks its whole connection until the next stop. So
 * the run state is known here and nowhere asked for, and there are two connections: `main`, on which requests are
 * served in their order, and `control`, which only halts.
 *
 * Behind each resume the reads of the next stop are written ahead: they block `main` until the stop and are answered
 * then without a round trip. To change breakpoints while it runs, a halt goes out on `control`, and at the same time the
 * change and the next resume on `main`: they wait there behind the reads of the interrupted resume, whose answers
 * belong to a stop that nobody sees.
 */
export class DelveProgram implements Program {
  readonly facts: Facts
  readonly halts: Halts
  readonly #main: DelveConnection
  readonly #ahead: Ahead
  readonly #listener: ProgramListener
  readonly #log: Log
  readonly #lacking = new Set<Method>()
  readonly #known = new Map<string, Promise<unknown>>()
  #stop: ProgramStop | undefined
  #resume: Resume | undefined
  #waiting: Waiting[] = []
  #interrupting = false
  #ended = false
  #leaving = false
  readonly #calls: FunctionCalls
  readonly #first: FirstStop
  readonly #foreign: Foreign

  constructor(links: Links, facts: Facts, listener: ProgramListener, log: Log) {
    this.facts = facts
    this.#main = links.main
    this.halts = new Halts(links, log)
    this.#ahead = new Ahead(links.main)
    this.#listener = listener
    this.#log = log
    this.#calls = new FunctionCalls(links.main)
    this.#first = new FirstStop(log)
    this.#foreign = new Foreign({
      control: links.control,
      log,
      isStill: (stop) => this.#stop === stop && this.#calls.running === undefined && this.#first.gate === undefined,
      ran: (stop) => this.#ranBy(stop),
    })
    for (const link of new Set([links.main, links.control])) {
      // Without an error it was our own end.
      void link.closed.then((error) => error !== undefined && this.#end(error))
    }
  }

  readonly ask: Ask = async (method, argument) => {
    try {
      const answer = this.#main.ask(method, argument, { limitMs: callMs })
      const stop = this.facts.multiclient ? this.#stop : undefined
      return await (stop === undefined ? answer : this.#foreign.owed(stop, answer))
    } catch (error) {
      if (error instanceof DelveError && error.isUnknownMethod) this.#lacking.add(method)
      throw error
    }
  }

  get stop(): ProgramStop | undefined {
    return this.#stop
  }

  get running(): Resume | undefined {
    return this.#resume ?? this.#calls.running
  }

  lacks(method: Method): boolean {
    return this.#lacking.has(method)
  }

  /** The stop that was there when we came. */
  found(state: DebuggerState): void {
    const parts = { state, command: ordinary, pausing: false, error: undefined, answers: new Answers(), ask: this.ask }
    this.#stop = new ProgramStop(parts)
    if (this.facts.multiclient) this.#foreign.found(this.#stop)
  }

  /** Once, at a stop of ours; at the one that we found only when the user resumes: it may be about to run by itself. */
  atFirstStop(work: () => Promise<void>): void {
    this.#first.plan(work)
  }

  /** When what is done at the first stop is done: it must not find the program running. */
  get prepared(): Promise<void> {
    return this.#first.gate ?? Promise.resolve()
  }

  /** What was asked at that stop is answered at the halt. */
  #ranBy(stop: ProgramStop): void {
    this.#stop = undefined
    stop.end()
    this.adopt().catch((error: unknown) => this.#log.info({ err: error }, 'a program that others ran was not halted'))
    this.#listener.continued(stop)
    this.#serve()
  }

  /**
   * It runs by somebody else's resume, which is ended for one of ours: only then its stops are told to us. Resolves to
   * what Delve tells of a stopped program only.
   */
  async adopt(): Promise<{ readonly pid: number; readonly targetGoVersion: string | undefined }> {
    const foreign = resumeOf(ordinary)
    this.halts.halt(foreign)
    // Served when it has halted, and before the resume: `State` would not be.
    const asked = Promise.all([this.ask('ProcessPid', {}), goVersionOf(this.ask(...goVersionRead))])
    this.#run(ordinary)
    try {
      const [{ Pid: pid }, targetGoVersion] = await asked
      return { pid, targetGoVersion }
    } finally {
      this.#settle(foreign)
    }
  }

  resume(command: DebuggerCommand, goroutine?: number): void {
    const stop = this.#stop
    if (stop === undefined) throw dapError('notStopped', {})
    const switched = goroutine !== undefined && goroutine > 0 && goroutine !== stop.selected
    this.#stop = undefined
    stop.end()
    const run = (): void => {
      if (switched) this.#ask('Command', { name: 'switchGoroutine', goroutineID: goroutine })
      const isFinishing = command.name === 'continue' && stop.state.NextInProgress && !stop.pausing
      this.#run(isFinishing ? stop.command : command, command)
      this.#serve()
    }
    this.#first.begin()
    if (this.#first.gate === undefined) run()
    else void this.#first.gate.then(run)
  }

  async call(expression: string, goroutine: number, signal: AbortSignal): Promise<DebuggerState> {
    const stop = this.#stop
    if (stop === undefined) throw dapError('notStopped', {})
    stop.forget()
    await this.#first.gate
    const { state, call } = await this.#calls.run(expression, goroutine, { signal, giveUp: () => this.pause() })
    stop.forget()
    if (state.exited) {
      this.#end({ exitStatus: state.exitStatus })
      throw dapError('programEnded', {})
    }
    if (hasReturned(state)) return state
    stop.end()
    if (!this.#leaving) {
      // That is where the program stands now.
      this.#listener.continued(stop, 'call')
      this.#stopped(state, call)
    }
    throw notReturned()
  }

  /** The last resume of a session: nothing is read at its end, and its stop is nobody's. */
  runOut(): void {
    this.#leaving = true
    this.#stop?.end()
    this.#stop = undefined
    const { open } = this.#calls
    this.#calls.leave()
    this.#run(ordinary)
    for (let call = 0; call < open; call++) this.#ask('Command', ordinary)
  }

  pause(): void {
    const resume = this.running
    // One that waits for what is done at the first stop is paused once it is written.
    if (resume === undefined) return void this.#first.gate?.then(() => this.#stop ?? this.pause())
    resume.pausing = true
    this.halts.halt(resume)
  }

  interject<T>(flight: (ask: Ask) => Promise<T>): Promise<T> {
    if (this.#ended) return Promise.reject(dapError('programEnded', {}))
    if (this.#stop !== undefined) return flight(this.ask)
    const answer = deferred<T>()
    const run = (): Promise<unknown> => flight(this.ask).then(answer.resolve, answer.reject)
    this.#waiting.push({ run, reject: answer.reject })
    this.#serve()
    return answer.promise
  }

  once<M extends Method>(method: M, argument: In<M>): Promise<Out<M>> {
    const key = `${method} ${JSON.stringify(argument)}`
    let answer = this.#known.get(key) as Promise<Out<M>> | undefined
    if (answer === undefined) {
      answer = this.interject((ask) => ask(method, argument))
      this.#known.set(key, answer)
      answer.catch(() => this.#known.delete(key))
    }
    return answer
  }

  #ask<M extends Method>(method: M, argument: In<M>): void {
    this.ask(method, argument).catch((error: unknown) => this.#log.info({ err: error, method }, 'not done'))
  }

  #run(command: DebuggerCommand, sent = command): Resume {
    const resume = resumeOf(command)
    this.#resume = resume
    this.#listener.ran()
    const answer = this.#main.ask('Command', sent, { limitMs: Infinity })
    // The reads follow while Delve is at it.
    this.#main.flush()
    if (this.facts.multiclient && !this.#leaving) this.#ahead.write(resume.answers)
    answer.then(
      ({ State }) => this.#answered(resume, State),
      (error: unknown) => this.#failed(resume, error),
    )
    return resume
  }

  /** How many there are, as whoever lists them knows. */
  sawGoroutines(count: number): void {
    this.#ahead.sawGoroutines(count)
  }

  #answered(resume: Resume, state: DebuggerState, error?: string): void {
    this.#settle(resume)
    this.#calls.saw(state)
    if (state.exited) return this.#end({ exitStatus: state.exitStatus })
    if (resume !== this.#resume) {
      // It was run on already. What it has hit is told, since nobody will see it.
      const isHit = endsWatch(state) || state.Threads?.some(({ breakPoint }) => breakPoint !== undefined) === true
      if (!this.#leaving && isHit) this.#listener.passed(state)
      return
    }
    if (resume.intercept?.(state) === true) return
    if (error === undefined && !resume.pausing && isHalt(state, resume.command) && this.halts.isStray()) {
      this.#run(resume.command, finishing)
      return
    }
    this.#stopped(state, resume, error)
  }

  #stopped(state: DebuggerState, resume: Pick<Resume, 'command' | 'answers' | 'pausing'>, error?: string): void {
    this.#resume = undefined
    const { command, answers, pausing } = resume
    const stop = new ProgramStop({ state, command, pausing, error, answers, ask: this.ask })
    this.#stop = stop
    // The user wants to be here now: a step that went on later would surprise him.
    if (pausing && state.NextInProgress) this.#ask('CancelNext', {})
    if (this.#leaving) return
    this.#listener.stopped(stop)
    // Still stopped: it is not one that only logs.
    if (this.#stop === stop) this.#first.begin()
    this.#serve()
  }

  #failed(resume: Resume, error: unknown): void {
    if (!(error instanceof DelveError)) return this.#settle(resume)
    const exit = exitIn(error.message)
    if (exit !== undefined) {
      this.#settle(resume)
      return this.#end({ exitStatus: exit })
    }
    if (resume !== this.#resume) {
      this.#settle(resume)
      return this.#log.info({ err: error }, 'a resume that nobody waits for has failed')
    }
    // The program has stopped all the same: at a condition that cannot be evaluated, say.
    this.#main.ask('State', { NonBlocking: false }, { limitMs: callMs }).then(
      ({ State }) => this.#answered(resume, State, error.message),
      (later: unknown) => {
        this.#settle(resume)
        this.#log.warn({ err: later }, 'after a failed resume the state is not known')
      },
    )
  }

  #settle(resume: Resume): void {
    resume.settled = true
    resume.done.resolve()
  }

  #serve(): void {
    if (this.#interrupting || this.#waiting.length === 0) return
    this.#interrupting = true
    void this.#interrupt()
      .catch((error: unknown) => this.#log.error({ err: error }, 'a bug: an unexpected error while it was halted'))
      .finally(() => {
        this.#interrupting = false
        this.#serve()
      })
  }

  /** Lets those who wait have their turn, in one flight. */
  async #interrupt(): Promise<void> {
    // What arrives together goes out together.
    await new Promise((resolve) => setImmediate(resolve))
    // Between a resume and its being written: see `gate`.
    await this.#first.gate
    if (this.#resume !== undefined && this.#resume.command.name !== 'continue') await this.#afterStep(this.#resume)
    const resume = this.#resume
    if (resume?.pausing) await resume.done.promise
    if (this.#ended || resume === undefined || resume.settled) return this.#all()
    if (resume.command.name !== 'continue') return this.#withinStep(resume)
    this.halts.halt(resume)
    const all = this.#all()
    this.#run(resume.command)
    await Promise.all([all, resume.done.promise])
  }

  async #afterStep(resume: Resume): Promise<void> {
    const given = new AbortController()
    await Promise.race([resume.done.promise, sleep(stepGraceMs, given.signal)])
    given.abort()
  }

  /** A long step: it is looked first whether it is over, since a continue would run on over its end. */
  async #withinStep(resume: Resume): Promise<void> {
    let mine = false
    resume.intercept = (state) => {
      mine = isHalt(state, resume.command) && !resume.pausing
      return mine
    }
    this.halts.halt(resume)
    await resume.done.promise
    // From a log point that was met in this moment it runs on already: they wait for the next time.
    if (!mine && this.#resume !== undefined) return
    const all = this.#all()
    // Delve keeps its breakpoints for the step (`keepStepping`), so that a continue ends where the step does.
    if (mine) this.#run(resume.command, finishing)
    await all
  }

  async #all(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    const ended = this.#ended || (this.#stop === undefined && this.#resume === undefined)
    if (ended) for (const { reject } of waiting) reject(dapError('programEnded', {}))
    else await Promise.all(waiting.map(({ run }) => run()))
  }

  #end(how: Error | { readonly exitStatus: number }): void {
    if (this.#ended) return
    this.#ended = true
    this.#stop?.end()
    this.#stop = undefined
    if (this.#resume !== undefined) this.#settle(this.#resume)
    this.#resume = undefined
    for (const { reject } of this.#waiting.splice(0)) reject(dapError('programEnded', {}))
    this.#listener.ended(how)
  }
}
