/* The sizes and offsets of public structs on 64-bit machines. A binding relies on them: they change only by growth at the
 * end of structs that begin with struct_size. No struct has padding that is not a named field. */
#include <infermem.h>
#include <stdio.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has another size")
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field " is elsewhere")

#if UINTPTR_MAX == UINT64_MAX
SIZE(infermem_allocator, 32);
AT(infermem_allocator, allocate, 8);
AT(infermem_allocator, release, 16);
AT(infermem_allocator, context, 24);

SIZE(infermem_device_options, 48);
AT(infermem_device_options, flags, 8);
AT(infermem_device_options, reserved, 12);
AT(infermem_device_options, cuda_path, 16);
AT(infermem_device_options, nvml_path, 24);
AT(infermem_device_options, root, 32);
AT(infermem_device_options, allocator, 40);

SIZE(infermem_device_facts, 256);
AT(infermem_device_facts, name, 8);
AT(infermem_device_facts, uuid, 104);
AT(infermem_device_facts, bus_id, 152);
AT(infermem_device_facts, vendor, 184);
AT(infermem_device_facts, ordinal, 188);
AT(infermem_device_facts, driver_version, 192);
AT(infermem_device_facts, cc_major, 196);
AT(infermem_device_facts, cc_minor, 200);
AT(infermem_device_facts, is_unified, 204);
AT(infermem_device_facts, is_mig, 208);
AT(infermem_device_facts, free_known, 212);
AT(infermem_device_facts, free_source, 216);
AT(infermem_device_facts, reserved, 220);
AT(infermem_device_facts, total_bytes, 224);
AT(infermem_device_facts, free_bytes, 232);
AT(infermem_device_facts, reserved_bytes, 240);
AT(infermem_device_facts, timestamp_ns, 248);

SIZE(infermem_host_facts, 96);
AT(infermem_host_facts, known, 8);
AT(infermem_host_facts, n_numa_nodes, 12);
AT(infermem_host_facts, total_bytes, 16);
AT(infermem_host_facts, available_bytes, 24);
AT(infermem_host_facts, cgroup_limit_bytes, 32);
AT(infermem_host_facts, cgroup_used_bytes, 40);
AT(infermem_host_facts, effective_bytes, 48);
AT(infermem_host_facts, page_size, 56);
AT(infermem_host_facts, huge_page_size, 64);
AT(infermem_host_facts, huge_pages_total, 72);
AT(infermem_host_facts, huge_pages_free, 80);
AT(infermem_host_facts, timestamp_ns, 88);

SIZE(infermem_error, 224);
AT(infermem_error, os_error, 4);
AT(infermem_error, expected, 8);
AT(infermem_error, got, 16);
AT(infermem_error, function, 24);
AT(infermem_error, message, 32);

SIZE(infermem_kv_options, 104);
AT(infermem_kv_options, n_layers, 8);
AT(infermem_kv_options, n_kv_heads, 16);
AT(infermem_kv_options, head_dim, 24);
AT(infermem_kv_options, head_dim_v, 32);
AT(infermem_kv_options, max_tokens, 40);
AT(infermem_kv_options, k_type, 48);
AT(infermem_kv_options, v_type, 52);
AT(infermem_kv_options, tape, 56);
AT(infermem_kv_options, allocator, 64);
AT(infermem_kv_options, k_types, 72);
AT(infermem_kv_options, v_types, 80);
AT(infermem_kv_options, growable, 88);
AT(infermem_kv_options, flags, 96);
AT(infermem_kv_options, reserved, 100);

SIZE(infermem_dispatch_options, 32);
AT(infermem_dispatch_options, n_backends, 8);
AT(infermem_dispatch_options, resolution, 12);
AT(infermem_dispatch_options, names, 16);
AT(infermem_dispatch_options, allocator, 24);

