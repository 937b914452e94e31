/** Put before the sample by `breakwater demo`: it ends when its stdin does, so that it outlives no demo. */
process.stdin.on('end', () => process.exit()).resume()
