package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/tombstones"
)

const (
	twoHours  = int64(2 * 3600 * 1000)
	perChunk  = 120
	batch     = 20_000 // samples of one commit into the head
	headSteps = int64(30 * 60 * 1000)
)

// blockRanges are the blocks that Prometheus would have compacted by now: the longest that are whole.
func blockRanges(from, to int64) [][2]int64 {
	var ranges [][2]int64
	for t := from / twoHours * twoHours; t < to; {
		length := twoHours
		for l := 27 * twoHours; l > twoHours; l /= 3 {
			if (t%l == 0 || t < from) && t/l*l+l <= to {
				length = t/l*l + l - t
				break
			}
		}
		ranges = append(ranges, [2]int64{t, t + length})
		t += length
	}
	return ranges
}

// headFrom is where Prometheus' head would begin: it holds one to three hours.
func headFrom(end int64) int64 { return (end - twoHours/2) / twoHours * twoHours }

// writeBlock writes all samples of a range as one block. Chunks end at whole two hours, as those of the head do, and are
// not put together by compaction.
func writeBlock(dir string, from, to int64, entries []entry) (tsdb.BlockStats, error) {
	var stats tsdb.BlockStats
	sort.Slice(entries, func(i, j int) bool { return labels.Compare(entries[i].labels, entries[j].labels) < 0 })
	id := ulid.MustNew(uint64(time.Now().UnixMilli()), rand.Reader)
	path := filepath.Join(dir, id.String())
	if err := os.MkdirAll(path, 0o777); err != nil {
		return stats, err
	}
	chunkWriter, err := chunks.NewWriter(filepath.Join(path, "chunks"))
	if err != nil {
		return stats, err
	}
	indexWriter, err := index.NewWriter(context.Background(), filepath.Join(path, "index"))
	if err != nil {
		return stats, err
	}
	if err := writeSymbols(indexWriter, entries); err != nil {
		return stats, err
	}
	var metas []chunks.Meta
	for i := range entries {
		metas = encode(metas[:0], from, to, entries[i])
		if len(metas) == 0 {
			continue
		}
		if err := chunkWriter.WriteChunks(metas...); err != nil {
			return stats, err
		}
		if err := indexWriter.AddSeries(storage.SeriesRef(i), entries[i].labels, metas...); err != nil {
			return stats, err
		}
		stats.NumSeries++
		stats.NumChunks += uint64(len(metas))
		for _, meta := range metas {
			stats.NumSamples += uint64(meta.Chunk.NumSamples())
		}
	}
	stats.NumFloatSamples = stats.NumSamples
	if err := chunkWriter.Close(); err != nil {
		return stats, err
	}
	if err := indexWriter.Close(); err != nil {
		return stats, err
	}
	if stats.NumSamples == 0 {
		return stats, os.RemoveAll(path)
	}
	if _, err := tombstones.WriteFile(slog.New(slog.DiscardHandler), path, tombstones.NewMemTombstones()); err != nil {
		return stats, err
	}
	meta := tsdb.BlockMeta{ULID: id, MinTime: from, MaxTime: to, Stats: stats, Version: 1,
		Compaction: tsdb.BlockMetaCompaction{Level: 1, Sources: []ulid.ULID{id}}}
	text, err := json.MarshalIndent(meta, "", "\t")
	if err != nil {
		return stats, err
	}
	return stats, os.WriteFile(filepath.Join(path, "meta.json"), text, 0o666)
}

func writeSymbols(w *index.Writer, entries []entry) error {
	seen := map[string]struct{}{}
	for _, e := range entries {
		e.labels.Range(func(l labels.Label) {
			seen[l.Name] = struct{}{}
			seen[l.Value] = struct{}{}
		})
	}
	symbols := make([]string, 0, len(seen))
	for symbol := range seen {
		symbols = append(symbols, symbol)
	}
	sort.Strings(symbols)
	for _, symbol := range symbols {
		if err := w.AddSymbol(symbol); err != nil {
			return err
		}
	}
	return nil
}

func encode(metas []chunks.Meta, from, to int64, e entry) []chunks.Meta {
	var appender chunkenc.Appender
	var next int64
	count := 0
	e.each(from, to, func(t int64, v float64) {
		if appender == nil || t >= next || count >= perChunk {
			chunk := chunkenc.NewXORChunk()
			appender, _ = chunk.Appender()
			metas = append(metas, chunks.Meta{Chunk: chunk, MinTime: t})
			next, count = t/twoHours*twoHours+twoHours, 0
		}
		appender.Append(0, t, v)
		count++
		metas[len(metas)-1].MaxTime = t
	})
	return metas
}

// writeHead appends what Prometheus would have in memory, in steps of time, because a head takes nothing that is much
// older than its newest sample.
func writeHead(dir string, from, to int64, entries []entry) (samples uint64, err error) {
	options := tsdb.DefaultOptions()
	options.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		return 0, err
	}
	db.DisableCompactions()
	refs := make([]storage.SeriesRef, len(entries))
	appender, waiting := db.Appender(context.Background()), 0
	for start := from; start < to && err == nil; start += headSteps {
		for i := range entries {
			entries[i].each(start, min(start+headSteps, to), func(t int64, v float64) {
				ref, failed := appender.Append(refs[i], entries[i].labels, t, v)
				if failed != nil {
					err = fmt.Errorf("%s: %w", entries[i].labels, failed)
				}
				refs[i] = ref
				waiting++
				samples++
			})
			if err != nil {
				break
			}
			if waiting >= batch {
				if err = appender.Commit(); err != nil {
					break
				}
				appender, waiting = db.Appender(context.Background()), 0
			}
		}
	}
	if err != nil {
		return samples, err
	}
	if err := appender.Commit(); err != nil {
		return samples, err
	}
	return samples, db.Close()
}
