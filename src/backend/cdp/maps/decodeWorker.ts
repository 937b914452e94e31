import { parentPort } from 'node:worker_threads'
import { decodeTask } from './decodeTask.ts'
import type { Task } from './decodeTask.ts'
import type { Answer } from './decoder.ts'
import { buffersOf } from './flatMap.ts'

function post(answer: Answer, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(answer, transfer)
}

/** One map at a time: the map or its problem first, then its source text. */
function run(task: Task): void {
  const outcome = decodeTask(task)
  if (outcome.kind !== 'map') return post(outcome)
  const { contents, ...answer } = outcome
  post(answer, buffersOf(answer.map))
  const texts = contents()
  post({ kind: 'contents', texts }, [texts.bytes.buffer as ArrayBuffer, texts.ends.buffer as ArrayBuffer])
}

parentPort?.on('message', run)
