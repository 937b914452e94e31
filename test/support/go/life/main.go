// Ticks over lines to stop at. Arguments: the file that, while it is there, makes it go over RARE; and how long a tick is.
package main

import (
	"fmt"
	"os"
	"time"
)

// spin takes the given time, and says so first.
func spin(ms int) int {
	fmt.Println("evaluating")
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	turns := 0
	for time.Now().Before(until) {
		turns++
	}
	return turns
}

func spinForever() int {
	fmt.Println("evaluating")
	for turns := 0; ; turns++ {
	}
}

// hot is called about 900 times a second, whatever else happens.
func hot(n int) int {
	twice := n * 2 // HOT
	return twice
}

func work(n int, rare string) int {
	doubled := n * 2
	if _, err := os.Stat(rare); err == nil {
		doubled++ // RARE
	}
	fmt.Println("tick", n) // BREAK
	return doubled
}

func main() {
	rare, pause := "rare", 10*time.Millisecond
	if len(os.Args) > 1 {
		rare = os.Args[1]
	}
	if len(os.Args) > 2 {
		pause, _ = time.ParseDuration(os.Args[2])
	}
	if len(os.Args) > 3 { // Only called from a debugger.
		fmt.Println(spin(1), spinForever())
	}
	go func() {
		for n := 0; ; n++ {
			hot(n)
			time.Sleep(time.Millisecond)
		}
	}()
	for n := 1; ; n++ {
		work(n, rare)
		time.Sleep(pause)
	}
}
