#include "tool.hh"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "print.hh"

namespace tool {

void fail(int status, const std::string &message) { throw Failure{status, message}; }

namespace {

void check(int32_t status, const std::string &about, int exit_status) {
  if (status == INFERMEM_OK) return;
  const infermem_error &error = *infermem_error_detail();
  fail(exit_status, (about.empty() ? "" : printable(about) + ": ") + printable(error.message));
}

}  // namespace

void check(int32_t status, const std::string &about) { check(status, about, kFailed); }

void check_asked(int32_t status, const std::string &about) {
  const bool is_refused = status == INFERMEM_E_ARG || status == INFERMEM_E_UNSUPPORTED || status == INFERMEM_E_SHAPE ||
                          status == INFERMEM_E_OVERFLOW;
  check(status, about, is_refused ? kUsage : kFailed);
}

Model open_model(const std::string &path, uint32_t flags) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = flags;
  infermem_model *model = nullptr;
  check(model_open(path.c_str(), &options, &model), path);
  return Model(model);
}

Arguments::Arguments(int argc, char **argv, const std::vector<Option> &options) {
  std::vector<Option> all = options;
  all.insert(all.end(), {{"json", 0, false}, {"help", 'h', false}, {"color", 0, true}});
  const auto take = [&](const Option &option, const std::string &shown, const char *attached, int *i) {
    if (!option.takes_value) {
      if (attached) fail(kUsage, shown + " takes no value");
      given_.emplace_back(option.name, "");
      return;
    }
    if (!attached && *i + 1 == argc) fail(kUsage, shown + " takes a value");
    given_.emplace_back(option.name, attached ? attached : argv[++*i]);
  };
  bool only_operands = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (only_operands || word.size() < 2 || word[0] != '-') {
      operands_.push_back(word);
    } else if (word == "--") {
      only_operands = true;
    } else {
      const bool is_long = word[1] == '-';
      const size_t equals = is_long ? word.find('=') : std::string::npos;
      const std::string name = is_long ? word.substr(2, equals - 2) : word.substr(1, 1);
      const auto option = std::find_if(all.begin(), all.end(), [&](const Option &o) {
        return is_long ? name == o.name : o.letter != 0 && name[0] == o.letter;
      });
      if (option == all.end()) fail(kUsage, "there is no option " + printable(word));
      const char *attached = nullptr;
      if (equals != std::string::npos) attached = argv[i] + equals + 1;
      if (!is_long && word.size() > 2) attached = argv[i] + 2;
      take(*option, is_long ? "--" + name : "-" + name, attached, &i);
    }
  }
  const std::string colour = text("color", "auto");
  if (colour != "auto" && colour != "always" && colour != "never")
    fail(kUsage, "--color takes auto, always or never, not \"" + printable(colour) + "\"");
  set_colour(colour);
}

const std::string *Arguments::find(const std::string &option) const {
  for (auto i = given_.rbegin(); i != given_.rend(); ++i)  // the last one counts
    if (i->first == option) return &i->second;
  return nullptr;
}

uint64_t Arguments::number(const std::string &option, uint64_t otherwise, uint64_t least, uint64_t most) const {
  const std::string *const given = find(option);
  if (!given) return otherwise;
  char *end = nullptr;
  const bool digits = !given->empty() && (*given)[0] >= '0' && (*given)[0] <= '9';
  unsigned long long value = digits ? std::strtoull(given->c_str(), &end, 10) : 0;
  const bool thousands = digits && (*end == 'k' || *end == 'K');
  if (thousands) {
    value = value > most / 1024 ? most + 1 : value * 1024;
    ++end;
  }
  if (!digits || *end != '\0' || value < least || value > most)
    fail(kUsage, format("--%s is a number from %llu to %llu, not \"%s\"", option.c_str(),
                        static_cast<unsigned long long>(least), static_cast<unsigned long long>(most),
                        printable(*given).c_str()));
  return value;
}

std::string Arguments::text(const std::string &option, const std::string &otherwise) const {
  const std::string *const given = find(option);
  return given ? *given : otherwise;
}

const std::vector<std::string> &Arguments::operands(size_t n, const char *what) const {
  if (operands_.size() != n) fail(kUsage, format("it takes %s", what));
  return operands_;
}

uint64_t parse_bytes(const std::string &text) {
  char *end = nullptr;
  const bool is_decimal = text.find_first_of("xX") == std::string::npos;  // which strtod would take, too
  const double value = !text.empty() && is_decimal && ((text[0] >= '0' && text[0] <= '9') || text[0] == '.')
                           ? std::strtod(text.c_str(), &end)
                           : -1.0;
  if (value >= 0) {
    static const char letters[] = "KMGT";
    double unit = 1;
    if (*end != '\0') {
      const char letter = static_cast<char>(*end >= 'a' ? *end - 'a' + 'A' : *end);
      if (const char *const at = std::strchr(letters, letter)) {
        for (const char *p = letters; p <= at; ++p) unit *= 1024;
        ++end;
        if (*end == 'i') ++end;
      }
      if (*end == 'B') ++end;
    }
    if (*end == '\0' && value * unit >= 1 && value * unit < 0x1p63) return static_cast<uint64_t>(value * unit);
  }
  fail(kUsage, "\"" + printable(text) + "\" is no size like 24G, 1536M or 1000000");
}

int32_t parse_dtype(const std::string &text) {
  std::string upper = text;
  for (char &c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  for (int32_t type = 0; type < 64; ++type)
    if (upper == infermem_dtype_name(type)) return type;
  fail(kUsage, "\"" + printable(text) + "\" is no type like f16 or q8_0");
}

}  // namespace tool
