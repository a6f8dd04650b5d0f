// infermem.hpp: handles that free themselves, results, spans, texts.
#include <infermem.hpp>

#include <csetjmp>
#include <cstdarg>
#include <cstring>
#include <vector>
extern "C" {
#include <cmocka.h>
}

namespace {

infermem_kv_options cache_options() {
  auto options = infermem::make_struct<infermem_kv_options>();
  options.n_layers = 1;
  options.n_kv_heads = 2;
  options.head_dim = 8;
  options.max_tokens = 4;
  return options;
}

infermem::Kv new_cache() {
  const infermem_kv_options options = cache_options();
  return infermem::Kv::make(&options).value();
}

void handles_move_and_free_what_they_hold(void **) {
  infermem::Kv a = new_cache();
  infermem_kv *const raw = a.get();
  infermem::Kv b = std::move(a);
  assert_false(static_cast<bool>(a));
  assert_ptr_equal(b.get(), raw);
  b = new_cache();
  assert_true(static_cast<bool>(b));
  infermem::Kv c(b.release());
  assert_false(static_cast<bool>(b));
  c.reset();
  assert_false(static_cast<bool>(c));
  infermem::Kv none;
  assert_int_equal(none.len(), 0);
  static_assert(!std::is_copy_constructible_v<infermem::Kv> && std::is_nothrow_move_constructible_v<infermem::Kv>);
}

void results_hold_a_value_or_the_librarys_error(void **) {
  infermem::Kv kv = new_cache();
  const std::vector<float> row(16, 1.0f);
  const float wide[17] = {};
  assert_true(static_cast<bool>(kv.append(0, row, row, 1)));
  assert_true(static_cast<bool>(kv.advance(1)));
  const auto refused = kv.append(0, wide, row, 1);
  assert_false(static_cast<bool>(refused));
  assert_int_equal(refused.error().code, INFERMEM_E_SHAPE);
  assert_non_null(std::strstr(refused.error().message, "17"));
  assert_int_equal(kv.keep(0, 1).value(), 0);
  const infermem_view keys = kv.keys(0).value();
  assert_int_equal(keys.shape[0], 1);
  assert_int_equal(keys.shape[1], 16);
  std::vector<float> out(16);
  assert_true(static_cast<bool>(kv.read(0, INFERMEM_KV_V, 0, 1, out)));
  assert_memory_equal(out.data(), row.data(), sizeof(float) * 16);
#ifdef __cpp_exceptions
  bool thrown = false;
  try {
    kv.truncate(7).value();
  } catch (const infermem::Exception &exception) {
    thrown = exception.error().code == INFERMEM_E_RANGE && std::strstr(exception.what(), "7");
  }
  assert_true(thrown);
#endif
}

void texts_spans_and_pairs_are_results(void **) {
  auto options = infermem::make_struct<infermem_layout_options>();
  options.scratch_size = options.history_size = 1 << 20;
  const infermem::Layout layout = infermem::Layout::make(&options).value();
  assert_string_equal(layout.stat_text().value().c_str(), "weights: 0/0 MB | scratch: 0/1 MB | history: 0/1 MB");

  const infermem::Model model = infermem::Model::open(TEST_DATA "/tiny-llama.gguf").value();
  const size_t index = model.tensor_find("token_embd.weight").value();
  assert_int_equal(model.tensor_info(index).value().shape[1], 128);
  const infermem::Span<const char> name = model.meta_string("general.architecture").value();
  assert_int_equal(name.size(), 5);
  assert_memory_equal(name.data(), "llama", 5);
  const auto missing = model.meta_u64("nothing");
  assert_int_equal(missing.error().code, INFERMEM_E_NOT_FOUND);
  auto wanted = infermem::make_struct<infermem_plan_options>();
  wanted.host_bytes = 1 << 30;
  const infermem::Plan plan = infermem::Plan::make(model.get(), nullptr, {}, &wanted).value();
  assert_int_equal(plan.mode(), INFERMEM_PLAN_HOST);
  assert_int_equal(plan.json().value()[0], '{');

  const std::vector<float> values(32 * 64, 0.5f);
  const infermem::Quant matrix = infermem::Quant::from_f32(values, 32, 64).value();
  const auto [rows, cols] = matrix.shape().value();
  assert_int_equal(rows, 32);
  assert_int_equal(cols, 64);
  const infermem::Quant packed = matrix.pack().value();
  assert_int_equal(packed.layout(), INFERMEM_QUANT_PACKED);
}

void free_functions_are_in_the_namespace(void **) {
  assert_int_equal(infermem::version(), INFERMEM_VERSION_NUMBER);
  assert_int_equal(infermem::dtype_bytes(INFERMEM_DTYPE_Q8_0, 64).value(), 68);
  assert_int_equal(infermem::dtype_bytes(INFERMEM_DTYPE_Q8_0, 63).error().code, INFERMEM_E_SHAPE);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(handles_move_and_free_what_they_hold),
      cmocka_unit_test(results_hold_a_value_or_the_librarys_error),
      cmocka_unit_test(texts_spans_and_pairs_are_results),
      cmocka_unit_test(free_functions_are_in_the_namespace),
  };
  return cmocka_run_group_tests_name("cpp", tests, nullptr, nullptr);
}
