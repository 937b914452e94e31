import t, { type Test } from 'tap'
import { debugpyVersions, startPython } from './support/debugpy.ts'
import { stories, tell } from './support/stories.ts'

/** Calls itself over and over; every value is the same each time, so that transcripts are. */
const program = `
import time
class Item:
    def __init__(self, name, price):
        self.name = name
        self.price = price
def total(items):
    result = 0
    for item in items:
        result += item.price  # LOOP
    return result
def risky(key):
    try:
        return {'a': 1}[key]  # RAISE
    except KeyError as error:
        return error
def order():
    items = [Item('tea', 3), Item('milk', 2)]
    password = 'hunter2hunter2'
    prices = {'tea': 3, 'milk': 2}
    amount = total(items)  # BREAK
    risky('b')
    return amount  # AFTER
ticks = 0
while True:
    order()
    ticks += 1
    print('tick', ticks, flush=True)
    time.sleep(0.05)
`

const words = {
  ends: 'exit()',
  // debugpy 1.6.6 sees raised exceptions only in functions that have a breakpoint.
  never: 'False',
  looks: [
    'prices["tea"] * 2 > items[1].price',
    'len(items)',
    'items[0]',
    'password',
    'password[0]',
    'total(items)',
    'items.clear()',
    '(n := 1)',
    'missing',
  ],
  milkOnly: "item.price == 2 and item.name != 'tea'",
  empty: '{}',
  raised: 'raised',
}

for (const version of debugpyVersions) {
  const subject = {
    name: `debugpy ${version.name}`,
    folder: `debugpy-${version.name}`,
    backend: 'debugpy' as const,
    words,
    // debugpy 1.6.6 cuts the representation of what is in a list, address and all.
    unstable: [[/0x[0-9a-f]{6,}|(?<=objec)[. 0-9a-fxt]+(?=>)/g, '<address>']] as [RegExp, string][],
    start: () => startPython(version, program),
  }
  for (const story of stories) {
    void t.test(`${story.name} on ${subject.name}`, async (test) => {
      await tell(test as Test, subject, story)
    })
  }
}
