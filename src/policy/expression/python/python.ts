import type { Language } from '../expression.ts'
import { check } from './check.ts'
import { guard, guardMessage } from './guard.ts'
import { conditionOk } from './hits.ts'

/** Python 3, as debugpy runs it. */
export const python: Language = { name: 'python', check, guard, guardMessage, conditionOk }
