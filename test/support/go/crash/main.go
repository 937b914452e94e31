// Ticks until a file says how to end: panic, error, nil, index, fatal, exit, recover (which is no end), goroutine.
package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

type Order struct {
	number int
	next   *Order
}

type refusal struct{ code int }

func (r refusal) Error() string { return fmt.Sprintf("refused with %d", r.code) }

func fail(how string, order *Order) {
	reason := "custom panic " + how
	switch how {
	case "panic":
		panic(reason) // PANIC
	case "error":
		panic(refusal{code: 42}) // ERROR
	case "wrapped":
		panic(fmt.Errorf("outer: %w", errors.New("inner"))) // WRAPPED
	case "nil":
		fmt.Println(order.next.number) // NIL
	case "index":
		numbers := []int{1, 2, 3}
		fmt.Println(numbers[order.number]) // INDEX
	case "fatal":
		var lock sync.Mutex
		lock.Unlock() // FATAL
	case "exit":
		os.Exit(3) // EXIT
	case "return":
		return
	case "goroutine":
		done := make(chan int)
		go func() {
			defer close(done)
			panic("in a goroutine") // GOROUTINE
		}()
		<-done
	}
}

func recovered(how string) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = fmt.Errorf("recovered: %v", thrown) // RECOVERED
		}
	}()
	fail(how, &Order{number: 7})
	return nil
}

func main() {
	for ticks := 1; ; ticks++ {
		for _, how := range []string{"panic", "error", "wrapped", "nil", "index", "fatal", "exit", "return", "goroutine"} {
			if _, err := os.Stat(how); err == nil {
				fail(how, &Order{number: 7}) // FAIL
			}
		}
		if _, err := os.Stat("recover"); err == nil {
			fmt.Println(recovered("panic"))
			os.Remove("recover")
		}
		if _, err := os.Stat("return"); err == nil {
			return
		}
		fmt.Println("tick", ticks) // BREAK
		time.Sleep(20 * time.Millisecond)
	}
}
