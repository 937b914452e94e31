import process from 'node:process'

/**
 * Loaded into the measured daemon with `--import`: tells the bench, over the IPC channel, what memory it has. It does
 * nothing until it is asked. `gc` is there by `--expose-gc`.
 */
process.on('message', ({ collect }) => {
  if (collect) {
    globalThis.gc()
    globalThis.gc()
  }
  process.send(process.memoryUsage())
})
process.channel?.unref()
