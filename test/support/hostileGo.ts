/**
 * A Go program whose every function counts that it ran, and which calls none of them. It stops at `// BREAK` once it is
 * told to by the file `go`.
 */
export const hostileGo = `package main

import (
	"fmt"
	"os"
	"time"
)

var alarms int

type Money int

func (money Money) Double() Money { alarms++; return money * 2 }

type Row struct {
	Name     string
	Count    int
	Next     *Row
	Tags     []string
	Amount   Money
	Password string
}

func (row Row) Label() string   { alarms++; return row.Name }
func (row *Row) Grow(by int) int { alarms++; row.Count += by; return row.Count }
func (row Row) String() string  { alarms++; return "a row" }
func (row Row) Error() string   { alarms++; return "an error" }

type Labeller interface{ Label() string }

func f() int                      { alarms++; return alarms }
func g(x int) int                 { alarms++; return x + 1 }
func h(text string) string        { alarms++; return text }
func any2(x, y interface{}) bool  { alarms++; return true }
func variadic(all ...int) int     { alarms++; return len(all) }
func Config() *Row                { alarms++; return &Row{} }

var hook = g
var hooks = []func(int) int{g}
var hookPointer = &hook
var table = map[string]func(int) int{"g": g}
var Global = Row{Name: "global", Count: 1, Password: "open sesame"}
var shown = 0

func work(n int, order *Row) int {
	k, u, i8, fl, c, yes := 2, uint8(7), int8(-3), 2.5, complex(1, 2), true
	s, long, b, r := "abc", "long text", []byte("bytes"), 'x'
	lst, arr, pa := []int{1, 2, 3}, [3]int{4, 5, 6}, &[2]int{7, 8}
	nested := [][]int{{1}, {2, 3}}
	m, mi, mb := map[string]int{"a": 1, "password": 9}, map[int]string{1: "one", -1: "minus"}, map[bool]int{true: 1}
	mr := map[string]*Row{"x": order}
	var e interface{} = *order
	var pe interface{} = order
	var err error = order
	var labeller Labeller = order
	var none *Row
	ch := make(chan int, 3)
	ch <- 1
	money := Money(5)
	caf\u00e9 := "coffee"
	local := func(x int) int { alarms++; return x + n }
	shown++ // BREAK
	fmt.Fprintln(os.Stderr, k, u, i8, fl, c, yes, s, long, b, r, lst, arr, *pa, nested, m, mi, mb, mr != nil, e != nil,
		pe != nil, err != nil, labeller != nil, none == nil, len(ch), money, caf\u00e9, local != nil)
	if shown < 0 {
		return hook(n)
	}
	return n
}

func main() {
	if len(os.Args) > 5 {
		// Nothing of this runs; it keeps what it names in the binary.
		fmt.Println(f(), g(1), h("a"), any2(1, 2), variadic(1), Config(), hooks[0](1), (*hookPointer)(1), table["g"](1))
		fmt.Println(Money(1).Double(), Global.Label(), Global.Grow(1), Global)
	}
	fmt.Println("ready")
	for {
		if _, err := os.Stat("go"); err == nil {
			order := &Row{Name: "first", Count: 3, Next: &Row{Name: "second"}, Tags: []string{"t"}, Password: "open sesame"}
			work(41, order)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
`
