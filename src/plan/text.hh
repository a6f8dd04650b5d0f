// A plan as text.
#pragma once

#include "base/writer.hh"
#include "plan/plan.hh"

namespace infermem {

void write_table(const Plan &plan, bool is_utf8, Writer &out);
void write_json(const Plan &plan, Writer &out);

// A table of what was planned and what was measured, a row at a time.
class Audit {
 public:
  Audit(const Plan &plan, Writer &out);
  void row(const infermem_plan_measure &measure);
  void end();

 private:
  const Plan &plan_;
  Writer &out_;
  size_t name_width_;
  const char *worst_ = nullptr;
  uint64_t worst_apart_ = 0;
};

// "FULL_CACHE", "exact", …: the words of plan_json.
const char *mode_word(int32_t mode);
const char *confidence_word(uint32_t confidence);
const char *profile_word(uint32_t profile);

}  // namespace infermem
