import type { NodeOptions } from './node.ts'

/** What the stories are told on: sources by their names, and how they become what Node runs. */
export interface NodeProgram {
  readonly sources: Readonly<Record<string, string>>
  readonly options: NodeOptions
}

/** `order()` of the shared stories, with a getter that says when it is run. */
const shop = (types: boolean): string => {
  const typed = (text: string): string => (types ? text : '')
  return `
function total(items${typed(': Item[]')})${typed(': number')} {
  let result = 0
  for (const item of items) {
    result += item.price // LOOP
  }
  return result
}
function risky(key${typed(': string')})${typed(': unknown')} {
  try {
    return prices.get(key)${typed('!')}.amount // RAISE
  } catch (error) {
    return error
  }
}
const prices = new Map([['tea', { amount: 3 }]])
function order()${typed(': number')} {
  const items = [new Item('tea', 3), new Item('milk', 2)]
  let password = 'hunter2hunter2'
  const counts = { tea: 3, milk: password.length }
  let amount = 0
  amount = total(items) // BREAK
  risky('b')
  return amount // AFTER
}
let ticks = 0
setInterval(() => {
  order()
  ticks += 1
  console.log('tick', ticks)
}, 50)
`
}

const item = (types: boolean): string => `class Item {
${types ? '  readonly name: string\n  readonly price: number\n' : ''}  constructor(name${types ? ': string' : ''}, price${types ? ': number' : ''}) {
    this.name = name
    this.price = price
  }
  get label()${types ? ': string' : ''} {
    console.log('a getter was run')
    return this.name
  }
}
`

const typed = { 'program.ts': `import { Item } from './item'\n${shop(true)}`, 'item.ts': `export ${item(true)}` }

/** The same program in the three ways that people run it. */
export const shops: Readonly<Record<string, NodeProgram>> = {
  javascript: { sources: { 'program.js': `${item(false)}${shop(false)}` }, options: {} },
  typescript: { sources: typed, options: { typescript: true } },
  bundle: { sources: typed, options: { typescript: true, bundle: 'plain' } },
}

const lateModule = (types: boolean): string => `
export function late(n${types ? ': number' : ''})${types ? ': number' : ''} {
  const twice = n * 2
  return twice + 1 // LATE
}
`

const lateProgram = (types: boolean): string => `
${types ? 'declare function require(name: string): any\nlet late: ((n: number) => number) | undefined' : 'let late'}
const fs = require('node:fs')
let ticks = 0
setInterval(() => {
  ticks += 1
  if (late === undefined && fs.existsSync('go')) late = require('./late').late
  if (late !== undefined) late(1)
  console.log('tick', ticks)
}, 20)
`

/** A module that is loaded once the file \`go\` is there. */
export const lates: Readonly<Record<string, NodeProgram>> = {
  javascript: {
    sources: {
      'program.js': lateProgram(false),
      'late.js': lateModule(false).replace('export function', 'exports.late = function'),
    },
    options: {},
  },
  typescript: {
    sources: { 'program.ts': lateProgram(true), 'late.ts': lateModule(true) },
    options: { typescript: true },
  },
}

const waiting = `
import { setTimeout as sleep } from 'node:timers/promises'
async function leaf(n: number): Promise<number> {
  await null
  return n + 1 // LEAF
}
async function middle(n: number): Promise<number> {
  const first = n * 2 // MIDDLE
  const second = await leaf(first)
  return second + 1
}
async function run(): Promise<void> {
  for (let ticks = 1; ; ticks++) {
    await middle(5)
    console.log('tick', ticks)
    await sleep(20)
  }
}
void run()
`

/** Functions that wait for each other. */
export const waiters: Readonly<Record<string, NodeProgram>> = {
  typescript: { sources: { 'program.ts': waiting }, options: { typescript: true } },
  /** No map beside it; await has become helpers that no map covers, and all is on one line. */
  minified: {
    sources: { 'program.ts': waiting },
    options: { typescript: true, bundle: 'minified', target: 'es2016', map: 'elsewhere' },
  },
}
