package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"

	"github.com/prometheus/prometheus/model/labels"
)

// Plan is what plan.py writes: all names, labels and rates. This program knows none of them.
type Plan struct {
	Seed    uint64    `json:"seed"`
	Start   int64     `json:"start"` // seconds, a whole hour
	End     int64     `json:"end"`
	RawFrom int64     `json:"raw_from"` // since when there are raw series that are not of all days
	Outages []Span    `json:"outages"`
	Models  []int     `json:"models"` // calls a minute of a cell, by model, in thousandths
	Jobs    []Job     `json:"jobs"`
	Cells   []Cell    `json:"cells"`
	Slots   []Slot    `json:"slots"`
	Groups  []Group   `json:"groups"`
	Fixed   []Fixed   `json:"fixed"`
	Levels  []Level   `json:"levels"` // the slots of five minutes, then those of an hour
	Mark    [2]string `json:"mark"`   // the label of corrections and its value
}

// Span is from a time, for so many seconds.
type Span struct {
	From    int64 `json:"from"`
	Seconds int64 `json:"seconds"`
}

// Job is a service. One whose Runs is not 0 runs so often a day, for RunMinutes.
type Job struct {
	Labels     map[string]string `json:"labels"`
	Runs       int               `json:"runs"`
	RunMinutes int               `json:"run_minutes"`
}

// Cell is a job with one key and one set of tags.
type Cell struct {
	Job int `json:"job"`
}

// Slot is the place of a pod: pods come and go in it.
type Slot struct {
	Job   int   `json:"job"`
	Cells []int `json:"cells"`
}

// Group is series that grow with the calls of some cells of one job.
type Group struct {
	Cells  []int    `json:"cells"`
	Series []Series `json:"series"`
	job    int
	slots  []int       // which slots report it
	calls  [][]float64 // by model and minute: how many calls there were up to its end
}

// Series is a series without the labels of its job and process.
type Series struct {
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Kind      string            `json:"kind"` // counter, gauge, total, info
	Model     int               `json:"model"`
	Weight    float64           `json:"weight"` // units for each call
	Begin     float64           `json:"begin"`  // the series is there from the first unit of this weight on
	Unit      float64           `json:"unit"`
	Low       float64           `json:"low"`
	High      float64           `json:"high"`
	AllDays   bool              `json:"all_days"`
	Increase  [2]string         `json:"increase"` // the recorded names, by level
	Zeros     bool              `json:"zeros"`    // no growth is recorded too, as of buckets
	GaugeName string            `json:"gauge"`
	Truth     bool              `json:"truth"`
}

// Fixed is a recorded series with one value.
type Fixed struct {
	Name     string            `json:"name"`
	Labels   map[string]string `json:"labels"`
	Interval int64             `json:"interval"`
	Phase    int64             `json:"phase"` // milliseconds
	Value    float64           `json:"value"`
}

// Level is as promql/recorded.py has it, in seconds.
type Level struct {
	Slot            int64 `json:"slot"`
	Delay           int64 `json:"delay"`
	Step            int64 `json:"step"`
	Late            int64 `json:"late"`
	Phase           int64 `json:"phase"` // milliseconds, of the rules' group
	CorrectionPhase int64 `json:"correction_phase"`
}

// life is a process in a slot: minutes [from, to).
type life struct{ from, to int }

// grown is what a recorded sample holds: the growth between pairs of minutes.
type grown struct {
	stamp int64 // milliseconds
	parts [][2]int
}

// Fleet is a plan with everything worked out that does not depend on a series.
type Fleet struct {
	Plan
	minutes  int
	lives    [][]life      // by slot
	recorded [2][2][]grown // by level; of slots, and of corrections
}

func readFleet(path string) (*Fleet, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &Fleet{}
	if err := json.Unmarshal(text, &f.Plan); err != nil {
		return nil, err
	}
	if f.Start%3600 != 0 || len(f.Levels) != 2 {
		return nil, fmt.Errorf("%s: the start is no whole hour, or there are not two levels", path)
	}
	f.minutes = int((f.End - f.Start) / 60)
	f.makeLives()
	f.makeCalls()
	f.makeRecorded()
	return f, nil
}

func mix(values ...uint64) uint64 {
	x := uint64(0x9E3779B97F4A7C15)
	for _, v := range values {
		x ^= v + 0x9E3779B97F4A7C15 + x<<6 + x>>2
		x ^= x >> 30
		x *= 0xBF58476D1CE4E5B9
		x ^= x >> 27
		x *= 0x94D049BB133111EB
		x ^= x >> 31
	}
	return x
}

