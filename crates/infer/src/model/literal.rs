//! A parser for Python literals, which exporters write to a model's metadata:
//! `{0: 'person', 1: "it's"}`.

use std::iter::Peekable;
use std::str::Chars;

/// The deepest nesting: more than exporters write, and too little to overflow the stack.
const MAX_DEPTH: u32 = 8;

/// A Python value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// `True` or `False`.
    Bool(bool),
    /// Any number.
    Number(f64),
    /// Text in either kind of quotes.
    Text(String),
    /// A list or a tuple.
    List(Vec<Literal>),
    /// A dictionary, in the order of the text.
    Dict(Vec<(Literal, Literal)>),
    /// `None`, or a bare word.
    Other(String),
}

impl Literal {
    /// Parses one value; text after it is an error.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.chars().peekable() };
        let value = reader.value(0)?;
        reader.skip_space();
        match reader.rest.next() {
            None => Ok(value),
            Some(extra) => Err(format!("unexpected '{extra}' after the value")),
        }
    }

    /// The value as a non-negative integer below 1e9; `None` if it is not one.
    #[expect(clippy::cast_sign_loss, reason = "checked to be 0 or more")]
    pub(crate) fn as_index(&self) -> Option<usize> {
        match self {
            Self::Number(number) if *number >= 0.0 && number.fract() == 0.0 && *number < 1e9 => {
                Some(*number as usize)
            }
            Self::Text(text) => text.parse().ok().filter(|&number: &usize| number < 1_000_000_000), // keys of JSON objects
            _ => None,
        }
    }
}

