import type { AnyCall, Body, Call } from '../dap/call.ts'
import { withArguments } from '../dap/call.ts'
import type { Command } from '../dap/protocol.ts'
import { breakpointChecks } from './breakpointChecks.ts'
import { Expressions } from './guarded.ts'
import { Known } from './known.ts'
import { lookChecks } from './lookChecks.ts'
import type { Next, Policy, PolicyContext } from './policy.ts'
import { NotSet } from './notSet.ts'
import type { Redactor } from './redactor.ts'
import { refusal, say, type Refusal, type RefusalParts } from './refusal.ts'
import type { PolicySettings } from './settings.ts'
import { rules, verdictOn, type Rule, type verdicts } from './verdicts.ts'

export { capabilityMask, verdictOn, verdicts } from './verdicts.ts'

/** What a check may use. */
export interface CheckTools {
  readonly context: PolicyContext
  readonly expressions: Expressions
  readonly redactor: Redactor
  readonly known: Known
  /** Tells the audit of a part that was refused while the request as a whole passes. */
  readonly refusedPart: (command: Command, parts: RefusalParts) => Refusal
  /** Says what several editors do not show: why a breakpoint was refused. */
  readonly notSet: NotSet
}

export type Check<C extends Command> = (call: Call<C>, next: Next, tools: CheckTools) => Promise<Body<C>>

/** The commands whose verdict is `check` in some mode: adding one to the table without a function fails the build. */
type Checked = { [C in Command]: 'check' extends (typeof verdicts)[C][keyof (typeof verdicts)[C]] ? C : never }[Command]
type Checks = { readonly [C in Checked]: Check<C> }

const disconnect: Check<'disconnect'> = async (call, next, { context, refusedPart }) => {
  const args = call.arguments ?? {}
  if (args.terminateDebuggee === true || args.suspendDebuggee === true) {
    const { why } = worded('endsProgram', 'disconnect', context)
    refusedPart('disconnect', { rule: 'endsProgram', why, advice: '' })
    say(context, 'The program runs on: you are only detached from it.')
  }
  return (await next(
    withArguments(call, { ...args, terminateDebuggee: false, suspendDebuggee: false }) as AnyCall,
  )) as undefined
}

const checks: Checks = { disconnect, ...breakpointChecks, ...lookChecks }

function worded(rule: Rule, command: string, { mode }: PolicyContext): { why: string; advice: string } {
  const fill = (text: string): string => text.replace('{command}', command.slice(0, 60)).replace('{mode}', mode)
  return { why: fill(rules[rule].why), advice: fill(rules[rule].advice) }
}

/** Of these an editor shows the failure in place, or it is one that the user did not ask for. */
const quiet: ReadonlySet<string> = new Set(['gotoTargets', 'stepInTargets', 'readMemory', 'disassemble'])

/** Deny by default: only what the table allows passes, in the modes that look nothing that changes (DESIGN section 4). */
export function readOnly(
  context: PolicyContext,
  _settings: PolicySettings,
  redactor: Redactor,
  onRefusedPart: (command: Command, refusal: Refusal) => void = () => {},
): Policy {
  const known = new Known()
  const tools: CheckTools = {
    context,
    redactor,
    known,
    expressions: new Expressions(context.backend, redactor),
    notSet: new NotSet(context),
    refusedPart(command, parts) {
      const refused = refusal(context, parts)
      onRefusedPart(command, refused)
      return refused
    },
  }
  return {
    name: 'readOnly',
    async request(call, next) {
      const verdict = verdictOn(call.command, context.mode)
      if (verdict !== 'allow' && verdict !== 'check') {
        const parts = worded(verdict, call.command, context)
        throw refusal(context, { rule: verdict, ...parts, showUser: !quiet.has(call.command) })
      }
      const body = await (verdict === 'allow' ? next(call) : checkOf(call.command)(call, next, tools))
      if (context.mode !== 'control' && body !== undefined) known.noteBody(call.command, body)
      return body
    },
    event(event) {
      if (context.mode !== 'control') known.noteEvent(event)
      return event
    },
  }
}

function checkOf(command: Command): (call: AnyCall, next: Next, tools: CheckTools) => Promise<unknown> {
  return checks[command as Checked] as (call: AnyCall, next: Next, tools: CheckTools) => Promise<unknown>
}
