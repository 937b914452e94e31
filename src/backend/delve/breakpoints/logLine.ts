import { splitLogMessage } from '../../../lib/logMessage.ts'
import { formatValue, whyUnreadable } from '../values/format.ts'
import { kinds } from '../values/kinds.ts'
import type { Thread, Variable } from '../wire.ts'

/** Of one value in a line. */
const valueMax = 1_024

/** The message of a log point, with what Delve has evaluated at the hit in the place of its expressions. */
export function logLine(message: string, { breakPointInfo }: Thread): string {
  const values = [...(breakPointInfo?.variables ?? [])]
  const parts = splitLogMessage(message) ?? [{ text: message }]
  const texts = parts.map((part) => {
    if ('text' in part) return part.text
    const value = values.shift()
    return value === undefined ? '<not evaluated>' : shown(value)
  })
  return `${texts.join('')}\n`
}

/** A text is written as it is; everything else as in the variables view. */
function shown(variable: Variable): string {
  if (variable.unreadable !== '') return whyUnreadable(variable)
  if (variable.kind !== kinds.string) return formatValue(variable, { max: valueMax })
  return Buffer.byteLength(variable.value) < variable.len ? `${variable.value}…` : variable.value
}