SIZE(infermem_dispatch_stats, 120);
AT(infermem_dispatch_stats, dispatches, 8);
AT(infermem_dispatch_stats, latencies, 16);
AT(infermem_dispatch_stats, sum_ns, 24);
AT(infermem_dispatch_stats, min_ns, 32);
AT(infermem_dispatch_stats, max_ns, 40);
AT(infermem_dispatch_stats, p50_ns, 48);
AT(infermem_dispatch_stats, p90_ns, 56);
AT(infermem_dispatch_stats, p95_ns, 64);
AT(infermem_dispatch_stats, p99_ns, 72);
AT(infermem_dispatch_stats, p999_ns, 80);
AT(infermem_dispatch_stats, mean_ns, 88);
AT(infermem_dispatch_stats, variance_ns2, 96);
AT(infermem_dispatch_stats, deviation_ns, 104);
AT(infermem_dispatch_stats, variation_percent, 112);

SIZE(infermem_scratch_options, 40);
AT(infermem_scratch_options, batch, 8);
AT(infermem_scratch_options, flags, 16);
AT(infermem_scratch_options, reserved, 20);
AT(infermem_scratch_options, tape, 24);
AT(infermem_scratch_options, allocator, 32);

SIZE(infermem_scratch_lifetime, 24);
AT(infermem_scratch_lifetime, first_use, 8);
AT(infermem_scratch_lifetime, last_use, 16);

SIZE(infermem_scratch_plan_options, 24);
AT(infermem_scratch_plan_options, align, 8);
AT(infermem_scratch_plan_options, allocator, 16);

SIZE(infermem_pad_options, 48);
AT(infermem_pad_options, max_tokens, 8);
AT(infermem_pad_options, dim, 16);
AT(infermem_pad_options, type, 24);
AT(infermem_pad_options, reserved, 28);
AT(infermem_pad_options, tape, 32);
AT(infermem_pad_options, allocator, 40);

SIZE(infermem_dlpack_tensor, 48);
AT(infermem_dlpack_tensor, device_type, 8);
AT(infermem_dlpack_tensor, device_id, 12);
AT(infermem_dlpack_tensor, n_dims, 16);
AT(infermem_dlpack_tensor, type_code, 20);
AT(infermem_dlpack_tensor, type_bits, 21);
AT(infermem_dlpack_tensor, type_lanes, 22);
AT(infermem_dlpack_tensor, shape, 24);
AT(infermem_dlpack_tensor, strides, 32);
AT(infermem_dlpack_tensor, byte_offset, 40);

SIZE(infermem_dlpack, 80);
AT(infermem_dlpack, version_minor, 4);
AT(infermem_dlpack, manager, 8);
AT(infermem_dlpack, deleter, 16);
AT(infermem_dlpack, flags, 24);
AT(infermem_dlpack, tensor, 32);

SIZE(infermem_dlpack_unversioned, 64);
AT(infermem_dlpack_unversioned, manager, 48);
AT(infermem_dlpack_unversioned, deleter, 56);

SIZE(infermem_kv_attend_options, 48);
AT(infermem_kv_attend_options, n_q_heads, 8);
AT(infermem_kv_attend_options, n_q_tokens, 16);
AT(infermem_kv_attend_options, n_after, 24);
AT(infermem_kv_attend_options, window, 32);
AT(infermem_kv_attend_options, scale, 40);
AT(infermem_kv_attend_options, soft_cap, 44);

SIZE(infermem_kv_saved, 144);
AT(infermem_kv_saved, n_tokens, 8);
AT(infermem_kv_saved, file_bytes, 48);
AT(infermem_kv_saved, k_type, 56);
AT(infermem_kv_saved, is_mixed, 64);
AT(infermem_kv_saved, n_fingerprint, 72);
AT(infermem_kv_saved, fingerprint, 80);

SIZE(infermem_tape_options, 48);
AT(infermem_tape_options, size, 8);
AT(infermem_tape_options, flags, 16);
AT(infermem_tape_options, reserved, 20);
AT(infermem_tape_options, numa_nodes, 24);
AT(infermem_tape_options, lent, 32);
AT(infermem_tape_options, allocator, 40);

