/* Views as DLPack tensors: every function of infermem/dlpack.h. */
#include "support.h"

/* The layout that DLPack 1.x publishes, with its names, which must not meet those of infermem.h. */
typedef struct {
  uint32_t major, minor;
} DLPackVersion;
typedef struct {
  int32_t device_type, device_id;
} DLDevice;
typedef struct {
  uint8_t code, bits;
  uint16_t lanes;
} DLDataType;
typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;
typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours)
#define SAME(ours, field, theirs, its) _Static_assert(offsetof(ours, field) == offsetof(theirs, its), #ours "." #field)
SAME_SIZE(infermem_dlpack_tensor, DLTensor);
SAME(infermem_dlpack_tensor, data, DLTensor, data);
SAME(infermem_dlpack_tensor, device_type, DLTensor, device.device_type);
SAME(infermem_dlpack_tensor, device_id, DLTensor, device.device_id);
SAME(infermem_dlpack_tensor, n_dims, DLTensor, ndim);
SAME(infermem_dlpack_tensor, type_code, DLTensor, dtype.code);
SAME(infermem_dlpack_tensor, type_bits, DLTensor, dtype.bits);
SAME(infermem_dlpack_tensor, type_lanes, DLTensor, dtype.lanes);
SAME(infermem_dlpack_tensor, shape, DLTensor, shape);
SAME(infermem_dlpack_tensor, strides, DLTensor, strides);
SAME(infermem_dlpack_tensor, byte_offset, DLTensor, byte_offset);
SAME_SIZE(infermem_dlpack_unversioned, DLManagedTensor);
SAME(infermem_dlpack_unversioned, tensor, DLManagedTensor, dl_tensor);
SAME(infermem_dlpack_unversioned, manager, DLManagedTensor, manager_ctx);
SAME(infermem_dlpack_unversioned, deleter, DLManagedTensor, deleter);
SAME_SIZE(infermem_dlpack, DLManagedTensorVersioned);
SAME(infermem_dlpack, version_major, DLManagedTensorVersioned, version.major);
SAME(infermem_dlpack, version_minor, DLManagedTensorVersioned, version.minor);
SAME(infermem_dlpack, manager, DLManagedTensorVersioned, manager_ctx);
SAME(infermem_dlpack, deleter, DLManagedTensorVersioned, deleter);
SAME(infermem_dlpack, flags, DLManagedTensorVersioned, flags);
SAME(infermem_dlpack, tensor, DLManagedTensorVersioned, dl_tensor);

/* A dense matrix of 2 x 3, made by hand. */
static infermem_view matrix(void *data, int32_t dtype, int64_t element) {
  infermem_view view = {.data = data, .dtype = dtype, .n_dims = 2, .bytes = 6 * (uint64_t)element};
  view.shape[0] = 2;
  view.shape[1] = 3;
  view.shape[2] = view.shape[3] = 1;
  view.strides[0] = 3 * element;
  view.strides[1] = element;
  return view;
}

static infermem_dlpack *tensor_of(const infermem_view *view) {
  infermem_dlpack *tensor = NULL;
  assert_ok(infermem_view_dlpack(view, NULL, &tensor));
  return tensor;
}

static infermem_dlpack_unversioned *unversioned_of(const infermem_view *view) {
  infermem_dlpack_unversioned *tensor = NULL;
  assert_ok(infermem_view_dlpack_unversioned(view, NULL, &tensor));
  return tensor;
}

static void assert_matrix(const infermem_dlpack_tensor *tensor, const void *data, int code, int bits) {
  assert_ptr_equal(tensor->data, data);
  assert_int_equal(tensor->device_type, 1);
  assert_int_equal(tensor->device_id, 0);
  assert_int_equal(tensor->n_dims, 2);
  assert_int_equal(tensor->type_code, code);
  assert_int_equal(tensor->type_bits, bits);
  assert_int_equal(tensor->type_lanes, 1);
  assert_int_equal(tensor->shape[0], 2);
  assert_int_equal(tensor->shape[1], 3);
  assert_int_equal(tensor->strides[0], 3);
  assert_int_equal(tensor->strides[1], 1);
  assert_int_equal(tensor->byte_offset, 0);
}

