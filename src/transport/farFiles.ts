import { open, stat } from 'node:fs/promises'
import { addressText, isHere } from './direct.ts'
import type { Address, Transport } from './transport.ts'
import { reasonOf } from '../lib/abort.ts'
import { FarFileError, overLimit } from './farFile.ts'
import type { FarFiles } from './farFile.ts'
import { FarReader } from './farReader.ts'

export type { FarFiles } from './farFile.ts'

/** The files behind a transport, for a program at that address. Dispose of them before the transport. */
export function farFiles(transport: Transport, address: Address): FarFiles {
  if (transport.name !== 'direct') return new FarReader(transport)
  if (isHere(transport, address)) return localFiles
  const advice = 'reach it through ssh, or name a folder with its source maps as "maps" in the configuration'
  return noFiles(addressText(address), `files of another machine can't be read over its debug port (${advice})`)
}

/** Where no file can be read: why is each one's error. */
export function noFiles(name: string, why: string): FarFiles {
  const refuse = (): Promise<never> => Promise.reject(new FarFileError(why, false))
  return { name, local: false, size: refuse, read: refuse, async [Symbol.asyncDispose]() {} }
}

export const localFiles: FarFiles = {
  name: 'this machine',
  local: true,
  async size(path, signal) {
    if (signal.aborted) throw reasonOf(signal)
    try {
      const { size, isFile } = await stat(path).then((found) => ({ size: found.size, isFile: found.isFile() }))
      // A pipe or a device has no end.
      if (!isFile) throw new FarFileError('no regular file', true)
      return size
    } catch (error) {
      throw fileError(error)
    }
  },
  async read(path, limitBytes, signal) {
    const size = await localFiles.size(path, signal)
    if (size > limitBytes) throw overLimit(size, limitBytes)
    try {
      await using file = await open(path)
      // It may grow while it is read: what it had is what we read.
      const buffer = Buffer.alloc(size)
      let read = 0
      while (read < size) {
        if (signal.aborted) throw reasonOf(signal)
        const { bytesRead } = await file.read(buffer, read, size - read, read)
        if (bytesRead === 0) throw new FarFileError('it changed while it was read', true)
        read += bytesRead
      }
      return buffer
    } catch (error) {
      throw fileError(error)
    }
  },
  async [Symbol.asyncDispose]() {},
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'no regular file',
}

function fileError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined ? error : new FarFileError(words[code] ?? message, true, { cause: error })
}
