// bars.h: what the benchmarks must reach, judged after all have run.
//
// A bar compares medians of one run of the program: of a benchmark and a reference measured beside it, or of a
// benchmark and a time. Each file of benchmarks adds its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bench {

// The median time of an iteration in nanoseconds, by the benchmark's name: of the processor, or where the name
// says so, real or manual time. And of its counters, by its name, a colon and the counter's.
using Medians = std::map<std::string, double>;

struct Bar {
  std::string id;    // "A1"
  std::string what;  // what is measured, and against what
  std::string unit;  // of limit and measure: "ns", "x"
  double limit;
  bool at_most;  // met when the measure is at most the limit, else when it is at least that
  std::function<double(const Medians &)> measure;
};

// Of a whole program.
std::vector<Bar> all_bars();

std::vector<Bar> tape_bars();
std::vector<Bar> quant_bars();
std::vector<Bar> products_bars();
std::vector<Bar> block_bars();
std::vector<Bar> kv_bars();
std::vector<Bar> attend_bars();
std::vector<Bar> plan_bars();
std::vector<Bar> dispatch_bars();
std::vector<Bar> neuron_bars();

}  // namespace bench
