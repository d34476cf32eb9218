//! A query as it may be kept: what it does, without what it was asked about.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

use projection::Projection;

use crate::sources;

/// The most that is kept of a query, in characters.
const CHARS_MAX: usize = 2_000;

const KEYWORDS: &str = "abort action add after all alter always analyze and as asc attach autoincrement before begin \
between by cascade case cast check collate column commit conflict constraint create cross current current_date \
current_time current_timestamp database default deferrable deferred delete desc detach distinct do drop each else end \
escape except exclude exclusive exists explain fail filter first following for foreign from full generated glob group \
groups having if ignore immediate in index indexed initially inner insert instead intersect into is isnull join key \
last left like limit match materialized natural no not nothing notnull null nulls of offset on or order others outer \
over partition plan pragma preceding primary query raise range recursive references regexp reindex release rename \
replace restrict returning right rollback row rows savepoint select set table temp temporary then ties to transaction \
trigger true false unbounded union unique update using vacuum values view virtual when where window with without \
nocase rtrim binary integer text real numeric blob count sum avg min max total abs round substr length lower upper \
coalesce ifnull iif nullif date time datetime julianday strftime unixepoch json_extract json_each json_tree printf \
format row_number rank dense_rank lag lead first_value last_value ntile group_concat string_agg key value merchant";

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| KEYWORDS.split_whitespace().collect());

/// A word of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    /// A string, a number, bytes.
    Literal,
    /// A name, quoted or not.
    Name(&'t str),
    /// Anything else but white space and comments.
    Sign(&'t str),
}

/// The query with every literal replaced by `?`, and every name that neither SQL nor the read models know by `n1`,
/// `n2`, …: a name may be anything somebody typed.
pub fn shape(text: &str, projections: &[Arc<dyn Projection>]) -> String {
    let sources = sources(projections);
    let mut known: HashSet<String> = sources.iter().map(|source| source.name.to_owned()).collect();
    known.extend(sources.iter().flat_map(|source| source.headings()).map(|heading| heading.name));
    known.extend(["sys_projection", "sys_rebuild", "sys_column"].map(str::to_owned));
    let mut others: HashMap<String, usize> = HashMap::new();
    let mut kept = String::new();
    let mut words = String::new();
    for token in tokens(text) {
        words.clear();
        match token {
            Token::Literal => words.push('?'),
            Token::Sign(sign) => words.push_str(sign),
            Token::Name(name) => {
                let lower = name.to_ascii_lowercase();
                if KNOWN.contains(lower.as_str()) || known.contains(&lower) {
                    words.push_str(name);
                } else {
                    let next = others.len() + 1;
                    words = format!("n{}", others.entry(lower).or_insert(next));
                }
            }
        }
        if kept.chars().count() + words.chars().count() > CHARS_MAX {
            kept.push_str(" …");
            break;
        }
        if is_apart(&kept, &words) {
            kept.push(' ');
        }
        kept.push_str(&words);
    }
    kept
}

/// Whether a space stands between what is kept and the next token.
fn is_apart(kept: &str, next: &str) -> bool {
    let (Some(before), Some(after)) = (kept.chars().next_back(), next.chars().next()) else { return false };
    let operator = |c: char| "=<>|-+*/%!&~".contains(c);
    !(matches!(before, '(' | '.')
        || matches!(after, ')' | ',' | ';' | '.')
        || after == '(' && (before.is_alphanumeric() || before == '_')
        || operator(before) && operator(after))
}

/// How many statements a text has, those without a word left out.
pub(super) fn statements(text: &str) -> usize {
    let all: Vec<Token<'_>> = tokens(text).collect();
    all.split(|token| *token == Token::Sign(";")).filter(|statement| !statement.is_empty()).count()
}

/// Whether a text begins as a query does. What else it holds, the authorizer sees.
pub(super) fn is_query(text: &str) -> bool {
    let begins = ["select", "with", "values"];
    matches!(tokens(text).next(), Some(Token::Name(word)) if begins.contains(&word.to_ascii_lowercase().as_str()))
}

/// A message without words that hold several digits: a query may ask about a phone number.
pub(super) fn without_digits(message: &str) -> String {
    let hidden = |word: &str| word.chars().filter(char::is_ascii_digit).count() > 3;
    let shown = |word: &str| if hidden(word) { "…".to_owned() } else { word.to_owned() };
    message.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = skip_blank(rest);
        let first = rest.chars().next()?;
        let (token, length) = match first {
            '\'' => (Token::Literal, quoted(rest, '\'')),
            'x' | 'X' if rest[1..].starts_with('\'') => (Token::Literal, 1 + quoted(&rest[1..], '\'')),
            '"' | '`' => {
                let length = quoted(rest, first);
                (Token::Name(rest[..length].trim_matches(first)), length)
            }
            '[' => {
                let length = rest.find(']').map_or(rest.len(), |end| end + 1);
                (Token::Name(rest[..length].trim_start_matches('[').trim_end_matches(']')), length)
            }
            c if c.is_ascii_digit() => {
                (Token::Literal, while_true(rest, |c| c.is_alphanumeric() || c == '.' || c == '_'))
            }
            c if c.is_alphabetic() || c == '_' || !c.is_ascii() => {
                let length =
                    while_true(rest, |c| c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii());
                (Token::Name(&rest[..length]), length)
            }
            c => (Token::Sign(&rest[..c.len_utf8()]), c.len_utf8()),
        };
        rest = &rest[length..];
        Some(token)
    })
}

/// White space and comments left out, as SQLite does: a comment that is not ended goes on to the end.
fn skip_blank(mut rest: &str) -> &str {
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        rest = if let Some(line) = trimmed.strip_prefix("--") {
            line.find('\n').map_or("", |end| &line[end..])
        } else if let Some(block) = trimmed.strip_prefix("/*") {
            block.find("*/").map_or("", |end| &block[end + 2..])
        } else {
            return trimmed;
        };
    }
}

/// The length of what is quoted at the beginning. A doubled quote is none.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn while_true(text: &str, test: impl Fn(char) -> bool) -> usize {
    text.find(|c| !test(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_kept_without_what_it_was_asked_about() {
        let kept = |text: &str| shape(text, &[]);
        assert_eq!(
            kept("SELECT  a FROM b -- 13800138000\nWHERE c='x''y' AND d = 13800138000"),
            "SELECT n1 FROM n2 WHERE n3 = ? AND n4 = ?"
        );
        assert_eq!(kept("select x'ab', \"张三\", [k], `13800138000` /* open"), "select ?, n1, n2, n3");
        assert_eq!(
            kept("select count(*)>=1 , a.b||'x' from(t)"),
            "select count(*) >= ?, n1.n2 || ? from(n3)"
        );
        assert_eq!(kept("SELECT 1 AS ABCD2345EFGH, ABCD2345EFGH"), "SELECT ? AS n1, n1");
        assert!(kept(&"SELECT 'a' ".repeat(2_000)).chars().count() < 2_010);
        assert_eq!(without_digits("no such column: 13800138000"), "no such column: …");
    }

    #[test]
    fn statements_are_counted_as_sqlite_reads_them() {
        for (text, count) in
            [("", 0), (";; ;", 0), ("SELECT 1;", 1), ("SELECT ';'; -- ;", 1), ("a;b", 2), ("a/*;*/;/*;", 1)]
        {
            assert_eq!(statements(text), count, "{text}");
        }
    }
}
