/** The program of Breakwater's demo: an order service that somebody else wrote and that must not stand still. */

interface Line {
  readonly article: string
  readonly count: number
  readonly price: number
}

interface Settings {
  readonly currency: string
  readonly discountFrom: number
  readonly apiKey: string
}

class Customer {
  readonly name: string
  readonly city: string
  readonly #cardNumber: string

  constructor(name: string, city: string, cardNumber: string) {
    this.name = name
    this.city = city
    this.#cardNumber = cardNumber
  }

  get lastDigits(): string {
    return this.#cardNumber.slice(-4)
  }
}

class Order {
  readonly number: number
  readonly customer: Customer
  readonly lines: readonly Line[]
  paid = false
  #total: number | undefined

  constructor(number: number, customer: Customer, lines: readonly Line[]) {
    this.number = number
    this.customer = customer
    this.lines = lines
  }

  /** Looks like a value and is code that changes the order: a debugger must not show it without being asked. */
  get total(): number {
    return (this.#total ??= this.lines.reduce((sum, { count, price }) => sum + count * price, 0))
  }
}

const customers = [
  new Customer('Ada', 'London', '4111 1111 1111 1111'),
  new Customer('Grace', 'New York', '5500 0000 0000 0004'),
]

const stock = new Map([
  ['tea', 5_000],
  ['milk', 3_000],
  ['sugar', 8_000],
])

const settings: Settings = { currency: 'EUR', discountFrom: 5, apiKey: 'sk-demo-51f9a7c2e8d04b6f' }

function nextOrder(number: number): Order {
  const lines = [
    { article: 'tea', count: 1 + (number % 3), price: 4.5 },
    { article: 'milk', count: 2, price: 1.25 },
    { article: 'sugar', count: 1 + (number % 4), price: 0.99 },
  ]
  return new Order(number, customers[number % customers.length]!, lines)
}

function totalOf(order: Order, { currency, discountFrom, apiKey }: Settings): string {
  const items = order.lines.reduce((sum, { count }) => sum + count, 0)
  const discount = items > discountFrom ? 0.1 : 0
  const total = order.total * (1 - discount)
  return bill(total, currency, apiKey) // BREAK
}

function bill(total: number, currency: string, apiKey: string): string {
  return apiKey === '' ? 'free' : `${total.toFixed(2)} ${currency}`
}

async function handle(number: number): Promise<Order> {
  const order = nextOrder(number)
  const billed = totalOf(order, settings)
  for (const { article, count } of order.lines) await reserve(article, count)
  order.paid = billed !== '' // LOG
  return order
}

/** As if it were somewhere else. */
async function reserve(article: string, count: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10))
  const left = stock.get(article) ?? 0
  stock.set(article, left < 100 ? 5_000 : left - count)
}

let number = 1000
for (;;) {
  number += 1
  await handle(number)
  console.log('order', number)
  await new Promise((resolve) => setTimeout(resolve, 200))
}
