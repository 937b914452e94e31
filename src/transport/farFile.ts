/** Why a file of the far side was not read, in words that follow its path: `no such file`. */
export class FarFileError extends Error {
  /** It is about this file, and not about the way to all of them. */
  readonly ofFile: boolean

  constructor(message: string, ofFile: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FarFileError'
    this.ofFile = ofFile
  }
}

/** Files of the machine that the program runs on. They are only ever read. */
export interface FarFiles extends AsyncDisposable {
  /** `this machine`, `ssh deploy@prod-1`. */
  readonly name: string
  /** Its paths are paths of the machine that the daemon runs on. */
  readonly local: boolean
  /** The size of a file, in bytes. Rejects with {@link FarFileError}, or the signal's reason. */
  size(path: string, signal: AbortSignal): Promise<number>
  /** The whole file in a buffer of its own; rejects if it has over `limitBytes`. */
  read(path: string, limitBytes: number, signal: AbortSignal): Promise<Buffer<ArrayBuffer>>
}

export function overLimit(size: number, limitBytes: number): FarFileError {
  return new FarFileError(`it has ${size} bytes, over the limit of ${limitBytes}`, true)
}
