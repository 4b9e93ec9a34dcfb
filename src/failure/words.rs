//! Normalised text: messages and codes as sentences of words, so that one pattern fits every way to write a phrase.
//!
//! Case, punctuation, quotes, addresses and the width of characters make no difference, nor do traditional and
//! simplified characters of the words that patterns use. Words stand between single spaces; Chinese characters stand
//! without spaces. A sentence ends in ` . `.

/// Sentences of words.
#[derive(Default)]
pub(super) struct Words(String);

impl Words {
    /// Appends a message for people.
    pub(super) fn add_text(&mut self, text: &str) {
        for word in text.split_inclusive(char::is_whitespace) {
            if !word.contains("://") {
                self.add_chars(word);
            }
            self.add_space();
        }
        self.end_sentence();
    }

    /// Appends a code as a sentence: `insufficientUserQuota`, `insufficient_user_quota` and the last segment of
    /// `https://example.com/problems/insufficient-user-quota` are the same.
    pub(super) fn add_code(&mut self, code: &str) {
        let name = code.trim_end_matches('/').rsplit(['/', '#']).next().unwrap_or(code);
        let mut previous = ' ';
        for char in name.chars() {
            if char.is_uppercase() && (previous.is_lowercase() || previous.is_ascii_digit()) || char == '_' {
                self.add_space();
            }
            if char != '_' {
                self.push(if char == '.' { ' ' } else { char });
            }
            previous = char;
        }
        self.end_sentence();
    }

    /// Returns the sentences, each with a space at both ends.
    pub(super) fn sentences(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|sentence| !sentence.trim().is_empty())
    }

    /// Returns the whole text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn add_chars(&mut self, word: &str) {
        let mut chars = word.chars().peekable();
        while let Some(char) = chars.next() {
            let ends = chars.peek().is_none_or(|next| next.is_whitespace() || matches!(next, '"' | '\'' | ')' | ']'));
            match char {
                '.' | '!' | '?' | ';' if ends => self.end_sentence(),
                '。' | '！' | '？' | '；' => self.end_sentence(),
                '/' => self.add_text_of_slash(),
                _ => self.push(char),
            }
        }
    }

    /// `1000 calls / month` is `1000 calls per month`.
    fn add_text_of_slash(&mut self) {
        self.add_space();
        self.0.push_str("per ");
    }

    fn push(&mut self, char: char) {
        // Full-width forms stand at the same distance from the ASCII characters.
        let char = match char {
            '\u{ff01}'..='\u{ff5e}' => u32::from(char).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(char),
            _ => char,
        };
        match char {
            '\'' | '’' | '‘' | '`' => {}
            _ if is_ideograph(char) => {
                // No space between an ideograph and what stands before it.
                while self.0.ends_with(' ') && !self.0.ends_with(". ") && self.0.len() > 1 {
                    self.0.pop();
                }
                self.0.push(simplified(char));
            }
            _ if char.is_alphanumeric() || char == '_' => {
                if self.0.is_empty() {
                    self.0.push(' ');
                }
                self.0.extend(char.to_lowercase());
            }
            _ => self.add_space(),
        }
    }

    fn add_space(&mut self) {
        if !self.0.ends_with(' ') && !self.0.chars().next_back().is_some_and(is_ideograph) {
            self.0.push(' ');
        }
    }

    fn end_sentence(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(". ") {
            if !self.0.ends_with(' ') {
                self.0.push(' ');
            }
            self.0.push_str(". ");
        }
    }
}

/// Returns whether `text` contains `pattern` at the bounds of words. In a pattern `*` stands for some words of the same
/// sentence, `(a|b)` for `a` or `b`, and `~` at the end of a word for any ending.
pub(super) fn contains(text: &str, pattern: &str) -> bool {
    starts(text).any(|start| begins(start, pattern))
}

/// Returns the text from each start of a word on.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    let mut previous = ' ';
    text.char_indices().filter_map(move |(at, char)| {
        let is_start = char != ' ' && (previous == ' ' || is_ideograph(char) || is_ideograph(previous));
        previous = char;
        is_start.then(|| text.get(at..)).flatten()
    })
}

/// Words, or Chinese characters, for which `*` stands at most. Without a limit a text that repeats the beginning of a
/// pattern would cost the square of its length, or its cube.
const LONGEST_GAP: usize = 24;

