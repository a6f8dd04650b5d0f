// The bars of the program that measures the shared library.
#include "bars.h"

std::vector<bench::Bar> bench::all_bars() {
  std::vector<Bar> bars;
  for (const auto &more : {tape_bars(), quant_bars(), products_bars(), block_bars(), kv_bars(), attend_bars(),
                           neuron_bars(), dispatch_bars(), plan_bars()})
    bars.insert(bars.end(), more.begin(), more.end());
  return bars;
}
