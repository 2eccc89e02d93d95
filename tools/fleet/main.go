// Writes the history of a fleet: the samples that its processes sent, those that the recording rules made of them, and
// the truth beside both. tools/fleet/__main__.py calls it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

func main() {
	plan := flag.String("plan", "", "the plan that plan.py wrote")
	out := flag.String("out", "", "the folder for Prometheus' data: it is made")
	truth := flag.String("truth", "", "the file for the truth")
	victoria := flag.String("victoria", "", "the address of a VictoriaMetrics to which raw series are sent instead")
	workers := flag.Int("workers", 2, "how many blocks are written at once")
	flag.Parse()
	f, err := readFleet(*plan)
	if err == nil && *truth != "" {
		err = f.writeTruth(*truth)
	}
	var report map[string]any
	if err == nil && *victoria != "" {
		report, err = f.send(*victoria)
	} else if err == nil && *out != "" {
		report, err = f.write(*out, *workers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(report)
}

// write makes the blocks and the head.
func (f *Fleet) write(dir string, workers int) (map[string]any, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	head := max(headFrom(f.End*1000), f.Start*1000)
	ranges := blockRanges(f.Start*1000, head)
	work := make(chan [2]int64, len(ranges))
	for i := len(ranges) - 1; i >= 0; i-- { // the last are the largest
		work <- ranges[i]
	}
	close(work)
	var samples atomic.Uint64
	var wait sync.WaitGroup
	failed := make(chan error, workers)
	for range workers {
		wait.Go(func() {
			for r := range work {
				to := min(r[1], head)
				stats, err := writeBlock(dir, r[0], to, f.entries(r[0], to, true, true))
				if err != nil {
					failed <- err
					return
				}
				samples.Add(stats.NumSamples)
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	entries := f.entries(head, f.End*1000, true, true)
	inHead, err := writeHead(dir, head, f.End*1000, entries)
	if err != nil {
		return nil, err
	}
	return map[string]any{"blocks": len(ranges), "block_samples": samples.Load(), "head_samples": inHead}, nil
}