func share(values ...uint64) float64 { return float64(mix(values...)>>11) / (1 << 53) }

// away says whether the store was away at a time in milliseconds.
func (f *Fleet) away(ms int64) bool {
	for _, o := range f.Outages {
		if ms >= o.From*1000 && ms < (o.From+o.Seconds)*1000 {
			return true
		}
	}
	return false
}

// minuteAway says so of a minute's samples. Outages are whole minutes.
func (f *Fleet) minuteAway(m int) bool { return f.away((f.Start + int64(m)*60) * 1000) }

// runs of a job that comes and goes; none while the store is away, so that all that grows is stored.
func (f *Fleet) runs(job int) []life {
	j := f.Jobs[job]
	every := 1440 / j.Runs
	first := int(mix(f.Seed, 1, uint64(job)) % uint64(every-j.RunMinutes))
	var found []life
	for m := first; m+j.RunMinutes <= f.minutes; m += every {
		if !f.minuteAway(m) && !f.minuteAway(m+j.RunMinutes) {
			found = append(found, life{m, m + j.RunMinutes})
		}
	}
	return found
}

// makeLives: a pod is replaced each day at a time of its slot, and restarts once in ten days. Not while the store is
// away: what a process did after its last sample would be in no series.
func (f *Fleet) makeLives() {
	for i, slot := range f.Slots {
		if f.Jobs[slot.Job].Runs > 0 {
			f.lives = append(f.lives, f.runs(slot.Job))
			continue
		}
		var ends []int
		for m := int(mix(f.Seed, 2, uint64(i)) % 1440); m < f.minutes; m += 1440 {
			ends = append(ends, m)
			if h := mix(f.Seed, 3, uint64(i), uint64(m)); h%10 == 0 {
				ends = append(ends, m+60+int(h>>8%1200))
			}
		}
		ends = append(ends, f.minutes)
		sort.Ints(ends)
		var lives []life
		from := 0
		for _, end := range ends {
			if end > from && (end == f.minutes || end < f.minutes && !f.minuteAway(end) && !f.minuteAway(end-1)) {
				lives = append(lives, life{from, end})
				from = end
			}
		}
		f.lives = append(f.lives, lives)
	}
}

// makeCalls: how many calls each group had, which does not depend on the number of pods.
func (f *Fleet) makeCalls() {
	running := make([][]bool, len(f.Jobs)) // by job: nil is always
	for job := range f.Jobs {
		if f.Jobs[job].Runs > 0 {
			running[job] = make([]bool, f.minutes)
			for _, l := range f.runs(job) {
				for m := l.from; m < l.to; m++ {
					running[job][m] = true
				}
			}
		}
	}
	for g := range f.Groups {
		group := &f.Groups[g]
		group.job = f.Cells[group.Cells[0]].Job
		mine := map[int]bool{}
		for _, cell := range group.Cells {
			mine[cell] = true
		}
		for i, slot := range f.Slots {
			for _, cell := range slot.Cells {
				if mine[cell] {
					group.slots = append(group.slots, i)
					break
				}
			}
		}
		for model, rate := range f.Models {
			calls := make([]float64, f.minutes)
			total := 0.0
			for m := range calls {
				if running[group.job] == nil || running[group.job][m] {
					hour := float64(m%1440) / 60
					day := 1 + 0.5*math.Sin((hour-8)*math.Pi/12)
					for _, cell := range group.Cells {
						noise := 2 * share(f.Seed, 4, uint64(cell), uint64(model), uint64(m))
						total += math.Floor(float64(rate)/1000*day*noise + share(f.Seed, 5, uint64(cell), uint64(model), uint64(m)))
					}
				}
				calls[m] = total
			}
			group.calls = append(group.calls, calls)
		}
	}
}

// lastStored is the last minute up to this one whose samples are stored.
func (f *Fleet) lastStored(m int) int {
	for m >= 0 && f.minuteAway(m) {
		m--
	}
	return m
}

