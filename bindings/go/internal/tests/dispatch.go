package tests

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	infermem "infermem.dev/go"
)

func dispatchCounts(t *testing.T) {
	dispatch := made[*infermem.Dispatch](t)(infermem.NewDispatch(infermem.DispatchOptions{Names: []string{"one", "two"}}))
	defer dispatch.Close()
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 100; j++ {
				if dispatch.Record(0, 2*time.Microsecond) != nil || dispatch.Record(1, time.Microsecond) != nil {
					t.Error("a record failed")
				}
			}
		}()
	}
	group.Wait()
	stats := made[infermem.DispatchStats](t)(dispatch.Snapshot(0))
	want(t, "latencies", stats.Latencies, 400)
	want(t, "mean", stats.MeanNS, 2000)
	want(t, "speedup", dispatch.Speedup(0, 1), 2)
	want(t, "ratio", dispatch.Ratio(1), 0.5)
	counts := made[[]uint64](t)(dispatch.Histogram(0, []uint64{100, 1000000}))
	want(t, "counts", fmt.Sprint(counts), "[0 400 0]")
	must(t, dispatch.CountOnly(0))
	must(t, dispatch.TimerStop(0, infermem.TimerStart()))
	if dispatch.Elapsed() <= 0 || dispatch.Throughput() < 0 {
		t.Fatal(dispatch.Elapsed(), dispatch.Throughput())
	}
	if text := made[string](t)(dispatch.Prometheus()); !strings.Contains(text, "two") {
		t.Fatal(text)
	}
	want(t, "JSON", json.Valid([]byte(made[string](t)(dispatch.JSON()))), true)
	must(t, dispatch.Reset())
	want(t, "dispatches", made[infermem.DispatchStats](t)(dispatch.Snapshot(0)).Dispatches, 0)
	wantCode(t, dispatch.Record(2, 1), infermem.ErrRange)
	_, err := infermem.NewDispatch(infermem.DispatchOptions{Backends: 3, Names: []string{"one"}})
	wantCode(t, err, infermem.ErrArg)
	_, err = infermem.NewDispatch(infermem.DispatchOptions{Names: []string{"one", "one"}})
	wantCode(t, err, infermem.ErrArg)
}
