package infermem

// This file has the classic estimates of a dense transformer in f32.

func estimated(c *ModelConfig, call func(*ModelConfig, *uint64) int32) (bytes uint64, err error) {
	err = check(nil, func() int32 { return call(sized(c), &bytes) })
	return bytes, err
}

// EstimateLayer is the bytes of one layer's weights (plan_estimate_layer).
func (c ModelConfig) EstimateLayer() (uint64, error) { return estimated(&c, plan_estimate_layer) }

// EstimateKV is the bytes of the cache of tokens (plan_estimate_kv).
func (c ModelConfig) EstimateKV(tokens uint64) (uint64, error) {
	return estimated(&c, func(c *ModelConfig, out *uint64) int32 { return plan_estimate_kv(c, tokens, out) })
}

// EstimateFull is the bytes of all layers and the cache (plan_estimate_full).
func (c ModelConfig) EstimateFull(tokens uint64) (uint64, error) {
	return estimated(&c, func(c *ModelConfig, out *uint64) int32 { return plan_estimate_full(c, tokens, out) })
}

// EstimateStreaming is the same with one layer in place of all (plan_estimate_streaming).
func (c ModelConfig) EstimateStreaming(tokens uint64) (uint64, error) {
	return estimated(&c, func(c *ModelConfig, out *uint64) int32 { return plan_estimate_streaming(c, tokens, out) })
}

// EstimatePrefillCache is the bytes of a copy of all matrices to prefill with (plan_estimate_prefill_cache).
func (c ModelConfig) EstimatePrefillCache(fp8 bool) (uint64, error) {
	return estimated(&c, func(c *ModelConfig, out *uint64) int32 { return plan_estimate_prefill_cache(c, number(fp8), out) })
}

func number(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// EstimateMode is which mode the free bytes allow (plan_estimate_mode).
func (c ModelConfig) EstimateMode(tokens, freeBytes uint64) (mode int32, err error) {
	err = check(nil, func() int32 { return plan_estimate_mode(sized(&c), tokens, freeBytes, &mode) })
	return mode, err
}

// ShouldStream tells whether that is PlanLayerStreaming (plan_should_stream).
func (c ModelConfig) ShouldStream(tokens, freeBytes uint64) (bool, error) {
	var yes int32
	err := check(nil, func() int32 { return plan_should_stream(sized(&c), tokens, freeBytes, &yes) })
	return yes != 0, err
}

// EstimateText is the mode with the numbers behind it (plan_estimate_text).
func (c ModelConfig) EstimateText(tokens, freeBytes, totalBytes uint64) (string, error) {
	return written(nil, func(buffer *byte, capacity uint, length *uint) int32 {
		return plan_estimate_text(sized(&c), tokens, freeBytes, totalBytes, buffer, capacity, length)
	})
}

// PlanModeText is a mode in words (plan_mode_text).
func PlanModeText(mode int32) string { return goString(plan_mode_text(mode)) }
