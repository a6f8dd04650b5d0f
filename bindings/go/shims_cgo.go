//go:build cgo && !infermem_purego

package infermem

// #include <infermem.h>
//
// static void dlpack_delete(infermem_dlpack *t) { t->deleter(t); }
// static void dlpack_delete_unversioned(infermem_dlpack_unversioned *t) { t->deleter(t); }
//
// typedef int32_t (*import_function)(const infermem_quant_tensors *, size_t, size_t, const infermem_quant_options *,
//                                    infermem_quant **);
//
// // A struct that points to Go's memory may not be Go's, so it is made here.
// static int32_t quant_import(int which, const void *weights, size_t n_weights, const void *zeros, size_t n_zeros,
//                             const void *scales, size_t n_scales, const void *index, size_t n_index, int32_t type,
//                             uint32_t version, size_t rows, size_t cols, const infermem_quant_options *options,
//                             infermem_quant **out) {
//   static const import_function functions[] = {quant_from_gptq, quant_from_awq, quant_from_hqq};
//   INFERMEM_STRUCT(infermem_quant_tensors, t);
//   t.weights = weights, t.weights_bytes = n_weights, t.zeros = zeros, t.zeros_bytes = n_zeros;
//   t.scales = scales, t.scales_bytes = n_scales, t.group_index = index, t.group_index_bytes = n_index;
//   t.scales_type = type, t.gptq_version = version;
//   return functions[which](&t, rows, cols, options, out);
// }
import "C"

import "unsafe"

func dlpackDelete(t *infermem_dlpack) { C.dlpack_delete((*C.infermem_dlpack)(unsafe.Pointer(t))) }

func dlpackDeleteUnversioned(t *infermem_dlpack_unversioned) {
	C.dlpack_delete_unversioned((*C.infermem_dlpack_unversioned)(unsafe.Pointer(t)))
}

// quantImport is quant_from_gptq, quant_from_awq or quant_from_hqq.
func quantImport(form int, t *QuantTensors, rows, cols uint, options *infermem_quant_options, out **infermem_quant) int32 {
	return int32(C.quant_import(C.int(form), firstByte(t.Weights), C.size_t(len(t.Weights)), firstByte(t.Zeros),
		C.size_t(len(t.Zeros)), firstByte(t.Scales), C.size_t(len(t.Scales)), firstByte(t.GroupIndex),
		C.size_t(len(t.GroupIndex)), C.int32_t(t.ScalesType), C.uint32_t(t.GPTQVersion), C.size_t(rows), C.size_t(cols),
		(*C.infermem_quant_options)(unsafe.Pointer(options)), (**C.infermem_quant)(unsafe.Pointer(out))))
}
