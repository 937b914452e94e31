import { median, ratio, spread, type Figure } from './figures.ts'
import { ourNames, sideNames, type NodeSamples } from './nodeSides.ts'

/** `control` and `inspect` as parts of the peer's time, or what there is by itself where one of them is missing. */
export function besidePeer(name: string, samples: NodeSamples, target?: number): Figure[] {
  if (ourNames().length === 0) return [alone(`  peer: ${name}`, samples.peer)]
  return ourNames().map((side) => {
    const label = side === 'control' ? name : `  inspect: ${name}`
    if (samples.peer.length === 0) return alone(label, samples[side])
    return ratio(label, samples[side], samples.peer, 'the peer', target)
  })
}

function alone(name: string, samples: readonly number[]): Figure {
  return { name, value: spread(samples), detail: `n = ${samples.length}` }
}

/** A median that is held against a bound of its own; `unit` is `ms` unless it is said. */
export function within(name: string, samples: readonly number[], most: number | undefined, detail = ''): Figure {
  const value = median(samples)
  const goal = most === undefined ? {} : { target: `<= ${most} ms`, ok: value <= most }
  return { name, value: spread(samples), detail: `n = ${samples.length}${detail}`, ...goal }
}

/** Times in round trips: `bound` of them is the most. */
export function roundTrips(name: string, samples: NodeSamples, rttMs: number, bound: number): Figure[] {
  return sideNames().map((side) => {
    const trips = median(samples[side]) / rttMs
    return {
      name: side === 'control' ? name : `  ${side}: ${name}`,
      value: trips.toFixed(2),
      detail: `round trips of ${rttMs} ms: ${spread(samples[side])}, n = ${samples[side].length}`,
      ...(side === 'peer' ? {} : { target: `<= ${bound}`, ok: trips <= bound }),
    }
  })
}
