// infermem plan: will a model fit into the memory there is, and how.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

using Plan = std::unique_ptr<infermem_plan, Free<infermem_plan, plan_free>>;

// The words of an option, and their values.
uint32_t choose(const Arguments &arguments, const char *option, const std::map<std::string, uint32_t> &words,
                uint32_t otherwise) {
  const std::string *const given = arguments.find(option);
  if (!given) return otherwise;
  uint32_t result = 0;
  for (size_t at = 0; at <= given->size();) {
    const size_t comma = std::min(given->find(',', at), given->size());
    const auto word = words.find(given->substr(at, comma - at));
    if (word == words.end()) {
      std::string all;
      for (const auto &known : words) all += (all.empty() ? "" : ", ") + known.first;
      fail(kUsage, format("--%s takes %s, not \"%s\"", option, all.c_str(), printable(*given).c_str()));
    }
    result |= word->second;
    at = comma + 1;
  }
  return result;
}

// Those with memory to plan with. One that shares the host's can only be planned with alone.
std::vector<infermem_plan_device> probed_devices(const infermem_device_list *list) {
  std::vector<infermem_plan_device> devices;
  for (size_t i = 0; i < device_count(list); ++i) {
    INFERMEM_STRUCT(infermem_device_facts, facts);
    INFERMEM_STRUCT(infermem_plan_device, device);
    check(device_info(list, i, &facts));
    check(plan_device_from(&facts, &device));
    if (device.free_bytes != 0)
      devices.push_back(device);
    else
      std::fprintf(stderr, "infermem plan: %s is left out: %s; --device gives other sizes\n",
                   facts.name[0] ? printable(facts.name).c_str() : format("device %zu", i).c_str(),
                   facts.free_known ? "none of its memory is free" : "how much of its memory is free is not known");
  }
  const auto shared = std::stable_partition(devices.begin(), devices.end(), [](const infermem_plan_device &d) {
    return (d.flags & INFERMEM_PLAN_DEVICE_UNIFIED) == 0;
  });
  if (devices.size() > 1) devices.resize(std::max<size_t>(static_cast<size_t>(shared - devices.begin()), 1));
  return devices;
}

// "24G,24G"
std::vector<infermem_plan_device> told_devices(const std::string &text) {
  std::vector<infermem_plan_device> devices;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    INFERMEM_STRUCT(infermem_plan_device, device);
    device.total_bytes = device.free_bytes = parse_bytes(text.substr(at, comma - at));
    devices.push_back(device);
    at = comma + 1;
  }
  if (devices.size() > INFERMEM_PLAN_MAX_DEVICES)
    fail(kUsage, format("--device takes up to %d sizes, not %zu", INFERMEM_PLAN_MAX_DEVICES, devices.size()));
  return devices;
}

std::string text_of(const std::function<int32_t(char *, size_t, size_t *)> &write) {
  size_t length = 0;
  check(write(nullptr, 0, &length));
  std::string text(length, '\0');
  check(write(text.data(), length + 1, &length));
  return text;
}

bool terminal_knows_utf8() {
  for (const char *const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char *const value = std::getenv(name);
    if (value && *value) return std::strstr(value, "UTF-8") || std::strstr(value, "utf8");
  }
  return false;
}

