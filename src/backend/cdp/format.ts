import type { Runtime } from 'node:inspector'

type RemoteObject = Runtime.RemoteObject

/**
 * The arguments of a console call as one text, placeholders of the first (`%s %d %i %f %o %O %j %c %%`) filled in, as
 * Node's `util.format` does it.
 */
export function formatted(args: readonly RemoteObject[], shown: (arg: RemoteObject) => string): string {
  const [first, ...rest] = args
  if (first === undefined) return ''
  const parts: string[] = []
  if (first.type === 'string' && typeof first.value === 'string') parts.push(filled(first.value, rest, shown))
  else parts.push(plain(first, shown))
  for (const arg of rest) parts.push(plain(arg, shown))
  return parts.join(' ')
}

/** Takes from `rest` what it has used. */
function filled(format: string, rest: RemoteObject[], shown: (arg: RemoteObject) => string): string {
  return format.replace(/%([sdifoOjc%])/g, (whole, kind: string) => {
    if (kind === '%') return rest.length > 0 ? '%' : whole
    const arg = rest[0]
    if (arg === undefined) return whole
    rest.shift()
    switch (kind) {
      case 'c':
        return ''
      case 'd':
      case 'i':
      case 'f':
        return number(arg, kind)
      default:
        return plain(arg, shown)
    }
  })
}

function number({ type, value, unserializableValue }: RemoteObject, kind: string): string {
  if (unserializableValue !== undefined) return unserializableValue
  if (type !== 'number' && type !== 'string') return 'NaN'
  if (kind === 'i') return String(Number.parseInt(String(value), 10))
  return String(kind === 'f' ? Number.parseFloat(String(value)) : Number(value))
}

function plain(arg: RemoteObject, shown: (arg: RemoteObject) => string): string {
  return arg.type === 'string' ? String(arg.value) : shown(arg)
}
