// Runs a fuzz target over the files of a directory: what the fuzzer once found stays found.
//
//     NAME_replay DIRECTORY [LIST]
//
// A list has a line for each file that is to give a certain status: its name, and the code's, "INFERMEM_E_FORMAT".
#include <infermem.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
// The status of the last input, in targets that have one.
[[gnu::weak]] extern int32_t fuzz_status;

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  std::map<std::string, std::string> expected;
  if (argc > 2) {
    std::ifstream list(argv[2]);
    std::string name, code;
    while (list >> name >> code) expected[name] = code;
    if (expected.empty()) return std::fprintf(stderr, "%s: no such list\n", argv[2]), 1;
  }
  size_t files = 0, refused = 0, wrong = 0;
  for (const auto &entry : std::filesystem::directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    ++files;
    const auto found = expected.find(entry.path().filename());
    if (found == expected.end()) continue;
    const char *const got = infermem_error_name(fuzz_status);
    refused += fuzz_status != INFERMEM_OK;
    if (found->second != got) {
      std::fprintf(stderr, "%s: %s, not %s: %s\n", found->first.c_str(), got, found->second.c_str(),
                   infermem_error_detail()->message);
      ++wrong;
    }
    expected.erase(found);
  }
  for (const auto &[name, code] : expected) std::fprintf(stderr, "%s: no such file\n", name.c_str());
  std::printf("%zu files, %zu refused as they should be\n", files, refused - wrong);
  return files == 0 || wrong != 0 || !expected.empty();  // a corpus that is not found is no success
}