SIZE(infermem_tape_facts, 56);
AT(infermem_tape_facts, base, 8);
AT(infermem_tape_facts, total, 16);
AT(infermem_tape_facts, page_size, 24);
AT(infermem_tape_facts, requested, 32);
AT(infermem_tape_facts, granted, 36);
AT(infermem_tape_facts, fd, 40);
AT(infermem_tape_facts, red_zone, 44);
AT(infermem_tape_facts, is_sealed, 48);
AT(infermem_tape_facts, reserved, 52);

SIZE(infermem_tape_mark, 24);
AT(infermem_tape_mark, offset, 8);
AT(infermem_tape_mark, generation, 16);

SIZE(infermem_plan_device, 136);
AT(infermem_plan_device, name, 8);
AT(infermem_plan_device, total_bytes, 104);
AT(infermem_plan_device, free_bytes, 112);
AT(infermem_plan_device, link_bytes_per_s, 120);
AT(infermem_plan_device, flags, 128);
AT(infermem_plan_device, reserved, 132);

SIZE(infermem_plan_options, 152);
AT(infermem_plan_options, context, 8);
AT(infermem_plan_options, min_context, 16);
AT(infermem_plan_options, n_sequences, 24);
AT(infermem_plan_options, ubatch, 32);
AT(infermem_plan_options, n_outputs_max, 40);
AT(infermem_plan_options, n_snapshots, 48);
AT(infermem_plan_options, host_bytes, 56);
AT(infermem_plan_options, host_margin_bytes, 64);
AT(infermem_plan_options, margin_bytes, 72);
AT(infermem_plan_options, driver_bytes, 80);
AT(infermem_plan_options, link_bytes_per_s, 88);
AT(infermem_plan_options, file_bytes_per_s, 96);
AT(infermem_plan_options, margin_fraction, 104);
AT(infermem_plan_options, k_type, 112);
AT(infermem_plan_options, v_type, 116);
AT(infermem_plan_options, profile, 120);
AT(infermem_plan_options, flags, 124);
AT(infermem_plan_options, steps, 128);
AT(infermem_plan_options, slots, 132);
AT(infermem_plan_options, mla, 136);
AT(infermem_plan_options, reserved, 140);
AT(infermem_plan_options, allocator, 144);

SIZE(infermem_plan_term_facts, 48);
AT(infermem_plan_term_facts, kind, 8);
AT(infermem_plan_term_facts, place, 12);
AT(infermem_plan_term_facts, bytes, 16);
AT(infermem_plan_term_facts, confidence, 24);
AT(infermem_plan_term_facts, reserved, 28);
AT(infermem_plan_term_facts, name, 32);
AT(infermem_plan_term_facts, formula, 40);

SIZE(infermem_plan_layer_facts, 56);
AT(infermem_plan_layer_facts, place, 8);
AT(infermem_plan_layer_facts, is_resident, 12);
AT(infermem_plan_layer_facts, is_loaded, 16);
AT(infermem_plan_layer_facts, host_experts, 20);
AT(infermem_plan_layer_facts, weight_bytes, 24);
AT(infermem_plan_layer_facts, kv_bytes, 32);
AT(infermem_plan_layer_facts, recurrent_bytes, 40);
AT(infermem_plan_layer_facts, kv_index, 48);

SIZE(infermem_plan_advice_facts, 24);
AT(infermem_plan_advice_facts, code, 8);
AT(infermem_plan_advice_facts, mode, 12);
AT(infermem_plan_advice_facts, value, 16);

SIZE(infermem_plan_measure, 40);
AT(infermem_plan_measure, kind, 8);
AT(infermem_plan_measure, place, 12);
AT(infermem_plan_measure, measured_bytes, 16);
AT(infermem_plan_measure, predicted_bytes, 24);
AT(infermem_plan_measure, per_million, 32);

