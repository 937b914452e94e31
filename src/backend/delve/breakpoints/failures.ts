import { DelveError } from '../connection.ts'

/** What Delve's texts mean, which are all that it answers with. */
export type Failure =
  | { readonly kind: 'noFile' }
  | { readonly kind: 'noStatement' }
  /** There is a breakpoint already, in hexadecimal digits. */
  | { readonly kind: 'exists'; readonly address: string }
  | { readonly kind: 'other'; readonly message: string }

export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (!(error instanceof DelveError)) return { kind: 'other', message }
  const [, address] = /^Breakpoint exists at .* at (?:0x)?([\da-f]+)$/is.exec(message) ?? []
  if (address !== undefined) return { kind: 'exists', address: `0x${address.replace(/^0+(?=.)/, '')}` }
  if (message.startsWith('could not find file ')) return { kind: 'noFile' }
  if (message.startsWith('could not find statement ')) return { kind: 'noStatement' }
  return { kind: 'other', message: sentence(message) }
}

/** As a sentence of ours. */
function sentence(message: string): string {
  if (message === 'hardware breakpoints exhausted') {
    return 'The processor watches no more than it does already (an amd64 watches 4 places): take out another data breakpoint.'
  }
  const first = message.split('\n')[0]!.trim()
  return `Delve: ${first}${first.endsWith('.') ? '' : '.'}`
}
