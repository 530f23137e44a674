//! The choice of classes to detect.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::model::names::Classes;

/// A choice of classes by number or name: `0,2` or `person,car`. Empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassFilter {
    /// The chosen classes, each a name or a number.
    pub words: Vec<String>,
}

impl fmt::Display for ClassFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(","))
    }
}

impl FromStr for ClassFilter {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        Ok(Self { words: words.map(str::to_owned).collect() })
    }
}

impl ClassFilter {
    /// The numbers of the chosen classes; `None` for all. A word is first looked up as a name, then
    /// as a number.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] if the model does not have a class.
    pub(crate) fn resolve(&self, classes: &Classes) -> Result<Option<Vec<usize>>> {
        if self.words.is_empty() {
            return Ok(None);
        }
        self.words.iter().map(|word| find(word, classes)).collect::<Result<_>>().map(Some)
    }
}

fn find(word: &str, classes: &Classes) -> Result<usize> {
    let count = classes.names.len();
    let by_number = || word.parse().ok().filter(|&id: &usize| id < count || count == 0);
    classes.find(word).or_else(by_number).ok_or_else(|| {
        let expected = match count {
            0 => "a number, because the model's classes have no names".to_owned(),
            _ => format!("a number below {count} or one of: {}", some_names(classes)),
        };
        Error::InvalidArgument { what: "class", expected, got: word.into() }
    })
}

/// All class names, or the first ones if there are many.
fn some_names(classes: &Classes) -> String {
    const MAX_NAMES: usize = 100;
    let names: Vec<&str> = classes.names.iter().take(MAX_NAMES).map(|name| &**name).collect();
    let more = if classes.names.len() > MAX_NAMES { ", …" } else { "" };
    names.join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, classes: &Classes, want: Option<&[usize]>) {
        let filter: ClassFilter = text.parse().unwrap();
        assert_eq!(filter.resolve(classes).unwrap().as_deref(), want);
    }

    #[test]
    fn classes_are_chosen_by_name_or_number() {
        let coco = Classes::unnamed(80);
        check("", &coco, None);
        check("0,2", &coco, Some(&[0, 2]));
        check("person, traffic light ,7", &coco, Some(&[0, 9, 7]));
    }

    #[test]
    fn unknown_classes_are_errors_that_list_the_known() {
        let coco = Classes::unnamed(80);
        for word in ["persom", "80", "-1"] {
            let filter: ClassFilter = word.parse().unwrap();
            let text = filter.resolve(&coco).unwrap_err().to_string();
            assert!(text.contains("person") && text.contains(word), "{text}");
        }
    }

    #[test]
    fn unnamed_classes_are_chosen_by_number() {
        check("5", &Classes::unnamed(0), Some(&[5]));
        let filter: ClassFilter = "person".parse().unwrap();
        assert!(filter.resolve(&Classes::unnamed(0)).is_err());
    }
}
