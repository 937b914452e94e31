/** A password that no shape gives away. */
export const secret = 'hunter2-Zq9'

/** Put together here, so that no scanner takes this file for a leak. */
export const shapes: Readonly<Record<string, string>> = {
  visa: '4111 1111 1111 1111',
  mastercard: '5555-5555-5555-4444',
  amex: '378282246310005',
  jwt: ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0', 'dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P'].join('.'),
  aws: 'AKIA' + 'IOSFODNN7EXAMPLE',
  github: 'ghp_' + 'a1B2'.repeat(9),
  githubFine: 'github_pat_' + '11ABCDEFG0'.repeat(3),
  gitlab: 'glpat-' + 'abcDEF123456_-abcdEF',
  slack: 'xoxb-' + '123456789012-abcdefABCDEF',
  stripe: 'sk_live_' + '4eC39HqLyjWDarjtT1zdp7dc',
  google: 'AIza' + 'SyA1234567890abcdefghijklmnopqrstuvw',
  openai: 'sk-' + 'proj-abcdefghijklmnopqrstuvwx',
  npm: 'npm_' + 'abcdefghijklmnopqrstuvwxyz0123456789',
  pem: '-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7b\n-----END RSA PRIVATE KEY-----',
  mail: 'ann.smith+x@example.co.uk',
}
