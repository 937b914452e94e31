// One of every kind of value, in front of a line to stop at.
package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"
)

type Colour uint8

const (
	Red Colour = iota
	Green
	Blue
)

type Animal interface{ Sound() string }

type Named struct {
	name string
	age  int
}

func (n Named) Hello(greeting string) string {
	touched++
	return greeting + ", " + n.name
}

// Dog embeds a value, Kennel a pointer.
type Dog struct {
	Named
	breed string
}

func (d Dog) Sound() string { return "woof" }

type Kennel struct {
	*Dog
	doors [2]bool
}

type Node struct {
	value       int
	left, right *Node
	parent      *Node
}

type Pair[K comparable, V any] struct {
	key   K
	value V
}

type Stack[T any] struct{ items []T }

func (s *Stack[T]) Push(item T) { s.items = append(s.items, item) }

func largest[T int | float64](a, b T) T {
	if a > b {
		return a // GENERIC
	}
	return b
}

type Row struct {
	number int
	label  string
	point  struct{ x, y float64 }
}

type failure struct {
	code  int
	cause error
}

func (f *failure) Error() string { return fmt.Sprintf("failure %d: %v", f.code, f.cause) }
func (f *failure) Unwrap() error { return f.cause }

// touched counts what of the program's own code a debugger has run.
var touched int

var version, password = "1.2.3", "hunter2hunter2"

const answer = 42

func double(n int) int {
	touched++
	return n * 2 // DOUBLE
}

func split(text string) (head, tail string, err error) {
	touched++
	head, tail, found := strings.Cut(text, ":")
	if !found {
		err = errors.New("nothing to split")
	}
	return head, tail, err // SPLIT
}

func explode() int { panic("exploded while evaluated") }

func numbers() {
	yes, no := true, false
	var i8 int8 = -128
	var i16 int16 = -32768
	var i32 int32 = -2147483648
	var i64 int64 = -9223372036854775808
	var u8 uint8 = 255
	var u16 uint16 = 65535
	var u32 uint32 = 4294967295
	var u64 uint64 = 18446744073709551615
	var pointerSized uintptr = 0x1000
	var f32 float32 = 1.5
	f64 := 3.141592653589793
	tiny, huge := 5e-324, 1.7976931348623157e308
	infinite, nothing := 1/(f64-f64+zero), 0*(1/(f64-f64+zero))
	c64, c128 := complex64(complex(1, -2)), complex(0.5, 0.25)
	letter := 'ß'
	colour := Blue
	duration := 1500 * time.Millisecond
	moment := time.Date(2026, time.November, 25, 2, 0, 0, 0, time.UTC)
	use(yes, no, i8, i16, i32, i64, u8, u16, u32, u64, pointerSized, f32, f64, tiny, huge) // NUMBERS
	use(infinite, nothing, c64, c128, letter, colour, duration, moment)
}

var zero float64

func texts() {
	empty, short := "", "tea"
	quoted := "a \"quoted\"\tline\nand \\another"
	unicode := "Grüße, 世界 🚢"
	notText := "bad \xff\xfe utf-8"
	medium := strings.Repeat("0123456789", 500)
	long := strings.Repeat("0123456789abcdef", 65536)
	bytes := []byte("tea and milk")
	runes := []rune("Grüße")
	use(empty, short, quoted, unicode, notText, medium, long, bytes, runes) // TEXTS
}

