/** Where V8 is asked to break, in V8's positions: by the script's url, or by its content where a map made the position. */
export interface WantedPlace {
  readonly by: 'url' | 'hash'
  /** Of `hash`, the url of the script that has this content; may be empty. */
  readonly url: string
  readonly hash: string
  readonly line: number
  readonly column: number
}

/** What `Debugger.setBreakpointByUrl` selects scripts by. */
export interface Selector {
  readonly url?: string
  readonly urlRegex?: string
  readonly scriptHash?: string
}

/**
 * V8 takes one breakpoint for each selector and position. A further one, with another condition, is told from it by a
 * selector that matches the same and is written in another way: `variant` counts from 0. Undefined where there is none.
 */
export function selectorOf(place: WantedPlace, variant: number): Selector | undefined {
  if (variant === 0 && place.by === 'hash') return { scriptHash: place.hash }
  const pattern = place.url === '' ? undefined : urlPattern(place.url)
  if (variant === 0 && pattern === undefined) return { url: place.url }
  if (place.url === '') return undefined
  return { urlRegex: `^${'(?:)'.repeat(variant)}${pattern ?? escaped(place.url)}$` }
}

/**
 * V8's id of it, which it makes of the request: known before the answer, so that a hit or a `breakpointResolved` that
 * comes in the same packet is understood. Node 20 and 24.
 */
export function breakpointIdOf(selector: Selector, line: number, column: number): string {
  const { url, urlRegex, scriptHash } = selector
  const [kind, text] = url !== undefined ? [1, url] : urlRegex !== undefined ? [2, urlRegex] : [3, scriptHash ?? '']
  return `${kind}:${line}:${column}:${text}`
}

const plainCharacter = /^[A-Za-z0-9/._:?=&-]$/
const plainText = /^[A-Za-z0-9/._:?=&-]*$/
const drive = /^file:\/\/\/([A-Za-z]):/

/**
 * The same file may be written in more than one way: what is percent-encoded differs between CommonJS, `import` and the
 * versions of Node, and the letter of a drive is of either case. Undefined where there is only one way.
 */
function urlPattern(url: string): string | undefined {
  const letter = drive.exec(url)?.[1]
  const decoded = decode(url)
  if (letter === undefined && plainText.test(decoded)) return undefined
  let pattern = ''
  for (const character of decoded) {
    if (plainCharacter.test(character)) pattern += escaped(character)
    else pattern += `(?:${escaped(character)}|${[...Buffer.from(character)].map(eitherCase).join('')})`
  }
  if (letter === undefined) return pattern
  const start = escaped(`file:///${letter}:`)
  return `${escaped('file:///')}[${letter.toLowerCase()}${letter.toUpperCase()}]:${pattern.slice(start.length)}`
}

function eitherCase(byte: number): string {
  const hex = byte.toString(16).toUpperCase().padStart(2, '0')
  return `%${hex.replace(/[A-F]/g, (digit) => `[${digit}${digit.toLowerCase()}]`)}`
}

function decode(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    // A file name with a bare `%`.
    return url
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** The url that Node gives to the script in this file; a url as it is; undefined for what is neither. */
export function urlOfPath(path: string): string | undefined {
  if (/^[A-Za-z]:[\\/]/.test(path)) return encoded(`/${path.replaceAll('\\', '/')}`)
  if (path.startsWith('/')) return encoded(path)
  return /^[a-z][a-z0-9+.-]+:/i.test(path) ? path : undefined
}

function encoded(path: string): string {
  return `file://${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`
}
