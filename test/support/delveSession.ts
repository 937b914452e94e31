import { attach } from '../../src/backend/delve/backend.ts'
import { sessionsOf } from './backendSession.ts'

export { breakable, silentLog, type Attached, type AttachedOptions } from './backendSession.ts'

export const { attachTo, opener } = sessionsOf({ attach, adapterID: 'go' })
