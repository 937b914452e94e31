// Many goroutines, waiting in each of the ways there are. The argument is how many wait for work (100).
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"
)

type Job struct {
	number int
	name   string
}

func worker(n int, jobs <-chan Job) {
	for job := range jobs { // WAIT
		handle(n, job)
	}
}

func handle(n int, job Job) int {
	sum := n + job.number
	return sum // HANDLE
}

// together is reached by eight goroutines in the same moment, over and over.
func together(n int) int {
	half := n / 2
	return half // TOGETHER
}

func racer(n int, start *sync.Cond) {
	for {
		start.L.Lock()
		start.Wait()
		start.L.Unlock()
		together(n)
	}
}

func labelled(ctx context.Context) {
	<-ctx.Done()
}

func sleeper() {
	for {
		time.Sleep(time.Hour)
	}
}

func locked(lock *sync.Mutex) {
	lock.Lock()
	defer lock.Unlock()
}

func main() {
	count := 100
	if len(os.Args) > 1 {
		count, _ = strconv.Atoi(os.Args[1])
	}
	jobs := make(chan Job)
	for n := 0; n < count; n++ {
		go worker(n, jobs)
	}
	labels := pprof.Labels("tenant", "harbour", "request", "r-17")
	go pprof.Do(context.Background(), labels, labelled)
	go sleeper()
	var lock sync.Mutex
	lock.Lock()
	go locked(&lock)
	start := sync.NewCond(&sync.Mutex{})
	for n := 0; n < 8; n++ {
		go racer(n, start)
	}
	for ticks := 1; ; ticks++ {
		jobs <- Job{number: ticks, name: "unload"}
		start.Broadcast()
		fmt.Println("tick", ticks) // BREAK
		time.Sleep(20 * time.Millisecond)
	}
}
