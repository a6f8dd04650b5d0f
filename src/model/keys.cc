#include "model/keys.hh"

#include <cmath>
#include <cstdio>

#include "model/reader.hh"

namespace infermem {

bool Keys::find(Names names, Meta *out) const {
  for (int p = 0; p < n_prefixes_; ++p)
    for (const char *const name : names) {
      Key key;
      std::snprintf(key.text, sizeof key.text, "%s%s", prefixes_[p], name);
      size_t i;
      if (!contents_->metas.find(key.text, &i)) continue;
      *out = contents_->metas.at(i);
      return true;
    }
  return false;
}

Keys::Key Keys::key(const char *name) const {
  Key key;
  std::snprintf(key.text, sizeof key.text, "%s%s", prefixes_[0], name);
  return key;
}

Status Keys::bad_type(const Meta &meta, const char *wanted, Found *found) {
  *found = Found::kBad;
  return warn("the value of \"%s\" is %s, not %s", meta.key.text, name_of_meta(meta.type), wanted);
}

Status Keys::bad_value(const Meta &meta, const Integer &value, uint64_t most, Found *found) {
  *found = Found::kBad;
  if (value.is_negative)
    return warn("\"%s\" has %lld, which is negative", meta.key.text, static_cast<long long>(value.value));
  return warn("\"%s\" has %llu, above the limit of %llu", meta.key.text, wide(value.value), wide(most));
}

Status Keys::number(Names names, uint64_t most, uint64_t *out, Found *found) {
  Meta meta = {};
  *found = Found::kNo;
  if (!find(names, &meta)) return INFERMEM_OK;
  // In a config.json, what the model's class works out.
  if (meta.type == INFERMEM_META_STRING && Name{meta.bytes, static_cast<size_t>(meta.count)} == "auto")
    return INFERMEM_OK;
  if (!is_integer(meta.type)) return bad_type(meta, "an integer", found);
  const Integer value = integer_at(meta.type, meta.bytes);
  if (value.is_negative || value.value > most) return bad_value(meta, value, most, found);
  *found = Found::kYes;
  *out = value.value;
  return INFERMEM_OK;
}

Status Keys::number(Names names, uint64_t most, uint64_t *out) {
  Found found;
  return number(names, most, out, &found);
}

Status Keys::real(Names names, double *out, Found *found) {
  Meta meta = {};
  *found = Found::kNo;
  if (!find(names, &meta)) return INFERMEM_OK;
  double value;
  if (contents_->format != Format::kGguf && is_integer(meta.type))  // JSON's 10000 is the same as 10000.0
    value = static_cast<double>(static_cast<int64_t>(integer_at(meta.type, meta.bytes).value));
  else if (!float_of(meta, &value))
    return bad_type(meta, "an f32 or f64", found);
  if (!std::isfinite(value) || value < 0) {
    *found = Found::kBad;
    return warn("\"%s\" is negative or not finite", meta.key.text);
  }
  *found = Found::kYes;
  *out = value;
  return INFERMEM_OK;
}

Status Keys::boolean(Names names, bool *out) {
  Meta meta = {};
  Found found;
  if (!find(names, &meta)) return INFERMEM_OK;
  if (meta.type != INFERMEM_META_BOOL) return bad_type(meta, "a bool", &found);
  *out = *meta.bytes != 0;
  return INFERMEM_OK;
}

bool Keys::text(Names names, Name *out) const {
  Meta meta = {};
  if (!find(names, &meta) || meta.type != INFERMEM_META_STRING) return false;
  *out = {meta.bytes, static_cast<size_t>(meta.count)};
  return true;
}

Status Keys::numbers(Names names, uint64_t most, uint64_t n, uint64_t *out, Series *by_layer, Found *found) {
  Meta meta = {};
  if (find(names, &meta) && meta.type == INFERMEM_META_ARRAY) return array(meta, most, n, out, by_layer, found);
  return number(names, most, out, found);
}

Status Keys::array(const Meta &meta, uint64_t most, uint64_t n, uint64_t *out, Series *by_layer, Found *found) {
  if (!is_integer(meta.element_type) && meta.element_type != INFERMEM_META_BOOL)
    return bad_type(meta, "an array of integers", found);
  if (meta.count != n || n == 0) {
    *found = Found::kBad;
    return warn("\"%s\" has %llu values, for %llu layers", meta.key.text, wide(meta.count), wide(n));
  }
  const size_t size = size_of_meta(meta.element_type);
  char bytes[4096];
  const uint64_t batch = sizeof bytes / size;
  uint64_t least = UINT64_MAX, top = 0;
  INFERMEM_TRY(by_layer->resize(n, 0));
  for (uint64_t first = 0; first < n; first += batch) {
    const size_t count = static_cast<size_t>(std::min(batch, n - first));
    INFERMEM_TRY(contents_->metas.elements(meta, first, count, bytes));
    for (size_t i = 0; i < count; ++i) {
      const Integer value = integer_at(meta.element_type, bytes + i * size);
      if (value.is_negative || value.value > most) {
        by_layer->clear();
        return bad_value(meta, value, most, found);
      }
      by_layer->set(first + i, value.value);
      least = std::min(least, value.value);
      top = std::max(top, value.value);
    }
  }
  *found = Found::kYes;
  *out = top;
  if (least == top || meta.element_type == INFERMEM_META_BOOL) return INFERMEM_OK;
  return warn("\"%s\" is not the same in all layers: %llu to %llu; the largest is taken", meta.key.text, wide(least),
              wide(top));
}

Strings::Strings(const Meta &meta) {
  if (meta.type != INFERMEM_META_ARRAY || meta.element_type != INFERMEM_META_STRING) return;
  at_ = meta.bytes;
  left_ = at_ ? meta.count : 0;
}

bool Strings::next(Name *out) {
  if (left_ == 0) return false;
  --left_;
  const auto length = static_cast<size_t>(load_le<uint64_t>(at_));
  *out = {at_ + sizeof(uint64_t), length};
  at_ += sizeof(uint64_t) + length;
  return true;
}

bool operator==(const Name &name, const char *text) {
  return name.length == std::strlen(text) && std::memcmp(name.text, text, name.length) == 0;
}

}  // namespace infermem
