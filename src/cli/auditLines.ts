import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { sleep } from '../lib/abort.ts'

/** One line of the audit: `ts`, `kind`, who and what, as `policy/audit.ts` writes them. */
export type AuditLine = Readonly<Record<string, unknown>>

const pollMs = 250
const maxLineBytes = 1024 * 1024

/**
 * The lines of the file, oldest first; what is no JSON object comes as `{ unreadable }`. With `follow`, goes on with
 * what is written later, also after the file was rotated or truncated, until the signal aborts.
 */
export async function* auditLines(path: string, follow: boolean, signal: AbortSignal): AsyncGenerator<AuditLine, void> {
  let place = { inode: 0, offset: 0 }
  let rest = ''
  do {
    const now = await fileState(path, follow)
    // A file that was rotated away or cut starts anew.
    if (now.inode !== place.inode || now.size < place.offset) {
      place = { inode: now.inode, offset: 0 }
      rest = ''
    }
    if (now.size > place.offset) {
      const end = now.size - 1
      const stream = createReadStream(path, { start: place.offset, end, encoding: 'utf8' })
      place.offset = now.size
      for await (const chunk of stream) {
        const lines = (rest + String(chunk)).split('\n')
        rest = (lines.pop() ?? '').slice(0, maxLineBytes)
        for (const line of lines) if (line !== '') yield parseLine(line)
      }
    }
    if (!follow) {
      // A last line without its end: the daemon was killed, or is just writing it.
      if (rest !== '') yield parseLine(rest)
      return
    }
    await sleep(pollMs, signal).catch(() => {})
  } while (!signal.aborted)
}

/** Rejects when there is no such file, unless it may still come. */
async function fileState(path: string, follow: boolean): Promise<{ inode: number; size: number }> {
  try {
    const { ino, size } = await stat(path)
    return { inode: ino, size }
  } catch (error) {
    if (follow && (error as NodeJS.ErrnoException).code === 'ENOENT') return { inode: 0, size: 0 }
    throw error
  }
}

function parseLine(line: string): AuditLine {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AuditLine
  } catch {
    // Said below: a line that was cut by a power loss, or that somebody else wrote.
  }
  return { unreadable: line.slice(0, 200) }
}