// makeRecorded: which growth the rules wrote at which time, with what they missed in outages.
func (f *Fleet) makeRecorded() {
	minutes, hours := f.Levels[0], f.Levels[1]
	slots, fixes := &f.recorded[0][0], &f.recorded[0][1]
	per := int(minutes.Slot / 60)
	for end := f.Start + minutes.Slot; end <= f.End; end += minutes.Slot {
		m := int((end-f.Start)/60) - 1
		to := f.lastStored(m)
		if to <= m-per { // no sample in the slot
			continue
		}
		part := [2]int{f.lastStored(m - per), to}
		if stamp := end*1000 + minutes.Delay*1000 + minutes.Phase; !f.away(stamp) {
			*slots = append(*slots, grown{stamp, [][2]int{part}})
		} else {
			*fixes = f.corrected(*fixes, end, minutes, part)
		}
	}
	// An hour is the sum of what was written within it.
	written := append(append([]grown{}, *slots...), *fixes...)
	early := (minutes.Delay+minutes.Slot)*1000 - 1
	for end := f.Start + hours.Slot; end <= f.End; end += hours.Slot {
		var parts [][2]int
		for _, each := range written {
			if each.stamp > (end-hours.Slot)*1000+early && each.stamp <= end*1000+early {
				parts = append(parts, each.parts...)
			}
		}
		if stamp := (end+hours.Delay)*1000 + hours.Phase; !f.away(stamp) {
			f.recorded[1][0] = append(f.recorded[1][0], grown{stamp, parts})
		} else {
			f.recorded[1][1] = f.corrected(f.recorded[1][1], end, hours, parts...)
		}
	}
	// The earliest slot of all is written into the first hour.
	if len(f.recorded[1][0]) > 0 {
		for _, each := range written {
			if each.stamp <= f.Start*1000+early {
				f.recorded[1][0][0].parts = append(f.recorded[1][0][0].parts, each.parts...)
			}
		}
	}
}

// corrected adds what was missed to the first correction that is made when the store is back.
func (f *Fleet) corrected(fixes []grown, end int64, level Level, parts ...[2]int) []grown {
	if len(parts) == 0 {
		return fixes
	}
	step := (end + level.Step - 1) / level.Step * level.Step
	for f.away((step+level.Late)*1000 + level.CorrectionPhase) {
		step += level.Step
	}
	stamp := (step+level.Late)*1000 + level.CorrectionPhase
	if n := len(fixes); n > 0 && fixes[n-1].stamp == stamp {
		fixes[n-1].parts = append(fixes[n-1].parts, parts...)
		return fixes
	}
	return append(fixes, grown{stamp, parts})
}

// units that a group's calls make up to the end of a minute.
func (g *Group) units(s *Series, weight float64, m int) uint64 {
	if m < 0 {
		return 0
	}
	return uint64(weight * g.calls[s.Model][m])
}

// reports says whether some process reports a series in a slot: once it has begun, or while its job runs.
func (g *Group) reports(s *Series, part [2]int, always bool) bool {
	begun := g.units(s, s.Begin, part[1])
	return begun > 0 && (always || begun > g.units(s, s.Begin, part[0]))
}

// entry is a series with what gives its samples between two times in milliseconds, the second not included.
type entry struct {
	labels labels.Labels
	each   func(from, to int64, emit func(t int64, v float64))
}

func (f *Fleet) name(name string, sets ...map[string]string) labels.Labels {
	all := map[string]string{labels.MetricName: name}
	for _, set := range sets {
		for k, v := range set {
			if v != "" {
				all[k] = v
			}
		}
	}
	return labels.FromMap(all)
}

// entries are all series that can have samples between two times.
func (f *Fleet) entries(from, to int64, raw, recorded bool) []entry {
	var found []entry
	for g := range f.Groups {
		group := &f.Groups[g]
		for i := range group.Series {
			if raw {
				found = f.rawEntries(found, group, &group.Series[i], from, to)
			}
			if recorded {
				found = f.recordedEntries(found, group, &group.Series[i])
			}
		}
	}
	if recorded {
		for i := range f.Fixed {
			found = append(found, f.fixedEntry(&f.Fixed[i]))
		}
	}
	return found
}

