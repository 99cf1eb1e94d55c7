//! Reads which paths a Rust source names, without a parser: comments and
//! literals are skipped, `use` trees are unfolded, and `self`, `super` and
//! inline modules are followed, so that no way of writing a path hides it.

/// One piece of source that matters to a path.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Sep,
    Mark(char),
}

/// A path as it stands in the source, on the line where it starts.
///
/// Paths into the crate start with `crate`, whatever way they were written.
#[derive(Debug, PartialEq)]
pub struct Name {
    pub line: usize,
    pub path: Vec<String>,
}

/// The words of `source` (keywords and identifiers) with their lines.
pub fn words(source: &str) -> Vec<(usize, String)> {
    tokens(source)
        .into_iter()
        .filter_map(|(line, token)| match token {
            Token::Word(word) => Some((line, word)),
            _ => None,
        })
        .collect()
}

/// The paths that `source` names, where `module` is the file's own module
/// path below the crate's root.
pub fn names(source: &str, module: &[&str]) -> Vec<Name> {
    let tokens = tokens(source);
    let mut reader =
        Reader { tokens: &tokens, module: module.iter().map(ToString::to_string).collect(), found: Vec::new() };
    reader.read();
    reader.found
}

struct Reader<'a> {
    tokens: &'a [(usize, Token)],
    /// Grows and shrinks with inline modules.
    module: Vec<String>,
    found: Vec<Name>,
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        let mut depth = 0;
        let mut inline_modules = Vec::new();
        while at < self.tokens.len() {
            match &self.tokens[at].1 {
                // `use<'a>` is a bound, not an import.
                Token::Word(word) if word == "use" && !self.is_mark(at + 1, '<') => {
                    at = self.read_use_tree(at + 1, Vec::new());
                }
                Token::Word(word) if word == "extern" && self.is_word(at + 1, "crate") => {
                    at = self.read_use_tree(at + 2, Vec::new());
                }
                Token::Word(word) if word == "mod" && self.is_mark(at + 2, '{') => {
                    if let Some(name) = self.word(at + 1) {
                        self.module.push(name.to_string());
                        inline_modules.push(depth);
                    }
                    at += 2;
                }
                Token::Word(_) => at = self.read_path(at),
                Token::Mark('{') => {
                    depth += 1;
                    at += 1;
                }
                Token::Mark('}') => {
                    depth -= 1;
                    if inline_modules.last() == Some(&depth) {
                        inline_modules.pop();
                        self.module.pop();
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads `word::word::…` and returns where it ends.
    fn read_path(&mut self, start: usize) -> usize {
        let mut path = Vec::new();
        let mut at = start;
        while let Some(word) = self.word(at) {
            path.push(word.to_string());
            if self.tokens.get(at + 1).map(|token| &token.1) != Some(&Token::Sep) {
                at += 1;
                break;
            }
            at += 2;
        }
        let is_path = at > start + 1;
        let is_method = start > 0 && self.is_mark(start - 1, '.');
        // `<T as Trait>::Name` continues a type; there is no crate in it.
        let continues = start > 1 && self.tokens[start - 1].1 == Token::Sep && self.is_mark(start - 2, '>');
        if is_path && !is_method && !continues {
            self.keep(start, path);
        }
        at.max(start + 1)
    }

    /// Reads one branch of a `use` tree below `prefix`, and returns where it ends.
    fn read_use_tree(&mut self, start: usize, mut path: Vec<String>) -> usize {
        let mut at = start;
        loop {
            match self.tokens.get(at).map(|token| &token.1) {
                Some(Token::Sep) => at += 1,
                Some(Token::Mark('*')) => {
                    path.push("*".to_string());
                    self.keep(start, path);
                    return at + 1;
                }
                Some(Token::Mark('{')) => {
                    at += 1;
                    while at < self.tokens.len() && !self.is_mark(at, '}') {
                        at = if self.is_mark(at, ',') { at + 1 } else { self.read_use_tree(at, path.clone()) };
                    }
                    return at + 1;
                }
                Some(Token::Word(word)) if word == "as" => {
                    self.keep(start, path);
                    return at + 2;
                }
                // `{self}` stands for the prefix itself.
                Some(Token::Word(word)) if word == "self" && !path.is_empty() => at += 1,
                Some(Token::Word(word)) => {
                    path.push(word.clone());
                    at += 1;
                }
                _ => {
                    self.keep(start, path);
                    // Always forward, whatever stands here.
                    return at.max(start + 1);
                }
            }
        }
    }

    /// Notes a path, written from the crate's root where it leads into the crate.
    fn keep(&mut self, at: usize, path: Vec<String>) {
        let mut path = path.as_slice();
        let mut base = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            Some(_) => {
                let line = self.tokens[at].0;
                let path = path.to_vec();
                return self.found.push(Name { line, path });
            }
            None => return,
        };
        while let Some(first) = path.first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            path = &path[1..];
        }
        let root = std::iter::once("crate".to_string());
        let path = root.chain(base).chain(path.iter().cloned()).collect();
        self.found.push(Name { line: self.tokens[at].0, path });
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.word(at) == Some(word)
    }

    fn is_mark(&self, at: usize, mark: char) -> bool {
        matches!(self.tokens.get(at), Some((_, Token::Mark(found))) if *found == mark)
    }
}

/// Cuts a source into tokens; comments, strings, characters and lifetimes go.
fn tokens(source: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = source.chars().collect();
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        match chars[at] {
            '/' if peek(at + 1) == '/' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '/' if peek(at + 1) == '*' => at = end_of_block_comment(&chars, at),
            '"' => at = end_of_string(&chars, at),
            '\'' if peek(at + 1) == '\\' || peek(at + 2) == '\'' => {
                at += if peek(at + 1) == '\\' { 3 } else { 2 };
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
                at += 1;
            }
            // A lifetime or a label.
            '\'' => at = end_of_word(&chars, at + 1),
            ':' if peek(at + 1) == ':' => {
                tokens.push((line, Token::Sep));
                at += 2;
            }
            first if is_word_char(first) => {
                at = end_of_word(&chars, at);
                let word: String = chars[start..at].iter().collect();
                let raw = matches!(word.as_str(), "r" | "br" | "cr");
                if raw && peek(at) == '#' && is_word_char(peek(at + 1)) {
                    at += 1; // `r#type`: the word follows.
                } else if raw && matches!(peek(at), '"' | '#') {
                    at = end_of_raw_string(&chars, at);
                } else {
                    tokens.push((line, Token::Word(word)));
                }
            }
            // One mark, so that the path in `-> ::image::X` is seen to start.
            '-' | '=' if peek(at + 1) == '>' => {
                tokens.push((line, Token::Mark('→')));
                at += 2;
            }
            space if space.is_whitespace() => at += 1,
            mark => {
                tokens.push((line, Token::Mark(mark)));
                at += 1;
            }
        }
        let end = at.min(chars.len());
        line += chars[start..end].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn end_of_word(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && is_word_char(chars[at]) {
        at += 1;
    }
    at
}

/// Block comments nest.
fn end_of_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    at += 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `at` stands on the first `#` or on the quote.
fn end_of_raw_string(chars: &[char], mut at: usize) -> usize {
    let mut hashes = 0;
    while chars.get(at) == Some(&'#') {
        (hashes, at) = (hashes + 1, at + 1);
    }
    at += 1;
    while at < chars.len() {
        let closes = chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        at += 1;
        if closes {
            return at + hashes;
        }
    }
    at
}
