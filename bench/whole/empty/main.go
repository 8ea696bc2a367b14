// Command empty is a program that only starts and prints, as the others do without arguments.
package main

import "fmt"

func main() { fmt.Println("0.0.0") }
