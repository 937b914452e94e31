import { present } from '../lib/present.ts'
import type { Mode } from '../policy/policy.ts'
import { defaultSettings, type PolicySettings, type TimeSettings } from '../policy/settings.ts'
import type { PolicyInput } from './schema.ts'
import { formatDuration } from './values.ts'

type Report = (path: readonly string[], message: string, advice?: string) => void

const modes: readonly Mode[] = ['observe', 'inspect', 'control']

/** The policies that are there without a word in the file: each mode under its own name. */
export function builtInPolicies(): Map<string, PolicySettings> {
  return new Map(modes.map((mode) => [mode, clamped(defaultSettings(mode), {})]))
}

/** One policy with its mode's defaults, and what in it does not fit together. */
export function policySettings(name: string, input: PolicyInput, report: Report): PolicySettings {
  const mode = input.mode ?? modes.find((known) => known === name) ?? 'inspect'
  if (modes.some((known) => known === name) && name !== mode) {
    const advice = `Give it another name, or write mode: ${name}.`
    report(['mode'], `the policy '${name}' must have the mode it is called by, not '${mode}'`, advice)
  }
  const base = defaultSettings(mode)
  checkRedaction(mode, input, report)
  checkTimes(mode, input, base.time, report)
  const redact = typeof input.redact === 'string' ? { level: input.redact } : (input.redact ?? {})
  const { stringLength, reply, output, ...limits } = input.limits ?? {}
  const amounts = present({ ...limits, stringLength, replyBytes: reply, outputPerSecond: output })
  const { rate: ratePerSecond, ...brakes } = input.breakpoints ?? {}
  const settings: PolicySettings = {
    mode,
    time: base.time,
    limits: { ...base.limits, ...amounts },
    redact: { ...base.redact, ...present(redact) },
    breakpoints: { ...base.breakpoints, ...present({ ratePerSecond, ...brakes }) },
  }
  return clamped(settings, input)
}

/** Times that were not written follow those that were: a session of 5 minutes has no idle limit of 10. */
function clamped(settings: PolicySettings, input: PolicyInput): PolicySettings {
  const { time } = settings
  const sessionMs = input.session ?? time.sessionMs
  const requestMs = input.request ?? time.requestMs
  const pauseMaxMs =
    input.pauseMax === 'off' ? Infinity : (input.pauseMax ?? Math.min(time.pauseMaxMs, pauseCap(time, sessionMs)))
  return {
    ...settings,
    time: {
      connectMs: input.connect ?? time.connectMs,
      requestMs,
      evaluateMs: input.evaluate ?? Math.min(time.evaluateMs, requestMs),
      pauseMaxMs,
      idleMs: input.idle ?? Math.min(time.idleMs, sessionMs),
      sessionMs,
      warnMs: [...(input.warn ?? time.warnMs)].filter((ms) => ms < sessionMs).sort((a, b) => b - a),
    },
  }
}

function pauseCap(time: TimeSettings, sessionMs: number): number {
  return Number.isFinite(time.pauseMaxMs) ? sessionMs : Infinity
}

function checkRedaction(mode: Mode, input: PolicyInput, report: Report): void {
  const level = typeof input.redact === 'string' ? input.redact : input.redact?.level
  if (level !== 'off' || mode === 'control') return
  const path = typeof input.redact === 'string' ? ['redact'] : ['redact', 'level']
  report(path, `redaction cannot be off in the mode '${mode}'`, 'Use standard or strict, or the mode control.')
}

function checkTimes(mode: Mode, input: PolicyInput, base: TimeSettings, report: Report): void {
  const sessionMs = input.session ?? base.sessionMs
  const requestMs = input.request ?? base.requestMs
  const within = (key: 'idle' | 'pauseMax' | 'evaluate', limitMs: number, limit: string): void => {
    const value = input[key]
    if (typeof value !== 'number' || value <= limitMs) return
    const advice = `Make it shorter, or ${limit} longer.`
    report([key], `${key} is longer than ${limit} (${formatDuration(limitMs)}), so it would never end anything`, advice)
  }
  within('idle', sessionMs, 'session')
  within('pauseMax', sessionMs, 'session')
  within('evaluate', requestMs, 'request')
  if (input.pauseMax === 'off' && mode !== 'control') {
    report(['pauseMax'], `pauseMax cannot be off in the mode '${mode}'`, 'Give a time, or use the mode control.')
  }
}
