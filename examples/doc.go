// Package examples holds complete applications of Tercel, each in a folder of its own, every one run by its tests.
package examples
