import type { DebugProtocol } from '@vscode/debugprotocol'

/** Lines and columns between Delve's base, which is 1, and the one that the client asked for in `initialize`. */
export class Positions {
  readonly #line: number
  readonly #column: number

  constructor(client: DebugProtocol.InitializeRequestArguments) {
    this.#line = client.linesStartAt1 === false ? -1 : 0
    this.#column = client.columnsStartAt1 === false ? -1 : 0
  }

  toClientLine(line: number): number {
    return line + this.#line
  }

  fromClientLine(line: number): number {
    return Math.max(1, line - this.#line)
  }

  /** Go's line table has no columns that Delve would tell: everything is at the line's first. */
  get firstColumn(): number {
    return 1 + this.#column
  }
}
