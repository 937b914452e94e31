/** UTF-8 and JSON's escapes: no character takes more than this many bytes (`\u0000`). */
const bytesPerCharacter = 6
/** Field names, punctuation and numbers of one entry. */
const bytesPerField = 64

/** Never less than the bytes of the value as JSON, and much cheaper than writing it. */
function atMost(value: unknown): number {
  if (typeof value === 'string') return value.length * bytesPerCharacter + 2
  if (typeof value !== 'object' || value === null) return 24
  let bytes = 2
  for (const [key, field] of Object.entries(value)) bytes += key.length + bytesPerField + atMost(field)
  return bytes
}

/** Bytes of the value as JSON, or a lower bound that is already within `limit`. */
export function exceeds(value: unknown, limit: number): boolean {
  return atMost(value) > limit && bytesOf(value) > limit
}

export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '')
}

/** How many of the entries fit into `limit` bytes as a JSON list. */
export function fitting(entries: readonly unknown[], limit: number): number {
  let bytes = 2
  for (const [at, entry] of entries.entries()) {
    bytes += bytesOf(entry) + 1
    if (bytes > limit) return at
  }
  return entries.length
}

/** The beginning of a text that takes at most `limit` bytes as JSON. */
export function textFitting(text: string, limit: number): string {
  let keep = Math.min(text.length, limit)
  while (keep > 0 && bytesOf(text.slice(0, keep)) > limit) keep = Math.floor(keep * 0.8)
  return text.slice(0, keep)
}
