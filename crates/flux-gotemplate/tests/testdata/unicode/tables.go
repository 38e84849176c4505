//go:build ignore

// Prints src/strconv/unicode_tables.rs: go run tables.go, then cargo fmt.
package main

import (
	"fmt"
	"strconv"
	"unicode"
)

func table(name, doc string, contains func(r rune) bool) {
	fmt.Printf("\n/// Where runs of %s begin and end, in turn.\npub(crate) const %s: &[u32] = &[\n", doc, name)
	inside := false
	for r := rune(0); r <= unicode.MaxRune+1; r++ {
		if now := r <= unicode.MaxRune && contains(r); now != inside {
			fmt.Printf("0x%x, ", r)
			inside = now
		}
	}
	fmt.Println("];")
}

func main() {
	fmt.Printf("//! Tables of Unicode %s, the version that Go 1.26 knows: the first rune in a class, the first after it,\n", unicode.Version)
	fmt.Println("//! and so on. Printed by tests/testdata/unicode/tables.go.")
	table("LETTERS", "letters (category L)", unicode.IsLetter)
	table("DIGITS", "decimal digits (category Nd)", unicode.IsDigit)
	table("PRINTABLE", "printable runes (categories L, M, N, P, S, and the ASCII blank)", strconv.IsPrint)
}