func collections() {
	array := [3]int{1, 2, 3}
	grid := [2][3]string{{"a", "b", "c"}, {"d", "e", "f"}}
	slice := []int{10, 20, 30, 40, 50}
	part := slice[1:3]
	emptySlice, nilSlice := []int{}, []string(nil)
	rows := make([]Row, 5000)
	for at := range rows {
		rows[at].number, rows[at].label = at, fmt.Sprint("row ", at)
		rows[at].point.x = float64(at) / 2
	}
	small := map[string]int{"tea": 3}
	large := make(map[int]string, 5000)
	for at := 0; at < 5000; at++ {
		large[at] = fmt.Sprint("value ", at)
	}
	byStruct := map[Named]*Node{{"Rex", 3}: {value: 7}}
	nested := map[string]map[string][]int{"outer": {"inner": {1, 2, 3}}}
	emptyMap, nilMap := map[string]int{}, map[string]bool(nil)
	set := map[string]struct{}{"only": {}}
	mixed := []any{1, "two", 3.0, nil, Dog{Named{"Rex", 3}, "corgi"}, &Row{number: 9}}
	use(array, grid, slice, part, emptySlice, nilSlice, rows, small, large, byStruct) // COLLECTIONS
	use(nested, emptyMap, nilMap, set, mixed)
}

func structures() {
	dog := Dog{Named{"Rex", 3}, "corgi"}
	pointer := &dog
	twice := &pointer
	kennel := Kennel{Dog: pointer, doors: [2]bool{true, false}}
	tree := &Node{value: 1}
	tree.left, tree.right = &Node{value: 2, parent: tree}, &Node{value: 3, parent: tree}
	tree.left.left = &Node{value: 4, parent: tree.left, left: &Node{value: 5, left: &Node{value: 6}}}
	anonymous := struct {
		x, y int
		tags []string
	}{1, 2, []string{"a", "b"}}
	empty := struct{}{}
	var nilPointer *Dog
	pair := Pair[string, []int]{"tea", []int{1, 2}}
	stack := &Stack[Named]{}
	stack.Push(Named{"Ada", 36})
	raw := unsafe.Pointer(&dog)
	use(dog, pointer, twice, kennel, tree, anonymous, empty, nilPointer, pair, stack, raw) // STRUCTURES
}

func interfaces() {
	var animal Animal = Dog{Named{"Rex", 3}, "corgi"}
	var byPointer Animal = &Dog{Named{"Laika", 5}, "mongrel"}
	var nothing Animal
	var typedNil Animal = (*Dog)(nil)
	var anything any = 42
	err := error(&failure{code: 7, cause: errors.New("disk full")})
	wrapped := fmt.Errorf("while saving: %w", err)
	var noError error
	use(animal, byPointer, nothing, typedNil, anything, err, wrapped, noError) // INTERFACES
}

func functionsAndChannels() {
	captured := 10
	closure := func(n int) int {
		captured += n
		return captured // CLOSURE
	}
	function, method := double, Named{"Ada", 36}.Hello
	var nilFunction func()
	channel := make(chan int, 4)
	channel <- 1
	channel <- 2
	unbuffered, nilChannel := make(chan string), (chan bool)(nil)
	closed := make(chan struct{})
	close(closed)
	use(captured, closure, function, method, nilFunction, channel, unbuffered, nilChannel, closed) // FUNCTIONS
	closure(1)
}

func shadows(value int) (result int, err error) {
	defer func() { result++ }()
	name := "outer"
	if value := "inner"; len(value) > 0 {
		name := 3.5
		use(name, value) // SHADOWS
	}
	for _, value := range []bool{true} {
		use(value, name)
	}
	return value * 2, nil // SHADOWED
}

func deep(level int) int {
	if level == 0 {
		return 1 // DEEP
	}
	return deep(level-1) + 1
}

func use(values ...any) { used = values }

var used []any

func main() {
	for ticks := 1; ; ticks++ {
		numbers()
		texts()
		collections()
		structures()
		interfaces()
		functionsAndChannels()
		sum, _ := shadows(ticks)
		head, tail, err := split("tea:milk")
		sum = largest(sum, double(ticks))
		ratio := largest(1.5, float64(ticks))
		depth := deep(40)
		use(head, tail, err, ratio, depth, answer, version, password)
		fmt.Println("tick", ticks, sum, touched) // BREAK
		time.Sleep(20 * time.Millisecond)
		if ticks < 0 {
			explode()
		}
	}
}