SIZE(infermem_layout_options, 64);
AT(infermem_layout_options, weights_size, 8);
AT(infermem_layout_options, scratch_size, 16);
AT(infermem_layout_options, history_size, 24);
AT(infermem_layout_options, weights_flags, 32);
AT(infermem_layout_options, scratch_flags, 36);
AT(infermem_layout_options, history_flags, 40);
AT(infermem_layout_options, reserved, 44);
AT(infermem_layout_options, numa_nodes, 48);
AT(infermem_layout_options, allocator, 56);

SIZE(infermem_layout_usage, 80);
AT(infermem_layout_usage, weights_used, 8);
AT(infermem_layout_usage, weights_total, 16);
AT(infermem_layout_usage, weights_peak, 24);
AT(infermem_layout_usage, scratch_used, 32);
AT(infermem_layout_usage, scratch_total, 40);
AT(infermem_layout_usage, scratch_peak, 48);
AT(infermem_layout_usage, history_used, 56);
AT(infermem_layout_usage, history_total, 64);
AT(infermem_layout_usage, history_peak, 72);

SIZE(infermem_model_options, 24);
AT(infermem_model_options, flags, 8);
AT(infermem_model_options, reserved, 12);
AT(infermem_model_options, allocator, 16);

SIZE(infermem_model_config, 424);
AT(infermem_model_config, architecture, 8);
AT(infermem_model_config, n_layers, 72);
AT(infermem_model_config, hidden, 80);
AT(infermem_model_config, n_heads, 88);
AT(infermem_model_config, n_kv_heads, 96);
AT(infermem_model_config, head_dim_k, 104);
AT(infermem_model_config, head_dim_v, 112);
AT(infermem_model_config, intermediate, 120);
AT(infermem_model_config, vocab, 128);
AT(infermem_model_config, context, 136);
AT(infermem_model_config, rope_dims, 144);
AT(infermem_model_config, n_experts, 152);
AT(infermem_model_config, n_experts_used, 160);
AT(infermem_model_config, sliding_window, 168);
AT(infermem_model_config, tied_embeddings, 176);
AT(infermem_model_config, flags, 180);
AT(infermem_model_config, rope_theta, 184);
AT(infermem_model_config, norm_eps, 192);
AT(infermem_model_config, expert_intermediate, 200);
AT(infermem_model_config, shared_intermediate, 208);
AT(infermem_model_config, n_experts_shared, 216);
AT(infermem_model_config, n_dense_layers, 224);
AT(infermem_model_config, expert_interval, 232);
AT(infermem_model_config, n_nextn, 240);
AT(infermem_model_config, kv_lora_rank, 248);
AT(infermem_model_config, q_lora_rank, 256);
AT(infermem_model_config, head_dim_k_mla, 264);
AT(infermem_model_config, head_dim_v_mla, 272);
AT(infermem_model_config, window_interval, 280);
AT(infermem_model_config, window_first, 288);
AT(infermem_model_config, n_kv_heads_window, 296);
AT(infermem_model_config, head_dim_k_window, 304);
AT(infermem_model_config, head_dim_v_window, 312);
AT(infermem_model_config, n_kv_shared_layers, 320);
AT(infermem_model_config, attention_interval, 328);
AT(infermem_model_config, attention_first, 336);
AT(infermem_model_config, conv_kernel, 344);
AT(infermem_model_config, ssm_inner, 352);
AT(infermem_model_config, ssm_state, 360);
AT(infermem_model_config, ssm_groups, 368);
AT(infermem_model_config, ssm_heads, 376);
AT(infermem_model_config, wkv_head_dim, 384);
AT(infermem_model_config, token_shifts, 392);
AT(infermem_model_config, weight_type, 400);
AT(infermem_model_config, weight_bits, 404);
AT(infermem_model_config, weight_group, 408);
AT(infermem_model_config, expert_type, 416);
AT(infermem_model_config, reserved, 420);

