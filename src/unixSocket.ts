import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname, join } from 'node:path'

/**
 * Listens on a unix socket that only its owner can connect to, from its first moment: it is bound inside a private
 * folder, made 0600 there, and then moved to its place. A stale socket of a dead daemon is replaced; a live one is not.
 * Throws if another daemon answers at the path. Resolves to what takes the name away, to be called once, at the moment
 * the server is closed: later, another daemon may have the name. It throws where the folder cannot be written any more.
 */
export async function listenUnix(server: Server, path: string): Promise<() => void> {
  if (await answers(path)) throw Object.assign(new Error(`another daemon listens at ${path}`), { code: 'EADDRINUSE' })
  const folder = await mkdtemp(join(dirname(path), '.breakwater-'))
  try {
    const private_ = join(folder, 's')
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(private_, () => {
        server.off('error', reject)
        resolve()
      })
    })
    await chmod(private_, 0o600)
    await rename(private_, path)
  } catch (error) {
    server.close()
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  // Node removes the name it bound, which is gone; the name it goes by is ours to remove.
  return () => rmSync(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
