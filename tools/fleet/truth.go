package main

import (
	"bufio"
	"encoding/json"
	"os"
)

// TrueSeries is what one set of labels grew.
type TrueSeries struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Total  float64           `json:"total"`
	Hours  []float64         `json:"hours"`
}

// writeTruth says what cost, tokens and calls grew, per hour and in all.
func (f *Fleet) writeTruth(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	series := []TrueSeries{}
	for g := range f.Groups {
		group := &f.Groups[g]
		for i := range group.Series {
			s := &group.Series[i]
			if !s.Truth {
				continue
			}
			grew := TrueSeries{s.Name, f.name("", s.Labels, f.Jobs[group.job].Labels).Map(), 0, nil}
			last := uint64(0)
			for m := 59; m < f.minutes; m += 60 {
				now := group.units(s, s.Weight, m)
				grew.Hours = append(grew.Hours, float64(now-last)*s.Unit)
				last = now
			}
			grew.Total = float64(group.units(s, s.Weight, f.minutes-1)) * s.Unit
			series = append(series, grew)
		}
	}
	if err := json.NewEncoder(out).Encode(map[string]any{"start": f.Start, "end": f.End, "outages": f.Outages, "series": series}); err != nil {
		return err
	}
	return out.Flush()
}