static void every_plain_type_has_its_code_and_its_bits(void **state) {
  (void)state;
  static const struct {
    int32_t dtype;
    int code, bits;
  } types[] = {{INFERMEM_DTYPE_F64, 2, 64}, {INFERMEM_DTYPE_F32, 2, 32},  {INFERMEM_DTYPE_F16, 2, 16},
               {INFERMEM_DTYPE_I8, 0, 8},   {INFERMEM_DTYPE_BF16, 4, 16}, {INFERMEM_DTYPE_I16, 0, 16},
               {INFERMEM_DTYPE_I32, 0, 32}, {INFERMEM_DTYPE_I64, 0, 64}};
  double data[6];
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const infermem_view view = matrix(data, types[i].dtype, types[i].bits / 8);
    infermem_dlpack *tensor = tensor_of(&view);
    assert_int_equal(tensor->version_major, 1);
    assert_int_equal(tensor->version_minor, 0);
    assert_int_equal(tensor->flags, 0);
    assert_matrix(&tensor->tensor, data, types[i].code, types[i].bits);
    tensor->deleter(tensor);
    infermem_dlpack_unversioned *old = unversioned_of(&view);
    assert_matrix(&old->tensor, data, types[i].code, types[i].bits);
    old->deleter(old);
  }
}

static void a_caches_keys_are_a_read_only_tensor_of_the_same_memory(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = 2;
  options.n_kv_heads = 3;
  options.head_dim = 5;
  options.max_tokens = 4;
  options.k_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  const float rows[2][15] = {{1}, {2}};
  for (size_t layer = 0; layer < 2; layer++) assert_ok(kv_append(kv, layer, rows[0], 30, rows[0], 30, 2));
  assert_ok(kv_advance(kv, 2));
  infermem_view view;
  assert_ok(kv_keys(kv, 1, &view));
  infermem_dlpack *tensor = tensor_of(&view);
  memset(&view, 0xee, sizeof view); /* the tensor needs the memory, not the record of it */
  assert_int_equal(tensor->flags, 1);
  assert_int_equal(tensor->tensor.shape[0], 2);
  assert_int_equal(tensor->tensor.shape[1], 15);
  assert_int_equal(tensor->tensor.strides[0], 15);
  assert_int_equal(((const uint16_t *)tensor->tensor.data)[15], 0x4000);
  tensor->deleter(tensor);
  assert_ok(kv_keys(kv, 1, &view));
  assert_int_equal(((const uint16_t *)view.data)[15], 0x4000);
  kv_free(kv);
}

static void strides_of_all_kinds_are_told_in_elements(void **state) {
  (void)state;
  float data[64];
  infermem_view view = {.data = data + 40, .n_dims = 4, .shape = {2, 3, 1, 5}, .strides = {-64, 8, 0, 4}};
  infermem_dlpack *tensor = tensor_of(&view);
  const int64_t shape[] = {2, 3, 1, 5}, strides[] = {-16, 2, 0, 1};
  assert_int_equal(tensor->tensor.n_dims, 4);
  assert_memory_equal(tensor->tensor.shape, shape, sizeof shape);
  assert_memory_equal(tensor->tensor.strides, strides, sizeof strides);
  assert_ptr_equal(tensor->tensor.data, data + 40);
  tensor->deleter(tensor);
}

static void an_empty_tensor_has_no_address(void **state) {
  (void)state;
  float data[6];
  for (size_t dimension = 0; dimension < 2; dimension++) {
    infermem_view view = matrix(data, INFERMEM_DTYPE_F32, 4);
    view.shape[dimension] = 0;
    for (int null = 0; null < 2; null++) {
      infermem_dlpack *tensor = tensor_of(&view);
      assert_null(tensor->tensor.data);
      assert_int_equal(tensor->tensor.shape[dimension], 0);
      tensor->deleter(tensor);
      view.data = NULL;
    }
  }
}

static void assert_refused(int32_t code, const infermem_view *view, const infermem_allocator *allocator) {
  struct test_allocator counting;
  test_allocator_init(&counting);
  if (!allocator) allocator = &counting.hook;
  infermem_dlpack *tensor = NULL;
  infermem_dlpack_unversioned *old = NULL;
  assert_fails(code, infermem_view_dlpack(view, allocator, &tensor));
  assert_fails(code, infermem_view_dlpack_unversioned(view, allocator, &old));
  assert_null(tensor);
  assert_null(old);
  assert_int_equal(counting.calls, 0);
}

