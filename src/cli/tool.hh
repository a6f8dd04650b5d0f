// What the commands share: failures, the library's handles, and what is written where.
//
// The tool is a program like any other on top of the library's public functions: it has the C++ library's runtime, and
// exceptions, which end in one sentence on stderr and an exit status.
#pragma once

#include <infermem.h>

#include <memory>
#include <string>
#include <vector>

namespace tool {

// The exit statuses; the manual page lists them.
enum : int {
  kDone = 0,
  kFailed = 1,  // a file cannot be read, memory is out, ...
  kUsage = 2,   // the command line makes no sense
  kNo = 3,      // the answer is no: it does not fit, it is damaged
};

struct Failure {
  int status;
  std::string message;
};

// Throws where a call of the library failed, with its words.
void check(int32_t status, const std::string &about = {});
// As check(), of a call that is given values from the command line: throws kUsage where it refuses these.
void check_asked(int32_t status, const std::string &about);

[[noreturn]] void fail(int status, const std::string &message);

template <typename T, void (*free)(T *)>
struct Free {
  void operator()(T *p) const { free(p); }
};
using Model = std::unique_ptr<infermem_model, Free<infermem_model, model_free>>;
using Quant = std::unique_ptr<infermem_quant, Free<infermem_quant, quant_free>>;
using Kv = std::unique_ptr<infermem_kv, Free<infermem_kv, kv_free>>;
using Devices = std::unique_ptr<infermem_device_list, Free<infermem_device_list, device_free>>;

Model open_model(const std::string &path, uint32_t flags = 0);

// The command line of one command.
class Arguments {
 public:
  struct Option {
    const char *name;  // "ctx", given as --ctx
    char letter;       // 0 where it has none
    bool takes_value;
  };

  // Throws kUsage for what is none of these. --json, --help and --color are every command's.
  Arguments(int argc, char **argv, const std::vector<Option> &options);

  const std::string *find(const std::string &option) const;  // nullptr where it was not given
  bool has(const std::string &option) const { return find(option) != nullptr; }
  // A number, "1024", "32k" (times 1024), or what is the default.
  uint64_t number(const std::string &option, uint64_t otherwise, uint64_t least, uint64_t most) const;
  std::string text(const std::string &option, const std::string &otherwise) const;
  // What is no option; exactly n of them, called `what` in the complaint.
  const std::vector<std::string> &operands(size_t n, const char *what) const;
  const std::vector<std::string> &operands() const { return operands_; }
  bool json() const { return has("json"); }

 private:
  std::vector<std::pair<std::string, std::string>> given_;
  std::vector<std::string> operands_;
};

// "24G", "1536M", "7.5GiB", "1000000": bytes, at least one: to the library, 0 is not known, or the default. Throws
// kUsage.
uint64_t parse_bytes(const std::string &text);
// "q8_0": INFERMEM_DTYPE_*. Throws kUsage.
int32_t parse_dtype(const std::string &text);

// The commands. Each writes to stdout and returns the exit status.
int run_plan(int argc, char **argv);
int run_inspect(int argc, char **argv);
int run_probe(int argc, char **argv);
int run_quantize(int argc, char **argv);
int run_verify(int argc, char **argv);
int run_bench(int argc, char **argv);

}  // namespace tool
