/** Part of a text that is hidden: from `start` up to `end`, and by which rule. */
export interface Span {
  readonly start: number
  readonly end: number
  readonly rule: string
}

interface Shape {
  readonly rule: string
  /** Global. Every repetition in it is bounded or cannot overlap with its neighbour: texts come from the program. */
  readonly pattern: RegExp
  /** Which group is hidden; the whole match if not given. */
  readonly group?: number
  readonly accept?: (match: string) => boolean
}

/** Issuer prefixes and lengths: without them one in ten numbers of that length would pass Luhn's check alone. */
const issuers =
  /^(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12,15}|62\d{14,17})$/

export function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, '')
  if (!issuers.test(digits)) return false
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 48
    if (i % 2 === 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2
    sum += digit
  }
  return sum % 10 === 0
}

const keys = [
  'gh[pousr]_\\w{20,255}',
  'github_pat_\\w{20,255}',
  'gl(?:pat|ptt|dt|rt|cbt|soat)-[\\w-]{16,255}',
  '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,20}',
  'xox[abeoprs](?:\\.xox[bp])?-[\\w-]{8,255}',
  'xapp-[\\w-]{8,255}',
  '(?:sk|rk|pk)_(?:live|test)_\\w{8,255}',
  'whsec_[\\w+/=]{8,255}',
  'sk-[\\w-]{16,255}',
  'AIza[\\w-]{30,64}',
  'ya29\\.[\\w.-]{16,1024}',
  'npm_\\w{30,64}',
  'pypi-[\\w-]{16,1024}',
  'SG\\.[\\w-]{16,64}\\.[\\w-]{16,64}',
  'hf_\\w{30,64}',
  'do[opr]_v1_\\w{30,128}',
  'AGE-SECRET-KEY-1[A-Z0-9]{40,80}',
  '\\d{8,10}:AA[\\w-]{30,40}',
]

const shapes: readonly Shape[] = [
  {
    rule: 'private key',
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  // A JWT is five parts when encrypted, three when signed; two are enough to be one that was cut.
  { rule: 'token', pattern: /(?<![\w-])eyJ[\w-]{4,}(?:\.[\w-]*){1,4}/g },
  { rule: 'key', pattern: new RegExp(`(?<![A-Za-z0-9])(?:${keys.join('|')})`, 'g') },
  { rule: 'key', pattern: /hooks\.slack\.com\/services\/([\w/]{8,128})/dg, group: 1 },
  { rule: 'authorization', pattern: /(?<![A-Za-z])(?:[Bb]earer|BEARER)\s{1,4}([\w+/.~=-]{6,})/dg, group: 1 },
  {
    rule: 'authorization',
    pattern: /(?<![A-Za-z])(?:[Bb]asic|BASIC|[Nn]egotiate)\s{1,4}([A-Za-z0-9+/]{8,}={0,2})/dg,
    group: 1,
    // `basic authentication` is prose: no digit, no capital, no padding.
    accept: (match) => /[A-Z0-9=+/]/.test(match.slice(match.search(/\s/)).trim()),
  },
  {
    rule: 'password in URL',
    pattern: /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/'"<>]{0,256}:(?!\d{1,5}\/)([^\s'"<>]{1,512})@/dgi,
    group: 1,
  },
]

const mail: Shape = {
  rule: 'e-mail',
  pattern: /(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g,
}
const random: Shape = { rule: 'looks random', pattern: /(?<![\w+=-])[\w+=-]{20,}/g, accept: looksRandom }

/** One look that tells nearly every text to be harmless. */
const hint =
  /PRIVATE KEY|eyJ|gh[pousr]_|github_pat|gl[a-z]{2,4}-|A[KSBC][ICA]A|xox|xapp-|[srp]k_|whsec_|sk-|AIza|ya29|npm_|pypi-|SG\.|hf_|do[opr]_v1|AGE-S|:AA|hooks\.slack|bearer|basic|negotiate|:\/\//i

export interface ShapeOptions {
  readonly mail: boolean
  readonly entropy: boolean
}

/** The parts of `text` that look like a secret whatever they are called. Unsorted, may overlap. */
export function shapeSpans(text: string, options: ShapeOptions): Span[] {
  const spans: Span[] = []
  if (hint.test(text)) for (const shape of shapes) collect(text, shape, spans)
  if (text.length >= 13 && /\d(?:[ -]?\d){12}/.test(text)) collectCards(text, spans)
  if (options.mail && text.includes('@')) collect(text, mail, spans)
  if (options.entropy && text.length >= 20) collect(text, random, spans)
  return spans
}

function collect(text: string, shape: Shape, spans: Span[]): void {
  for (const match of text.matchAll(shape.pattern)) {
    if (shape.accept !== undefined && !shape.accept(match[0])) continue
    const range = shape.group === undefined ? undefined : match.indices?.[shape.group]
    const [start, end] = range ?? [match.index, match.index + match[0].length]
    spans.push({ start, end, rule: shape.rule })
  }
}

/**
 * Cards in a run of digits. The run may hold other numbers too (`order 12 4111 1111 1111 1111`), so every part of it
 * that starts and ends at a separator is tried; digits of a float, an address or a longer number are none.
 */
function collectCards(text: string, spans: Span[]): void {
  for (const run of text.matchAll(/(?<![\d.]|0x[\da-f]{0,40})\d(?:[ -]?\d){12,}(?!\.\d)/gi)) {
    const digits = run[0]
    for (let start = 0; start < digits.length; start++) {
      if (start > 0 && /\d/.test(digits[start - 1]!)) continue
      for (let end = start, count = 0; end < digits.length && count < 19; end++) {
        if (!/\d/.test(digits[end]!)) continue
        count++
        const atEnd = end + 1 === digits.length || !/\d/.test(digits[end + 1]!)
        if (count < 13 || !atEnd || !isCard(digits.slice(start, end + 1))) continue
        spans.push({ start: run.index + start, end: run.index + end + 1, rule: 'card' })
      }
    }
  }
}

/**
 * Long, of several kinds of character and close to evenly spread. The bounds are those of the known scanners (4.0 bits
 * a character for base64, 3.0 for hex); a UUID names a thing more often than it opens one, and is let through.
 */
function looksRandom(text: string): boolean {
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return false
  if (!/\d/.test(text) || !/[a-z]/i.test(text)) return false
  const hex = /^[0-9a-f]+$/i.test(text)
  if (!hex && !(/[a-z]/.test(text) && /[A-Z]/.test(text))) return false
  return hex ? text.length >= 32 && entropy(text) > 3 : entropy(text) >= 4
}

/** Shannon's entropy in bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
