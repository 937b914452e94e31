import { posix, win32 } from 'node:path'

/** Paths of the far side, which may be another system than ours: a drive letter or a UNC share says that it is Windows. */
export function isWindowsPath(path: string): boolean {
  return /^[a-z]:[\\/]/i.test(path) || path.startsWith('\\\\')
}

export function isAbsolutePath(text: string): boolean {
  return text.startsWith('/') || isWindowsPath(text)
}

/** `.` and `..` resolved, separators turned, the drive letter small as VS Code has it. */
export function normalPath(path: string): string {
  if (!isWindowsPath(path)) return posix.normalize(path)
  const normal = win32.normalize(path)
  return normal.charAt(0).toLowerCase() + normal.slice(1)
}

export function joinPath(base: string, ...rest: string[]): string {
  return isWindowsPath(base) ? normalPath(win32.join(base, ...rest)) : posix.join(base, ...rest)
}

export function folderOf(path: string): string {
  return isWindowsPath(path) ? win32.dirname(path) : posix.dirname(path)
}

/** The path of a script's URL: `file:///app/x.js`, or a path as older Node names CommonJS scripts. */
export function pathOfUrl(url: string): string | undefined {
  if (isAbsolutePath(url)) return normalPath(url)
  if (!/^file:\/\//i.test(url)) return undefined
  return pathOfFileUrl(url)
}

/** No `fileURLToPath`: it takes the URL for one of our own system, and throws at `file:///c:/x` on ours. */
export function pathOfFileUrl(url: string): string {
  const rest = decoded(url.replace(/^file:\/\//i, '').replace(/[?#].*$/s, ''))
  if (/^\/[a-z]:[\\/]/i.test(rest)) return normalPath(rest.slice(1))
  // `file://server/share/x` is a share; `file://localhost/x` is `/x`.
  if (/^[^/]+\//.test(rest) && !/^localhost\//i.test(rest)) return normalPath(`\\\\${rest.replaceAll('/', '\\')}`)
  return normalPath(rest.replace(/^localhost\//i, '/'))
}

/** What is badly escaped is taken as it is: a file may be named `100%.ts`. */
export function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A path in the form in which paths are compared: small letters and `/` on Windows. */
export function comparable(path: string): string {
  const windows = isWindowsPath(path)
  return windows ? path.replaceAll('\\', '/').toLowerCase() : path
}

export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

/** How many of their last parts two paths have in common; both in comparable form. */
export function commonTail(a: string, b: string): number {
  let [i, j, parts] = [a.length, b.length, 0]
  while (i > 0 && j > 0) {
    const [startA, startB] = [a.lastIndexOf('/', i - 1) + 1, b.lastIndexOf('/', j - 1) + 1]
    if (i - startA !== j - startB || a.slice(startA, i) !== b.slice(startB, j)) break
    if (i > startA) parts++
    i = startA - 1
    j = startB - 1
  }
  return parts
}
