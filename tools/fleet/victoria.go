package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// send gives the raw series to VictoriaMetrics as lines of JSON, one for each series.
func (f *Fleet) send(address string) (map[string]any, error) {
	reader, writer := io.Pipe()
	sent, samples := 0, 0
	go func() {
		out := bufio.NewWriterSize(writer, 1<<20)
		var stamps, values []byte
		for _, e := range f.entries(f.Start*1000, f.End*1000, true, false) {
			stamps, values = stamps[:0], values[:0]
			e.each(f.Start*1000, f.End*1000, func(t int64, v float64) {
				if len(stamps) > 0 {
					stamps, values = append(stamps, ','), append(values, ',')
				}
				stamps, values = strconv.AppendInt(stamps, t, 10), strconv.AppendFloat(values, v, 'g', -1, 64)
				samples++
			})
			if len(stamps) == 0 {
				continue
			}
			metric, _ := json.Marshal(e.labels.Map())
			fmt.Fprintf(out, "{\"metric\":%s,\"values\":[%s],\"timestamps\":[%s]}\n", metric, values, stamps)
			sent++
		}
		writer.CloseWithError(out.Flush())
	}()
	response, err := http.Post(address+"/api/v1/import", "application/json", reader)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("VictoriaMetrics: %s: %s", response.Status, text)
	}
	return map[string]any{"series": sent, "samples": samples}, nil
}
