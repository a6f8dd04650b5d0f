// What people read: sizes with their unit, tables whose columns line up, bars, a line of progress; and what machines read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tool {

// "7.30 GiB", "921.5 KiB", "17 B".
std::string bytes(uint64_t n);
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
// What a terminal would obey, made visible.
std::string printable(const std::string &text);

// Colours, on a terminal and where NO_COLOR is not set, or as --color says: "auto", "always", "never".
void set_colour(const std::string &when);
std::string bold(const std::string &text);
std::string good(const std::string &text);
std::string bad(const std::string &text);
std::string faint(const std::string &text);

// A bar of `width` places, `part` of it full.
std::string bar(double part, size_t width);

// Rows of cells; columns are as wide as their widest cell, numbers to the right.
class Table {
 public:
  // A title that begins with '>' is that of a column of numbers.
  explicit Table(const std::vector<std::string> &titles);
  void add(const std::vector<std::string> &cells) { rows_.push_back(cells); }
  void print() const;

 private:
  std::vector<std::string> titles_;
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

// A line on stderr that shows how far long work has come; nothing where stderr is no terminal.
class Progress {
 public:
  explicit Progress(uint64_t total);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  void show(uint64_t done, const std::string &what);

 private:
  uint64_t total_;
  bool visible_;
  bool shown_ = false;
};

// JSON, built up in order. Names and strings are escaped.
class Json {
 public:
  Json &begin_object() { return open('{'); }
  Json &end_object() { return close('}'); }
  Json &begin_array() { return open('['); }
  Json &end_array() { return close(']'); }
  Json &key(const std::string &name);
  Json &value(const std::string &text);
  Json &value(const char *text) { return value(std::string(text)); }
  Json &value(uint64_t n) { return raw(std::to_string(n)); }
  Json &value(int64_t n) { return raw(std::to_string(n)); }
  Json &value(int32_t n) { return raw(std::to_string(n)); }
  Json &value(uint32_t n) { return raw(std::to_string(n)); }
  Json &value(double n);  // all its digits; null where it is no number, or infinite
  Json &value(bool b) { return raw(b ? "true" : "false"); }
  Json &null() { return raw("null"); }
  template <typename T>
  Json &field(const std::string &name, const T &v) {
    return key(name).value(v);
  }
  const std::string &text() const { return text_; }
  void print() const;

 private:
  Json &open(char bracket);
  Json &close(char bracket);
  Json &raw(const std::string &text);
  void separate();

  std::string text_;
  bool first_ = true;
};

}  // namespace tool