fn begins(text: &str, pattern: &str) -> bool {
    let pattern = pattern.trim_start();
    if pattern.is_empty() {
        return true;
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let sentence = text.split(" . ").next().unwrap_or(text);
        return starts(sentence).take(LONGEST_GAP).any(|start| begins(start, rest)) || rest.trim().is_empty();
    }
    if let Some((alternatives, rest)) = pattern.strip_prefix('(').and_then(|group| group.split_once(')')) {
        return alternatives.split('|').any(|phrase| after(text, phrase).any(|text| begins(text, rest)));
    }
    let (phrase, rest) =
        pattern.split_at_checked(pattern.find(['*', '(']).unwrap_or(pattern.len())).unwrap_or((pattern, ""));
    after(text, phrase.trim_end()).any(|text| begins(text, rest))
}

/// Returns the text behind `phrase` if `text` begins with it.
fn after<'a>(text: &'a str, phrase: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let (words, is_open) = match phrase.strip_suffix('~') {
        Some(words) => (words, true),
        None => (phrase, false),
    };
    let rest = text.strip_prefix(words).and_then(|rest| {
        let first = rest.chars().next();
        let ends_word = first.is_none_or(|char| char == ' ' || is_ideograph(char))
            || words.chars().next_back().is_some_and(is_ideograph);
        match (ends_word, is_open) {
            (true, _) => Some(rest.trim_start()),
            (false, true) => {
                Some(rest.trim_start_matches(|char: char| char != ' ' && !is_ideograph(char)).trim_start())
            }
            (false, false) => None,
        }
    });
    rest.into_iter()
}

fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// Returns the simplified form of the traditional characters that the words of patterns have.
fn simplified(char: char) -> char {
    const PAIRS: &[(char, char)] = &[
        ('額', '额'),
        ('餘', '余'),
        ('達', '达'),
        ('過', '过'),
        ('盡', '尽'),
        ('賬', '账'),
        ('帳', '账'),
        ('戶', '户'),
        ('費', '费'),
        ('無', '无'),
        ('鑰', '钥'),
        ('證', '证'),
        ('驗', '验'),
        ('認', '认'),
        ('權', '权'),
        ('誤', '误'),
        ('錯', '错'),
        ('請', '请'),
        ('週', '周'),
        ('時', '时'),
        ('間', '间'),
        ('鐘', '钟'),
        ('數', '数'),
        ('個', '个'),
        ('會', '会'),
        ('將', '将'),
        ('後', '后'),
        ('於', '于'),
        ('訪', '访'),
        ('問', '问'),
        ('頻', '频'),
        ('並', '并'),
        ('發', '发'),
        ('試', '试'),
        ('當', '当'),
        ('滿', '满'),
        ('禁', '禁'),
        ('凍', '冻'),
        ('結', '结'),
        ('號', '号'),
        ('訂', '订'),
        ('閱', '阅'),
        ('欠', '欠'),
        ('儲', '储'),
        ('值', '值'),
    ];
    PAIRS.iter().find(|(traditional, _)| *traditional == char).map_or(char, |(_, simplified)| *simplified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let mut words = Words::default();
        words.add_text(text);
        words.0
    }

    #[test]
    fn ways_to_write_a_sentence_are_the_same() {
        assert_eq!(words("You’ve  reached your\n\"weekly\" limit!"), " youve reached your weekly limit . ");
        assert_eq!(
            words("limited to 1000 calls / month. See https://a.b/c."),
            " limited to 1000 calls per month . see . "
        );
        assert_eq!(words("已達到 5 小時的使用上限。"), words("已达到5小时的使用上限。"));
        let mut codes = Words::default();
        codes.add_code("https://example.com/problems/quota-exceeded");
        codes.add_code("insufficientUserQuota");
        codes.add_code("insufficient_user_quota");
        assert_eq!(codes.0, " quota exceeded . insufficient user quota . insufficient user quota . ");
    }

    #[test]
    fn patterns_have_gaps_alternatives_and_endings() {
        let text = words("Your account balance is insufficient. Please top up.");
        for fits in ["balance * insufficient", "(credit|balance) is", "insuff~", "account * (enough|insufficient)"] {
            assert!(contains(&text, fits), "{fits}");
        }
        for fits_not in ["insuff", "balance * top up", "ccount balance", "(credit|fund) is"] {
            assert!(!contains(&text, fits_not), "{fits_not}");
        }
        let far = format!("account {}balance", "of somebody ".repeat(LONGEST_GAP));
        assert!(!contains(&words(&far), "account * balance"), "a gap has an end");
        assert!(contains(&words("您的账户余额不足"), "余额 * 不足"));
        assert!(contains(&words("您的账户余额已经不足"), "余额 * 不足"));
    }
}
