// Every struct and its fields, for the test beside this. Written by src/abi/generate.py from the public headers.

use crate::size_of_target;
use infermem_sys::*;

pub fn places() -> Vec<String> {
    let mut out = Vec::new();
    place!(out, infermem_allocator, struct_size, allocate, release, context);
    place!(out, infermem_error, code, os_error, expected, got, function, message);
    place!(out, infermem_device_options, struct_size, flags, reserved, cuda_path, nvml_path, root, allocator);
    place!(out, infermem_device_facts, struct_size, name, uuid, bus_id, vendor, ordinal, driver_version, cc_major, cc_minor, is_unified, is_mig, free_known, free_source, reserved, total_bytes, free_bytes, reserved_bytes, timestamp_ns);
    place!(out, infermem_host_facts, struct_size, known, n_numa_nodes, total_bytes, available_bytes, cgroup_limit_bytes, cgroup_used_bytes, effective_bytes, page_size, huge_page_size, huge_pages_total, huge_pages_free, timestamp_ns);
    place!(out, infermem_dispatch_options, struct_size, n_backends, resolution, names, allocator);
    place!(out, infermem_dispatch_stats, struct_size, dispatches, latencies, sum_ns, min_ns, max_ns, p50_ns, p90_ns, p95_ns, p99_ns, p999_ns, mean_ns, variance_ns2, deviation_ns, variation_percent);
    place!(out, infermem_view, data, dtype, flags, n_dims, reserved, bytes, shape, strides);
    place!(out, infermem_dlpack_tensor, data, device_type, device_id, n_dims, type_code, type_bits, type_lanes, shape, strides, byte_offset);
    place!(out, infermem_dlpack, version_major, version_minor, manager, deleter, flags, tensor);
    place!(out, infermem_dlpack_unversioned, tensor, manager, deleter);
    place!(out, infermem_kv_options, struct_size, n_layers, n_kv_heads, head_dim, head_dim_v, max_tokens, k_type, v_type, tape, allocator, k_types, v_types, growable, flags, reserved);
    place!(out, infermem_kv_attend_options, struct_size, n_q_heads, n_q_tokens, n_after, window, scale, soft_cap);
    place!(out, infermem_kv_saved, struct_size, n_tokens, n_layers, n_kv_heads, head_dim, head_dim_v, file_bytes, k_type, v_type, is_mixed, flags, n_fingerprint, reserved, fingerprint);
    place!(out, infermem_tape_options, struct_size, size, flags, reserved, numa_nodes, lent, allocator);
    place!(out, infermem_tape_facts, struct_size, base, total, page_size, requested, granted, fd, red_zone, is_sealed, reserved);
    place!(out, infermem_tape_mark, tape, offset, generation);
    place!(out, infermem_layout_options, struct_size, weights_size, scratch_size, history_size, weights_flags, scratch_flags, history_flags, reserved, numa_nodes, allocator);
    place!(out, infermem_layout_usage, struct_size, weights_used, weights_total, weights_peak, scratch_used, scratch_total, scratch_peak, history_used, history_total, history_peak);
    place!(out, infermem_model_options, struct_size, flags, reserved, allocator);
    place!(out, infermem_model_config, struct_size, architecture, n_layers, hidden, n_heads, n_kv_heads, head_dim_k, head_dim_v, intermediate, vocab, context, rope_dims, n_experts, n_experts_used, sliding_window, tied_embeddings, flags, rope_theta, norm_eps, expert_intermediate, shared_intermediate, n_experts_shared, n_dense_layers, expert_interval, n_nextn, kv_lora_rank, q_lora_rank, head_dim_k_mla, head_dim_v_mla, window_interval, window_first, n_kv_heads_window, head_dim_k_window, head_dim_v_window, n_kv_shared_layers, attention_interval, attention_first, conv_kernel, ssm_inner, ssm_state, ssm_groups, ssm_heads, wkv_head_dim, token_shifts, weight_type, weight_bits, weight_group, expert_type, reserved);
    place!(out, infermem_model_layer, struct_size, kind, confidence, n_heads, n_kv_heads, head_dim_k, head_dim_v, window, kv_source, conv_elements, state_elements, intermediate, n_experts, n_experts_used, is_nextn, weights_confidence, attention_bytes, dense_bytes, shared_expert_bytes, routed_expert_bytes, norm_bytes, other_bytes);
    place!(out, infermem_model_weights, struct_size, total_bytes, embedding_bytes, output_bytes, layer_bytes, largest_layer_bytes, other_bytes, elements, confidence, reserved);
    place!(out, infermem_tensor_info, struct_size, name, name_length, dtype, n_dims, shape, elements, offset, bytes, is_inferred, part);
    place!(out, infermem_meta_info, struct_size, key, key_length, type_, element_type, count);
    place!(out, infermem_quant_options, struct_size, bits, nan_policy, group, tape, allocator, params, symmetric, flags);
    place!(out, infermem_quant_errors, struct_size, max, mean, rmse, max_index, worst_group, worst_group_rmse);
    place!(out, infermem_quant_tensors, struct_size, weights, weights_bytes, zeros, zeros_bytes, scales, scales_bytes, group_index, group_index_bytes, scales_type, gptq_version);
    place!(out, infermem_neuron_options, struct_size, n_layers, n_neurons, threshold, interval, flags, half_life, tape, allocator, budget_count, budget_fraction, budget_bytes, row_bytes, hysteresis, reserved);
    place!(out, infermem_neuron_counts, struct_size, n_hot, n_cold, events, out_of_range, reclassifications, hot_ratio, nans);
    place!(out, infermem_neuron_store_options, struct_size, n_rows, policy, row_bytes, budget_bytes, load, context, quant, half_life, window, n_fetches, reserved, tape, allocator);
    place!(out, infermem_neuron_store_facts, struct_size, fetches, hits, waits, misses, loads, failures, bytes_loaded, evictions, drops, capacity, resident, in_use, memory_bytes);
    place!(out, infermem_pad_options, struct_size, max_tokens, dim, type_, reserved, tape, allocator);
    place!(out, infermem_scratch_options, struct_size, batch, flags, reserved, tape, allocator);
    place!(out, infermem_scratch_lifetime, bytes, first_use, last_use);
    place!(out, infermem_scratch_plan_options, struct_size, align, allocator);
    place!(out, infermem_plan_device, struct_size, name, total_bytes, free_bytes, link_bytes_per_s, flags, reserved);
    place!(out, infermem_plan_options, struct_size, context, min_context, n_sequences, ubatch, n_outputs_max, n_snapshots, host_bytes, host_margin_bytes, margin_bytes, driver_bytes, link_bytes_per_s, file_bytes_per_s, margin_fraction, k_type, v_type, profile, flags, steps, slots, mla, reserved, allocator);
    place!(out, infermem_plan_term_facts, struct_size, kind, place, bytes, confidence, reserved, name, formula);
    place!(out, infermem_plan_layer_facts, struct_size, place, is_resident, is_loaded, host_experts, weight_bytes, kv_bytes, recurrent_bytes, kv_index);
    place!(out, infermem_plan_advice_facts, struct_size, code, mode, value);
    place!(out, infermem_plan_measure, struct_size, kind, place, measured_bytes, predicted_bytes, per_million);
    out
}
