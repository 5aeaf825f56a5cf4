//go:build race

package test

// raceDetector tells whether the tests were built with it.
const raceDetector = true
