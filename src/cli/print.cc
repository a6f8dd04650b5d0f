#include "print.hh"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace tool {
namespace {

bool coloured = false;

std::string paint(const char *code, const std::string &text) {
  return coloured ? "\x1b[" + std::string(code) + "m" + text + "\x1b[0m" : text;
}

// The places that a text takes: not those of colours, and one for a character of several bytes.
size_t width_of(const std::string &text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b')
      i = text.find('m', i);
    else
      width += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
  }
  return width;
}

// The bytes of the character of UTF-8 that begins there, above 127; 0 where none does.
size_t character_length(const std::string &text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const size_t more = byte(0) >= 0xf0 ? 3 : byte(0) >= 0xe0 ? 2 : 1;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || at + more >= text.size()) return 0;
  for (size_t i = 1; i <= more; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool is_long = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool is_none = (byte(0) == 0xed && byte(1) > 0x9f) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return is_long || is_none ? 0 : more + 1;
}

}  // namespace

std::string format(const char *pattern, ...) {
  std::va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  std::string result(static_cast<size_t>(std::vsnprintf(nullptr, 0, pattern, arguments)), '\0');
  std::vsnprintf(result.data(), result.size() + 1, pattern, again);
  va_end(again);
  va_end(arguments);
  return result;
}

std::string bytes(uint64_t n) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(n);
  size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < sizeof units / sizeof *units) value /= 1024.0, ++unit;
  return unit == 0 ? format("%.0f B", value) : format("%.*f %s", value < 10 ? 2 : 1, value, units[unit]);
}

std::string printable(const std::string &text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = byte < 0x80 ? 1 : character_length(text, i);
    // Terminals obey U+0080 to U+009F as well, in UTF-8 or as single bytes.
    const bool obeyed = byte < 0x20 || byte == 0x7f || (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0);
    if (length == 0 || obeyed) {
      result += format("\\x%02x", byte);
      continue;
    }
    result += text.substr(i, length);
    i += length - 1;
  }
  return result;
}

void set_colour(const std::string &when) {
  const char *const no = std::getenv("NO_COLOR");
  coloured = when == "always" || (when != "never" && isatty(STDOUT_FILENO) && (!no || *no == '\0'));
}

std::string bold(const std::string &text) { return paint("1", text); }
std::string good(const std::string &text) { return paint("1;32", text); }
std::string bad(const std::string &text) { return paint("1;31", text); }
std::string faint(const std::string &text) { return paint("2", text); }

std::string bar(double part, size_t width) {
  const auto full = static_cast<size_t>(std::lround(std::clamp(part, 0.0, 1.0) * static_cast<double>(width)));
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

Table::Table(const std::vector<std::string> &titles) {
  for (const std::string &title : titles) {
    right_.push_back(!title.empty() && title[0] == '>');
    titles_.push_back(bold(right_.back() ? title.substr(1) : title));
  }
}

void Table::print() const {
  std::vector<std::vector<std::string>> all{titles_};
  all.insert(all.end(), rows_.begin(), rows_.end());
  std::vector<size_t> widths(titles_.size());
  for (const auto &row : all)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto &row : all) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width_of(row[i]), ' ');
      if (i != 0) line += "  ";
      line += right_[i] ? pad + row[i] : row[i] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

Progress::Progress(uint64_t total) : total_(total), visible_(isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  if (shown_) std::fprintf(stderr, "\r\x1b[K");
}

void Progress::show(uint64_t done, const std::string &what) {
  if (!visible_) return;
  shown_ = true;
  const double part = total_ == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(total_);
  std::fprintf(stderr, "\r\x1b[K%s %3.0f %%  %.40s", bar(part, 30).c_str(), part * 100, printable(what).c_str());
}

void Json::separate() {
  if (!first_) text_ += ',';
  first_ = false;
}

Json &Json::raw(const std::string &text) {
  separate();
  text_ += text;
  return *this;
}

Json &Json::open(char bracket) {
  raw(std::string(1, bracket));
  first_ = true;
  return *this;
}

Json &Json::close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

Json &Json::key(const std::string &name) {
  value(name);
  text_ += ':';
  first_ = true;
  return *this;
}

// Bytes above 127 are kept: names of files and tensors are UTF-8 where they are not ASCII, and what is not is replaced.
Json &Json::value(const std::string &text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      quoted += '\\';
      quoted += text[i];
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += format("\\u%04x", byte);
    } else if (byte < 0x80) {
      quoted += text[i];
    } else {
      const size_t length = character_length(text, i);
      quoted += length != 0 ? text.substr(i, length) : "\\ufffd";
      if (length != 0) i += length - 1;
    }
  }
  return raw(quoted + '"');
}

Json &Json::value(double n) { return raw(std::isfinite(n) ? format("%.17g", n) : "null"); }

void Json::print() const { std::printf("%s\n", text_.c_str()); }

}  // namespace tool
