package llama

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	infermem "infermem.dev/go"
)

// Prompt is the tokens that Decode starts from.
var Prompt = []uint32{1, 17, 42, 99}

// Decode opens a model file, plans, lays out the memory, and takes the likeliest of tokens n times, telling what happens.
// Halfway it saves the cache to a file, restores it to another cache, and goes on with that.
func Decode(path string, n int, out io.Writer) (tokens []uint32, err error) {
	file, err := infermem.OpenModel(path, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m, err := Load(file, len(Prompt)+n)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	c := &m.Config
	fmt.Fprintf(out, "model    %s: %d layers, hidden %d, %d heads, %d KV heads, %d tensors\n", c.ArchitectureText(),
		c.NLayers, c.Hidden, c.NHeads, c.NKVHeads, file.TensorCount())
	if err := plan(file, c, m.MaxTokens, out); err != nil {
		return nil, err
	}
	if tokens, err = m.generate(n, out); err != nil {
		return nil, err
	}
	return tokens, m.metrics(out)
}

// plan says what the machine has, and how the model would run there.
func plan(file *infermem.Model, c *infermem.ModelConfig, tokens int, out io.Writer) error {
	devices, err := infermem.ProbeDevices(infermem.DeviceOptions{})
	if err != nil {
		return err
	}
	defer devices.Close()
	host, err := devices.Host()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "host     %d MiB, of which %d MiB can be had\n", host.TotalBytes>>20, host.EffectiveBytes>>20)
	if devices.Count() == 0 {
		fmt.Fprintf(out, "device   none: %s\n", devices.WhyNotText())
	}
	estimate, err := c.EstimateText(uint64(tokens), host.EffectiveBytes, host.TotalBytes)
	if err != nil {
		return err
	}
	plan, err := infermem.NewPlan(file, nil, &infermem.PlanOptions{Context: uint64(tokens), Ubatch: 1,
		HostBytes: host.EffectiveBytes})
	if err != nil {
		return err
	}
	defer plan.Close()
	total, err := plan.Query(infermem.PlanTotalBytes, infermem.PlanPlaceAll)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "plan     in f32: %s\n         as it is: %s, %d bytes\n", estimate,
		infermem.PlanModeText(plan.Mode()), total)
	return nil
}

func (m *Model) generate(n int, out io.Writer) (tokens []uint32, err error) {
	fmt.Fprintf(out, "prompt   %v\n", Prompt)
	token := Prompt[0]
	for i := 0; i < len(Prompt)+n-1; i++ {
		if len(tokens) == n/2 && len(tokens) > 0 {
			if err := m.saveAndRestore(out); err != nil {
				return nil, err
			}
		}
		logits, err := m.Forward(token)
		if err != nil {
			return nil, err
		}
		if i+1 < len(Prompt) {
			token = Prompt[i+1]
			continue
		}
		token = likeliest(logits)
		tokens = append(tokens, token)
	}
	fmt.Fprintf(out, "tokens   %v\n", tokens)
	return tokens, nil
}

func likeliest(logits []float32) (best uint32) {
	for i, logit := range logits {
		if logit > logits[best] {
			best = uint32(i)
		}
	}
	return best
}

// saveAndRestore goes on with a cache that was restored from a file.
func (m *Model) saveAndRestore(out io.Writer) error {
	folder, err := os.MkdirTemp("", "infermem")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	path, fingerprint := filepath.Join(folder, "talk.kv"), []byte(m.Config.ArchitectureText())
	if err := m.KV.Save(path, fingerprint); err != nil {
		return err
	}
	restored, err := m.NewCache()
	if err != nil {
		return err
	}
	if err := restored.Load(path, fingerprint); err != nil {
		return err
	}
	m.KV.Close()
	m.KV = restored
	fmt.Fprintf(out, "saved    %d tokens, %d bytes, and restored them\n", restored.Len(), restored.SavedBytes())
	return nil
}

func (m *Model) metrics(out io.Writer) error {
	line, err := m.Layout.UsageText()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "layout   %s\n", line)
	stats, err := m.Metrics.Snapshot(infermem.DispatchCPU)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "speed    %.0f tokens/s: of %d positions the median took %.3f ms\n", 1e9/stats.MeanNS, stats.Latencies,
		float64(stats.P50NS)/1e6)
	for layer := range m.layers {
		if err := m.Neurons.Reclassify(layer); err != nil {
			return err
		}
		counts, err := m.Neurons.Counts(layer)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "hot      layer %d: %d of %d neurons, %d passes\n", layer, counts.NHot, m.Config.Intermediate,
			counts.Events)
	}
	return nil
}
