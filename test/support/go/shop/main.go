// Calls order over and over; every value is the same each time, so that transcripts are.
package main

import (
	"errors"
	"fmt"
	"time"
)

type Item struct {
	name  string
	price int
}

// Label says when it is run: a look must not.
func (item *Item) Label() string {
	fmt.Println("a method was run")
	return item.name
}

var errMissing = errors.New("no such key")

func total(items []Item) int {
	result := 0
	for _, item := range items {
		result += item.price // LOOP
	}
	return result
}

func risky(prices map[string]int, key string) error {
	if _, known := prices[key]; !known {
		return fmt.Errorf("%s: %w", key, errMissing) // RAISE
	}
	return nil
}

func order() int {
	items := []Item{{"tea", 3}, {"milk", 2}}
	password := "hunter2hunter2"
	prices := map[string]int{"tea": 3, "milk": len(password)}
	amount := 0
	amount = total(items) // BREAK
	_ = risky(prices, "b")
	return amount // AFTER
}

func main() {
	for ticks := 1; ; ticks++ {
		order()
		fmt.Println("tick", ticks)
		time.Sleep(50 * time.Millisecond)
	}
}