SIZE(infermem_model_layer, 160);
AT(infermem_model_layer, kind, 8);
AT(infermem_model_layer, confidence, 12);
AT(infermem_model_layer, n_heads, 16);
AT(infermem_model_layer, n_kv_heads, 24);
AT(infermem_model_layer, head_dim_k, 32);
AT(infermem_model_layer, head_dim_v, 40);
AT(infermem_model_layer, window, 48);
AT(infermem_model_layer, kv_source, 56);
AT(infermem_model_layer, conv_elements, 64);
AT(infermem_model_layer, state_elements, 72);
AT(infermem_model_layer, intermediate, 80);
AT(infermem_model_layer, n_experts, 88);
AT(infermem_model_layer, n_experts_used, 96);
AT(infermem_model_layer, is_nextn, 104);
AT(infermem_model_layer, weights_confidence, 108);
AT(infermem_model_layer, attention_bytes, 112);
AT(infermem_model_layer, dense_bytes, 120);
AT(infermem_model_layer, shared_expert_bytes, 128);
AT(infermem_model_layer, routed_expert_bytes, 136);
AT(infermem_model_layer, norm_bytes, 144);
AT(infermem_model_layer, other_bytes, 152);

SIZE(infermem_model_weights, 72);
AT(infermem_model_weights, total_bytes, 8);
AT(infermem_model_weights, embedding_bytes, 16);
AT(infermem_model_weights, output_bytes, 24);
AT(infermem_model_weights, layer_bytes, 32);
AT(infermem_model_weights, largest_layer_bytes, 40);
AT(infermem_model_weights, other_bytes, 48);
AT(infermem_model_weights, elements, 56);
AT(infermem_model_weights, confidence, 64);
AT(infermem_model_weights, reserved, 68);

SIZE(infermem_tensor_info, 96);
AT(infermem_tensor_info, name, 8);
AT(infermem_tensor_info, name_length, 16);
AT(infermem_tensor_info, dtype, 24);
AT(infermem_tensor_info, n_dims, 28);
AT(infermem_tensor_info, shape, 32);
AT(infermem_tensor_info, elements, 64);
AT(infermem_tensor_info, offset, 72);
AT(infermem_tensor_info, bytes, 80);
AT(infermem_tensor_info, is_inferred, 88);
AT(infermem_tensor_info, part, 92);

SIZE(infermem_meta_info, 40);
AT(infermem_meta_info, key, 8);
AT(infermem_meta_info, key_length, 16);
AT(infermem_meta_info, type, 24);
AT(infermem_meta_info, element_type, 28);
AT(infermem_meta_info, count, 32);

SIZE(infermem_neuron_options, 80);
AT(infermem_neuron_options, n_layers, 8);
AT(infermem_neuron_options, n_neurons, 12);
AT(infermem_neuron_options, threshold, 16);
AT(infermem_neuron_options, interval, 20);
AT(infermem_neuron_options, flags, 24);
AT(infermem_neuron_options, half_life, 28);
AT(infermem_neuron_options, tape, 32);
AT(infermem_neuron_options, allocator, 40);
AT(infermem_neuron_options, budget_count, 48);
AT(infermem_neuron_options, budget_fraction, 52);
AT(infermem_neuron_options, budget_bytes, 56);
AT(infermem_neuron_options, row_bytes, 64);
AT(infermem_neuron_options, hysteresis, 72);
AT(infermem_neuron_options, reserved, 76);

SIZE(infermem_neuron_counts, 64);
AT(infermem_neuron_counts, n_hot, 8);
AT(infermem_neuron_counts, n_cold, 16);
AT(infermem_neuron_counts, events, 24);
AT(infermem_neuron_counts, out_of_range, 32);
AT(infermem_neuron_counts, reclassifications, 40);
AT(infermem_neuron_counts, hot_ratio, 48);
AT(infermem_neuron_counts, nans, 56);

