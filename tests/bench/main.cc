// Runs all benchmarks on one processor, then prints each bar beside what was measured.
#include <benchmark/benchmark.h>
#include <sched.h>

#include <cstdio>

#include "bars.h"

namespace {

// Shows results as usual, and keeps the medians.
class Collector : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median") continue;
      const std::string name = run.run_name.str();
      medians[name] = nanoseconds(run);
      for (const auto &[counter, value] : run.counters) medians[name + ":" + counter] = value;
    }
    ConsoleReporter::ReportRuns(runs);
  }
  bench::Medians medians;

 private:
  // A run is in a unit of its own. What others take from the processor is no time of ours, but of what more than one
  // thread does, only the time on the wall tells.
  static double nanoseconds(const Run &run) {
    const std::string name = run.run_name.str();
    const bool on_the_wall =
        name.find("/real_time") != std::string::npos || name.find("/manual_time") != std::string::npos;
    return (on_the_wall ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime()) /
           benchmark::GetTimeUnitMultiplier(run.time_unit) * 1e9;
  }
};

// A single thread moves between processors only to lose its caches.
void stay_on_one_processor() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

int main(int argc, char **argv) {
  stay_on_one_processor();
  std::vector<char *> arguments(argv, argv + argc);
  char repetitions[] = "--benchmark_repetitions=9";
  char interleave[] = "--benchmark_enable_random_interleaving=true";
  char aggregates[] = "--benchmark_report_aggregates_only=true";
  char time[] = "--benchmark_min_time=0.05";
  arguments.insert(arguments.begin() + 1, {repetitions, interleave, aggregates, time});
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 1;
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);

  std::printf("\n%-4s %-86s %10s %10s\n", "bar", "what", "wanted", "measured");
  int missed = 0;
  for (const bench::Bar &bar : bench::all_bars()) {
    const double measured = bar.measure(collector.medians);
    const bool met = bar.at_most ? measured <= bar.limit : measured >= bar.limit;
    missed += !met;
    std::printf("%-4s %-86s %2s%5.2f %-2s %7.2f %-2s %s\n", bar.id.c_str(), bar.what.c_str(),
                bar.at_most ? "<=" : ">=", bar.limit, bar.unit.c_str(), measured, bar.unit.c_str(),
                met ? "met" : "NOT MET");
  }
  std::printf("%d not met", missed);
  const auto empty = collector.medians.find("empty_call");
  if (empty != collector.medians.end())
    std::printf("; a call through the shared library that does nothing took %.2f ns", empty->second);
  std::printf("\n");
  return 0;
}