static void what_dlpack_cannot_say_is_refused(void **state) {
  (void)state;
  float data[6];
  const infermem_view good = matrix(data, INFERMEM_DTYPE_F32, 4);
  infermem_view view = good;
  static const int32_t block_types[] = {INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q6_K,
                                        INFERMEM_DTYPE_MXFP4};
  for (size_t i = 0; i < sizeof block_types / sizeof *block_types; i++) {
    view.dtype = block_types[i];
    assert_refused(INFERMEM_E_UNSUPPORTED, &view, NULL);
    assert_int_equal(infermem_error_detail()->got, view.dtype);
    assert_non_null(strstr(infermem_error_detail()->message, infermem_dtype_name(view.dtype)));
  }
  static const int32_t no_types[] = {-1, 4, 5, 1000, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < sizeof no_types / sizeof *no_types; i++) {
    view.dtype = no_types[i];
    assert_refused(INFERMEM_E_TYPE, &view, NULL);
  }
  static const uint32_t no_dims[] = {0, 5, UINT32_MAX};
  for (size_t i = 0; i < sizeof no_dims / sizeof *no_dims; i++) {
    view = good;
    view.n_dims = no_dims[i];
    assert_refused(INFERMEM_E_SHAPE, &view, NULL);
    assert_int_equal(infermem_error_detail()->got, no_dims[i]);
  }
  static const int64_t no_strides[] = {13, -2, INT64_MAX, INT64_MIN + 1};
  for (size_t i = 0; i < sizeof no_strides / sizeof *no_strides; i++) {
    view = good;
    view.strides[1] = no_strides[i];
    assert_refused(INFERMEM_E_SHAPE, &view, NULL);
    assert_int_equal(infermem_error_detail()->expected, 4);
    assert_non_null(strstr(infermem_error_detail()->message, "strides[1]"));
  }
  view = good;
  view.shape[0] = (uint64_t)1 << 63;
  assert_refused(INFERMEM_E_OVERFLOW, &view, NULL);
  assert_true(infermem_error_detail()->got == view.shape[0]);
  view = good;
  view.data = NULL;
  assert_refused(INFERMEM_E_NULL, &view, NULL);
}

static void what_is_missing_is_told(void **state) {
  (void)state;
  float data[6];
  const infermem_view view = matrix(data, INFERMEM_DTYPE_F32, 4);
  infermem_dlpack *tensor = NULL;
  assert_fails(INFERMEM_E_NULL, infermem_view_dlpack(&view, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, infermem_view_dlpack(NULL, NULL, &tensor));
  assert_fails(INFERMEM_E_NULL, infermem_view_dlpack_unversioned(&view, NULL, NULL));
  assert_refused(INFERMEM_E_NULL, NULL, NULL);
  INFERMEM_STRUCT(infermem_allocator, half);
  assert_refused(INFERMEM_E_ARG, &view, &half);
  half.struct_size = 3;
  assert_refused(INFERMEM_E_STRUCT, &view, &half);
}

static int32_t make_both(const infermem_allocator *allocator) {
  float data[6];
  const infermem_view view = matrix(data, INFERMEM_DTYPE_F32, 4);
  infermem_allocator given = *allocator; /* which is copied: the deleter does not look at it */
  infermem_dlpack *tensor = NULL;
  infermem_dlpack_unversioned *old = NULL;
  int32_t status = infermem_view_dlpack(&view, &given, &tensor);
  if (status == INFERMEM_OK) status = infermem_view_dlpack_unversioned(&view, &given, &old);
  memset(&given, 0, sizeof given);
  if (tensor) tensor->deleter(tensor);
  if (old) old->deleter(old);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(make_both), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_plain_type_has_its_code_and_its_bits),
      cmocka_unit_test(a_caches_keys_are_a_read_only_tensor_of_the_same_memory),
      cmocka_unit_test(strides_of_all_kinds_are_told_in_elements),
      cmocka_unit_test(an_empty_tensor_has_no_address),
      cmocka_unit_test(what_dlpack_cannot_say_is_refused),
      cmocka_unit_test(what_is_missing_is_told),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("dlpack", tests, NULL, NULL);
}
