package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version prints the version that the Go command has put into the binary: a tag, or the commit it was built from.
func version(_ context.Context, c *config) error {
	_, err := fmt.Fprintf(c.stdout, "calgate %s %s %s/%s\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
