// Package tests is what the Go package is tested with, both where it calls the library by cgo and where it was loaded.
package tests

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	infermem "infermem.dev/go"
)

// Run runs all of them.
func Run(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"errors_have_code_numbers_and_sentence", errorsHaveNumbers},
		{"closed_objects_answer", closedObjectsAnswer},
		{"close_may_be_called_by_many_at_once", closeByMany},
		{"forgotten_objects_are_freed", forgottenObjectsAreFreed},
		{"objects_keep_their_tape", objectsKeepTheirTape},
		{"each_goroutine_has_its_own_error", eachGoroutineItsError},
		{"tape_gives_and_takes_back", tapeGives},
		{"tape_in_lent_memory", tapeInLentMemory},
		{"tape_by_many_at_once", tapeByMany},
		{"layout_has_three_lifetimes", layoutLifetimes},
		{"kv_holds_what_was_appended", kvHolds},
		{"kv_views_show_what_is_stored", kvViews},
		{"kv_shortens_copies_and_grows", kvShortens},
		{"kv_types_of_each_layer", kvTypes},
		{"kv_attends", kvAttends},
		{"kv_is_stale_after_its_tape", kvStale},
		{"kv_saves_and_loads_files", kvFiles},
		{"kv_saves_and_loads_streams", kvStreams},
		{"kv_streams_that_fail", kvStreamsFail},
		{"kv_streams_that_panic", kvStreamsPanic},
		{"pad_holds_rows", padHolds},
		{"quant_comes_back", quantComesBack},
		{"quant_multiplies", quantMultiplies},
		{"quant_saves_and_loads", quantFiles},
		{"quant_borrows", quantBorrows},
		{"quant_imports", quantImports},
		{"quant_by_many_at_once", quantByMany},
		{"quant_refuses", quantRefuses},
		{"neuron_finds_the_hot", neuronFinds},
		{"neuron_records_masks_and_values", neuronRecords},
		{"store_keeps_rows", storeKeepsRows},
		{"store_of_a_matrix", storeOfMatrix},
		{"store_loads_later", storeLoadsLater},
		{"store_loads_that_fail", storeLoadsFail},
		{"scratch_has_the_buffers_of_a_pass", scratchHasBuffers},
		{"scratch_plans_share_memory", scratchPlans},
		{"dispatch_counts_and_measures", dispatchCounts},
		{"model_tells_tensors_and_numbers", modelTells},
		{"model_tells_metadata", modelMeta},
		{"model_from_bytes_and_readers", modelSources},
		{"plan_fits_and_builds", planFits},
		{"plan_estimates", planEstimates},
		{"devices_are_probed", devicesProbed},
		{"view_as_dlpack", viewDLPack},
		{"dtypes_and_versions", dtypes},
		{"simd_is_chosen", simdChosen},
		{"log_lines_arrive", logLines},
		{"example_decodes_the_tokens_of_all_languages", exampleDecodes},
	} {
		t.Run(test.name, test.run)
	}
}

// Data is the path of a file of the tests' data; the tests run in a folder of the tree.
func Data(t testing.TB, name string) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil && folder != "/" {
		path := filepath.Join(folder, "tests/data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		folder = filepath.Dir(folder)
	}
	t.Fatal("the tests' data are not there")
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func made[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		must(t, err)
		return value
	}
}

func wantCode(t testing.TB, err error, code infermem.Code) *infermem.Error {
	t.Helper()
	if !errors.Is(err, code) {
		t.Fatalf("%v, not %v", err, code)
	}
	var e *infermem.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	return e
}

func want[T comparable](t testing.TB, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%s is %v, not %v", what, got, wanted)
	}
}

func near(t testing.TB, what string, got, wanted, by float64) {
	t.Helper()
	if !(math.Abs(got-wanted) <= by) {
		t.Fatalf("%s is %v, not %v", what, got, wanted)
	}
}

// numbers is n floats from -1 to 1, the same for the same seed.
func numbers(n int, seed uint64) []float32 {
	out := make([]float32, n)
	for i := range out {
		seed = seed*6364136223846793005 + 1442695040888963407
		out[i] = float32(int32(seed>>32)) / (1 << 31)
	}
	return out
}

// collect has the garbage collector run finalizers until done.
func collect(done func() bool) bool {
	for i := 0; i < 200; i++ {
		runtime.GC()
		if done() {
			return true
		}
		runtime.Gosched()
	}
	return false
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	return made[[]byte](t)(os.ReadFile(path))
}
