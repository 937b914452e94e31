import { Duplex } from 'node:stream'
import { streamWire, type Message, type Wire } from '../../src/dap/framing.ts'
import type { Log } from '../../src/lib/log.ts'

/** Two ends of one byte stream in memory. */
export function streamPair(): [Duplex, Duplex] {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk)
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const a: Duplex = end(() => b)
  const b: Duplex = end(() => a)
  return [a, b]
}

export function wirePair(): [Wire, Wire] {
  const [a, b] = streamPair()
  return [streamWire(a, 'a'), streamWire(b, 'b')]
}

/** A log that keeps what it is told. */
export interface KeptLog extends Log {
  readonly lines: { level: string; fields: object; message: string }[]
}

export function keptLog(): KeptLog {
  const lines: KeptLog['lines'] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const log: KeptLog = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

export type { Message }
