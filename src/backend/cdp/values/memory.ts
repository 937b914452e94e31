import type { Runtime } from 'node:inspector'
import type { Body, Call } from '../../../dap/call.ts'
import { dapError } from '../../../dap/errors.ts'
import type { Node, Nodes } from './nodes.ts'
import { read, resolve } from './reader.ts'
import { notAnswered } from './runner.ts'
import { hasBytes } from './show.ts'

/** Bytes in one answer. */
const readMax = 1024 * 1024

function nodeOf(nodes: Nodes, memoryReference: string): Node {
  const reference = /^value-(\d+)$/.exec(memoryReference)?.[1]
  if (reference === undefined) throw dapError('staleHandle', { kind: 'memory' })
  const node = nodes.get(Number(reference))
  if (!hasBytes(node.row.k)) throw dapError('staleHandle', { kind: 'memory' })
  return node
}

/** Addresses count from the first byte of the buffer, typed array or view. */
export async function readMemory(nodes: Nodes, call: Call<'readMemory'>): Promise<Body<'readMemory'>> {
  const { memoryReference, offset = 0, count } = call.arguments
  const { thread, base, steps } = nodeOf(nodes, memoryReference)
  const start = Math.max(0, offset)
  const wanted = Math.min(readMax, Math.max(0, offset + count - start))
  try {
    const want = { action: 'bytes', steps, start, count: wanted } as const
    const [answer] = await read(thread, [{ base, want }], call.signal)
    if (answer?.text === undefined) throw dapError('staleHandle', { kind: 'memory' })
    const { length = 0 } = answer
    const bytes = Buffer.from(answer.text, 'latin1')
    const missing = Math.max(0, offset + count - Math.max(length, start))
    return {
      address: addressOf(start),
      data: bytes.toString('base64'),
      ...(missing > 0 ? { unreadableBytes: missing } : {}),
    }
  } catch (error) {
    throw notAnswered(error)
  }
}

export async function writeMemory(nodes: Nodes, call: Call<'writeMemory'>): Promise<Body<'writeMemory'>> {
  const { memoryReference, offset = 0, data, allowPartial } = call.arguments
  const { thread, base, steps } = nodeOf(nodes, memoryReference)
  const bytes = Buffer.from(data, 'base64')
  try {
    const { objectId } = await resolve(thread, base, [steps], call.signal)
    if (objectId === undefined) throw dapError('staleHandle', { kind: 'memory' })
    const { result, exceptionDetails } = await thread.cdp.request<Runtime.CallFunctionOnReturnType>(
      'Runtime.callFunctionOn',
      {
        objectId,
        functionDeclaration: writerSource,
        arguments: [{ value: bytes.toString('latin1') }, { value: offset }, { value: allowPartial === true }],
        returnByValue: true,
        silent: true,
      },
      call.signal,
    )
    const written: unknown = result.value
    if (exceptionDetails !== undefined || typeof written !== 'number') {
      throw dapError('notAnswered', { why: 'These bytes cannot be written.' })
    }
    if (written < 0) throw dapError('notAnswered', { why: 'Not all of these bytes are within the buffer.' })
    return { offset, bytesWritten: written }
  } catch (error) {
    throw notAnswered(error)
  }
}

/** `this` is the buffer or a view; the methods are those of the prototypes, whatever the value has of its own. */
const writerSource = `function (text, offset, partial) {
  const get = (prototype, name, of) => Reflect.apply(Object.getOwnPropertyDescriptor(prototype, name).get, of, [])
  const typed = Object.getPrototypeOf(Uint8Array.prototype)
  let view
  if (!ArrayBuffer.isView(this)) view = new Uint8Array(this)
  else {
    let prototype = typed
    try { get(typed, 'length', this) ; if (get(typed, Symbol.toStringTag, this) === undefined) prototype = DataView.prototype } catch { prototype = DataView.prototype }
    view = new Uint8Array(get(prototype, 'buffer', this), get(prototype, 'byteOffset', this), get(prototype, 'byteLength', this))
  }
  if (offset < 0 || (!partial && offset + text.length > view.length)) return -1
  const end = Math.min(text.length, Math.max(0, view.length - offset))
  for (let i = 0; i < end; i++) view[offset + i] = text.charCodeAt(i)
  return end
}`

const addressOf = (offset: number): string => `0x${offset.toString(16)}`
