import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Sample } from './program.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The sample services lie beside `src` and `dist`, and are shipped with the package. */
const folder = new URL('../../demo/', import.meta.url)
/** A checkout's own debugpy, which the tests install. */
const checkoutDebugpy = fileURLToPath(new URL('../../.tools/debugpy-new', import.meta.url))
const pythonWithinMs = 20_000

/** The one in TypeScript, run by this Node: compiled, with a source map beside it. */
export function nodeSample(execPath: string, env: Environment, version: string): Sample {
  // What somebody's NODE_OPTIONS puts into each Node is none of the sample's.
  const { NODE_OPTIONS: _, ...rest } = env
  return {
    backend: 'node',
    debugger: `the inspector of Node ${version}`,
    file: fileURLToPath(new URL('orders.ts', folder)),
    argv: [
      execPath,
      '--inspect=127.0.0.1:0',
      '--import',
      new URL('out/leaveWithStdin.js', folder).href,
      fileURLToPath(new URL('out/orders.js', folder)),
    ],
    env: rest,
    listening: /^Debugger listening on ws:\/\/[^/]+:(\d+)\//,
    comment: '//',
    looks: ['order.customer.name', 'order.lines.length * 2 + 1', 'apiKey'],
    touches: ['order.total', 'order.lines.pop()', "import('node:fs')", '(items = 0)'],
    number: 'total',
    logMessage: '{order.customer.name} orders {order.lines.length} articles',
    logCondition: 'order.number % 3 === 0',
  }
}

/**
 * It ends when its stdin does; the thread that waits for that is one of pydevd's own kind, which a pause does not stop.
 */
const launcher = `
import os, runpy, sys, threading, debugpy
def leave():
    sys.stdin.read()
    os._exit(0)
watch = threading.Thread(target=leave, daemon=True)
watch.pydev_do_not_trace = watch.is_pydev_daemon_thread = True
watch.start()
print("PORT", debugpy.listen(("127.0.0.1", 0))[1], flush=True)
runpy.run_path(sys.argv[1], run_name="__main__")
`

/** The one in Python, with a debugpy from where Python looks or from this checkout; undefined if there is none. */
export async function pythonSample(env: Environment): Promise<Sample | undefined> {
  const places = [env, ...(existsSync(checkoutDebugpy) ? [{ ...env, PYTHONPATH: checkoutDebugpy }] : [])]
  for (const command of ['python3', 'python']) {
    for (const place of places) {
      const version = await debugpyOf(command, place)
      if (version !== undefined) return pythonWith(command, place, version)
    }
  }
  return undefined
}

function pythonWith(command: string, env: Environment, version: string): Sample {
  const file = fileURLToPath(new URL('orders.py', folder))
  return {
    backend: 'debugpy',
    debugger: `debugpy ${version}`,
    file,
    argv: [command, '-Xfrozen_modules=off', '-c', launcher, file],
    env: { ...env, PYDEVD_DISABLE_FILE_VALIDATION: '1' },
    listening: /^PORT (\d+)$/,
    comment: '#',
    looks: ['order.customer["name"]', 'len(order.lines) * 2 + 1', 'settings["api_key"]'],
    touches: ['order.lines.clear()', '__import__("os").system("id")', '(items := 0)'],
    number: 'total',
    logMessage: '{order.customer["name"]} orders {len(order.lines)} articles',
    logCondition: 'order.number % 3 == 0',
  }
}

async function debugpyOf(command: string, env: Environment): Promise<string | undefined> {
  try {
    const script = 'import sys, debugpy; assert sys.version_info >= (3, 8); print(debugpy.__version__)'
    const { stdout } = await promisify(execFile)(command, ['-c', script], { env, timeout: pythonWithinMs })
    return stdout.trim()
  } catch {
    // No such command, or no debugpy in it: the next place may have one.
    return undefined
  }
}