SIZE(infermem_neuron_store_options, 88);
AT(infermem_neuron_store_options, n_rows, 8);
AT(infermem_neuron_store_options, policy, 12);
AT(infermem_neuron_store_options, row_bytes, 16);
AT(infermem_neuron_store_options, budget_bytes, 24);
AT(infermem_neuron_store_options, load, 32);
AT(infermem_neuron_store_options, context, 40);
AT(infermem_neuron_store_options, quant, 48);
AT(infermem_neuron_store_options, half_life, 56);
AT(infermem_neuron_store_options, window, 60);
AT(infermem_neuron_store_options, n_fetches, 64);
AT(infermem_neuron_store_options, reserved, 68);
AT(infermem_neuron_store_options, tape, 72);
AT(infermem_neuron_store_options, allocator, 80);

SIZE(infermem_neuron_store_facts, 112);
AT(infermem_neuron_store_facts, fetches, 8);
AT(infermem_neuron_store_facts, hits, 16);
AT(infermem_neuron_store_facts, waits, 24);
AT(infermem_neuron_store_facts, misses, 32);
AT(infermem_neuron_store_facts, loads, 40);
AT(infermem_neuron_store_facts, failures, 48);
AT(infermem_neuron_store_facts, bytes_loaded, 56);
AT(infermem_neuron_store_facts, evictions, 64);
AT(infermem_neuron_store_facts, drops, 72);
AT(infermem_neuron_store_facts, capacity, 80);
AT(infermem_neuron_store_facts, resident, 88);
AT(infermem_neuron_store_facts, in_use, 96);
AT(infermem_neuron_store_facts, memory_bytes, 104);

SIZE(infermem_quant_options, 56);
AT(infermem_quant_options, bits, 8);
AT(infermem_quant_options, nan_policy, 12);
AT(infermem_quant_options, group, 16);
AT(infermem_quant_options, tape, 24);
AT(infermem_quant_options, allocator, 32);
AT(infermem_quant_options, params, 40);
AT(infermem_quant_options, symmetric, 44);
AT(infermem_quant_options, flags, 48);

SIZE(infermem_quant_errors, 56);
AT(infermem_quant_errors, max, 8);
AT(infermem_quant_errors, mean, 16);
AT(infermem_quant_errors, rmse, 24);
AT(infermem_quant_errors, max_index, 32);
AT(infermem_quant_errors, worst_group, 40);
AT(infermem_quant_errors, worst_group_rmse, 48);

SIZE(infermem_quant_tensors, 80);
AT(infermem_quant_tensors, weights, 8);
AT(infermem_quant_tensors, weights_bytes, 16);
AT(infermem_quant_tensors, zeros, 24);
AT(infermem_quant_tensors, zeros_bytes, 32);
AT(infermem_quant_tensors, scales, 40);
AT(infermem_quant_tensors, scales_bytes, 48);
AT(infermem_quant_tensors, group_index, 56);
AT(infermem_quant_tensors, group_index_bytes, 64);
AT(infermem_quant_tensors, scales_type, 72);
AT(infermem_quant_tensors, gptq_version, 76);

SIZE(infermem_view, 96);
AT(infermem_view, dtype, 8);
AT(infermem_view, flags, 12);
AT(infermem_view, n_dims, 16);
AT(infermem_view, reserved, 20);
AT(infermem_view, bytes, 24);
AT(infermem_view, shape, 32);
AT(infermem_view, strides, 64);

/* The function table only grows: the first entries stay where they are. */
AT(infermem_api_table, infermem_version, 8);
AT(infermem_api_table, infermem_error_detail, 24);
AT(infermem_api_table, tape_new, 88);
AT(infermem_api_table, tape_alloc, 104);
AT(infermem_api_table, layout_new, 240);
AT(infermem_api_table, layout_stat_text, 312);
#endif

int main(void) {
  puts("struct layout: as pinned");
  return 0;
}
