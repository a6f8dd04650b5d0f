// infermem: the library's work, asked for on a command line.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "print.hh"
#include "tool.hh"

namespace {

struct Command {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *synopsis;
  const char *what;
};

constexpr Command kCommands[] = {
    {"plan", tool::run_plan, "plan MODEL [--device auto|24G,24G] [--ctx N] [--kv-type q8_0] …", "will it fit, and how"},
    {"inspect", tool::run_inspect, "inspect MODEL [--tensors] [--metadata] [--layers]", "what a model file says"},
    {"probe", tool::run_probe, "probe", "which devices there are, and the host's memory"},
    {"quantize", tool::run_quantize, "quantize MODEL -o FOLDER [--bits 4] [--group 64] …",
     "quantize a model's matrices, and tell the errors"},
    {"verify", tool::run_verify, "verify FILE…", "whether saved files are undamaged"},
    {"bench", tool::run_bench, "bench [--seconds S]", "how fast this machine runs the kernels"},
};

void print_usage(std::FILE *to) {
  std::fprintf(to, "usage: infermem COMMAND [OPTION…] [OPERAND…]\n\n");
  for (const Command &command : kCommands) std::fprintf(to, "  %-9s %s\n", command.name, command.what);
  std::fprintf(to, "\ninfermem COMMAND --help tells a command's options; man infermem tells everything.\n");
}

// The status, where everything could be written.
int finish(const char *who, int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  std::fprintf(stderr, "%s: the output could not be written\n", who);
  return tool::kFailed;
}

int run(const Command &command, int argc, char **argv) {
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    if (std::strcmp(argv[i], "--help") != 0 && std::strcmp(argv[i], "-h") != 0) continue;
    std::printf(
        "usage: infermem %s [--json] [--color auto|always|never]\n\nIt tells %s. man infermem has the options.\n",
        command.synopsis, command.what);
    return finish("infermem", tool::kDone);
  }
  int status = tool::kFailed;
  try {
    status = command.run(argc, argv);
  } catch (const tool::Failure &failure) {
    std::fprintf(stderr, "infermem %s: %s\n", command.name, failure.message.c_str());
    if (failure.status == tool::kUsage) std::fprintf(stderr, "usage: infermem %s\n", command.synopsis);
    return failure.status;
  } catch (const std::exception &failure) {  // memory is out
    std::fprintf(stderr, "infermem %s: %s\n", command.name, failure.what());
    return tool::kFailed;
  }
  return finish(("infermem " + std::string(command.name)).c_str(), status);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stderr);
    return tool::kUsage;
  }
  const char *const name = argv[1];
  if (std::strcmp(name, "--version") == 0) {
    std::printf("infermem %s\n", infermem_version_string());
    return finish("infermem", tool::kDone);
  }
  if (std::strcmp(name, "--help") == 0 || std::strcmp(name, "-h") == 0 || std::strcmp(name, "help") == 0) {
    print_usage(stdout);
    return finish("infermem", tool::kDone);
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too large is one that cannot be written
  for (const Command &command : kCommands)
    if (std::strcmp(name, command.name) == 0) return run(command, argc - 1, argv + 1);
  std::fprintf(stderr, "infermem: there is no command %s\n", tool::printable(name).c_str());
  print_usage(stderr);
  return tool::kUsage;
}