/// The parser's position in the text.
struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn value(&mut self, depth: u32) -> Result<Literal, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        self.skip_space();
        match self.rest.peek() {
            None => Err("the text ends where a value was expected".into()),
            Some('{') => self.dict(depth),
            Some('[') => self.list(']', depth),
            Some('(') => self.list(')', depth),
            Some(&quote @ ('\'' | '"')) => self.text(quote).map(Literal::Text),
            Some(_) => self.word(),
        }
    }

    fn dict(&mut self, depth: u32) -> Result<Literal, String> {
        self.rest.next();
        let mut entries = Vec::new();
        while !self.closes('}')? {
            let key = self.value(depth + 1)?;
            self.skip_space();
            if self.rest.next_if_eq(&':').is_none() {
                return Err("':' missing after a key".into());
            }
            entries.push((key, self.value(depth + 1)?));
            self.separator('}')?;
        }
        Ok(Literal::Dict(entries))
    }

    fn list(&mut self, end: char, depth: u32) -> Result<Literal, String> {
        self.rest.next();
        let mut items = Vec::new();
        while !self.closes(end)? {
            items.push(self.value(depth + 1)?);
            self.separator(end)?;
        }
        Ok(Literal::List(items))
    }

    /// Skips the closing bracket if it comes next; returns whether it did.
    fn closes(&mut self, end: char) -> Result<bool, String> {
        self.skip_space();
        match self.rest.peek() {
            None => Err(format!("'{end}' missing at the end")),
            Some(_) => Ok(self.rest.next_if_eq(&end).is_some()),
        }
    }

    /// Skips a comma, which may be missing before the closing bracket.
    fn separator(&mut self, end: char) -> Result<(), String> {
        self.skip_space();
        match self.rest.peek() {
            Some(',') => {
                self.rest.next();
                Ok(())
            }
            Some(&next) if next != end => Err(format!("',' or '{end}' expected, got '{next}'")),
            _ => Ok(()),
        }
    }

    fn text(&mut self, quote: char) -> Result<String, String> {
        self.rest.next();
        let mut text = String::new();
        loop {
            match self.rest.next() {
                None => return Err(format!("{quote} missing at the end of a text")),
                Some('\\') => self.escape(&mut text)?,
                Some(end) if end == quote => return Ok(text),
                Some(other) => text.push(other),
            }
        }
    }

    /// Parses an escape after its backslash. Unknown escapes stay unchanged, as in Python.
    fn escape(&mut self, text: &mut String) -> Result<(), String> {
        match self.rest.next() {
            None => return Err("the text ends after a backslash".into()),
            Some('\n') => {}
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(same @ ('\\' | '\'' | '"')) => text.push(same),
            Some('x') => text.push(self.code(2)?),
            Some('u') => text.push(self.code(4)?),
            Some('U') => text.push(self.code(8)?),
            Some(other) => text.extend(['\\', other]),
        }
        Ok(())
    }

    /// Parses a character code of `digits` hexadecimal digits.
    fn code(&mut self, digits: usize) -> Result<char, String> {
        let code: String = self.rest.by_ref().take(digits).collect();
        let number = u32::from_str_radix(&code, 16)
            .ok()
            .filter(|_| code.len() == digits && code.bytes().all(|b| b.is_ascii_hexdigit()))
            .ok_or_else(|| format!("'{code}' is not a character code"))?;
        Ok(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Parses a number, `True`, `False`, `None`, or an unquoted word.
    fn word(&mut self) -> Result<Literal, String> {
        let mut word = String::new();
        while let Some(next) = self.rest.next_if(|c| !matches!(c, ',' | ':' | ']' | ')' | '}')) {
            word.push(next);
        }
        let word = word.trim();
        Ok(match word {
            "" => return Err("a value is missing".into()),
            "True" | "true" => Literal::Bool(true),
            "False" | "false" => Literal::Bool(false),
            _ => match word.parse() {
                Ok(number) => Literal::Number(number),
                Err(_) => Literal::Other(word.into()),
            },
        })
    }

    fn skip_space(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Literal {
        Literal::Text(text.into())
    }

    fn number(number: f64) -> Literal {
        Literal::Number(number)
    }

    #[track_caller]
    fn check(source: &str, want: Literal) {
        assert_eq!(Literal::parse(source), Ok(want), "{source}");
    }

    #[test]
    fn dictionaries_take_both_quotes() {
        let want = [(0.0, "person"), (1.0, "driver's seat"), (2.0, "a \"b\" 'c'")];
        let want = want.map(|(key, value)| (number(key), text(value)));
        check(
            r#"{0: 'person', 1: "driver's seat", 2: 'a "b" \'c\'',}"#,
            Literal::Dict(want.into()),
        );
    }

    #[test]
    fn lists_numbers_and_words() {
        check(" [640, 640] ", Literal::List(vec![number(640.0), number(640.0)]));
        check("(1,)", Literal::List(vec![number(1.0)]));
        check("True", Literal::Bool(true));
        check("-1.5e3", number(-1500.0));
        check("None", Literal::Other("None".into()));
        check("{}", Literal::Dict(vec![]));
    }

    #[test]
    fn escapes_are_pythons() {
        check(r"'\x41\u00e9\U0001F600\n\\\q'", text("Aé😀\n\\\\q"));
        check(r"'\ud800'", text("\u{fffd}"));
        check("'日本, 語: }'", text("日本, 語: }"));
    }

    #[test]
    fn malformed_text_is_an_error() {
        for broken in [
            "",
            "{",
            "[1",
            "{1}",
            "{1: }",
            "'a",
            "'\\",
            "'\\x4'",
            "'\\x+4'",
            "1 2,",
            "[1 [",
            "{1:2 3:4}x",
        ] {
            assert!(Literal::parse(broken).is_err(), "{broken}");
        }
        assert!(Literal::parse(&"[".repeat(1_000_000)).is_err());
    }

    #[test]
    fn keys_may_be_numbers_or_numeric_strings() {
        assert_eq!(number(7.0).as_index(), Some(7));
        assert_eq!(text("7").as_index(), Some(7));
        assert_eq!(number(-1.0).as_index(), None);
        assert_eq!(number(0.5).as_index(), None);
        assert_eq!(number(1e300).as_index(), None);
        assert_eq!(number(f64::NAN).as_index(), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(source in "[\\[\\]{}(),:'\"\\\\xuU0-9a-z \\n]{0,60}") {
            let _ = Literal::parse(&source);
        }
    }
}