func (f *Fleet) rawEntries(found []entry, group *Group, s *Series, from, to int64) []entry {
	if !s.AllDays && to <= f.RawFrom*1000 {
		return found
	}
	n := uint64(len(group.slots))
	for j, slot := range group.slots {
		for _, l := range f.lives[slot] {
			if (f.Start+int64(l.to)*60)*1000 <= from || (f.Start+int64(l.from)*60)*1000 >= to {
				continue
			}
			a, b := mix(f.Seed, 6, uint64(slot), uint64(l.from)), mix(f.Seed, 7, uint64(slot), uint64(l.from))
			id := fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a>>4&0xfff, b>>52, b&0xffffffffffff)
			process := map[string]string{"instance": id, "service_instance_id": id,
				"service_version": fmt.Sprintf("1.%d.%d", l.from/1440, b>>20%3)}
			phase := int64(mix(f.Seed, 8, uint64(slot), uint64(l.from))%59_000) + 500
			labels := f.name(s.Name, s.Labels, f.Jobs[group.job].Labels, process)
			base := (group.units(s, s.Weight, l.from-1) + uint64(j)) / n
			begun := (group.units(s, s.Begin, l.from-1) + uint64(j)) / n
			seed := mix(f.Seed, 9, uint64(slot), labels.Hash())
			found = append(found, entry{labels, func(from, to int64, emit func(int64, float64)) {
				if !s.AllDays && from < f.RawFrom*1000 {
					from = f.RawFrom * 1000
				}
				first, last := l.from, l.to
				if m := int((from - phase - f.Start*1000 + 59_999) / 60_000); m > first {
					first = m
				}
				if m := int((to - phase - f.Start*1000 + 59_999) / 60_000); m < last {
					last = m
				}
				for m := first; m < last; m++ {
					t := (f.Start+int64(m)*60)*1000 + phase
					if f.minuteAway(m) {
						continue
					}
					switch s.Kind {
					case "info":
						emit(t, 1)
					case "gauge":
						emit(t, s.gauge(seed, m))
					case "total":
						emit(t, float64(group.units(s, s.Weight, m))*s.Unit)
					default:
						v := (group.units(s, s.Weight, m)+uint64(j))/n - base
						if v > 0 || s.Begin > 0 && (group.units(s, s.Begin, m)+uint64(j))/n > begun {
							emit(t, float64(v)*s.Unit)
						}
					}
				}
			}})
		}
	}
	return found
}

// gauge between its bounds, changing each few minutes.
func (s *Series) gauge(seed uint64, m int) float64 {
	v := s.Low + (s.High-s.Low)*share(seed, uint64(m/3))
	return math.Round(v/s.Unit) * s.Unit
}

func (f *Fleet) recordedEntries(found []entry, group *Group, s *Series) []entry {
	if s.GaugeName != "" {
		labels := f.name(s.GaugeName, s.Labels, f.Jobs[group.job].Labels)
		level, seed := f.Levels[0], mix(f.Seed, 10, labels.Hash())
		active := f.Jobs[group.job].Runs == 0
		found = append(found, entry{labels, func(from, to int64, emit func(int64, float64)) {
			f.times(level.Slot, level.Phase+23_000, from, to, func(t int64) {
				m := int(t/1000-f.Start) / 60
				if active || m > 0 && group.calls[s.Model][min(m, f.minutes-1)] > group.calls[s.Model][max(0, m-5)] {
					emit(t, s.gauge(seed, m))
				}
			})
		}})
	}
	always := f.Jobs[group.job].Runs == 0
	for level, name := range s.Increase {
		if name == "" {
			continue
		}
		for kind, written := range f.recorded[level] {
			mark := map[string]string{}
			if kind == 1 {
				mark[f.Mark[0]] = f.Mark[1]
			}
			found = append(found, entry{f.name(name, s.Labels, f.Jobs[group.job].Labels, mark), func(from, to int64, emit func(int64, float64)) {
				i := sort.Search(len(written), func(i int) bool { return written[i].stamp >= from })
				for ; i < len(written) && written[i].stamp < to; i++ {
					sum, there := uint64(0), false
					for _, part := range written[i].parts {
						sum += group.units(s, s.Weight, part[1]) - group.units(s, s.Weight, part[0])
						// A slot has its empty buckets; a correction those of a histogram that grew.
						there = there || s.Zeros && group.reports(s, part, always && kind == 0)
					}
					if sum > 0 || there {
						emit(written[i].stamp, float64(sum)*s.Unit)
					}
				}
			}})
		}
	}
	return found
}

// times of evaluations at a phase, in seconds and milliseconds, while the store is there.
func (f *Fleet) times(interval, phase, from, to int64, at func(t int64)) {
	first := max(from, f.Start*1000)
	t := first/(interval*1000)*interval*1000 + phase%(interval*1000)
	for ; t < to; t += interval * 1000 {
		if t >= first && !f.away(t) {
			at(t)
		}
	}
}

func (f *Fleet) fixedEntry(x *Fixed) entry {
	return entry{f.name(x.Name, x.Labels), func(from, to int64, emit func(int64, float64)) {
		f.times(x.Interval, x.Phase, from, to, func(t int64) { emit(t, x.Value) })
	}}
}
