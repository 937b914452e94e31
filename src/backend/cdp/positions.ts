import type { DebugProtocol } from '@vscode/debugprotocol'

/** Lines and columns between V8's base, which is 0, and the one that the client asked for in `initialize` (1 by default). */
export class Positions {
  readonly #line: number
  readonly #column: number

  constructor(client: DebugProtocol.InitializeRequestArguments) {
    this.#line = client.linesStartAt1 === false ? 0 : 1
    this.#column = client.columnsStartAt1 === false ? 0 : 1
  }

  toClientLine(line: number): number {
    return line + this.#line
  }

  toClientColumn(column: number): number {
    return column + this.#column
  }

  fromClientLine(line: number): number {
    return Math.max(0, line - this.#line)
  }

  fromClientColumn(column: number): number {
    return Math.max(0, column - this.#column)
  }
}
