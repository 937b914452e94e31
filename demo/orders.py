"""The program of Breakwater's demo: an order service that somebody else wrote and that must not stand still."""

import time


class Line:
    def __init__(self, article, count, price):
        self.article = article
        self.count = count
        self.price = price


class Order:
    def __init__(self, number, customer, lines):
        self.number = number
        self.customer = customer
        self.lines = lines
        self.paid = False


CUSTOMERS = [
    {"name": "Ada", "city": "London", "card_number": "4111 1111 1111 1111"},
    {"name": "Grace", "city": "New York", "card_number": "5500 0000 0000 0004"},
]


def next_order(number):
    lines = [Line("tea", 1 + number % 3, 4.5), Line("milk", 2, 1.25), Line("sugar", 1 + number % 4, 0.99)]
    return Order(number, CUSTOMERS[number % len(CUSTOMERS)], lines)


def total_of(order, settings):
    items = sum(line.count for line in order.lines)
    total = sum(line.count * line.price for line in order.lines)
    discount = 0.1 if items > settings["discount_from"] else 0.0
    return round(total * (1 - discount), 2)  # BREAK


def handle(number):
    order = next_order(number)
    settings = {"currency": "EUR", "discount_from": 5, "api_key": "sk-demo-51f9a7c2e8d04b6f"}
    total = total_of(order, settings)
    order.paid = total > 0  # LOG
    return order


number = 1000
while True:
    number += 1
    handle(number)
    print("order", number, flush=True)
    time.sleep(0.2)