infermem_plan_options read_options(const Arguments &arguments) {
  constexpr uint64_t kMost = uint64_t{1} << 31;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = arguments.number("ctx", 0, 1, kMost);
  options.min_context = arguments.number("min-ctx", 0, 1, kMost);
  if (options.context != 0 && options.min_context > options.context) fail(kUsage, "--min-ctx is above --ctx");
  options.n_sequences = arguments.number("sequences", 0, 1, kMost);
  options.ubatch = arguments.number("ubatch", 0, 1, kMost);
  const std::string kv = arguments.text("kv-type", "f16");
  options.k_type = parse_dtype(arguments.text("k-type", kv));
  options.v_type = parse_dtype(arguments.text("v-type", kv));
  options.profile =
      choose(arguments, "profile",
             {{"plain", INFERMEM_PLAN_PLAIN}, {"cells", INFERMEM_PLAN_CELLS}, {"blocks", INFERMEM_PLAN_BLOCKS}},
             INFERMEM_PLAN_PLAIN);
  options.steps = choose(arguments, "allow",
                         {{"none", INFERMEM_PLAN_STEP_NONE},
                          {"kv", INFERMEM_PLAN_STEP_QUANTIZE_KV},
                          {"experts", INFERMEM_PLAN_STEP_HOST_EXPERTS},
                          {"some", INFERMEM_PLAN_STEP_SOME_LAYERS},
                          {"all", INFERMEM_PLAN_STEP_ALL_LAYERS},
                          {"host", INFERMEM_PLAN_STEP_HOST}},
                         0);
  if ((options.steps & INFERMEM_PLAN_STEP_NONE) != 0 && options.steps != INFERMEM_PLAN_STEP_NONE)
    fail(kUsage, "--allow none stands alone");
  options.slots = static_cast<uint32_t>(arguments.number("slots", 0, 2, 4));
  if (arguments.has("no-flash-attention")) options.flags |= INFERMEM_PLAN_NO_FLASH_ATTENTION;
  if (arguments.has("margin")) options.margin_bytes = parse_bytes(arguments.text("margin", ""));
  if (arguments.has("no-margin")) options.flags |= INFERMEM_PLAN_NO_MARGIN;
  if (arguments.has("link")) options.link_bytes_per_s = parse_bytes(arguments.text("link", ""));
  return options;
}

}  // namespace

int run_plan(int argc, char **argv) {
  const Arguments arguments(argc, argv,
                            {{"device", 'd', true},
                             {"host", 0, true},
                             {"ctx", 'c', true},
                             {"min-ctx", 0, true},
                             {"sequences", 'n', true},
                             {"ubatch", 0, true},
                             {"kv-type", 0, true},
                             {"k-type", 0, true},
                             {"v-type", 0, true},
                             {"profile", 'p', true},
                             {"allow", 0, true},
                             {"slots", 0, true},
                             {"no-flash-attention", 0, false},
                             {"margin", 0, true},
                             {"no-margin", 0, false},
                             {"link", 0, true}});
  const std::string path = arguments.operands(1, "one model: a file or a folder")[0];
  infermem_plan_options options = read_options(arguments);
  infermem_device_list *made = nullptr;
  check(device_probe(nullptr, &made));
  const Devices list(made);
  INFERMEM_STRUCT(infermem_host_facts, host);
  check(device_host(list.get(), &host));
  options.host_bytes = arguments.has("host") ? parse_bytes(arguments.text("host", "")) : host.effective_bytes;
  const std::string wanted = arguments.text("device", "auto");
  std::vector<infermem_plan_device> devices;
  if (wanted == "auto")
    devices = probed_devices(list.get());
  else if (wanted != "none")
    devices = told_devices(wanted);
  if (devices.empty() && options.host_bytes == 0)
    fail(kFailed, "the host's memory, which is planned with, is not known: give it with --host");

  const Model model = open_model(path, INFERMEM_MODEL_NO_DATA);
  INFERMEM_STRUCT(infermem_model_config, config);
  check(model_config(model.get(), &config), path);
  check(infermem_config_validate(&config), path);  // so that what is refused below is what was asked for
  infermem_plan *planned = nullptr;
  check_asked(plan_new(model.get(), nullptr, devices.data(), devices.size(), &options, &planned), path);
  const Plan plan(planned);
  const uint32_t flags = terminal_knows_utf8() ? INFERMEM_PLAN_TEXT_UTF8 : 0;
  const std::string text = text_of([&](char *buffer, size_t capacity, size_t *length) {
    return arguments.json() ? plan_json(plan.get(), buffer, capacity, length)
                            : plan_text(plan.get(), flags, buffer, capacity, length);
  });
  const bool fits = plan_mode(plan.get()) != INFERMEM_PLAN_INSUFFICIENT;
  if (arguments.json()) {
    std::fputs(text.c_str(), stdout);
  } else {  // the verdict is the first line
    const size_t end = text.find('\n');
    const std::string verdict = text.substr(0, end);
    std::printf("%s%s", (fits ? good(verdict) : bad(verdict)).c_str(), text.substr(std::min(end, text.size())).c_str());
    for (size_t i = 0; i < model_warning_count(model.get()); ++i)
      std::printf("%s %s\n", bad("warning:").c_str(), printable(model_warning(model.get(), i)).c_str());
  }
  return fits ? kDone : kNo;
}

}  // namespace tool
