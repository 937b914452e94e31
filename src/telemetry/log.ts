import { pino, type DestinationStream } from 'pino'
import type { Log } from '../lib/log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** The daemon's own log, for its operators: JSON lines to the destination. Never values of a program's variables. */
export function openLog(level: LogLevel, destination: DestinationStream): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}
