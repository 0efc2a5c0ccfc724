#include "layers/source_text.h"

#include <algorithm>
#include <cctype>

namespace khronos::layers {
namespace {

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Walks over a text once and copies what is kept.
class Stripper {
  public:
    Stripper(std::string_view text, bool blank_strings)
        : text_(text), blank_strings_(blank_strings) {
        out_.reserve(text.size());
    }

    std::string run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (starts_with("//")) {
                blank_until(text_.find('\n', at_));
            } else if (starts_with("/*")) {
                blank_until(end_after(text_.find("*/", at_ + 2), 2));
            } else if (c == '"' && is_raw_string()) {
                raw_string();
            } else if (c == '"' || (c == '\'' && !is_digit_separator())) {
                quoted(c);
            } else {
                keep();
            }
        }
        return std::move(out_);
    }

  private:
    bool starts_with(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    static std::size_t end_after(std::size_t found, std::size_t length) {
        return found == std::string_view::npos ? found : found + length;
    }
    void keep() { out_ += text_[at_++]; }
    void blank_until(std::size_t end) {
        for (end = std::min(end, text_.size()); at_ < end; ++at_)
            out_ += text_[at_] == '\n' ? '\n' : ' ';
    }
    void keep_or_blank_until(std::size_t end) {
        if (blank_strings_) return blank_until(end);
        for (end = std::min(end, text_.size()); at_ < end;)
            keep();
    }

    // R"...(: the R is copied already.
    bool is_raw_string() const { return at_ > 0 && text_[at_ - 1] == 'R'; }
    void raw_string() {
        const std::size_t open = text_.find('(', at_);
        if (open == std::string_view::npos) return keep();
        const std::string close = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
        keep_or_blank_until(end_after(text_.find(close, open), close.size()));
    }

    // 1'000'000: the word before begins with a digit.
    bool is_digit_separator() const {
        std::size_t begin = at_;
        while (begin > 0 && (is_word(text_[begin - 1]) || text_[begin - 1] == '\''))
            --begin;
        return begin < at_ && std::isdigit(static_cast<unsigned char>(text_[begin])) != 0;
    }

    void quoted(char quote) {
        keep();
        std::size_t end = at_;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n')
            end += text_[end] == '\\' ? 2 : 1;
        keep_or_blank_until(end);
        if (at_ < text_.size()) keep();
    }

    std::string_view text_;
    bool blank_strings_;
    std::size_t at_ = 0;
    std::string out_;
};

std::string_view trim_left(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{} : text.substr(first);
}

}  // namespace

std::string strip_comments(std::string_view text, bool blank_strings) {
    return Stripper(text, blank_strings).run();
}

std::vector<Include> includes_of(std::string_view text) {
    const std::string code = strip_comments(text, false);
    std::vector<Include> found;
    std::string_view rest = code;
    for (int line = 1; !rest.empty(); ++line) {
        std::string_view here = trim_left(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.size(), rest.find('\n') == std::string_view::npos
                                                     ? rest.size()
                                                     : rest.find('\n') + 1));
        if (!here.starts_with('#')) continue;
        here = trim_left(here.substr(1));
        if (!here.starts_with("include")) continue;
        here = trim_left(here.substr(7));
        if (here.empty() || (here[0] != '"' && here[0] != '<')) continue;
        const std::size_t end = here.find(here[0] == '"' ? '"' : '>', 1);
        if (end == std::string_view::npos) continue;
        found.push_back({line, std::string(here.substr(1, end - 1)), here[0] == '"'});
    }
    return found;
}

}  // namespace khronos::layers
